"""Tasks 2 to 4 where no redirect comes back: the person types a code on another page (RFC 8628)."""

import re
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .clouds import expect, is_loopback, parts_of
from .display import Secret, escaped, one_line
from .errors import (
    CallbackError, NoAnswer, SignInRefused, SignInTimeout, TokenInvalid, TokenRefused,
)  # fmt: skip
from .registration import Registration
from .signin import DEFAULT_SCOPES, scope_of
from .tokens import Token, granted, seconds_of, token_of

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
NO = "The sign-in by code ended without a token"
# Where the answer tells none one can believe (RFC 8628 §3.2); the last, while the network fails.
LIFE_S, INTERVAL_S, LONGEST_PAUSE_S = 900.0, 5.0, 60.0


class DeviceSignIn:
    """A sign-in that waits until somebody types `user_code` at `verification_uri` and agrees."""

    nonce, endpoint = None, "v2.0"  # a device sends no nonce, so the id_token holds none

    def __init__(self, app: Registration, scope: str, told: Mapping[str, Any]):
        for name in ("user_code", "verification_uri", "device_code"):
            if not (isinstance(told.get(name), str) and re.fullmatch("[!-~]+", told[name])):
                raise TokenInvalid.of("device answer", name=name)
        self.user_code, self.verification_uri = told["user_code"], told["verification_uri"]
        life_s = seconds_of(told.get("expires_in"), LIFE_S)
        self.expires_at = datetime.now(UTC) + timedelta(seconds=life_s)
        self.scope, self._app, self._device_code = scope, app, Secret(told["device_code"])
        self._interval_s = self._pause_s = seconds_of(told.get("interval"), INTERVAL_S)
        self._next, self._ends = (time.monotonic() + s for s in (self._interval_s, life_s))
        self._token: Token | None = None
        self._trouble = ""  # of the network, when we last asked
        self._stopped, self._alone = threading.Event(), threading.Lock()

    def __repr__(self) -> str:
        where = f"{self.verification_uri}, until {self.expires_at:%H:%M:%S %Z}"
        return one_line(f"Type {self.user_code} at {where}")

    def _repr_html_(self) -> str:
        parts = parts_of(self.verification_uri)
        here = parts.scheme == "http" and is_loopback(parts.hostname)
        url = escaped(self.verification_uri)
        link = f'<a href="{url}" target="_blank" rel="noreferrer">{url}</a> (opens a new tab)'
        page = link if here or parts.scheme == "https" else url
        code, until = self.user_code, f"{self.expires_at:%H:%M:%S %Z}"
        return f"Type <b><code>{escaped(code)}</code></b> at {page}, until {escaped(until)}"

    def wait(self, timeout_s: float = 900.0) -> Token:
        """Block until the person has agreed, and return the Token; not yet verified.

        `timeout_s` is in seconds, and the code may expire before. Raises SignInTimeout when nobody
        agreed, SignInRefused when somebody declined, TokenRefused when the service says no for
        another reason, and CallbackError after `stop`.
        """
        gives_up = time.monotonic() + timeout_s
        with self._alone:
            while self._token is None:
                ends = min(gives_up, self._ends)
                if self._stopped.wait(max(0.0, min(self._next, ends) - time.monotonic())):
                    raise CallbackError.of("device stopped")
                if time.monotonic() >= ends:
                    raise self._late("timeout" if gives_up < self._ends else "expired", timeout_s)
                self._ask()
            return self._token

    def stop(self) -> None:
        """End the wait for good, also in another thread; twice is fine."""
        self._stopped.set()

    def _ask(self) -> None:
        """Ask once whether the person has agreed (RFC 8628 §3.4), and note when to ask again."""
        form, trouble = {"grant_type": GRANT, "device_code": self._device_code}, ""
        try:
            answer = granted(self._app, self.endpoint, form, NO)
        except TokenRefused as refused:
            trouble = self._judged(refused)
        except (NoAnswer, TokenInvalid) as error:  # the network, or somebody else's page
            trouble = error.what
        else:
            self._token = token_of(answer, self)
        self._trouble, slower_s = trouble, min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._pause_s = max(self._interval_s, slower_s if trouble else 0)
        self._next = time.monotonic() + self._pause_s

    def _judged(self, refused: TokenRefused) -> str:
        """Return the trouble after which to ask again, "" for none; raise what ends it all."""
        if refused.error in ("access_denied", "authorization_declined"):  # the latter: Microsoft's
            raise SignInRefused(NO, vars(refused))
        if refused.error == "expired_token":
            raise self._late("expired")
        if refused.error in ("temporarily_unavailable", "server_error"):
            return refused.what
        if refused.error not in ("authorization_pending", "slow_down"):
            raise refused
        self._interval_s += 5 if refused.error == "slow_down" else 0  # RFC 8628 §3.5
        return ""

    def _late(self, card: str, s: float = 0) -> SignInTimeout:
        trouble = self._trouble and f" (when last asked: {self._trouble.rstrip('.')})"
        code, page = self.user_code, self.verification_uri
        return SignInTimeout.of(f"device {card}", code=code, page=page, trouble=trouble, s=s)


def start_device_sign_in(app: Registration, scopes: Iterable[str] = DEFAULT_SCOPES) -> DeviceSignIn:
    """Ask for a code to type, and return the sign-in that waits for it (RFC 8628 §3.1).

    At Microsoft the registration has to allow public client flows. Raises TokenRefused when the
    service says no, TokenInvalid when its yes can't be used, and NoAnswer.
    """
    expect(Registration, app, "app")
    scope = scope_of(scopes)
    return DeviceSignIn(app, scope, granted(app, "v2.0", {"scope": scope}, NO, "devicecode"))
