// A strict client of the standards against the sandbox: it knows nothing of Microsoft.

import * as oauth from "oauth4webapi";
import { authority, Browser, graph, mail, redirectUri, refused, sandbox, saw } from "./browser.mjs";

const scope = "openid profile email offline_access User.Read Mail.Send";
const issuer = new URL(`${authority}/v2.0`);
const client = { client_id: sandbox.client_id };
const secret = oauth.ClientSecretPost(sandbox.client_secret);
const browser = new Browser();

const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
saw("discovery", { issuer: as.issuer, token_endpoint: as.token_endpoint });

// Sign in with PKCE, state and nonce; return what redeems the code.
async function signIn(asked = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const address = new URL(as.authorization_endpoint);
  address.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...asked,
  });
  const arrived = await browser.signIn(address.href);
  const fields = typeof arrived === "string" ? new URL(arrived) : new URLSearchParams(arrived);
  return { answer: oauth.validateAuthResponse(as, client, fields, state), verifier, nonce };
}

// The ID token is checked wholly: issuer, audience, times, nonce, and its signature by the keys.
async function redeem({ answer, verifier, nonce }, how = secret) {
  const response = await oauth.authorizationCodeGrantRequest(
    as, client, how, answer, redirectUri, verifier,
  );
  const checks = { expectedNonce: nonce, requireIdToken: true };
  const token = await oauth.processAuthorizationCodeResponse(as, client, response, checks);
  await oauth.validateApplicationLevelSignature(as, response);
  return token;
}

function reported(error) {
  const { name, error: code, error_description, status, cause } = error;
  return { name, error: code, error_description, status, error_codes: cause.error_codes };
}

async function device() {
  const app = { client_id: sandbox.device_app };
  const asked = await oauth.deviceAuthorizationRequest(as, app, oauth.None(), { scope });
  const code = await oauth.processDeviceAuthorizationResponse(as, app, asked);
  const ask = async () =>
    oauth.processDeviceCodeResponse(
      as, app, await oauth.deviceCodeGrantRequest(as, app, oauth.None(), code.device_code),
    );
  saw("device pending", reported(await refused(ask())));
  await new Browser().allowDevice(code.verification_uri, code.user_code);
  await new Promise((resolve) => setTimeout(resolve, 1000 * code.interval));
  const token = await ask();
  saw("device", { claims: oauth.getValidatedIdTokenClaims(token) });
}

const onTheDevice = device();

const signedIn = await signIn();
const token = await redeem(signedIn);
const claims = oauth.getValidatedIdTokenClaims(token);
saw("code by query", { claims, scope: token.scope, token_type: token.token_type });

const basic = oauth.ClientSecretBasic(sandbox.client_secret);
const posted = await redeem(await signIn({ response_mode: "form_post" }), basic);
saw("code by form_post", { claims: oauth.getValidatedIdTokenClaims(posted) });

const told = await oauth.userInfoRequest(as, client, token.access_token);
saw("userinfo", await oauth.processUserInfoResponse(as, client, claims.sub, told));

const response = await oauth.refreshTokenGrantRequest(as, client, secret, token.refresh_token);
const fresh = await oauth.processRefreshTokenResponse(as, client, response);
await oauth.validateApplicationLevelSignature(as, response);
saw("refreshed", { another: fresh.access_token !== token.access_token });

const message = mail("From oauth4webapi");
const sent = await graph("/me/sendMail", fresh.access_token, { message });
saw("sent", { status: sent.status });

saw("code used twice", reported(await refused(redeem(signedIn))));
const stranger = redeem(await signIn(), oauth.ClientSecretPost("wrong~secret"));
saw("wrong secret", reported(await refused(stranger)));
const silent = { prompt: "none", login_hint: "nobody@contoso.example" };
const { name, error, error_description } = await refused(signIn(silent));
saw("refused in the browser", { name, error, error_description });

await onTheDevice;
