// OAuth 2: RFC 6749, 7009, 7636, 7662, 9126 and 9207.

import { strict as assert } from "node:assert";
import * as client from "openid-client";
import { settings, visit } from "../scenarios.mjs";
import { SCOPE, configured, request, signedIn } from "./client.mjs";

export default {
  async "a code with PKCE is exchanged, by the metadata of RFC 8414 alone"() {
    const who = settings.clients.confidential;
    const config = await configured(who, undefined, {}, {
      algorithm: "oauth2",
      execute: [client.allowInsecureRequests],
    });
    const tokens = await signedIn(config, who);
    assert.equal(tokens.token_type, "bearer");
    assert.equal(tokens.scope, SCOPE);
    assert.ok(tokens.expiresIn() > 3500);
  },

  async "a client without a secret signs in and refreshes"() {
    const who = settings.clients.secretless;
    const config = await configured({ client_id: who.client_id }, client.None());
    const tokens = await signedIn(config, who);
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
    assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
  },

  async "a retried refresh gives the same successor"() {
    const who = settings.clients.confidential;
    const config = await configured(who);
    const tokens = await signedIn(config, who);
    const [one, other] = await Promise.all([
      client.refreshTokenGrant(config, tokens.refresh_token),
      client.refreshTokenGrant(config, tokens.refresh_token),
    ]);
    assert.equal(one.refresh_token, other.refresh_token);
    const next = await client.refreshTokenGrant(config, one.refresh_token);
    assert.notEqual(next.refresh_token, one.refresh_token);
  },

  async "a client gets a token for itself, by secret in the header or in the body"() {
    const who = settings.clients.confidential;
    for (const method of [client.ClientSecretBasic, client.ClientSecretPost]) {
      const config = await configured(who, method(who.client_secret));
      const tokens = await client.clientCredentialsGrant(config, { scope: "episode:read" });
      assert.equal(tokens.scope, "episode:read");
    }
  },

  async "a request is pushed"() {
    const who = settings.clients.pushing;
    const config = await configured(who);
    const { parameters, checks } = await request(who);
    const url = await client.buildAuthorizationUrlWithPAR(config, parameters);
    assert.match(url.searchParams.get("request_uri"), /^urn:ietf:params:oauth:request_uri:/);
    const tokens = await client.authorizationCodeGrant(config, await visit(url), checks);
    assert.equal(tokens.scope, SCOPE);
  },

  async "a token is introspected and revoked"() {
    const who = settings.clients.confidential;
    const config = await configured(who);
    const tokens = await signedIn(config, who);
    const live = await client.tokenIntrospection(config, tokens.access_token);
    await client.tokenRevocation(config, tokens.refresh_token);
    const dead = await client.tokenIntrospection(config, tokens.access_token);
    assert.equal(live.active, true);
    assert.equal(live.sub, who.user_id);
    assert.deepEqual({ ...dead }, { active: false });
  },

  async "an answer of another issuer, or of none, is refused by the library"() {
    const who = settings.clients.confidential;
    const config = await configured(who);
    for (const change of [(q) => q.set("iss", "https://other.example"), (q) => q.delete("iss")]) {
      const { parameters, checks } = await request(who);
      const callback = await visit(client.buildAuthorizationUrl(config, parameters));
      change(callback.searchParams);
      await assert.rejects(client.authorizationCodeGrant(config, callback, checks), (error) =>
        /iss/.test(error.cause?.message ?? error.message));
    }
  },

  async "refusals are the library's own errors"() {
    const who = settings.clients.confidential;
    const config = await configured(who);
    await assert.rejects(client.refreshTokenGrant(config, "unknown"), { error: "invalid_grant" });
    await assert.rejects(client.clientCredentialsGrant(config, { scope: "everything" }), {
      error: "invalid_scope",
    });
    const stranger = await configured({ ...who, client_secret: "wrong" });
    await assert.rejects(client.clientCredentialsGrant(stranger), { status: 401 });
    const { parameters, checks } = await request(who);
    const url = client.buildAuthorizationUrl(config, { ...parameters, scope: "everything" });
    const callback = await visit(url);
    await assert.rejects(client.authorizationCodeGrant(config, callback, checks), {
      error: "invalid_scope",
    });
  },
};
