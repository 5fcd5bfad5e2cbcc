"""What a test asks of a running sandbox, in words rather than in requests to `/_control`."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

ANSWER_S = 20.0


@dataclass(frozen=True)
class Registered:
    """An app that was registered for a test; the secret is not shown."""

    client_id: str
    client_secret: str = field(repr=False)
    secret_id: str
    tenant: str


class Handle:
    """The methods of the object that `running()`, `connect()` and the fixture give."""

    authority: str
    ca: str | None

    @property
    def headers(self) -> dict[str, str]:
        """What `/_control` wants to see: nothing here, in a class the learner's own hub token."""
        return {}

    def fail_next(
        self,
        path: str,
        status: int | None = None,
        *,
        count: int = 1,
        retry_after: float | str | None = None,
        deliver: bool = False,
        delay_s: float = 0,
        drop_after: int | None = None,
    ) -> None:
        """Bend the next `count` answers of a path, such as "/v1.0/me/sendMail".

        In a path of Entra ID, `{tenant}` stands for any: "/{tenant}/oauth2/v2.0/token"; in one of
        Graph `{id}` for any id: "/v1.0/me/messages/{id}/send". A path that nobody asks for bends
        nothing; `requests_seen()` has those that were asked for.
        status is what they answer instead, with `retry_after` (seconds, or a date) as their
        Retry-After, and without one if it is left out, whatever the status; with `deliver` the
        work is done all the same, and the client can't know.
        delay_s seconds pass before the answer, which is cut after `drop_after` bytes. Raises
        ValueError when that makes no sense.
        """
        self._control(
            "POST",
            "faults",
            {
                "path": path, "status": status, "count": count, "retry_after": retry_after,
                "deliver": deliver, "delay_s": delay_s, "drop_after": drop_after,
            },
        )  # fmt: skip

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock; 4000 seconds make every access token expire."""
        self._control("POST", "clock", {"advance_s": seconds})

    def mails(self) -> list[dict[str, Any]]:
        """Return every mail that was accepted, newest first.

        Each has `id`, `subject`, `recipients`, `body` and `attachments` (`name`, `size`,
        `sha256`).
        """
        mails: list[dict[str, Any]] = self._control("GET", "mailbox")
        return mails

    def requests_seen(self) -> dict[str, int]:
        """Return how often each path was asked for, as in {"/v1.0/me/sendMail": 2}.

        In the paths of Entra ID the tenant reads `{tenant}`: "/{tenant}/oauth2/v2.0/token".
        """
        seen: dict[str, int] = self._control("GET", "requests")
        return seen

    def register(self, **asked: Any) -> Registered:
        """Register an app, and return its client_id, client_secret, secret_id and tenant.

        asked are any of `display_name`, `redirect_uris`, `sign_in_audience` (by Microsoft's
        names), `platform` ("web", "spa" or "publicClient"), `permissions`, `disabled`,
        `assigned` and `id_tokens_by_authorize`. Raises ValueError when one makes no sense.
        """
        return Registered(**self._control("POST", "register", asked))

    def reset(self) -> None:
        """Forget mails, faults, counts, consents and the moved clock."""
        self._control("POST", "reset", {})

    def sign_in(
        self, url: str, user: str | None = None, *, decline: bool = False, cancel: bool = False
    ) -> dict[str, str]:
        """Play the browser: follow a sign-in link, and return what it would bring to the app.

        That is `code` and `state`, or `error` when the person declines or cancels; the redirect
        URI itself isn't asked, so nobody has to listen there. user is a userPrincipalName. Each
        call is a browser of its own, without a session; who has consented is not asked again,
        unless the link says prompt=consent.
        url may also be the page of a device code, with the code: "…/devicelogin?otc=CODE". Then
        nothing comes back to the app, which asks for its token: {} says that it will get it, and
        {"error": "authorization_declined"} that it won't, since the person declined or cancelled.
        Raises RuntimeError when the link ends on an error page, with its words.
        """
        from . import visit

        wishes = visit.Wishes(user, decline, cancel)
        with self._session() as browser:
            try:
                return visit.to_the_app(browser, url, wishes).fields
            except visit.DeadEnd as end:
                raise RuntimeError(f"No sign-in: {end}") from None

    def _control(self, method: str, what: str, asked: dict[str, Any] | None = None) -> Any:
        url = f"{self.authority}/_control/{what}"
        with self._session() as session:
            answer = session.request(method, url, json=asked, timeout=ANSWER_S)
            if answer.status_code == 400:
                raise ValueError(answer.json()["error"])
            if answer.status_code == 403:
                raise PermissionError(answer.json()["error"])
            answer.raise_for_status()
            return answer.json()

    def _session(self) -> "requests.Session":
        import requests  # here, since the server itself starts faster without

        session = requests.Session()
        session.trust_env = False  # no proxy, no other certificates: this is our own loopback
        session.verify = self.ca or True
        session.headers.update(self.headers)
        return session
