import grants from "./oauth4webapi/grants.mjs";
import proofs from "./oauth4webapi/proofs.mjs";
import { run } from "./scenarios.mjs";

await run({ ...grants, ...proofs });
