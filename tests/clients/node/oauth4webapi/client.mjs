// oauth4webapi 3, as its manual says: what its scenarios share.

import * as oauth from "oauth4webapi";
import { settings, visit } from "../scenarios.mjs";

export const SCOPE = "episode:read episode:write";
// Loopback speaks http, which the library refuses unless it is told otherwise.
export const loopback = { [oauth.allowInsecureRequests]: true };

export async function discovered(algorithm) {
  const issuer = new URL(settings.issuer);
  const response = await oauth.discoveryRequest(issuer, { algorithm, ...loopback });
  return oauth.processDiscoveryResponse(issuer, response);
}

export const server = await discovered("oidc");

export function known(who) {
  return [{ client_id: who.client_id }, oauth.ClientSecretBasic(who.client_secret)];
}

export async function request(who, verifier, state, but = {}) {
  return {
    client_id: who.client_id,
    redirect_uri: who.redirect_uri,
    response_type: "code",
    scope: SCOPE,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    ...but,
  };
}

export async function signedIn(who, [client, authentication] = known(who), but = {}, checks = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams(await request(who, verifier, state, but));
  const parameters = oauth.validateAuthResponse(server, client, await visit(url), state);
  const response = await oauth.authorizationCodeGrantRequest(
    server, client, authentication, parameters, who.redirect_uri, verifier, loopback,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, checks);
  if (tokens.id_token) await oauth.validateApplicationLevelSignature(server, response, loopback);
  return tokens;
}

export async function refreshed([client, authentication], token) {
  const response = await oauth.refreshTokenGrantRequest(
    server, client, authentication, token, loopback,
  );
  return oauth.processRefreshTokenResponse(server, client, response);
}

export async function introspected([client, authentication], token, options = {}) {
  const response = await oauth.introspectionRequest(
    server, client, authentication, token, { ...loopback, ...options },
  );
  return oauth.processIntrospectionResponse(server, client, response);
}

export async function ownToken([client, authentication], { DPoP, ...parameters } = {}) {
  const response = await oauth.clientCredentialsGrantRequest(
    server,
    client,
    authentication,
    { scope: "episode:read", ...parameters },
    { ...loopback, DPoP },
  );
  return oauth.processClientCredentialsResponse(server, client, response);
}
