"""How much of a mailbox an app may use, and the 429 for more (Microsoft: "throttling-limits").

Throttling is off until `POST /_control/limits` switches it on: no lesson runs into it by
accident. What is throttled is neither counted by `/_control/requests` nor bent by a fault.
"""

import math
import re
from collections import Counter, deque
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from .graph.bearer import caller
from .graph.errors import GraphError, refused, respond

MAILBOX = re.compile(r"/(?:v1\.0|beta)/(?:me|users/(?P<user>[^/]+))/.")
SENDING = re.compile(r".*/(?:microsoft\.graph\.)?send(?:mail)?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """Microsoft's numbers, for each app and mailbox."""

    enabled: bool = False  # whether calls are throttled
    requests: int = 10_000
    window_s: float = 600.0
    concurrent: int = 4
    messages_per_minute: int = 30  # of a mailbox, whatever the app; its 429 is our guess
    upload_mb: int = 150  # sent to upload addresses within the next number of seconds
    upload_window_s: float = 300.0
    # The files of a message; holds always. Microsoft's default is 35, and an administrator may say
    # up to 150. Here that was done, so that each size of the documents can be tried.
    message_mb: int = 150


class Throttle:
    """The limits in force, and how far they are used up."""

    def __init__(self) -> None:
        self.set(Limits())

    def set(self, limits: Limits) -> None:
        """Let these limits hold from now on, with nothing used up."""
        self.limits = limits
        self.under_way: Counter[tuple[str, str]] = Counter()
        self._times: dict[tuple[str, str], deque[float]] = {}
        self._uploads: dict[str, deque[tuple[float, int]]] = {}

    def check(self, app: str, mailbox: str, sends: bool, now: float) -> None:
        """Count a call by the sandbox's clock; refuse it when it is one too many."""
        limits = self.limits
        if self.under_way[app, mailbox] >= limits.concurrent:
            raise refused("concurrency", {"Retry-After": "1"})
        if sends:
            self._count(("", mailbox), limits.messages_per_minute, 60.0, now)
        self._count((app, mailbox), limits.requests, limits.window_s, now)

    def check_upload(self, mailbox: str, size: int, now: float) -> None:
        """Count the bytes of a range; refuse it when they are too many."""
        if not self.limits.enabled:
            return
        seen = self._uploads.setdefault(mailbox, deque())
        while seen and seen[0][0] <= now - self.limits.upload_window_s:
            seen.popleft()
        if sum(one for _, one in seen) + size > self.limits.upload_mb * 1024 * 1024:
            wait_s = seen[0][0] + self.limits.upload_window_s - now if seen else 1
            raise refused("throttled", {"Retry-After": str(max(1, math.ceil(wait_s)))})
        seen.append((now, size))

    def _count(self, key: tuple[str, str], most: int, window_s: float, now: float) -> None:
        """Note a call; those that are refused count too (Microsoft: "all requests accrue")."""
        times = self._times.setdefault(key, deque(maxlen=most))
        full = len(times) == most and times[0] > now - window_s
        times.append(now)
        if full:
            wait_s = max(1, math.ceil(times[0] + window_s - now))
            raise refused("throttled", {"Retry-After": str(wait_s)})


class ThrottleMiddleware:
    """ASGI middleware: turns away calls to a mailbox that are one too many."""

    def __init__(self, app: ASGIApp, throttle: Throttle):
        self.app = app
        self.throttle = throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless a limit is reached."""
        found = MAILBOX.match(scope["path"]) if scope["type"] == "http" else None
        if found is None or not self.throttle.limits.enabled:
            return await self.app(scope, receive, send)
        request = Request(scope)
        try:
            user, claims = caller(request)
        except GraphError:  # who has no good token is refused further on
            return await self.app(scope, receive, send)
        people = request.app.state.store.people
        mailbox = people.user(found["user"] or user.oid) or user
        sends = scope["method"] == "POST" and SENDING.fullmatch(scope["path"]) is not None
        key = (claims["appid"], mailbox.oid)
        try:
            self.throttle.check(*key, sends, request.app.state.store.now())
        except GraphError as error:
            return await respond(request, error)(scope, receive, send)
        under_way = self.throttle.under_way
        under_way[key] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            under_way[key] -= 1
