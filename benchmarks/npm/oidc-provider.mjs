// oidc-provider as a development server whose one person is signed in and has consented at once.
//     node oidc-provider.mjs PORT

import Provider from "oidc-provider";

const port = Number(process.argv[2]);
const RESOURCE = "urn:bench:graph";
const SCOPES = "openid profile";

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "bench",
      client_secret: "bench-secret",
      redirect_uris: ["http://localhost:8000/connect/get_token/"],
      token_endpoint_auth_method: "client_secret_post",
      id_token_signed_response_alg: "RS256",
    },
  ],
  pkce: { required: () => false },
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant: async (context) => {
    const { client, session } = context.oidc;
    const known = session.grantIdFor(client.clientId);
    if (known) return provider.Grant.find(known);
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope(SCOPES);
    grant.addResourceScope(RESOURCE, SCOPES);
    await grant.save();
    return grant;
  },
  features: {
    devInteractions: { enabled: false },
    // Access tokens are signed, too, as those of the servers beside it.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: SCOPES,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});

// The sign-in page presses its own button.
provider.use(async (context, next) => {
  if (!context.path.startsWith("/interaction/")) return next();
  const login = { accountId: "ada@contoso.example" };
  await provider.interactionFinished(context.req, context.res, { login });
  context.respond = false;
});

provider.listen(port, "127.0.0.1");
