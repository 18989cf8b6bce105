import grants from "./oauth4webapi/grants.mjs";
import jwts from "./oauth4webapi/jwts.mjs";
import openid from "./oauth4webapi/openid.mjs";
import proofs from "./oauth4webapi/proofs.mjs";
import { run } from "./scenarios.mjs";

await run({ ...grants, ...openid, ...proofs, ...jwts });
