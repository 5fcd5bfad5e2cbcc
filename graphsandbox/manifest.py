"""The app manifest: a registration as JSON, in the format of Microsoft Graph.

(Microsoft: "Understand the app manifest (Microsoft Graph format)".)
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from . import directory, redirect_rules
from .store import App, RedirectUri

IMPLICIT = {"enableAccessTokenIssuance", "enableIdTokenIssuance"}
MAX_NAME = 120  # characters of a display name


class ManifestRefused(ValueError):
    """The manifest can't be saved; the text says which property is wrong and why."""


def manifest(app: App) -> dict[str, Any]:
    """Return the registration in the manifest's format."""
    return {
        "id": app.object_id,
        "appId": app.client_id,
        "createdDateTime": iso_time(app.created_at),
        "displayName": app.display_name,
        "signInAudience": app.sign_in_audience,
        "isDisabled": app.disabled,
        **{platform: _platform(app, platform) for platform in redirect_rules.PLATFORMS},
        "isFallbackPublicClient": app.is_fallback_public_client,
        "requiredResourceAccess": _required_access(app.permissions),
        "passwordCredentials": [
            {
                "keyId": secret.secret_id,
                "displayName": secret.description,
                "hint": secret.hint,
                "endDateTime": iso_time(secret.expires_at),
            }
            for secret in app.secrets
        ],
    }


def iso_time(seconds: float) -> str:
    """Return a time as Graph writes it: 2026-11-23T18:00:00Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _platform(app: App, platform: str) -> dict[str, Any]:
    uris = [one.uri for one in app.redirect_uris if one.platform == platform]
    if platform != "web":
        return {"redirectUris": uris}
    implicit = {
        "enableAccessTokenIssuance": False,
        "enableIdTokenIssuance": app.id_tokens_by_authorize,
    }
    return {"redirectUris": uris, "implicitGrantSettings": implicit}


def _required_access(permissions: list[str]) -> list[dict[str, Any]]:
    known = [directory.PERMISSIONS[name] for name in permissions if name in directory.PERMISSIONS]
    access = [{"id": one.permission_id, "type": "Scope"} for one in known]
    return [{"resourceAppId": directory.GRAPH_APP_ID, "resourceAccess": access}] if access else []


def apply_manifest(app: App, text: str) -> App:
    """Return the app as the edited manifest says, or raise ManifestRefused."""
    given = _read(text)
    now = manifest(app)
    unknown = sorted(set(given) - set(now))
    if unknown:
        raise ManifestRefused(f"This sandbox does not know the property {unknown[0]!r}.")
    for name in ("id", "appId", "createdDateTime", "passwordCredentials"):
        if given.get(name, now[name]) != now[name]:
            raise ManifestRefused(f"The property {name!r} can't be changed here.")
    changed = {**now, **given}
    audience = _audience(changed["signInAudience"])
    return replace(
        app,
        display_name=_name(changed["displayName"]),
        sign_in_audience=audience,
        redirect_uris=_redirect_uris(changed, audience),
        permissions=_permissions(changed["requiredResourceAccess"]),
        is_fallback_public_client=_flag("isFallbackPublicClient", changed),
        id_tokens_by_authorize=_id_tokens(changed["web"]),
        disabled=_flag("isDisabled", changed),
    )


def _read(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
        json.dumps(given, ensure_ascii=False).encode()  # no half of a surrogate pair
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ManifestRefused(f"This is not JSON: {error.msg} ({where}).") from None
    except (ValueError, RecursionError):
        raise ManifestRefused("This is not JSON that can be kept.") from None
    if not isinstance(given, dict):
        raise ManifestRefused("A manifest is one JSON object: { … }.")
    return given


def name_problem(name: str) -> str | None:
    """Say why an app can't have this display name."""
    if not name:
        return "Enter a name for the app."
    if len(name) > MAX_NAME:
        return f"A name has at most {MAX_NAME} characters; this one has {len(name)}."
    if any(ord(one) < 32 for one in name):
        return "A name has no line breaks or control characters."
    return None


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise ManifestRefused("displayName: It must be text.")
    if problem := name_problem(value):
        raise ManifestRefused(f"displayName: {problem}")
    return value


def _audience(value: Any) -> str:
    if not isinstance(value, str) or value not in redirect_rules.AUDIENCES:
        known = ", ".join(redirect_rules.AUDIENCES)
        raise ManifestRefused(f"signInAudience must be one of {known}.")
    return value


def _flag(name: str, values: dict[str, Any]) -> bool:
    value = values.get(name)
    if value is not None and not isinstance(value, bool):
        raise ManifestRefused(f"{name} must be true, false or null.")
    return bool(value)


def _id_tokens(web: dict[str, Any]) -> bool:
    """Return what `web.implicitGrantSettings` says."""
    settings = web.get("implicitGrantSettings", {})
    if not isinstance(settings, dict) or set(settings) - IMPLICIT:
        raise ManifestRefused(f"web.implicitGrantSettings has {' and '.join(sorted(IMPLICIT))}.")
    if _flag("enableAccessTokenIssuance", settings):
        raise ManifestRefused("This sandbox gives no access token by enableAccessTokenIssuance.")
    return _flag("enableIdTokenIssuance", settings)


def _redirect_uris(changed: dict[str, Any], audience: str) -> list[RedirectUri]:
    uris = [
        RedirectUri(uri, platform)
        for platform in redirect_rules.PLATFORMS
        for uri in _texts(changed[platform], f"{platform}.redirectUris")
    ]
    for one in uris:
        problem = redirect_rules.manifest_problem(one.uri, one.platform, audience)
        if problem:
            raise ManifestRefused(f"{one.platform}.redirectUris, {one.uri!r}: {problem}")
    problem = redirect_rules.list_problem(uris, audience)
    if problem:
        raise ManifestRefused(problem)
    return uris


def _texts(value: Any, name: str) -> list[str]:
    platform = name.split(".")[0]
    known = {"redirectUris", "implicitGrantSettings"} if platform == "web" else {"redirectUris"}
    if not isinstance(value, dict) or set(value) - known:
        raise ManifestRefused(f'{platform} must be {{"redirectUris": [ … ]}}.')
    uris = value.get("redirectUris", [])
    return _list_of(uris, str, f"{name} must be a list of texts.")


def _permissions(value: Any) -> list[str]:
    shape = "requiredResourceAccess must be a list as Microsoft Graph's manifest has it."
    resources = _list_of(value, dict, shape)
    names: list[str] = []
    for resource in resources:
        if resource.get("resourceAppId") != directory.GRAPH_APP_ID:
            raise ManifestRefused("requiredResourceAccess: only Microsoft Graph is here.")
        access = _list_of(resource.get("resourceAccess"), dict, shape)
        names += [_permission_name(one) for one in access]
    return list(dict.fromkeys(names))


def _permission_name(access: dict[str, Any]) -> str:
    for one in directory.PERMISSIONS.values():
        if one.permission_id == access.get("id") and access.get("type") == "Scope":
            return one.name
    raise ManifestRefused(
        f"requiredResourceAccess: {access.get('id')!r} is no delegated permission known here."
    )


def _list_of(value: Any, kind: type, message: str) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(one, kind) for one in value):
        raise ManifestRefused(message)
    return value
