"""Who comes to a class's sandbox when its hub is only pretended: kernels and browsers."""

import re
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

HUB = {"Host": "hub.example"}


class Kernel(requests.Session):
    """A learner's programs: they have the learner's hub token, and no browser."""

    def __init__(self, room, name):
        super().__init__()
        self.trust_env = False
        self.room, self.headers["Authorization"] = room, f"token learner-{name}"

    def request(self, method, url, **more):
        return super().request(method, urljoin(self.room.authority, url), **{"timeout": 10} | more)

    def join(self, server="/user/x/", port=20_001):
        return self.post("/_control/join", json={"server": server, "port": port})

    def tokens(self, scope="openid User.Read Mail.Send Mail.Read"):
        """Sign in by the pages, and return what the code buys."""
        app = self.join().json()
        query = {"client_id": app["client_id"], "response_type": "code", "scope": scope}
        query["redirect_uri"] = app["redirect_uris"][0]
        page = self.get("/common/oauth2/v2.0/authorize", params=query, allow_redirects=False)
        while page.status_code != 302:
            if page.is_redirect:
                page = self.get(urljoin(page.url, page.headers["location"]), allow_redirects=False)
                continue
            csrf = re.search('name="csrf" value="([^"]+)"', page.text)[1]
            press = (
                {"consent": "accept"} if 'name="consent"' in page.text else {"user": app["user"]}
            )
            page = self.post(page.url, data={"csrf": csrf, **press}, allow_redirects=False)
        form = {name: app[name] for name in ("client_id", "client_secret")}
        form |= {"code": parse_qs(urlsplit(page.headers["location"]).query)["code"][0]}
        form |= {"grant_type": "authorization_code", "redirect_uri": query["redirect_uri"]}
        bought = requests.post(f"{self.room.authority}/common/oauth2/v2.0/token", form, timeout=10)
        return bought.json()

    def mail(self, subject, **recipients):
        token = self.tokens()["access_token"]
        fields = {f"{kind}Recipients": [{"emailAddress": {"address": one}} for one in addresses]
                  for kind, addresses in recipients.items()}  # fmt: skip
        message = {"subject": subject, "body": {"contentType": "Text", "content": "…"}, **fields}
        headers = {"Authorization": f"Bearer {token}"}
        return self.post("/v1.0/me/sendMail", json={"message": message}, headers=headers)


class Browser(requests.Session):
    """A browser behind the hub's proxy, whose hops are looked at one by one."""

    def __init__(self, room):
        super().__init__()
        self.trust_env, self.room = False, room

    def open(self, path):
        headers = HUB | {"Cookie": "; ".join(f"{one.name}={one.value}" for one in self.cookies)}
        answer = self.get(
            self.room.authority + "/services/graphsandbox" + path,
            headers=headers,
            allow_redirects=False,
            timeout=10,
        )
        return answer

    def asked(self, path="/portal?done=saved"):
        """Open a page; return the state that the browser is sent to the hub with."""
        where = self.open(path).headers["location"]
        query = parse_qs(urlsplit(where).query)
        assert urlsplit(where).path == "/hub/api/oauth2/authorize"
        assert query["code_challenge_method"] == ["S256"]
        return query["state"][0]
