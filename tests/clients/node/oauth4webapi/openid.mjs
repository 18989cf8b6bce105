// OpenID Connect: who signed in.

import { strict as assert } from "node:assert";
import * as oauth from "oauth4webapi";
import { settings } from "../scenarios.mjs";
import { known, loopback, server, signedIn } from "./client.mjs";

export default {
  async "an ID token is validated, with its signature, and the user's claims are fetched"() {
    const who = settings.clients.confidential;
    const [client] = known(who);
    const nonce = oauth.generateRandomNonce();
    const asked = { scope: "openid email", nonce, max_age: "3600" };
    const checks = { expectedNonce: nonce, maxAge: 3600, requireIdToken: true };
    const tokens = await signedIn(who, known(who), asked, checks);
    const { sub } = oauth.getValidatedIdTokenClaims(tokens);
    const response = await oauth.userInfoRequest(server, client, tokens.access_token, loopback);
    const claims = await oauth.processUserInfoResponse(server, client, sub, response);
    assert.equal(sub, who.user_id);
    assert.equal(claims.email, who.email);
  },
};
