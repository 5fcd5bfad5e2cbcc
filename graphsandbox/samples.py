"""Sample apps, registered once in each home: one for every kind and trouble worth meeting."""

from dataclasses import replace

from . import directory
from .store import RedirectUri, Store

WEB, SPA, DESKTOP = (
    [RedirectUri(uri, platform) for uri in directory.DEFAULT_REDIRECT_URIS]
    for platform in ("web", "spa", "publicClient")
)
ORGANIZATIONS, EVERYBODY = "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"
USUAL = list(directory.DEFAULT_PERMISSIONS)

# display name, what it shows, redirect URIs, supported account types, permissions
SAMPLES = (
    (
        "Sample: single tenant",
        "For the people of one tenant only: /common refuses it (AADSTS50194).",
        WEB, "AzureADMyOrg", USUAL,
    ),
    (
        "Sample: multitenant",
        "For work and school accounts of every tenant, at /common and /organizations.",
        WEB, ORGANIZATIONS, USUAL,
    ),
    (
        "Sample: personal accounts too",
        "The sign-in page also offers a personal Microsoft account, whose tokens can't be read.",
        WEB, EVERYBODY, USUAL,
    ),
    (
        "Sample: single-page application",
        "A browser redeems its code: no secret, always PKCE (AADSTS9002325 without).",
        SPA, ORGANIZATIONS, USUAL,
    ),
    (
        "Sample: desktop application",
        "A public client: no secret is needed, and one that is sent is refused (AADSTS700025).",
        DESKTOP, ORGANIZATIONS, USUAL,
    ),
    (
        "Sample: needs an administrator",
        "Asks for User.Read.All, which only an administrator can grant (AADSTS90094).",
        WEB, ORGANIZATIONS, [*USUAL, "User.Read.All"],
    ),
)  # fmt: skip


def add_once(store: Store) -> None:
    """Register the samples, unless this home has had them."""
    if store.setting("samples"):
        return
    store.set_setting("samples", "added")
    for name, shows, uris, audience, permissions in SAMPLES:
        app = store.register(name, uris, audience, permissions)
        store.save(replace(app, shows=shows))
    _add_expired(store)


def _add_expired(store: Store) -> None:
    """Register an app whose secret is of no use, so that its value may be shown."""
    app = store.register("Sample: expired secret", WEB, ORGANIZATIONS, USUAL)
    app.shows = "Its only secret has expired (AADSTS7000222); its description has the value."
    value, secret = store.add_secret(app, "", days=-1)
    app.secrets = [replace(secret, description=f"Expired on purpose, so shown: {value}")]
    store.save(app)
