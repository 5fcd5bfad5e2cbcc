"""What a code or a refresh token is still good for, and for whom."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime

from ..device_codes import DeviceTicket
from ..grants import SignIn, Ticket
from ..refusals import Refused
from ..store import Store
from . import tenants
from .authorize_request import PKCE_VALUE
from .parameters import Parameters

PERSONAL_INPUTS = {
    "code": "'code' parameter",
    "refresh_token": "input parameter 'refresh_token' or 'assertion'",
}


def judge_code(store: Store, ticket: Ticket, sent: Parameters, tenant: str) -> SignIn:
    """Return what the code stands for: once, in time, and where it was asked for."""
    sign_in = ticket.sign_in
    if ticket.redeemed:
        # Somebody else may hold what the first use bought (RFC 6749 §4.1.2).
        store.grants.revoke(sign_in.family)
        raise Refused(54005)
    if store.now() >= ticket.expires_at:
        personal = tenants.is_personal(sign_in.oid)
        raise _personal("code", expired=True) if personal else Refused(70008)
    if tenant != sign_in.tenant:
        raise Refused(700005)
    _check_redirect_uri(sign_in, sent.get("redirect_uri"))
    _check_verifier(sign_in, sent.get("code_verifier"))
    return sign_in


def judge_refresh_token(store: Store, ticket: Ticket, sent: Parameters, tenant: str) -> SignIn:
    """Return what the refresh token stands for; no tenant or resource binds it.

    (Microsoft: refresh-tokens.)
    """
    issued = datetime.fromtimestamp(ticket.issued_at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    if store.now() >= ticket.expires_at:
        raise Refused(700084 if ticket.sign_in.platform == "spa" else 700082, issued=issued)
    if store.grants.is_revoked(ticket.sign_in.family):
        raise Refused(50173, issued=issued, valid_from=issued)
    return replace(ticket.sign_in, nonce=None)  # the nonce was for the first id_token


def never_given_out(number: int, parameter: str, tenant: str) -> Refused:
    """Return the refusal of a code or token that nobody got; consumers has its own words."""
    return _personal(parameter) if tenant == "consumers" and number == 9002313 else Refused(number)


def judge_device_code(store: Store, ticket: DeviceTicket, sent: Parameters, tenant: str) -> SignIn:
    """Return what the person approved, or how it stands (RFC 8628 §3.5)."""
    if ticket.redeemed:
        raise Refused(54005)
    if store.now() >= ticket.expires_at:
        raise Refused(70020)
    if tenant != ticket.sign_in.tenant:
        raise Refused(700005)
    if ticket.state == "declined":
        raise Refused(65004)
    if ticket.state == "waiting":
        raise Refused(70016)
    return ticket.sign_in


def _personal(parameter: str, expired: bool = False) -> Refused:
    reason = " The code has expired." if expired else ""
    return Refused(70000, input=PERSONAL_INPUTS[parameter], reason=reason)


def _check_redirect_uri(sign_in: SignIn, uri: str | None) -> None:
    """Require the address of the first leg again, byte for byte (RFC 6749 §4.1.3)."""
    if uri is None and sign_in.redirect_uri_sent:
        raise Refused(900144, parameter="redirect_uri")
    if uri not in (None, sign_in.redirect_uri):
        raise Refused(500112, redirect_uri=uri, expected=sign_in.redirect_uri)


def _check_verifier(sign_in: SignIn, verifier: str | None) -> None:
    """Compare the verifier with the challenge of the first leg (RFC 7636 §4.6)."""
    challenge = sign_in.code_challenge
    if challenge is None and verifier is None:
        return
    if verifier is None:
        raise Refused(50148)
    if challenge is None or not PKCE_VALUE.fullmatch(verifier):
        raise Refused(501481)
    if not hmac.compare_digest(_challenge_of(verifier, sign_in), challenge):
        raise Refused(501481)


def _challenge_of(verifier: str, sign_in: SignIn) -> str:
    if sign_in.code_challenge_method == "plain":
        return verifier
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
