import grants from "./openid_client/grants.mjs";
import openid from "./openid_client/openid.mjs";
import proofs from "./openid_client/proofs.mjs";
import { run } from "./scenarios.mjs";

await run({ ...grants, ...openid, ...proofs });
