// Clients that prove who they are by a key, and tokens bound to one: RFC 7523, RFC 9449.

import { strict as assert } from "node:assert";
import * as oauth from "oauth4webapi";
import { settings } from "../scenarios.mjs";
import { introspected, known, loopback, server } from "./client.mjs";

async function ownToken([client, authentication], options = {}) {
  const response = await oauth.clientCredentialsGrantRequest(
    server, client, authentication, { scope: "episode:read" }, { ...loopback, ...options },
  );
  return oauth.processClientCredentialsResponse(server, client, response);
}

export default {
  async "a client proves who it is by its key"() {
    const who = settings.clients.keyed;
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const key = await crypto.subtle.importKey("jwk", who.private_jwk, algorithm, false, ["sign"]);
    const byKey = [{ client_id: who.client_id }, oauth.PrivateKeyJwt(key)];
    const tokens = await ownToken(byKey);
    const live = await introspected(byKey, tokens.access_token);
    assert.equal(live.client_id, who.client_id);
  },

  async "the server asks for its nonce in a proof, and gets it"() {
    const who = settings.clients.confidential;
    const [client, authentication] = known(who);
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
    const first = await ownToken([client, authentication], { DPoP }).catch((error) => error);
    assert.ok(oauth.isDPoPNonceError(first), String(first));
    const tokens = await ownToken([client, authentication], { DPoP });
    assert.equal(tokens.token_type, "dpop");
    const live = await introspected(known(who), tokens.access_token);
    assert.equal(live.cnf.jkt, await DPoP.calculateThumbprint());
  },
};
