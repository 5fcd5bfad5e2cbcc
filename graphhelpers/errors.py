"""One family of errors: what happened, why, and what to do.

The kit decides by the OAuth `error` and the HTTP status alone. AADSTS numbers may change
(Microsoft: "Authentication and authorization error codes"), so they only choose the words of help.
"""

import re
from collections.abc import Mapping
from typing import Any, Self

from .display import one_line
from .help_cards import card, said


class GraphHelpersError(Exception):
    """Base of every error raised here; its text is three lines: what happened, why, what to try.

    `outcome` tells what became of a mail: "not sent", "unknown", or None where none was involved.
    """

    outcome: str | None = None

    def __init__(self, what: str, why: str, fix: str, outcome: str | None = None):
        self.what, self.why, self.fix = map(one_line, (what, why, fix))
        self.outcome = outcome or self.outcome
        super().__init__(what)

    def __str__(self) -> str:
        return f"{self.what}\n  Why: {self.why}\n  Try: {self.fix}"

    def retold(self, fix: str, outcome: str) -> Self:
        """Return this error, with what to do where more is known of the mail's fate."""
        self.fix, self.outcome = one_line(fix), outcome
        return self

    @classmethod
    def of(cls, card: str, outcome: str | None = None, /, **values: object) -> Self:
        """Return the error that one of the kit's own help cards tells, with these values."""
        return cls(*said(card, **values), outcome)

    def _render_traceback_(self) -> list[str]:
        """Show the three lines in a notebook, where a traceback would bury them."""
        return [f"{type(self).__name__}: {self}"]


class RegistrationError(GraphHelpersError):
    """A value of the registration can't be right, or none is saved."""


class NoAnswer(GraphHelpersError):
    """The network or the peer failed: no complete, believable HTTP answer came."""


class CallbackError(GraphHelpersError):
    """The listener can't listen, or what reached it isn't this attempt's answer."""


class SignInTimeout(CallbackError):
    """Nobody came back from the sign-in page in time."""


class OAuthError(GraphHelpersError):
    """The sign-in service said no (RFC 6749 §4.1.2.1 and §5.2): `.error` is its word for it."""

    def __init__(self, what: str, answer: Mapping[str, Any]):
        self.error = str(answer.get("error") or "no error code")
        self.error_description = str(answer.get("error_description") or "")
        codes = answer.get("error_codes") or re.findall(r"AADSTS(\d+)", self.error_description)
        self.error_codes = [int(c) for c in codes if str(c).isdigit() and len(str(c)) < 10]
        said = self.error_description.partition("Trace ID:")[0].rstrip()
        why, fix = card(*self.error_codes, self.error)
        super().__init__(f"{what}: {self.error}.", said or why, fix)


class SignInRefused(OAuthError):
    """The browser came back with an error in place of a code."""


class TokenRefused(OAuthError):
    """The token endpoint refused the code, the client or the refresh token."""


class TokenInvalid(GraphHelpersError):
    """A token can't be read, or reading it shows that it must not be trusted."""


class MessageError(GraphHelpersError):
    """The message can't be sent as it is; nothing went out."""

    outcome = "not sent"


class GraphError(GraphHelpersError):
    """Microsoft Graph said no: `.status` is HTTP's, `.code` and `.request_id` are Graph's."""

    def __init__(self, status: int, code: str, message: str, request_id: str, outcome: str | None):
        self.status, self.code, self.request_id = status, code, request_id
        why, fix = card(500 if outcome == "unknown" else code, status, status // 100 * 100)
        said = f"{message or why} (request-id {request_id or 'none'})"
        super().__init__(f"Graph answered {status} {code}.", said, fix, outcome)
