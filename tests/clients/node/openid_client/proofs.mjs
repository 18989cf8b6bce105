// Clients that prove who they are by a key, and tokens bound to one: RFC 7523, RFC 9449, FAPI 2.0.

import { strict as assert } from "node:assert";
import * as client from "openid-client";
import { settings, visit } from "../scenarios.mjs";
import { SCOPE, configured, request, signedIn } from "./client.mjs";

function imported({ private_jwk }) {
  const algorithm =
    private_jwk.alg === "ES256"
      ? { name: "ECDSA", namedCurve: "P-256" }
      : { name: "RSA-PSS", hash: "SHA-256" };
  return crypto.subtle.importKey("jwk", private_jwk, algorithm, false, ["sign"]);
}

async function byKey(who, metadata) {
  const key = { key: await imported(who), kid: who.private_jwk.kid };
  return configured({ client_id: who.client_id }, client.PrivateKeyJwt(key), metadata);
}

export default {
  async "a client proves who it is by its key"() {
    for (const who of [settings.clients.keyed, settings.clients.keyed_rsa]) {
      const config = await byKey(who);
      const own = await client.clientCredentialsGrant(config, { scope: "episode:read" });
      const tokens = await signedIn(config, who);
      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
      const live = await client.tokenIntrospection(config, refreshed.access_token);
      await client.tokenRevocation(config, refreshed.refresh_token);
      const dead = await client.tokenIntrospection(config, refreshed.access_token);
      assert.equal(own.scope, "episode:read");
      assert.deepEqual([live.active, dead.active], [true, false]);
    }
  },

  async "a client with another key is refused"() {
    const { keyed, keyed_rsa } = settings.clients;
    const config = await byKey({ ...keyed, private_jwk: keyed_rsa.private_jwk });
    await assert.rejects(client.clientCredentialsGrant(config), { status: 401 });
  },

  async "tokens are bound to a key, with the nonce that the server wants"() {
    const who = settings.clients.confidential;
    const config = await configured(who);
    for (const alg of ["ES256", "PS256", "Ed25519"]) {
      const keys = await client.randomDPoPKeyPair(alg);
      const DPoP = client.getDPoPHandle(config, keys);
      const { parameters, checks } = await request(who, {
        dpop_jkt: await DPoP.calculateThumbprint(),
      });
      const callback = await visit(client.buildAuthorizationUrl(config, parameters));
      const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, {
        DPoP,
      });
      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, {
        DPoP,
      });
      const live = await client.tokenIntrospection(config, refreshed.access_token);
      assert.equal(refreshed.token_type, "dpop");
      assert.equal(live.token_type, "DPoP");
      assert.equal(live.cnf.jkt, await DPoP.calculateThumbprint());
    }
  },

  async "a public client's refresh token is of use to its key alone"() {
    const who = settings.clients.secretless;
    const config = await configured({ client_id: who.client_id }, client.None());
    const [ours, theirs] = await Promise.all([1, 2].map(async () =>
      client.getDPoPHandle(config, await client.randomDPoPKeyPair())));
    const { parameters, checks } = await request(who);
    const callback = await visit(client.buildAuthorizationUrl(config, parameters));
    const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, {
      DPoP: ours,
    });
    await assert.rejects(
      client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: theirs }),
      { status: 400 },
    );
    const mine = { DPoP: ours };
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, mine);
    assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
  },

  async "all that FAPI 2.0 asks: pushed, by key, bound to a key"() {
    const who = settings.clients.strict;
    const config = await byKey(who);
    const options = { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair()) };
    const { parameters, checks } = await request(who, { scope: `openid email ${SCOPE}` });
    const url = await client.buildAuthorizationUrlWithPAR(config, parameters, options);
    const callback = await visit(url);
    const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, options);
    const { sub } = tokens.claims();
    const claims = await client.fetchUserInfo(config, tokens.access_token, sub, options);
    const refreshed = await client.refreshTokenGrant(
      config, tokens.refresh_token, undefined, options,
    );
    assert.equal(tokens.token_type, "dpop");
    assert.equal(refreshed.scope, tokens.scope);
    assert.equal(claims.email, who.email);
    await assert.rejects(client.clientCredentialsGrant(config), { error: "invalid_dpop_proof" });
  },
};
