// oauth4webapi 3, as its manual says.

import { strict as assert } from "node:assert";
import * as oauth from "oauth4webapi";
import { run, settings, visit } from "./scenarios.mjs";

const SCOPE = "episode:read episode:write";
// Loopback speaks http, which the library refuses unless it is told otherwise.
const loopback = { [oauth.allowInsecureRequests]: true };

async function discovered(algorithm = "oauth2") {
  const issuer = new URL(settings.issuer);
  const response = await oauth.discoveryRequest(issuer, { algorithm, ...loopback });
  return oauth.processDiscoveryResponse(issuer, response);
}

const server = await discovered();

function known(who) {
  return [{ client_id: who.client_id }, oauth.ClientSecretBasic(who.client_secret)];
}

async function request(who, verifier, state) {
  return {
    client_id: who.client_id,
    redirect_uri: who.redirect_uri,
    response_type: "code",
    scope: SCOPE,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
  };
}

async function signedIn(who, [client, authentication] = known(who)) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams(await request(who, verifier, state));
  const parameters = oauth.validateAuthResponse(server, client, await visit(url), state);
  const response = await oauth.authorizationCodeGrantRequest(
    server, client, authentication, parameters, who.redirect_uri, verifier, loopback,
  );
  return oauth.processAuthorizationCodeResponse(server, client, response);
}

async function refreshed([client, authentication], token) {
  const response = await oauth.refreshTokenGrantRequest(
    server, client, authentication, token, loopback,
  );
  return oauth.processRefreshTokenResponse(server, client, response);
}

async function introspected([client, authentication], token, options = {}) {
  const response = await oauth.introspectionRequest(
    server, client, authentication, token, { ...loopback, ...options },
  );
  return oauth.processIntrospectionResponse(server, client, response);
}

await run({
  async "the server is discovered"() {
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
});
