"""A whole class at once on one sandbox: `python -m tests.hub.load --learners 100`.

Each learner does the article's five tasks and sends five mails to the next one, each at their own
pace, with a pause between two steps. The hub is pretended, so that what is measured is the sandbox.
A step is what a learner waits for: joining, a sign-in (its four pages), a token, a profile, a mail.
"""

import argparse
import http.client
import json
import math
import random
import re
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import psutil

from tests.hub.pretend import SERVICE, running_class

MAILS = 5
MEBIBYTE = 1024 * 1024
ANSWER_S = 60
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


class Learner(threading.Thread):
    """One learner with a connection of their own; what they waited for is in `steps`."""

    def __init__(self, authority: str, number: int, learners: int, pause_s: float):
        super().__init__(daemon=True)
        self.name, self.next = f"learner{number}", f"learner{(number + 1) % learners}"
        self._pause_s, self._chance = pause_s, random.Random(number)
        self._connection = http.client.HTTPConnection(urlsplit(authority).netloc, timeout=ANSWER_S)
        self._cookies: dict[str, str] = {}
        self.steps: list[tuple[str, float]] = []
        self.error: Exception | None = None

    def run(self) -> None:
        """Do the five tasks; an error ends them."""
        try:
            self._learn()
        except Exception as error:
            self.error = error
        finally:
            self._connection.close()

    def _learn(self) -> None:
        app = self._step("join", self._join)
        made = self._step("register", lambda: self._register(app))
        app |= made
        code = self._step("sign in", lambda: self._sign_in(app))
        token = self._step("token", lambda: self._redeem(app, code))
        bearer = {"Authorization": f"Bearer {token}"}
        me = self._step("profile", lambda: self._json("GET", "/v1.0/me", bearer))
        if me["userPrincipalName"] != app["user"]:
            raise AssertionError(f"{self.name} is {me['userPrincipalName']}")
        for number in range(MAILS):
            self._step("mail", lambda number=number: self._mail(bearer, number))
        self._step("inbox", lambda: self._json("GET", "/_control/mailbox", self._own()))

    def _step(self, what, work):
        time.sleep(self._chance.uniform(0, 2 * self._pause_s))
        started = time.perf_counter()
        result = work()
        self.steps.append((what, time.perf_counter() - started))
        return result

    def _own(self) -> dict[str, str]:
        return {"Authorization": f"token learner-{self.name}"}

    def _join(self) -> dict:
        body = json.dumps({"server": f"/user/{self.name}/", "port": 8000})
        return self._json("POST", "/_control/join", self._own() | JSON, body)

    def _register(self, app: dict) -> dict:
        wish = {"display_name": "My mail app", "redirect_uris": app["redirect_uris"]}
        return self._json("POST", "/_control/register", self._own() | JSON, json.dumps(wish))

    def _sign_in(self, app: dict) -> str:
        scope = "openid offline_access User.Read Mail.Send"
        query = {"client_id": app["client_id"], "response_type": "code", "scope": scope}
        query["redirect_uri"] = app["redirect_uris"][0]
        address, fields = f"/common/oauth2/v2.0/authorize?{urlencode(query)}", None
        for _ in range(6):
            headers = self._own() | (FORM if fields else {})
            cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            headers |= {"Cookie": cookies} if cookies else {}
            method = "POST" if fields else "GET"
            answer, body = self._ask(method, address, headers, urlencode(fields or {}))
            if answer.status == 302:
                return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
            if answer.status == 303:
                address, fields = urljoin(address, answer.headers["location"]), None
                continue
            csrf = re.search(rb'name="csrf" value="([^"]+)"', body)
            if csrf is None:
                raise AssertionError(f"{answer.status} {body[:300]!r}")
            fields = {"csrf": csrf[1].decode()}
            fields |= {"consent": "accept"} if b'name="consent"' in body else {"user": app["user"]}
        raise AssertionError("no way back to the app")

    def _redeem(self, app: dict, code: str) -> str:
        form = {name: app[name] for name in ("client_id", "client_secret")}
        form |= {"grant_type": "authorization_code", "code": code}
        form |= {"redirect_uri": app["redirect_uris"][0]}
        path = "/common/oauth2/v2.0/token"
        return self._json("POST", path, FORM, urlencode(form))["access_token"]

    def _mail(self, bearer: dict[str, str], number: int) -> None:
        to = [{"emailAddress": {"address": f"{self.next}@contoso.example"}}]
        body = {"contentType": "Text", "content": "Sent through Graph. " * 25}
        mail = {"message": {"subject": f"Mail {number}", "body": body, "toRecipients": to}}
        answer, said = self._ask("POST", "/v1.0/me/sendMail", bearer | JSON, json.dumps(mail))
        if answer.status != 202:
            raise AssertionError(f"no mail: {answer.status} {said[:300]!r}")

    def _json(self, method: str, path: str, headers: dict[str, str], body: str = ""):
        answer, said = self._ask(method, path, headers, body)
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status} {said[:300]!r}")
        return json.loads(said)

    def _ask(self, method: str, path: str, headers: dict[str, str], body: str):
        self._connection.request(method, path, body or None, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        for cookie in answer.headers.get_all("set-cookie") or ():
            name, _, value = cookie.split(";")[0].partition("=")
            self._cookies[name] = value
        return answer, said


def measure(learners: int, pause_s: float) -> dict[str, object]:
    """Let a class of this size work, and return what it was like."""
    with tempfile.TemporaryDirectory() as home, running_class(Path(home)) as room:
        process = psutil.Process(room.pid)
        before, started = process.memory_info().rss, time.perf_counter()
        worked = sum(process.cpu_times()[:2])
        them = [Learner(room.authority, one, learners, pause_s) for one in range(learners)]
        for one in them:
            one.start()
        for one in them:
            one.join()
        took = time.perf_counter() - started
        accepted = _accepted(room.authority)
        figures = {
            "learners": learners,
            "errors": [repr(one.error) for one in them if one.error],
            "mails": accepted,
            "seconds": round(took, 1),
            "cpu_s_a_learner": round((sum(process.cpu_times()[:2]) - worked) / learners, 4),
            "memory_mib": [round(one / MEBIBYTE, 1) for one in (before, process.memory_info().rss)],
            "home_kib_a_learner": round(_size(Path(home)) / 1024 / learners, 1),
        }
    return figures | {"p95_ms": _p95(them)}


def _accepted(authority: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(authority).netloc, timeout=ANSWER_S)
    headers = {"Authorization": f"token {SERVICE}"}
    connection.request("GET", "/_control/mailbox", headers=headers)
    mails = json.loads(connection.getresponse().read())
    connection.close()
    return len(mails)


def _size(home: Path) -> int:
    return sum(one.stat().st_size for one in home.iterdir())


def _p95(them: list[Learner]) -> dict[str, float]:
    """Return the time in ms that 95 of 100 steps keep within, of all and of each kind."""
    times: dict[str, list[float]] = {"all": []}
    for what, took in (step for one in them for step in one.steps):
        times.setdefault(what, []).append(took)
        times["all"].append(took)
    return {
        what: round(1000 * sorted(found)[math.ceil(0.95 * len(found)) - 1], 1)
        for what, found in times.items() if found
    }  # fmt: skip


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learners", type=int, default=100)
    pause = "seconds between two steps, on average"
    parser.add_argument("--pause", type=float, default=0.5, help=pause)
    options = parser.parse_args()
    print(json.dumps(measure(options.learners, options.pause), indent=2))


if __name__ == "__main__":
    main()
