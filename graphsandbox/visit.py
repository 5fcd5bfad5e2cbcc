"""`python -m graphsandbox.visit URL`: plays the browser, so that notebooks run by themselves.

It signs in, consents, and follows the redirects to the app's reply URL. Nothing is printed and
the exit code is 0 when that URL answered 2xx; else one line on stderr says where it ended.
"""

import argparse
import sys
import threading
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, urldefrag, urljoin, urlsplit

import requests

from . import ready
from .page import Button, Form, Page

DEADLINE_S = 60.0  # for the whole visit
ANSWER_S = 20.0  # for one answer
MOST_STEPS = 30
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# The last pages of a device's sign-in, which leads back to no app, and what its app is told.
DEVICE_DONE: dict[str, dict[str, str]] = {
    "You have signed in": {},
    "You declined": {"error": "authorization_declined"},
}


class DeadEnd(Exception):
    """The visit ended before the reply URL answered well; the text says where, in one line."""


@dataclass(frozen=True)
class Wishes:
    """How this visitor presses the buttons."""

    user: str | None = None
    decline: bool = False
    cancel: bool = False


@dataclass(frozen=True)
class Arrival:
    """What the browser brings to the app, and how; of a device's app there is no address."""

    method: str
    address: str
    fields: dict[str, str]


def visit(session: requests.Session, start: str, wishes: Wishes) -> None:
    """Go from a sign-in link to the app's answer, or raise DeadEnd."""
    arrival = to_the_app(session, start, wishes)
    if not arrival.address:
        return None
    fields = arrival.fields if arrival.method == "POST" else None
    answer = _ask(session, arrival.method, arrival.address, fields)
    for _ in range(MOST_STEPS):
        if not answer.is_redirect:
            return _check_reply(answer)
        answer = _ask(session, "GET", urljoin(answer.url, answer.headers["location"]))
    raise DeadEnd(f"the app still redirects after {MOST_STEPS} steps")


def to_the_app(session: requests.Session, start: str, wishes: Wishes) -> Arrival:
    """Go from a sign-in link as far as the app's door, or raise DeadEnd.

    The page of a device code, with the code in its address (`?otc=`), has an end of its own.
    """
    sent = parse_qs(urlsplit(start).query)
    reply, hint = sent.get("redirect_uri", [""])[0], sent.get("login_hint", [None])[0]
    method, address, fields = "GET", start, None
    for _ in range(MOST_STEPS):
        answer = _ask(session, method, address, fields)
        if answer.is_redirect:
            method, fields = "GET", None
            address = urljoin(answer.url, answer.headers["location"])
        elif (told := _told_to_a_device(answer)) is not None:
            return Arrival("", "", told)
        else:
            method, address, fields = _press(answer, wishes, hint)
        if _is_app(address, start, reply):
            return Arrival(method, address, fields or _fields_of(address))
    raise DeadEnd(f"after {MOST_STEPS} steps it had not come back to the app")


def _told_to_a_device(answer: requests.Response) -> dict[str, str] | None:
    """Return what the app on a device is told when this is the last page of its sign-in."""
    if not answer.ok or not urlsplit(answer.url).path.endswith("/devicelogin"):
        return None
    return DEVICE_DONE.get(Page(answer.text).heading)


def _fields_of(address: str) -> dict[str, str]:
    """Return what an address carries, in its query or behind its hash sign."""
    parts = urlsplit(address)
    return dict(parse_qsl(parts.fragment or parts.query, keep_blank_values=True))


def _ask(
    session: requests.Session, method: str, address: str, fields: dict[str, str] | None = None
) -> requests.Response:
    """Ask for one page of this machine; a fragment stays in the browser, as everywhere."""
    if urlsplit(address).hostname not in LOOPBACK:
        raise DeadEnd(f"it leads away from this machine, to {_place(address)}")
    url = urldefrag(address).url
    query, body = (fields, None) if method == "GET" else (None, fields)
    return session.request(
        method, url, params=query, data=body, allow_redirects=False, timeout=ANSWER_S
    )


def _is_app(address: str, start: str, reply: str) -> bool:
    """Say whether this page is the app's, and no longer the platform's."""
    return _place(address) == _place(reply) or _origin(address) != _origin(start)


def _check_reply(answer: requests.Response) -> None:
    if not answer.ok:
        page = Page(answer.text)
        said = page.alert or page.heading
        raise DeadEnd(f"{_place(answer.url)} answered {answer.status_code} {said}".strip())


def _press(
    answer: requests.Response, wishes: Wishes, hint: str | None
) -> tuple[str, str, dict[str, str]]:
    """Return what a person with these wishes sends from this page: method, address, fields."""
    page = Page(answer.text)
    chosen = _choose(page, wishes, hint)
    if chosen is None:
        said = page.alert or page.heading or answer.text[:200]
        raise DeadEnd(f"{_place(answer.url)} says: {' '.join(said.split())}")
    form, button = chosen
    fields = form.hidden | ({button.name: button.value} if button.name else {})
    return form.method, urljoin(answer.url, form.action), fields


def _choose(page: Page, wishes: Wishes, hint: str | None) -> tuple[Form, Button] | None:
    by_text = {button.text: (form, button) for form, button in page.buttons()}
    accounts = [one for one in page.buttons() if "@" in one[1].text]
    if "Accept" in by_text:
        return by_text["Cancel" if wishes.decline else "Accept"]
    if accounts:
        return by_text["Cancel"] if wishes.cancel else _account(accounts, wishes.user, hint)
    # The page of response_mode=form_post has one button, and a form that leads to the app.
    return next((one for one in page.buttons() if urlsplit(one[0].action).netloc), None)


def _account(
    accounts: list[tuple[Form, Button]], user: str | None, hint: str | None
) -> tuple[Form, Button]:
    """Return the account asked for, else the one the app suggests, else the first."""
    wanted = (user or hint or "@").lower()
    fitting = [one for one in accounts if _names(one[1], wanted)]
    if user and not fitting:
        others = ", ".join(one[1].value for one in accounts)
        raise DeadEnd(f"the sign-in page offers no account {user}; it offers {others}")
    return (fitting or accounts)[0]


def _names(button: Button, wanted: str) -> bool:
    """Say whether this is the account: a guest has another address than userPrincipalName."""
    return wanted in button.text.lower() or wanted == button.value.lower()


def _place(address: str) -> str:
    """Return an address without its query, which may hold a code."""
    return address.split("#")[0].split("?")[0]


def _origin(address: str) -> tuple[str, str]:
    return urlsplit(address)[:2]


def _run(options: argparse.Namespace, problem: list[str]) -> None:
    """Make the visit; what goes wrong is left in `problem`, never raised."""
    wishes = Wishes(options.user, options.decline, options.cancel)
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy has no business on loopback
            session.verify = options.ca or _known_ca(options.url) or True
            visit(session, options.url, wishes)
    except DeadEnd as end:
        problem.append(str(end))
    except requests.RequestException as error:
        url = error.request.url if error.request is not None else None
        place = _place(url) if isinstance(url, str) else "the address"
        problem.append(f"{place} did not answer ({type(error).__name__})")
    except OSError as error:  # a --ca that isn't there
        problem.append(str(error))
    except Exception as error:  # one line for whatever else a page may hold
        problem.append(f"{type(error).__name__} on the way")


def _known_ca(address: str) -> str | None:
    """Return the authority of the sandbox that runs for this home, for https addresses."""
    said = ready.read(ready.default_home()) if address.lower().startswith("https:") else None
    return said.ca if said else None


def main() -> int:
    """Visit, and return the exit code."""
    options = _options().parse_args()
    problem: list[str] = []
    # A thread, because only leaving it behind ends a visit that gets an answer by drops.
    thread = threading.Thread(target=_run, args=(options, problem), daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    if thread.is_alive():
        problem.append(f"it took longer than {DEADLINE_S:g} s")
    if problem:
        print(f"graphsandbox.visit: {' '.join(problem[0].split())}", file=sys.stderr)
    return 1 if problem else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m graphsandbox.visit", description="Play the browser of a sign-in."
    )
    parser.add_argument("url", help="the sign-in link")
    parser.add_argument("--user", help="the account to pick (default: the suggested or the first)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--decline", action="store_true", help="decline the consent page")
    how.add_argument("--cancel", action="store_true", help="cancel the sign-in page")
    parser.add_argument("--ca", metavar="PATH", help="the PEM to trust for https")
    return parser


if __name__ == "__main__":
    sys.exit(main())
