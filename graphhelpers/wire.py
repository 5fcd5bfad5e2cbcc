"""The one way out to the network: deadlines, size caps, no redirects, and the masked wire log.

`requests` keeps none of these promises by itself: its time-outs are per read, it follows a
redirect with the client secret in hand, and a `.netrc` replaces its Authorization header.
"""

import json
import math
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit
from uuid import uuid4

import requests
from urllib3.exceptions import HTTPError

from .clouds import Cloud, is_loopback
from .deadline import Call, session
from .display import Secret, shown
from .errors import NoAnswer
from .exchanges import FORM, FORM_SECRETS, JSON, Exchange, masked, sealed, wire_log
from .help_cards import cause

DEADLINE_S = 30.0  # for a whole call: connecting, waiting, reading, and pauses asked for by a 429
CONNECT_S = 8.0  # with no network at all, an error comes within ten seconds
LARGEST_ANSWER = 4 * 2**20  # bytes
# The headers of an answer that are worth seeing; a cookie isn't.
SEEN = {"content-type", "location", "request-id", "retry-after", "www-authenticate"}

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
        with suppress(ValueError, RecursionError):
            # NaN is no JSON (RFC 8259 §6), and no int either.
            read = json.loads(self.body.decode("utf-8-sig"), parse_constant=int, object_hook=sealed)
            return read if isinstance(read, dict) else None
        return None


@dataclass(frozen=True)
class _Request:
    cloud: Cloud
    receiver: str  # as the wire log names it
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)  # besides what every request says
    content: bytes = field(default=b"", repr=False)  # may be megabytes
    sent: Mapping[str, Any] = field(default_factory=dict, repr=False)  # its fields, for the log
    bearer: Secret | None = None


def post_form(cloud: Cloud, url: str, form: Mapping[str, str]) -> Answer:
    """POST a form to the sign-in service, as RFC 6749 §4.1.3 has it."""
    kind, sent = {"Content-Type": FORM}, sealed(form, FORM_SECRETS)
    # The text has no name, or a verbose traceback would show it.
    return _answer(_Request(cloud, "Entra ID", "POST", url, kind, urlencode(form).encode(), sent))


def get_published(cloud: Cloud, url: str) -> Answer:
    """GET one of the sign-in service's public documents: its metadata or its keys."""
    return _answer(_Request(cloud, "Entra ID", "GET", url))


def call_graph(
    cloud: Cloud,
    method: str,
    path: str,
    access_token: Secret,
    content: Mapping[str, Any] | bytes = b"",
    progress: Progress | None = None,
    under_way: threading.Event | None = None,
) -> Answer:
    """Call Microsoft Graph with a bearer token (RFC 6750 §2.1); only a 429 is waited for.

    `content` is sent as JSON, or in bytes as a MIME message in base64 (Microsoft: "Send mail").
    `under_way` is set from when it goes out, but not while a 429 is waited for.
    """
    kind, sent, to, url = "text/plain", {}, "Microsoft Graph", f"{cloud.graph}{path}"
    if isinstance(content, Mapping):
        kind, sent, content = JSON, dict(content), json.dumps(content).encode()
    headers = {"Content-Type": kind} if content else {}
    request = _Request(cloud, to, method, url, headers, content, sent, access_token)
    return _answer(request, progress, under_way)


def call_upload(
    cloud: Cloud, method: str, url: Secret, headers: Mapping[str, str], content: bytes, ends: float
) -> Answer:
    """Call an upload URL before `ends`, without a token: the URL itself is the permission.

    A 429 is the caller's to wait for, who knows what the time of a range is.
    """
    kind = {"Content-Type": "application/octet-stream"} if content else {}
    request = _Request(cloud, "Microsoft Graph", method, url, {**headers, **kind}, content)
    return _logged(request, ends)


def pause(pause_s: float, progress: Progress | None) -> None:
    """Wait as long as the service asked, and count the seconds down."""
    whole_s = math.ceil(pause_s)
    for left_s in range(whole_s, 0, -1):
        if progress:
            progress(0, 1, f"throttled: waiting {left_s} s, as the service asked")
        time.sleep(pause_s - whole_s + 1 if left_s == whole_s else 1.0)


def retry_after_s(answer: Answer) -> float | None:
    """Return the pause an answer asks for, in seconds; None when it asks for none one can read.

    It is a number of seconds or an HTTP date (RFC 9110 §10.2.3).
    """
    text = answer.headers.get("Retry-After", "").strip()
    with suppress(TypeError, ValueError, OverflowError):
        if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return None


def _answer(
    request: _Request, progress: Progress | None = None, under_way: threading.Event | None = None
) -> Answer:
    """Ask, and ask again while the answer is 429: the service didn't begin, and says when it will.

    A pause that would not fit into the deadline is not begun; the 429 is the answer then.
    """
    ends, backoff_s = time.monotonic() + DEADLINE_S, 1.0
    under_way = under_way or threading.Event()
    while True:
        under_way.set()
        answer = _logged(request, ends)
        pause_s = backoff_s if (asked_s := retry_after_s(answer)) is None else asked_s
        if answer.status != 429 or time.monotonic() + pause_s >= ends - 1.0:
            return answer
        under_way.clear()  # an interrupt of the pause interrupts nothing
        pause(pause_s, progress)
        backoff_s *= 2


def _logged(request: _Request, ends: float) -> Answer:
    """Make one HTTP exchange before `ends`, and keep it, masked, in the wire log."""
    call, answer, exchange = Call(), None, _begun(request)
    try:
        answer = call.result(lambda: _fetched(request, exchange.headers, call), CONNECT_S, ends)
    finally:
        wire_log.append(_ended(exchange, answer) if isinstance(answer, Answer) else exchange)
    host = urlsplit(request.url).hostname
    if not isinstance(answer, Answer):
        key, s = ("never", CONNECT_S) if call.connecting else ("late", DEADLINE_S)
        words, outcome = ("sent", "unknown") if call.sent else ("not sent", "not sent")
        raise NoAnswer.of(words, outcome, host=host, cause=answer or cause(key, s=s))
    if 300 <= answer.status < 400:
        raise NoAnswer.of("redirected", "not sent", host=host, status=answer.status)
    return answer


def _begun(request: _Request) -> Exchange:
    """Return what may be kept of a request: each secret as its fingerprint."""
    parts = urlsplit(request.url)
    query = sealed(dict(parse_qsl(parts.query, keep_blank_values=True)), FORM_SECRETS)
    path, sent = shown(parts.path), masked({**query, **request.sent})
    if isinstance(request.url, Secret):
        path, sent = repr(request.url), {}
    if request.content and not request.sent:
        sent["content"] = f"{len(request.content):,} bytes"
    line, origin = f"{request.method} {path}", _origin(parts)
    # The client-request-id names this call to Microsoft's support.
    headers = {"Accept": JSON, "Accept-Encoding": "identity", "client-request-id": str(uuid4())}
    headers |= request.headers
    if request.bearer:
        headers["Authorization"] = f"Bearer {Secret(request.bearer)!r}"
    return Exchange("notebook", request.receiver, line, sent, "no answer", {}, origin, headers)


def _origin(parts: SplitResult) -> str:
    """Return scheme, host and port; a user's name and password stay out."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _ended(exchange: Exchange, got: Answer) -> Exchange:
    """Add what may be kept of the answer; the query of an address could hold a code."""
    told = {n: shown(re.split("[?#]", v)[0]) for n, v in got.headers.items() if n.lower() in SEEN}
    status, received = str(got.status), masked(got.json or {})
    return replace(exchange, answer=status, received=received, answer_headers=told)


def record(answered: requests.Response, *_: Any, **__: Any) -> None:
    """Take a call that other code made with `requests` into the wire log, masked.

    It is a hook: `session.hooks["response"] = record` (requests: "Event Hooks").
    """
    asked, parts = answered.request, urlsplit(str(answered.request.url))
    headers = {name.title(): shown(v) for name, v in asked.headers.items() if name.lower() in SEEN}
    body = asked.body if headers.get("Content-Type") == FORM else ""
    form = dict(parse_qsl(f"{parts.query}&{body if isinstance(body, str) else ''}"))
    receiver = "Microsoft Graph" if parts.path.startswith(("/v1.0/", "/beta/")) else "Entra ID"
    line, sent = f"{asked.method} {shown(parts.path)}", masked(sealed(form, FORM_SECRETS))
    one = Exchange("other code", receiver, line, sent, origin=_origin(parts), headers=headers)
    wire_log.append(_ended(one, Answer(answered.status_code, answered.headers, answered.content)))


def _fetched(request: _Request, headers: Mapping[str, str], call: Call) -> Answer | str:
    """Return the answer, or in plain words why none came: an error's own text may hold a token."""
    if request.bearer:
        headers = {**headers, "Authorization": f"Bearer {request.bearer}"}
    try:
        # Prepared without the session, or a .netrc would replace our Authorization.
        asked = requests.Request(request.method, request.url, headers, data=request.content)
        on = session(is_loopback(urlsplit(request.url).hostname), os.getpid())
        response = on.send(
            asked.prepare(),
            timeout=(CONNECT_S + 1, DEADLINE_S + 1),  # for the thread; the call has ended by then
            allow_redirects=False,
            # In this order: url, proxies, stream, verify, cert.
            **on.merge_environment_settings(request.url, {}, True, request.cloud.ca or True, None),
        )
        with response:
            if response.status_code < 200:  # its real answer would pass for the next call's
                return cause("provisional")
            content = response.raw.read(LARGEST_ANSWER + 1, decode_content=True)
    except Exception as error:
        return _cause(error, call.sent)
    if len(content) > LARGEST_ANSWER:
        return cause("too large")
    return Answer(response.status_code, response.headers, content)


def _cause(error: Exception, sent: bool) -> str:
    known = "^SSLError|^ProxyError|CA certificate bundle|NameResolutionError"
    if found := re.search(known, repr(error)):
        return cause(found[0])
    if not isinstance(error, requests.RequestException | HTTPError | OSError):
        return cause("unexpected", kind=type(error).__name__)
    return cause("broke" if sent else "nothing listens")
