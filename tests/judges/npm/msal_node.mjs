// Microsoft's own library for Node against the sandbox: the whole sign-in, then how it reports
// refusals.

import * as msal from "@azure/msal-node";
import { authority, Browser, graph, mail, redirectUri, refused, sandbox, saw } from "./browser.mjs";

const scopes = ["User.Read", "Mail.Send"];
// A host that is not Microsoft's must be named, or MSAL asks Microsoft about it.
const knownAuthorities = [new URL(authority).host];
const auth = { clientId: sandbox.client_id, authority, knownAuthorities };
const browser = new Browser();

function webApp(clientSecret = sandbox.client_secret) {
  return new msal.ConfidentialClientApplication({ auth: { ...auth, clientSecret } });
}

// Sign in with PKCE; return the request that redeems the code, and what came back with it.
// MSAL compares the state of both, and the nonce with the ID token's.
async function signIn(app, responseMode) {
  const crypto = new msal.CryptoProvider();
  const { verifier: codeVerifier, challenge: codeChallenge } = await crypto.generatePkceCodes();
  const [state, nonce] = [crypto.createNewGuid(), crypto.createNewGuid()];
  const asked = { scopes, redirectUri, state, nonce };
  const pkce = { codeChallenge, codeChallengeMethod: "S256" };
  const link = await app.getAuthCodeUrl({ ...asked, ...pkce, responseMode });
  const arrived = await browser.signIn(link);
  const { code, ...rest } =
    responseMode === "form_post" ? arrived : Object.fromEntries(new URL(arrived).searchParams);
  return [{ ...asked, codeVerifier, code }, rest];
}

function reported(error) {
  const { name, errorCode, errorNo, errorMessage, status } = error;
  return { name, errorCode, errorNo, errorMessage, status };
}

function seen(result) {
  const { fromCache, scopes, tenantId, idTokenClaims, account, tokenType } = result;
  const { username } = account;
  return { fromCache, scopes, tenantId, idTokenClaims, username, tokenType };
}

// The device asks while the rest goes on: MSAL waits for five seconds between two questions.
async function device() {
  const person = new Browser();
  const app = new msal.PublicClientApplication({ auth: { ...auth, clientId: sandbox.device_app } });
  const deviceCodeCallback = ({ verificationUri, userCode }) =>
    person.allowDevice(verificationUri, userCode);
  return app.acquireTokenByDeviceCode({ scopes, deviceCodeCallback });
}

const onTheDevice = device();

const app = webApp();
for (const responseMode of ["query", "form_post"]) {
  const result = await app.acquireTokenByCode(...(await signIn(app, responseMode)));
  saw(`code by ${responseMode}`, seen(result));
}

const [account] = await app.getTokenCache().getAllAccounts();
const cached = await app.acquireTokenSilent({ account, scopes });
saw("cached", seen(cached));
const fresh = await app.acquireTokenSilent({ account, scopes, forceRefresh: true });
saw("refreshed", { ...seen(fresh), another: fresh.accessToken !== cached.accessToken });

const sent = await graph("/me/sendMail", fresh.accessToken, { message: mail("From msal-node") });
saw("sent", { status: sent.status });

const stranger = webApp("wrong~secret").acquireTokenByCode(...(await signIn(app, "query")));
saw("wrong secret", reported(await refused(stranger)));

const once = await signIn(app, "query");
await app.acquireTokenByCode(...once);
saw("code used twice", reported(await refused(app.acquireTokenByCode(...once))));

saw("device", seen(await onTheDevice));
