"""Task 3: wait at the redirect URI. One answer comes in, one authorization code goes out."""

import hmac
import re
import threading
from collections import Counter
from concurrent.futures import Future
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from .clouds import GUID
from .display import Secret
from .errors import CallbackError, SignInRefused, SignInTimeout
from .exchanges import FORM_SECRETS, Exchange, masked, sealed, wire_log
from .listener import Listener
from .registration import Registration, listens_at

if TYPE_CHECKING:
    from .signin import SignIn

MOST_FIELDS = 40  # of an answer; Microsoft sends up to six
ALREADY = "The answer to this sign-in was already received. Go back to the notebook."

_listening: dict[int, "CallbackServer"] = {}  # by port, so that a cell run again replaces itself


class _Ignored(Exception):
    """An answer that isn't this attempt's: it gets a status and a word, and the wait goes on."""

    def __init__(self, status: int, words: str, kind: str = "malformed"):
        super().__init__(words)
        self.status, self.words, self.kind = status, words, kind


class CallbackServer:
    """Listens at the redirect URI, in the background, for the answer to one attempt.

    Used as `with CallbackServer(app, attempt) as server:`, or by `.start()` and `.stop()`.
    It admits one answer: the first with the attempt's `state` (RFC 6749 §10.12). A proxy may stand
    before it; `port` is needed where the redirect URI doesn't tell on which one it hands on.
    """

    def __init__(self, app: Registration, attempt: "SignIn", port: int | None = None):
        self.url, self._state, self._app = app.redirect_uri, attempt.state, app
        self._seen, (host, told, self._path, names) = urlsplit(self.url).path, listens_at(self.url)
        self._addresses = {self.url, self.url if self._seen else f"{self.url}/"}
        self._listener = Listener(host, port or told, names, self._page)
        self._lock = threading.Lock()
        self._answer: Future[Secret] = Future()
        self._ignored: Counter[str] = Counter()

    def start(self) -> "CallbackServer":
        """Listen from now on; raises CallbackError when the port is taken, or none is known."""
        if self._listener.port not in range(1, 65_536):
            raise CallbackError.of("no port", url=self.url)
        if (earlier := _listening.get(self._listener.port)) not in (None, self):
            earlier.stop()
        _listening[self._listener.port] = self
        self._reopen()
        self._listener.open()
        return self

    def stop(self) -> None:
        """Give the port back; whoever still waits gets a CallbackError. Twice is fine."""
        self._listener.close()
        if _listening.get(self._listener.port) is self:
            del _listening[self._listener.port]
        self._fail("listener stopped")

    __enter__ = start

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def wait(self, timeout_s: float = 300.0) -> Secret:
        """Block until the browser comes back, and return its authorization code.

        `timeout_s` is in seconds. The code is good for one exchange, within about ten minutes
        (RFC 6749 §4.1.2). Raises SignInTimeout when nobody came with the right state,
        SignInRefused when the answer is a no, and CallbackError when the listener was stopped.
        """
        try:
            return self._answer.result(timeout_s)
        except TimeoutError:
            raise self._timeout(timeout_s) from None

    def accept(self, pasted_url: str) -> Secret:
        """Take the address that the browser ended on, pasted by hand, and return its code.

        For a browser on another machine, which can't reach this listener. The same checks apply;
        raises CallbackError when it is another address, and SignInRefused when it is a no.
        """
        address, _, query = pasted_url.strip().partition("?")
        try:
            if address not in self._addresses:
                raise _Ignored(404, f"It doesn't begin with {self.url}?")
            self._take(query.partition("#")[0])
        except _Ignored as ignored:
            raise CallbackError.of("not this sign-in", reason=ignored.words) from None
        return self.wait(0)

    def _reopen(self) -> None:
        """Let the answer still come after a wait was stopped: the attempt itself isn't spent."""
        if self._answer.done() and isinstance(self._answer.exception(), CallbackError):
            self._answer = Future()

    def _fail(self, key: str, **values: object) -> None:
        """End the wait with an error, unless the answer is there."""
        with self._lock:
            if not self._answer.done():
                self._answer.set_exception(CallbackError.of(key, **values))

    def _page(self, method: str, path: str, fields: str) -> tuple[int, str]:
        """Judge one request that reached the listener; return the page's status and words."""
        try:
            return self._judged(method, path, fields)
        except Exception as error:  # nobody reads a thread's traceback, so the wait tells it
            self._fail("unexpected", kind=type(error).__name__)
            return 500, "The listener has a fault. Go back to the notebook."

    def _judged(self, method: str, path: str, fields: str) -> tuple[int, str]:
        if method == "TLS":
            self._ignored["https"] += 1
        if path != self._path:
            if re.search(r"(^|&)(code|error)=", fields):
                self._ignored["path"] += 1
            return 404, f"This listener waits at {self.url} only; every letter counts."
        try:
            status, words = self._take(fields)
        except _Ignored as ignored:
            self._ignored[ignored.kind] += 1
            status, words = ignored.status, ignored.words
        sent = masked(sealed(dict(parse_qsl(fields)[:MOST_FIELDS]), FORM_SECRETS))
        # As the browser saw it: a proxy may have taken the beginning of the path away.
        line, origin = f"{method} {self._seen or '/'}", self.url.removesuffix(self._seen)
        wire_log.append(Exchange("browser", "notebook", line, sent, str(status), {}, origin))
        return status, words

    def _take(self, fields: str) -> tuple[int, str]:
        """Admit the one answer of this attempt, or raise _Ignored (RFC 6749 §4.1.2)."""
        with self._lock:
            self._reopen()
            if self._answer.done():
                raise _Ignored(409, ALREADY, "late")
            answer = _parse(fields)
            self._check_state(answer)
            self._check_issuer(answer)
            if "error" in answer:
                refused = SignInRefused("The sign-in ended without a code", answer)
                self._answer.set_exception(refused)
                return 400, f"{refused.what} {refused.why} Go back to the notebook."
            if not re.fullmatch(r"[!-~]+", answer.get("code", "")):
                raise _Ignored(400, "It holds neither a code nor an error.")
            self._answer.set_result(Secret(answer["code"]))
            return 200, "The code has arrived. You can close this tab and go back to the notebook."

    def _check_state(self, answer: dict[str, str]) -> None:
        given = answer.get("state", "").encode("utf-8")
        if not hmac.compare_digest(given, self._state.encode("utf-8")):
            kind = "It belongs to another sign-in" if given else "It has no state"
            raise _Ignored(400, f"{kind}: state must be the one this attempt sent.", "state")

    def _check_issuer(self, answer: dict[str, str]) -> None:
        """Refuse an answer that names another issuer (RFC 9207 §2.4); Microsoft names none."""
        tenant = self._app.tenant if GUID.fullmatch(self._app.tenant) else GUID.pattern
        ours = f"{re.escape(self._app.cloud.authority)}/{tenant}/v2.0"
        if "iss" in answer and not re.fullmatch(ours, answer["iss"]):
            raise _Ignored(400, "It comes from another issuer than the one asked.")

    def _timeout(self, timeout_s: float) -> SignInTimeout:
        """Say what did arrive, since that tells what is wrong."""
        told = (kind for kind in ("path", "state", "https", "malformed") if self._ignored[kind])
        count = self._ignored[arrived := next(told, "nothing")]
        return SignInTimeout.of(f"timeout: {arrived}", url=self.url, s=timeout_s, count=count)


def _parse(fields: str) -> dict[str, str]:
    """Parse a query strictly: no name twice, and empty means absent (RFC 6749 §3.1)."""
    try:
        pairs = parse_qsl(fields, True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise _Ignored(400, "It isn't a query that a sign-in service sends.") from None
    if len({name for name, _ in pairs}) < len(pairs):
        raise _Ignored(400, "It gives one parameter twice.")
    return {name: value for name, value in pairs if value}
