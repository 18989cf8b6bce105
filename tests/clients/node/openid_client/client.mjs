// openid-client 6, as its manual says: what its scenarios share.

import * as client from "openid-client";
import { settings, visit } from "../scenarios.mjs";

export const SCOPE = "episode:read episode:write";

// Loopback speaks http, which the library refuses unless it is told otherwise.
export function configured({ client_id, client_secret }, authentication, metadata = {}, options = {}) {
  return client.discovery(
    new URL(settings.issuer),
    client_id,
    { client_secret, ...metadata },
    authentication,
    { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks], ...options },
  );
}

export async function request(who, but = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const parameters = {
    redirect_uri: who.redirect_uri,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    ...but,
  };
  return { parameters, checks: { pkceCodeVerifier: verifier, expectedState: state } };
}

export async function signedIn(config, who, but) {
  const { parameters, checks } = await request(who, but);
  const callback = await visit(client.buildAuthorizationUrl(config, parameters));
  return client.authorizationCodeGrant(config, callback, checks);
}
