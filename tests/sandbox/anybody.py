"""Somebody who sends the sandbox anything in any order, and knows what must never come of it.

The rules are steps that a client, a browser or an attacker could take: sound ones, sound ones
with something wrong in them, old ones repeated, and rubbish to every address of the route
table. What must hold after each answer is in `check`: no failure inside the sandbox, no token
that nobody consented to, no mail in hands that it is not for.
"""

import base64
import json
import re
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
)

from graphsandbox.app import ROUTES

from .entra import CHALLENGE, PATHS, REDIRECT_URI, VERIFIER
from .rubbish import (
    EVERY,
    JSON,
    PEOPLE,
    SCOPES,
    dumped,
    encoded,
    fields,
    filled,
    json_junk,
    junk,
    message,
    name_of,
    segment,
)

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
MOST_STATUS = 500
NOT_BUILT = 501  # what Graph has and the sandbox hasn't, as it says


class Anybody(RuleBasedStateMachine):
    """One run: two browsers, any number of clients, and all they have seen so far."""

    sandbox = None  # set by the test
    pages = Bundle("pages")
    codes = Bundle("codes")
    devices = Bundle("devices")
    access = Bundle("access")
    renewal = Bundle("renewal")
    items = Bundle("items")

    def __init__(self):
        super().__init__()
        self.http = requests.Session()
        self.http.trust_env = False
        self.sandbox.reset()
        self.accepted: set[tuple[str, str]] = set()  # client id and person
        self.person = ""  # who is signed in with this browser
        self.number = 0

    def teardown(self):
        self.http.close()

    # What must hold

    def ask(self, method, url, reader=None, **sent):
        """Send a request, and check its answer; reader is who may see what it holds."""
        base = self.sandbox.authority
        url = url if url.startswith(base) else base + url
        answer = self.http.request(method, url, allow_redirects=False, timeout=20, **sent)
        sound = answer.status_code < MOST_STATUS or answer.status_code == NOT_BUILT
        assert sound, (method, url, sent, answer.text[:300])
        assert "Traceback" not in answer.text
        path = urlsplit(url).path
        if not path.startswith(("/mailbox", "/_control")):  # these show all, and say so
            seen = set(re.findall(r"only-for-([a-z]+)", answer.text))
            assert seen <= {(reader or "").split("@")[0]}, (method, url, reader)
        if "access_token" in answer.text and answer.ok and path.endswith("/token"):
            self.check_consent(answer.json(), sent["data"])
        return answer

    def check_consent(self, token, asked):
        """A token for a person needs that person's consent to this app."""
        who = self.whose(token["access_token"])
        client = asked.get("client_id") if isinstance(asked, dict) else None
        assert who is None or (client, who) in self.accepted, (client, who)

    def whose(self, access_token):
        """Return the person that Graph takes this token for; None for an app's own."""
        parts = access_token.split(".")
        if len(parts) == 3:
            claims = base64.urlsafe_b64decode(parts[1] + "==")
            return json.loads(claims).get("upn")
        bearer = {"Authorization": f"Bearer {access_token}"}
        url = f"{self.sandbox.graph}/v1.0/me"
        return self.http.get(url, headers=bearer, timeout=20).json().get("userPrincipalName")

    # A whole sign-in

    @initialize(target=access)
    def two_people_sign_in(self):
        return multiple(*(self.token_of(person, EVERY) for person in PEOPLE[:2]))

    @initialize(target=items)
    def two_people_write(self):
        tokens = [self.token_of(person, EVERY) for person in PEOPLE[:2]]
        return multiple(*(self.write_a_draft(token, "messages", {}) for token in tokens))

    @rule(target=access, person=st.sampled_from(PEOPLE), scopes=SCOPES)
    def sign_in(self, person, scopes):
        token = self.token_of(person, scopes)
        return token if isinstance(token, tuple) else multiple()

    @rule(target=codes, person=st.sampled_from(PEOPLE), scopes=SCOPES)
    def get_a_code(self, person, scopes):
        return self.code_of(person, scopes) or multiple()

    def code_of(self, person, scopes):
        try:
            brought = self.sandbox.sign_in(self.link(scopes), person)
        except RuntimeError:  # the error page
            return None
        if "code" in brought:
            self.accepted.add((self.sandbox.client_id, person))
        return brought.get("code")

    def token_of(self, person, scopes):
        return self.redeem(self.code_of(person, scopes) or "none", {})

    def link(self, scopes, version="v2.0", tenant="common", changes=None):
        sound = {
            "client_id": self.sandbox.client_id,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "scope": " ".join(scopes),
        }
        path = f"/{segment(tenant)}/{PATHS[version]}/authorize"
        return f"{self.sandbox.authority}{path}?{encoded(sound | (changes or {}))}"

    # The browser

    @rule(
        target=pages,
        version=st.sampled_from(["v1", "v2.0"]),
        tenant=st.sampled_from(["common", "organizations", "consumers", "contoso.example"]) | junk,
        scopes=SCOPES,
        changes=fields,
    )
    def open_a_link(self, version, tenant, scopes, changes):
        return self.ask("GET", self.link(scopes, version, tenant, changes))

    @rule(target=pages, scopes=SCOPES)
    def open_a_sound_link(self, scopes):
        return self.open_a_link("v2.0", "common", scopes, {})

    @rule(
        target=pages,
        page=pages,
        which=st.integers(0, 9),
        wrong=st.none() | st.none() | st.none() | fields,
    )
    def press(self, page, which, wrong):
        """Press a button of a page seen before; perhaps with something else in its form."""
        buttons = re.findall(r'<button[^>]*name="(\w+)" value="([^"]*)"', page.text)
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
        if not buttons or not csrf:
            return self.follow(page)
        name, value = buttons[which % len(buttons)]
        if (name, value) == ("consent", "accept"):
            self.accepted.add((self.client_of(page), self.person))
        sent = {"csrf": csrf[1], name: value, **(wrong or {})}
        answer = self.ask("POST", page.url, data=sent)
        if sent.get("user") and answer.status_code == 303:
            self.person = sent["user"]
        return self.follow(answer)

    def client_of(self, page):
        query = dict(parse_qsl(urlsplit(page.url).query))
        return query.get("client_id", self.sandbox.client_id)

    def follow(self, answer):
        """Go where a page of the sandbox leads, as long as that is the sandbox."""
        for _ in range(5):
            target = urljoin(answer.url, answer.headers.get("location", ""))
            if not answer.is_redirect or not target.startswith(self.sandbox.authority):
                break
            answer = self.ask("GET", target)
        return answer

    @rule(target=codes, page=pages)
    def take_the_code(self, page):
        location = page.headers.get("location", "")
        found = dict(parse_qsl(urlsplit(location).query + "&" + urlsplit(location).fragment))
        return found["code"] if "code" in found else multiple()

    # The token endpoint

    @rule(target=access, code=codes | junk, changes=st.just({}) | fields)
    def redeem(self, code, changes):
        return self.token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT_URI,
                "code_verifier": VERIFIER,
            },
            changes,
        )

    @rule(target=access, token=consumes(renewal) | junk, scopes=SCOPES, changes=fields)
    def refresh(self, token, scopes, changes):
        sound = {"grant_type": "refresh_token", "refresh_token": token, "scope": " ".join(scopes)}
        return self.token(sound, changes)

    @rule(target=renewal, code=codes)
    def redeem_for_later(self, code):
        sound = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
        token = self.post_token(sound | {"redirect_uri": REDIRECT_URI})
        return token.get("refresh_token", "none")

    @rule(target=access, device=devices | junk)
    def poll(self, device):
        return self.token({"grant_type": DEVICE_GRANT, "device_code": device}, {})

    def token(self, sound, changes):
        """Return a token together with whom it is for."""
        token = self.post_token(sound | changes)
        if "access_token" not in token:
            return multiple()
        return token["access_token"], self.whose(token["access_token"])

    def post_token(self, sent, version="v2.0"):
        secret = {"client_secret": self.sandbox.client_secret}
        sent = {"client_id": self.sandbox.client_id, **secret, **sent}
        return self.ask("POST", f"/common/{PATHS[version]}/token", data=sent).json()

    @rule(target=devices, data=st.data(), scopes=SCOPES)
    def sign_in_a_device(self, data, scopes):
        sent = {"client_id": self.sandbox.client_id, "scope": " ".join(scopes)}
        answer = self.ask("POST", "/common/oauth2/v2.0/devicecode", data=sent).json()
        if "device_code" not in answer:
            return multiple()
        page = self.ask("GET", f"/devicelogin?user_code={answer['user_code']}")
        for _ in range(data.draw(st.integers(0, 3))):
            page = self.press(page, data.draw(st.integers(0, 5)), None)
        return answer["device_code"]

    # Graph

    @rule(
        target=items,
        token=access,
        path=st.sampled_from(
            ["messages", "mailFolders/drafts/messages", "mailFolders/inbox/messages"]
        ),
        more=message,
    )
    def write_a_draft(self, token, path, more):
        text, who = token
        written = {"subject": f"only-for-{name_of(who)}", **more}
        sent = {"data": dumped(written), "headers": JSON}
        return self.made(self.graph("POST", f"/v1.0/me/{path}", text, who, **sent))

    @rule(token=access, whom=st.sampled_from(PEOPLE), more=message)
    def send_a_mail(self, token, whom, more):
        text, who = token
        to = [{"emailAddress": {"address": who or whom}}]  # to oneself
        sent = {"message": {"subject": f"only-for-{name_of(who)}", **more, "toRecipients": to}}
        url = f"/v1.0/users/{who or whom}/sendMail"
        self.graph("POST", url, text, who, data=dumped(sent), headers=JSON)

    @rule(target=items, token=access, person=st.just("me") | st.sampled_from(PEOPLE))
    def list_mail(self, token, person):
        text, who = token
        at = "me" if person == "me" else f"users/{person}"
        answer = self.graph("GET", f"/v1.0/{at}/messages?$top=5", text, who)
        return multiple(*(one["id"] for one in answer.json().get("value", [])))

    @rule(
        target=items,
        token=access,
        item=items,
        person=st.just("me") | st.sampled_from(PEOPLE),
        step=st.sampled_from(
            ["GET ", "GET /$value", "PATCH ", "DELETE ", "POST /send", "GET /attachments",
             "POST /attachments", "POST /attachments/createUploadSession"]
        ),
        body=message | json_junk,
    )  # fmt: skip
    def use_an_item(self, token, item, person, step, body):
        """Do something with a message: one's own, or one whose id leaked."""
        text, who = token
        method, _, rest = step.partition(" ")
        at = "me" if person == "me" else f"users/{person}"
        sent = {} if method in ("GET", "DELETE") else {"data": dumped(body), "headers": JSON}
        url = f"/v1.0/{at}/messages/{item}{rest}"
        return self.made(self.graph(method, url, text, who, **sent))

    def made(self, answer):
        body = answer.json() if answer.status_code == 201 and answer.text else {}
        return body["id"] if "id" in body else multiple()

    @rule(token=access, items_=st.lists(items, max_size=3), inner=json_junk)
    def batch(self, token, items_, inner):
        text, who = token
        asked = [{"id": one, "method": "GET", "url": f"/me/messages/{one}"} for one in items_]
        asked += [inner] if inner else []
        sent = {"data": dumped({"requests": asked}), "headers": JSON}
        self.graph("POST", "/v1.0/$batch", text, who, **sent)

    def graph(self, method, url, token, who, headers=None, **sent):
        head = {"Authorization": f"Bearer {token}", **(headers or {})}
        return self.ask(method, url, reader=who, headers=head, **sent)

    # Anything else

    @rule(
        route=st.sampled_from(ROUTES),
        pieces=st.lists(junk, min_size=6, max_size=6),
        method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
        query=fields,
        body=st.none() | fields | json_junk | st.binary(max_size=200),
        kind=st.sampled_from(
            ["application/x-www-form-urlencoded", "application/json", "text/plain", "",
             "multipart/form-data; boundary=x", "application/json; charset=utf-99"]
        ),
        token=access | junk.map(lambda text: (text, None)),
    )  # fmt: skip
    def send_rubbish(self, route, pieces, method, query, body, kind, token):
        """Any method, query and body to any address there is, whatever its variables hold."""
        if route.path == "/_control/owners":
            return  # it would tie the sandbox's life to another process
        pieces = iter(pieces)
        path = re.sub(r"\{(\w+)(:\w+)?\}", lambda m: filled(m, next(pieces)), route.path)
        head = {"Content-Type": kind, "Authorization": f"Bearer {token[0]}"}
        head = {name: value.encode("latin-1", "replace") for name, value in head.items() if value}
        head = {name: value for name, value in head.items() if not set(value) & set(b"\r\n")}
        sent = body if isinstance(body, bytes | None) else dumped(body).encode()
        if isinstance(body, dict) and "form" in kind:
            sent = encoded({key: str(value) for key, value in body.items()}).encode()
        url = f"{path}?{encoded(query)}"
        self.ask(method, url, reader=token[1], data=sent, headers=head)

    @rule(seconds=st.sampled_from([60.0, 700.0, 4000.0, -60.0]))
    def let_time_pass(self, seconds):
        self.sandbox.advance(seconds)
