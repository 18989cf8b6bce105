// Clients that prove who they are by a key, and tokens bound to one: RFC 7523, RFC 9449.

import { strict as assert } from "node:assert";
import * as oauth from "oauth4webapi";
import { settings, visit } from "../scenarios.mjs";
import { introspected, known, loopback, ownToken, request, server } from "./client.mjs";

async function byKey(who) {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("jwk", who.private_jwk, algorithm, false, ["sign"]);
  return [{ client_id: who.client_id }, oauth.PrivateKeyJwt(key)];
}

// As the manual has it: the library keeps the nonce of a refusal, and the request is made again.
async function again(ask) {
  try {
    return await ask();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return ask();
  }
}

export default {
  async "a client proves who it is by its key"() {
    const who = settings.clients.keyed;
    const keyed = await byKey(who);
    const tokens = await ownToken(keyed);
    const live = await introspected(keyed, tokens.access_token);
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

  async "all that FAPI 2.0 asks: pushed, by key, bound to a key"() {
    const who = settings.clients.strict;
    const [client, authentication] = await byKey(who);
    const options = { ...loopback, DPoP: oauth.DPoP(client, await oauth.generateKeyPair("ES256")) };
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const asked = await request(who, verifier, state, { scope: "openid email" });
    const pushed = await again(async () =>
      oauth.processPushedAuthorizationResponse(
        server,
        client,
        await oauth.pushedAuthorizationRequest(server, client, authentication, asked, options),
      ));
    const url = new URL(server.authorization_endpoint);
    url.search = new URLSearchParams({ client_id: who.client_id, request_uri: pushed.request_uri });
    const callback = oauth.validateAuthResponse(server, client, await visit(url), state);
    const tokens = await again(async () =>
      oauth.processAuthorizationCodeResponse(
        server,
        client,
        await oauth.authorizationCodeGrantRequest(
          server, client, authentication, callback, who.redirect_uri, verifier, options,
        ),
      ));
    const { sub } = oauth.getValidatedIdTokenClaims(tokens);
    const claims = await again(async () =>
      oauth.processUserInfoResponse(
        server,
        client,
        sub,
        await oauth.userInfoRequest(server, client, tokens.access_token, options),
      ));
    assert.equal(tokens.token_type, "dpop");
    assert.equal(claims.email, who.email);
  },
};
