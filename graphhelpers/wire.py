"""The one way out to the network: deadlines, size caps, no redirects, and the masked wire log.

`requests` keeps none of these promises by itself: its time-outs are per read, it follows a
redirect with the client secret in hand, and a `.netrc` replaces its Authorization header.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import requests
from urllib3.exceptions import HTTPError

from .clouds import Cloud, is_loopback
from .deadline import Call, session
from .display import Secret
from .errors import NoAnswer
from .exchanges import Exchange, masked, request_line, sealed, wire_log
from .help_cards import said

DEADLINE_S = 30.0  # for a whole call: connecting, waiting, reading, and pauses asked for by a 429
CONNECT_S = 8.0  # with no network at all, an error comes within ten seconds
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
LATE = f"no complete answer came within {DEADLINE_S:.0f} s"
NEVER = f"no connection to it was to be had within {CONNECT_S:.0f} s"
LARGEST_ANSWER = 4 * 2**20  # bytes

Progress = Callable[[float, float, str], object]  # (done, total, note)


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object, its secrets sealed; None when it isn't one (RFC 8259)."""
        try:
            text = self.body.decode("utf-8-sig")
            # NaN is no JSON (RFC 8259 §6), and no int either.
            value = json.loads(text, parse_constant=int, object_hook=sealed)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


@dataclass(frozen=True)
class _Request:
    cloud: Cloud
    receiver: str  # as the wire log names it
    method: str
    url: str
    form: Mapping[str, str] | None = None  # the body, as a form or as JSON
    json: Mapping[str, Any] | None = field(default=None, repr=False)  # may be megabytes
    bearer: Secret | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


def post_form(cloud: Cloud, url: str, form: Mapping[str, str]) -> Answer:
    """POST a form to the sign-in service, as RFC 6749 §4.1.3 has it."""
    return _answer(_Request(cloud, "Entra ID", "POST", url, form=form))


def get_published(cloud: Cloud, url: str) -> Answer:
    """GET one of the sign-in service's public documents: its metadata or its keys."""
    return _answer(_Request(cloud, "Entra ID", "GET", url))


def call_graph(
    cloud: Cloud,
    method: str,
    path: str,
    access_token: Secret,
    content: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Call Microsoft Graph with a bearer token (RFC 6750 §2.1); only a 429 is waited for."""
    url = f"{cloud.graph}{path}"
    request = _Request(cloud, "Microsoft Graph", method, url, None, content, access_token)
    return _answer(request, progress)


def retry_after_s(answer: Answer) -> float | None:
    """Return the pause an answer asks for, in seconds; None when it asks for none one can read.

    It is a number of seconds or an HTTP date (RFC 9110 §10.2.3).
    """
    text = answer.headers.get("Retry-After", "").strip()
    try:
        if text.replace(".", "", 1).isdecimal() and text.isascii():
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _answer(request: _Request, progress: Progress | None = None) -> Answer:
    """Ask, and ask again while the answer is 429: the service didn't begin, and says when it will.

    A pause that would not fit into the deadline is not begun; the 429 is the answer then.
    """
    ends, backoff_s = time.monotonic() + DEADLINE_S, 1.0
    while True:
        answer = _logged(request, ends)
        pause_s = retry_after_s(answer)
        pause_s = backoff_s if pause_s is None else pause_s
        if answer.status != 429 or time.monotonic() + pause_s >= ends - 1.0:
            return answer
        if progress:
            progress(0, 1, f"throttled: waiting {pause_s:.0f} s, as the service asked")
        time.sleep(pause_s)
        backoff_s *= 2


def _logged(request: _Request, ends: float) -> Answer:
    """Make one HTTP exchange before `ends`, and keep it, masked, in the wire log."""
    line, query = request_line(request.method, request.url)
    authorization = {"Authorization": request.bearer} if request.bearer else {}
    form = sealed(request.form or {}, "code")
    sent = masked({**authorization, **query, **form, **(request.json or {})})
    status, received = "no answer", {}
    try:
        answer = _ask(request, ends)
        status, received = str(answer.status), masked(answer.json or {})
    finally:
        wire_log.append(Exchange("notebook", request.receiver, line, sent, status, received))
    if 300 <= answer.status < 400:
        raise NoAnswer(*said("redirected", host=request.host, status=answer.status), "not sent")
    return answer


def _ask(request: _Request, ends: float) -> Answer:
    call = Call()
    answer: Answer | str | None = call.result(lambda: _fetched(request, call), CONNECT_S, ends)
    if isinstance(answer, Answer):
        return answer
    late = LATE if call.sent else NEVER
    words, outcome = ("sent", "unknown") if call.sent else ("not sent", "not sent")
    raise NoAnswer(*said(words, host=request.host, cause=answer or late), outcome)


def _fetched(request: _Request, call: Call) -> Answer | str:
    """Return the answer, or in plain words why none came: an error's own text may hold a token."""
    headers = {**HEADERS, "client-request-id": str(uuid4())}  # names it to Microsoft's support
    if request.bearer:
        headers["Authorization"] = f"Bearer {request.bearer}"
    try:
        response = session(is_loopback(request.host)).request(
            request.method,
            request.url,
            headers=headers,
            data=request.form,
            json=request.json,
            auth=lambda prepared: prepared,  # or a .netrc would replace our Authorization
            verify=request.cloud.ca or True,  # named here, or an environment variable replaces it
            timeout=(CONNECT_S + 1, DEADLINE_S),  # for the thread; the call has ended by then
            allow_redirects=False,
            stream=True,
        )
        with response:
            if response.status_code < 200:  # its real answer would pass for the next call's
                return "it gave a provisional answer and no other"
            content = response.raw.read(LARGEST_ANSWER + 1, decode_content=True)
    except Exception as error:
        return _cause(error, call.sent)
    if len(content) > LARGEST_ANSWER:
        return "its answer is larger than 4 MB"
    return Answer(response.status_code, response.headers, content)


def _cause(error: Exception, sent: bool) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS certificate isn't one this machine trusts, or TLS failed"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy named in this environment didn't connect"
    if isinstance(error, OSError) and "CA certificate bundle" in str(error):
        return "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a file that isn't there"
    if "NameResolutionError" in repr(error):
        return "its name isn't known here: no network, or a misspelt address"
    if not isinstance(error, requests.RequestException | HTTPError | OSError):
        return f"an unexpected {type(error).__name__} came up here; please report it"
    if not sent:
        return "nothing listens at that address"
    return "the connection broke before the whole answer was there"
