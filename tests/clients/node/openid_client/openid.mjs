// OpenID Connect: who signed in.

import { strict as assert } from "node:assert";
import * as client from "openid-client";
import { settings, visit } from "../scenarios.mjs";
import { configured, request } from "./client.mjs";

// The same with OpenID Connect: the library checks signature, issuer, audience and nonce.
async function known(config, who, but = {}) {
  const nonce = client.randomNonce();
  const asked = { scope: "openid email profile episode:read", nonce, ...but };
  const { parameters, checks } = await request(who, asked);
  const callback = await visit(client.buildAuthorizationUrl(config, parameters));
  return client.authorizationCodeGrant(config, callback, {
    ...checks,
    expectedNonce: nonce,
    idTokenExpected: true,
    maxAge: but.max_age && Number(but.max_age),
  });
}

export default {
  async "an ID token is validated, with its signature, and comes anew with a refresh"() {
    const who = settings.clients.confidential;
    const config = await configured(who);
    const tokens = await known(config, who, { max_age: "3600" });
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
    const [first, second] = [tokens.claims(), refreshed.claims()];
    assert.equal(first.sub, who.user_id);
    assert.equal(second.sub, who.user_id);
    assert.equal(second.auth_time, first.auth_time);
    assert.deepEqual(first.amr, ["pwd"]);
  },

  async "ID tokens are signed by the algorithm that a client is registered for"() {
    for (const [alg, who] of Object.entries(settings.clients_by_alg)) {
      const metadata = { id_token_signed_response_alg: alg };
      const config = await configured(who, undefined, metadata);
      const tokens = await known(config, who);
      const header = JSON.parse(Buffer.from(tokens.id_token.split(".")[0], "base64url"));
      assert.equal(header.alg, alg);
    }
  },

  async "the user's claims are fetched"() {
    const who = settings.clients.confidential;
    const config = await configured(who);
    const tokens = await known(config, who);
    const { sub } = tokens.claims();
    const claims = await client.fetchUserInfo(config, tokens.access_token, sub);
    assert.equal(claims.email, who.email);
    await assert.rejects(client.fetchUserInfo(config, "unknown", sub), { status: 401 });
  },

  async "a user is signed out and sent back, by the client's id or by its ID token"() {
    const who = settings.clients.confidential;
    const config = await configured(who);
    await known(config, who);
    const parameters = { post_logout_redirect_uri: who.home, state: "a&b" };
    const url = client.buildEndSessionUrl(config, parameters);
    assert.equal(String(await visit(url)), `${who.home}?state=a%26b`);
    const { id_token } = await known(config, who);
    const hinted = client.buildEndSessionUrl(config, { ...parameters, id_token_hint: id_token });
    hinted.searchParams.delete("client_id");
    assert.equal(String(await visit(hinted)), `${who.home}?state=a%26b`);
  },

  async "an introspection is signed"() {
    const who = settings.clients["jwt PS256"];
    const metadata = { introspection_signed_response_alg: "PS256" };
    const config = await configured(who, undefined, metadata);
    const tokens = await client.clientCredentialsGrant(config, { scope: "episode:read" });
    const live = await client.tokenIntrospection(config, tokens.access_token);
    assert.equal(live.client_id, who.client_id);
  },
};
