"""v2.0 scopes: what a client may ask of Microsoft Graph, and in which form it asked.

`Mail.Send` and `https://graph.microsoft.com/Mail.Send` are the same permission. The form is
kept, because the answer repeats it and libraries look their tokens up by it
(Microsoft: scopes-oidc).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .. import directory
from ..refusals import Refused
from ..store import App

NAME = re.compile(r"[A-Za-z0-9._\-\r\n\t]+")  # a stray newline is a wrong name, not a bad form
URI = re.compile(
    r"(?P<resource>[A-Za-z][A-Za-z0-9+.-]*://[^\s,]+|[0-9A-Fa-f-]{36})/(?P<name>[^/]+)"
)


@dataclass(frozen=True)
class Scope:
    """One permission, in the form in which the client asked for it."""

    permission: str
    resource: str = ""  # as sent; empty for a bare name

    @property
    def text(self) -> str:
        """The scope as it goes back to the client."""
        return f"{self.resource}/{self.permission}" if self.resource else self.permission


def parse(text: str, app: App, graph: str) -> list[Scope]:
    """Return the scopes of a request, each known; graph is the sandbox's own Graph address."""
    asked = [_split(one, text) for one in text.split(" ") if one]
    if not asked:
        raise Refused(70011, scope=text)
    for one in asked:
        if one.resource and not is_graph(one.resource, graph):
            known = {"resource": one.resource, "tenant": directory.TENANT_NAME}
            raise Refused(500011, **known)
    return _unique(_expand_default(asked, app, text))


def refuse_two_resources(text: str, graph: str) -> None:
    """Refuse a token request for two resources: a token is for one (AADSTS700022)."""
    asked = _by_resource(text, graph)
    if len({resource for resource, _ in asked if resource is not None}) > 1:
        raise Refused(700022, scope=text)


def of_first_resource(text: str, graph: str) -> str:
    """Return what a refresh is for: of two resources the first wins (Microsoft: scopes-oidc)."""
    asked = _by_resource(text, graph)
    first = next((resource for resource, _ in asked if resource is not None), None)
    return " ".join(scope.text for resource, scope in asked if resource in (None, first))


def names(scopes: Iterable[Scope]) -> list[str]:
    """Return the permissions' bare names, as consent is kept."""
    return [one.permission for one in scopes]


def answer(scopes: Iterable[Scope]) -> str:
    """Return `scope` as the token answer has it; offline_access never shows there."""
    shown = [one for one in scopes if one.permission != "offline_access"]
    shown.sort(key=lambda one: not _is_oidc(one.permission))
    return " ".join(one.text for one in shown)


def audience(scopes: Iterable[Scope]) -> str:
    """Return `aud`: Graph's address where a scope names it, else Graph's application id."""
    named = [one.resource for one in scopes if "://" in one.resource]
    return directory.GRAPH_RESOURCE if named else directory.GRAPH_APP_ID


def is_graph(resource: str, graph: str) -> bool:
    """Tell whether this resource is Microsoft Graph, by any of its names."""
    known = (directory.GRAPH_RESOURCE, directory.GRAPH_APP_ID, graph.lower())
    return resource.lower().rstrip("/") in known


def _by_resource(text: str, graph: str) -> list[tuple[str | None, Scope]]:
    """Return each scope with its resource: "" for Graph, and None for OpenID Connect's own."""

    def resource(scope: Scope) -> str | None:
        if _is_oidc(scope.permission):
            return None
        return "" if is_graph(scope.resource or graph, graph) else scope.resource.lower()

    asked = [_split(one, text) for one in text.split(" ") if one]
    return [(resource(one), one) for one in asked]


def _split(one: str, whole: str) -> Scope:
    if NAME.fullmatch(one):
        return Scope(one)
    found = URI.fullmatch(one)
    if found is None:
        raise Refused(70011, scope=whole)
    return Scope(found["name"], found["resource"])


def _expand_default(asked: list[Scope], app: App, text: str) -> Iterable[Scope]:
    """Yield known permissions; `.default` stands for all that are registered, alone."""
    defaults = [one for one in asked if one.permission == ".default"]
    others = [one for one in asked if one.permission != ".default"]
    if defaults and not all(_is_oidc(one.permission) for one in others):
        raise Refused(70011, scope=text)
    for one in others:
        yield Scope(_known(one.permission, app), one.resource)
    registered = [name for name in app.permissions if name in directory.PERMISSIONS]
    if defaults and all(_is_oidc(name) for name in registered):
        raise Refused(650056, client_id=app.client_id)
    for name in registered if defaults else ():
        yield Scope(name, "" if _is_oidc(name) else defaults[0].resource)


def _known(name: str, app: App) -> str:
    """Return the permission in Microsoft's spelling; in requests case does not matter."""
    permission = directory.permission(name)
    if permission is None:
        raise Refused(650053, app_name=app.display_name, scope=name)
    return permission.name


def _unique(scopes: Iterable[Scope]) -> list[Scope]:
    return list({one.permission: one for one in scopes}.values())


def _is_oidc(name: str) -> bool:
    return name.lower() in directory.OIDC_SCOPES
