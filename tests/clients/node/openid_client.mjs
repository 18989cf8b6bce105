import grants from "./openid_client/grants.mjs";
import proofs from "./openid_client/proofs.mjs";
import { run } from "./scenarios.mjs";

await run({ ...grants, ...proofs });
