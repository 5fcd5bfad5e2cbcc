"""Class mode: one sandbox for a room, as a service of JupyterHub, with a corner for each learner.

Who somebody is, the hub says: by its own OAuth for browsers, by the hub token for kernels.
This middleware asks it, and leaves the answer with the request (people.visitor); what belongs to
whom is then a matter of the pages. Entra's and Graph's own addresses stay as they are at Microsoft:
a token or a client secret opens them. Everything not named here wants a learner.

The library jupyterhub is needed only here (extra "hub"), and imported only here.
"""

import hashlib
import os
import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from . import base64url, directory, pages, public
from .people import LEARNER, Learner
from .store import RedirectUri, Store

# As at Microsoft, open to whoever brings what they ask for; none of them shows a page of a person.
OPEN = re.compile(
    r"/(v1\.0|beta|api/v2\.0)/.*"
    r"|/[^/]+/oauth2(/v2\.0)?/(token|devicecode)"
    r"|/[^/]+(/v2\.0)?/\.well-known/openid-configuration"
    r"|/[^/]+/discovery/(v2\.0/)?keys|/common/discovery/instance|/common/oauth2/nativeclient"
    r"|/[^/]+/openid/userinfo|/oidc/userinfo|/error|/static/[^/]+"
)
FOR_LEARNERS = {("POST", "/_control/join"), ("POST", "/_control/register"),
                ("GET", "/_control/mailbox")}  # fmt: skip
CALLBACK = "/oauth_callback"
COOKIE, BROWSER = "graphsandbox_hub", "graphsandbox_browser"
BELIEVED_S = 60  # so long what the hub said of a token is believed without asking again
SIGNING_IN_S = 600.0
SESSION_S = 86400.0
MOST = 20_000  # of each kind that is kept in memory


class NoClass(RuntimeError):
    """The sandbox can't be a service of a hub; the text says what is missing."""


@dataclass(frozen=True)
class Place:
    """Where the hub wants its service, by the variables that it gives to each."""

    host: str
    port: int
    public: str
    token: str  # of the service itself; whoever brings it may do everything

    @property
    def is_here(self) -> bool:
        """Tell whether kernels are on this machine too, and come by loopback."""
        return self.host in public.LOOPBACK


def place(address: str | None = None) -> Place:
    """Return where to serve, or raise NoClass; address goes before the hub's own public one."""
    env = os.environ
    names = ("JUPYTERHUB_API_TOKEN", "JUPYTERHUB_SERVICE_URL", "JUPYTERHUB_SERVICE_PREFIX")
    for name in names:
        if not env.get(name):
            raise NoClass(f"{name} is missing: a class is started by JupyterHub, as its service.")
    known = address or env.get("JUPYTERHUB_PUBLIC_URL")
    if not known:
        raise NoClass("Set c.JupyterHub.public_url: links for browsers begin with it.")
    parts = urlsplit(env["JUPYTERHUB_SERVICE_URL"])
    if not parts.hostname or not parts.port:
        raise NoClass("The service's url is to name a host and a port.")
    return Place(parts.hostname, parts.port, known, env["JUPYTERHUB_API_TOKEN"])


class Hub:
    """What the hub says: who a token belongs to, and how a browser comes by one."""

    def __init__(self) -> None:
        try:
            from jupyterhub.services.auth import HubOAuth
        except ModuleNotFoundError as error:
            why = 'A class needs jupyterhub: install graph-tutorial-kit with its extra "hub".'
            raise NoClass(why) from error
        self._auth = HubOAuth(cache_max_age=BELIEVED_S)

    async def name_of(self, token: str) -> str | None:
        """Return the hub's name for a user whose token this is and who may come here."""
        model = await self._auth.user_for_token(token, sync=False)
        if not model or model.get("kind") != "user":
            return None
        allowed = self._auth.check_scopes(self._auth.access_scopes, model)
        return model["name"] if allowed else None

    def login_url(self, state: str, verifier: str) -> str:
        """Return where a browser asks the hub for a code (with PKCE, RFC 7636)."""
        digest = hashlib.sha256(verifier.encode()).digest()
        query = f"state={quote(state)}&code_challenge={base64url.encode(digest)}"
        query += "&code_challenge_method=S256"
        return f"{self._auth.login_url}&{query}"

    async def token_for(self, code: str, verifier: str) -> str:
        """Return the token that a code buys."""
        bought: str = await self._auth.token_for_code(code, code_verifier=verifier, sync=False)
        return bought


class Remembered:
    """Short-lived values under unguessable names, of which only the digests are kept."""

    def __init__(self, lasts_s: float):
        self._lasts_s = lasts_s
        self._kept: OrderedDict[str, tuple[float, Any]] = OrderedDict()

    def keep(self, value: Any) -> str:
        """Return the name of a value."""
        name = secrets.token_urlsafe(32)
        self._kept[_digest(name)] = (time.monotonic() + self._lasts_s, value)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return name

    def get(self, name: str) -> Any:
        """Return the value, or None."""
        ends, value = self._kept.get(_digest(name), (0.0, None))
        return value if time.monotonic() < ends else None

    def take(self, name: str) -> Any:
        """Return the value this once."""
        value = self.get(name)
        self._kept.pop(_digest(name), None)
        return value


class Classroom:
    """Whom the hub knows here, and the app that each learner's kernels use."""

    def __init__(self, where: Place, hub: Hub):
        self.where, self.hub = where, hub
        self.logins, self.sessions = Remembered(SIGNING_IN_S), Remembered(SESSION_S)

    def is_service(self, token: str) -> bool:
        """Tell whether this is the service's own token."""
        return secrets.compare_digest(token.encode("utf-8", "replace"), self.where.token.encode())

    def joined(self, store: Store, learner: Learner, server: str, port: int) -> dict[str, Any]:
        """Return what a learner's kernel is told: its own app, and itself as the user."""
        uris = [self.redirect_uri(server, port), *directory.DEFAULT_REDIRECT_URIS]
        client_id, secret = store.people.app_of(learner)
        app = store.app(client_id)
        if app is None:
            known = [RedirectUri(one) for one in uris]
            permissions = list(directory.DEFAULT_PERMISSIONS)
            name = f"App of {learner.user.display_name}"
            app = store.register(name, known, permissions=permissions, owner=learner.user.oid)
            secret, _ = store.add_secret(app, "For notebooks", days=180)
            store.people.keep_app(learner, app.client_id, secret)
        if uris[0] not in [one.uri for one in app.redirect_uris]:  # another server of the learner's
            app.redirect_uris.append(RedirectUri(uris[0]))
            store.save(app)
        return {
            "client_id": app.client_id,
            "client_secret": secret,
            "tenant": directory.TENANT_ID,
            "redirect_uris": uris,
            "user": learner.user.upn,
        }

    def redirect_uri(self, server: str, port: int) -> str:
        """Return where a learner's browser brings a code: the kernel's port, through the hub."""
        origin = public.parse(self.where.public, self.where.port).origin
        return f"{origin}{server}proxy/{port}/{public.REDIRECT_PATH}"


class ClassroomMiddleware:
    """ASGI middleware: says whose request it is, or sends the browser to the hub to be asked."""

    def __init__(self, app: ASGIApp, classroom: Classroom):
        self.app, self.classroom = app, classroom

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its learner, or answer it."""
        if scope["type"] != "http" or OPEN.fullmatch(scope["path"]):
            return await self.app(scope, receive, send)
        request = Request(scope, receive)
        try:
            answer = await self._judged(request)
        except Exception as error:  # the hub does not answer; nobody is let in for that
            answer = _refusal(request, 502, f"The hub could not be asked ({type(error).__name__}).")
        await (answer or self.app)(scope, receive, send)

    async def _judged(self, request: Request) -> Response | None:
        """Return None for a request that may go on; its scope then says whose it is."""
        path = request.scope["path"]
        if path == CALLBACK:
            return await self._came_back(request)
        token = _bearer(request)
        if path.startswith("/_control"):
            if token and self.classroom.is_service(token):
                return None
            name = await self.classroom.hub.name_of(token) if token else None
            if name is None or (request.method, path) not in FOR_LEARNERS:
                return _refusal(request, 403, "This wants the service's own token.")
        else:
            token = token or self.classroom.sessions.get(request.cookies.get(COOKIE, "")) or ""
            name = await self.classroom.hub.name_of(token) if token else None
            if not name:
                return self._to_the_hub(request)
        request.scope[LEARNER] = request.app.state.store.people.learner(name)
        return None

    def _to_the_hub(self, request: Request) -> Response:
        """Send the browser to the hub, which knows it; it comes back to this page."""
        if "authorization" in request.headers:
            return _refusal(request, 403, "The hub does not know this token, or not for here.")
        browser = request.cookies.get(BROWSER) or secrets.token_urlsafe(32)
        wanted = request.scope["path"].lstrip("/")
        if query := request.scope["query_string"].decode("latin-1"):
            wanted += f"?{query}"
        verifier = secrets.token_urlsafe(48)
        state = self.classroom.logins.keep((_digest(browser), wanted, verifier))
        answer = RedirectResponse(self.classroom.hub.login_url(state, verifier), 303, NO_STORE)
        _set_cookie(request, answer, BROWSER, browser)
        return answer

    async def _came_back(self, request: Request) -> Response:
        """Take the hub's code, if this very browser had been sent for it (RFC 6749 §10.12)."""
        sent = parse_qs(request.scope["query_string"].decode("latin-1"))
        state, code = sent.get("state", [""])[0], sent.get("code", [""])[0]
        kept = self.classroom.logins.take(state)
        browser = request.cookies.get(BROWSER, "")
        if not kept or not code or not secrets.compare_digest(kept[0], _digest(browser)):
            return _refusal(request, 403, "This answer belongs to no sign-in of this browser.")
        token = await self.classroom.hub.token_for(code, kept[2])
        if await self.classroom.hub.name_of(token) is None:
            return _refusal(request, 403, "The hub lets this account not come here.")
        answer = RedirectResponse(f"./{kept[1]}", 303, NO_STORE)
        _set_cookie(request, answer, COOKIE, self.classroom.sessions.keep(token))
        return answer


NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def _bearer(request: Request) -> str:
    """Return the token of an Authorization header, as hubs write it."""
    given = request.headers.getlist("authorization")
    found = re.fullmatch(r"(?:token|bearer) +(\S+)", given[0], re.I) if len(given) == 1 else None
    return found[1] if found else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _set_cookie(request: Request, answer: Response, name: str, value: str) -> None:
    path, secure = public.cookie_path(request), public.is_https(request)
    answer.set_cookie(name, value, path=path, secure=secure, httponly=True, samesite="lax")


def _refusal(request: Request, status: int, why: str) -> Response:
    if request.scope["path"].startswith("/_control"):
        return JSONResponse({"error": why}, status, NO_STORE)
    return pages.message_page(request, status, "Not here", why, "Go back to the hub.")
