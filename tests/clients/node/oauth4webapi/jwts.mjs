// JWTs that others read: access tokens (RFC 9068) and introspections (RFC 9701).

import { strict as assert } from "node:assert";
import * as oauth from "oauth4webapi";
import { settings } from "../scenarios.mjs";
import { known, loopback, ownToken, server } from "./client.mjs";

const { resource } = settings;

// What a client sends to the resource.
async function sent(token, options = {}) {
  let request;
  await oauth.protectedResourceRequest(token, "GET", new URL(resource), undefined, undefined, {
    ...options,
    [oauth.customFetch]: async (url, init) => {
      request = new Request(url, init);
      return new Response();
    },
  });
  return request;
}

export default {
  async "a resource validates an access token that is a JWT"() {
    for (const alg of settings.algs) {
      const who = settings.clients[`jwt ${alg}`];
      const tokens = await ownToken(known(who), { resource });
      const request = await sent(tokens.access_token);
      const claims = await oauth.validateJwtAccessToken(server, request, resource, loopback);
      assert.equal(claims.client_id, who.client_id);
      assert.equal(claims.scope, "episode:read");
      const other = "https://other.test";
      await assert.rejects(oauth.validateJwtAccessToken(server, request, other, loopback), /aud/);
    }
  },

  async "a resource validates a JWT that is bound to a key"() {
    const who = settings.clients["jwt ES256"];
    const [client, authentication] = known(who);
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
    const options = { DPoP, resource };
    await ownToken([client, authentication], options).catch(oauth.isDPoPNonceError);
    const tokens = await ownToken([client, authentication], options);
    const request = await sent(tokens.access_token, { DPoP });
    const checks = { ...loopback, requireDPoP: true };
    const claims = await oauth.validateJwtAccessToken(server, request, resource, checks);
    assert.equal(claims.cnf.jkt, await DPoP.calculateThumbprint());
  },

  async "an introspection is signed"() {
    for (const alg of settings.algs) {
      const who = settings.clients[`jwt ${alg}`];
      const [registered, authentication] = known(who);
      const client = { ...registered, introspection_signed_response_alg: alg };
      const tokens = await ownToken(known(who));
      const response = await oauth.introspectionRequest(
        server, client, authentication, tokens.access_token,
        { ...loopback, requestJwtResponse: true },
      );
      const live = await oauth.processIntrospectionResponse(server, client, response);
      await oauth.validateApplicationLevelSignature(server, response, loopback);
      assert.equal(live.active, true);
      assert.equal(live.client_id, who.client_id);
    }
  },
};
