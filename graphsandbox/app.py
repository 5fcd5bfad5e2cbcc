"""Every address of the sandbox, and the function that answers it."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from . import control, graph, mail_pages, pages, portal
from .classroom import Classroom, ClassroomMiddleware
from .faults import FaultMiddleware, Faults
from .gate import GateMiddleware
from .identity import (
    adminconsent,
    authorize,
    device_endpoint,
    device_page,
    discovery,
    error_page,
    instance,
    logout,
    native_client,
    token_endpoint,
    userinfo,
)
from .keys import Keys
from .limits import Throttle, ThrottleMiddleware
from .mailboxes import Mailboxes
from .store import Store

READ = ["GET"]
FORM = ["GET", "POST"]
ANY = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

IDENTITY_ROUTES = [
    # v1: the article's endpoints (Microsoft: v1-protocols-oauth-code)
    Route("/{tenant}/oauth2/authorize", authorize.v1, methods=FORM),
    Route("/{tenant}/oauth2/token", token_endpoint.v1, methods=ANY),
    Route("/{tenant}/oauth2/devicecode", device_endpoint.v1, methods=ANY),
    Route("/{tenant}/oauth2/logout", logout.logout, methods=FORM),
    Route("/{tenant}/.well-known/openid-configuration", discovery.v1, methods=READ),
    Route("/{tenant}/discovery/keys", discovery.keys_v1, methods=READ),
    Route("/{tenant}/openid/userinfo", userinfo.v1, methods=FORM),
    Route("/{tenant}/adminconsent", adminconsent.registered, methods=FORM),
    # v2.0: today's (Microsoft: v2-protocols)
    Route("/{tenant}/oauth2/v2.0/authorize", authorize.v2, methods=FORM),
    Route("/{tenant}/oauth2/v2.0/token", token_endpoint.v2, methods=ANY),
    Route("/{tenant}/oauth2/v2.0/devicecode", device_endpoint.v2, methods=ANY),
    Route("/{tenant}/oauth2/v2.0/logout", logout.logout, methods=FORM),
    Route("/{tenant}/v2.0/.well-known/openid-configuration", discovery.v2, methods=READ),
    Route("/{tenant}/discovery/v2.0/keys", discovery.keys_v2, methods=READ),
    Route("/{tenant}/v2.0/adminconsent", adminconsent.dynamic, methods=FORM),
    # Without a tenant
    Route("/common/discovery/instance", instance.instance, methods=READ),
    Route("/common/oauth2/nativeclient", native_client.native_client, methods=READ),
    Route("/error", error_page.error, methods=READ),
    Route("/oidc/userinfo", userinfo.v2, methods=FORM),  # at Microsoft on the Graph host
    Route("/devicelogin", device_page.device_login, methods=FORM),
]

# They are tried in this order, so what is asked for most often comes first.
ROUTES = [
    *IDENTITY_ROUTES,
    *graph.ROUTES,  # /v1.0 and /beta
    *control.ROUTES,  # /_control
    *pages.ROUTES,  # / and the style sheet
    *portal.ROUTES,  # /portal
    *mail_pages.ROUTES,  # /mailbox
]


def build_app(home: Path, classroom: Classroom | None = None) -> Starlette:
    """Return the sandbox over a home directory; the server adds `authority` and `graph`."""
    store, faults, throttle = Store(home), Faults(), Throttle()
    in_class = [Middleware(ClassroomMiddleware, classroom=classroom)] if classroom else []
    app = Starlette(
        routes=ROUTES,
        # The gate comes first: what it turns away is neither counted nor bent.
        middleware=[
            Middleware(GateMiddleware),
            *in_class,
            Middleware(ThrottleMiddleware, throttle=throttle),
            Middleware(FaultMiddleware, faults=faults),
        ],
        exception_handlers={pages.FormRefused: pages.form_refused, 404: pages.no_such_address},
    )
    # A slash too many is another address at Microsoft, not a redirect to this one.
    app.router.redirect_slashes = False
    app.state.public = None
    app.state.classroom = classroom
    app.state.store = store
    app.state.keys = Keys(store)
    app.state.mailboxes = Mailboxes(store)
    app.state.faults = faults
    app.state.throttle = throttle
    return app
