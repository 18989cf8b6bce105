// OAuth 2: RFC 6749, 7009, 7636, 7662, 8414, 9126 and 9207.

import { strict as assert } from "node:assert";
import * as oauth from "oauth4webapi";
import { settings, visit } from "../scenarios.mjs";
import {
  SCOPE,
  discovered,
  introspected,
  known,
  loopback,
  refreshed,
  request,
  server,
  signedIn,
} from "./client.mjs";

export default {
  async "the server is discovered, the same by both of its documents"() {
    assert.deepEqual(await discovered("oauth2"), server);
    assert.equal(server.issuer, settings.issuer);
    assert.equal(server.authorization_response_iss_parameter_supported, true);
    assert.deepEqual(server.code_challenge_methods_supported, ["S256"]);
  },

  async "a code with PKCE becomes tokens which are refreshed"() {
    const who = settings.clients.confidential;
    const tokens = await signedIn(who);
    const next = await refreshed(known(who), tokens.refresh_token);
    assert.equal(tokens.scope, SCOPE);
    assert.notEqual(next.refresh_token, tokens.refresh_token);
  },

  async "a client without a secret signs in and refreshes"() {
    const who = settings.clients.secretless;
    const bare = [{ client_id: who.client_id }, oauth.None()];
    const tokens = await signedIn(who, bare);
    const next = await refreshed(bare, tokens.refresh_token);
    assert.notEqual(next.refresh_token, tokens.refresh_token);
  },

  async "a client gets a token for itself, by secret in the header or in the body"() {
    const who = settings.clients.confidential;
    const client = { client_id: who.client_id };
    for (const method of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
      const response = await oauth.clientCredentialsGrantRequest(
        server, client, method(who.client_secret), { scope: "episode:read" }, loopback,
      );
      const tokens = await oauth.processClientCredentialsResponse(server, client, response);
      assert.equal(tokens.scope, "episode:read");
    }
  },

  async "a request is pushed"() {
    const who = settings.clients.pushing;
    const [client, authentication] = known(who);
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const pushed = await oauth.processPushedAuthorizationResponse(
      server,
      client,
      await oauth.pushedAuthorizationRequest(
        server, client, authentication, await request(who, verifier, state), loopback,
      ),
    );
    const url = new URL(server.authorization_endpoint);
    url.searchParams.set("client_id", client.client_id);
    url.searchParams.set("request_uri", pushed.request_uri);
    const parameters = oauth.validateAuthResponse(server, client, await visit(url), state);
    assert.ok(parameters.get("code"));
  },

  async "a token is introspected and revoked"() {
    const who = settings.clients.confidential;
    const [client, authentication] = known(who);
    const tokens = await signedIn(who);
    const live = await introspected(known(who), tokens.access_token);
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(
        server, client, authentication, tokens.refresh_token, loopback,
      ),
    );
    const dead = await introspected(known(who), tokens.access_token);
    assert.equal(live.sub, who.user_id);
    assert.equal(live.iss, settings.issuer);
    assert.deepEqual({ ...dead }, { active: false });
  },

  async "an answer of another issuer, or of none, is refused by the library"() {
    const who = settings.clients.confidential;
    const [client] = known(who);
    const url = new URL(server.authorization_endpoint);
    url.search = new URLSearchParams(
      await request(who, oauth.generateRandomCodeVerifier(), "a state"),
    );
    const callback = await visit(url);
    oauth.validateAuthResponse(server, client, callback, "a state");
    for (const change of [(q) => q.set("iss", "https://other.example"), (q) => q.delete("iss")]) {
      const changed = new URL(callback);
      change(changed.searchParams);
      assert.throws(() => oauth.validateAuthResponse(server, client, changed, "a state"), /iss/);
    }
  },

  async "refusals are the library's own errors"() {
    const who = settings.clients.confidential;
    await assert.rejects(refreshed(known(who), "unknown"), {
      error: "invalid_grant",
      status: 400,
    });
    await assert.rejects(refreshed(known({ ...who, client_secret: "wrong" }), "unknown"), {
      status: 401,
      cause: [{ scheme: "basic", parameters: { realm: "mithril", charset: "UTF-8" } }],
    });
  },
};
