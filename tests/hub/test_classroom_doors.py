"""How a browser gets into a class's sandbox: by the hub's own OAuth, and where it needs nobody."""

from urllib.parse import urljoin

import pytest
import requests

from tests.hub.kernels import Browser, Kernel
from tests.hub.pretend import PUBLIC, running_class


@pytest.fixture
def browsers(room):
    made = [Browser(room), Browser(room)]
    yield made
    for one in made:
        one.close()


def jar(browser):
    """Make its cookies go with every request: the address is loopback, the path the hub's."""
    for one in list(browser.cookies):
        assert one.path == "/services/graphsandbox" and one.secure
        assert one.has_nonstandard_attr("HttpOnly")


def test_a_browser_comes_back_from_the_hub_to_the_page_it_wanted(browsers):
    state = browsers[0].asked()
    back = browsers[0].open(f"/oauth_callback?code=code-ada&state={state}")
    assert (back.status_code, back.headers["location"]) == (303, "./portal?done=saved")
    jar(browsers[0])
    page = browsers[0].open("/portal")
    assert page.ok and "as <bdi>ada@contoso.example</bdi> sees it" in page.text


def test_the_hubs_answer_is_taken_from_the_browser_that_asked_and_once(browsers):
    one, other = browsers
    state = one.asked()
    other.asked()
    assert other.open(f"/oauth_callback?code=code-bob&state={state}").status_code == 403
    state = one.asked()
    for wrong in ("", "made-up", other.asked()):
        assert one.open(f"/oauth_callback?code=code-ada&state={wrong}").status_code == 403
    assert one.open(f"/oauth_callback?code=code-ada&state={state}").status_code == 303
    assert one.open(f"/oauth_callback?code=code-ada&state={state}").status_code == 403


def test_a_refusal_of_the_hub_opens_nothing(browsers):
    state = browsers[0].asked()
    answer = browsers[0].open(f"/oauth_callback?error=access_denied&state={state}")
    assert answer.status_code == 403
    assert browsers[0].open("/portal").status_code == 303


def test_no_page_wanted_leads_out_of_the_sandbox(browsers):
    state = browsers[0].asked("//evil.example/x")
    back = browsers[0].open(f"/oauth_callback?code=code-ada&state={state}")
    where = urljoin(f"{PUBLIC}/oauth_callback", back.headers["location"])
    assert where.startswith(f"{PUBLIC}/")


def test_no_one_is_let_in_when_the_hub_does_not_answer(tmp_path):
    with running_class(tmp_path) as room:
        ada = Kernel(room, "ada")
        room.hub.shutdown()
        room.hub.server_close()
        for method, path in (("GET", "/portal"), ("GET", "/mailbox"), ("POST", "/_control/join")):
            assert ada.request(method, path).status_code == 502
        assert ada.get("/common/v2.0/.well-known/openid-configuration").ok
        ada.close()


# What is open as at Microsoft, and what stays the same from one start to the next


@pytest.mark.parametrize(
    "path",
    ["/common/v2.0/.well-known/openid-configuration", "/common/discovery/v2.0/keys",
     "/static/sandbox.css", "/error?code=50034"],
)  # fmt: skip
def test_what_is_public_at_microsoft_is_public_here(room, path):
    assert requests.get(room.authority + path, timeout=10).ok


@pytest.mark.parametrize(
    "path",
    ["/", "/portal", "/portal/new", "/mailbox", "/mailbox/x/body", "/devicelogin", "/nowhere",
     "/common/oauth2/authorize", "/common/oauth2/v2.0/authorize", "/common/adminconsent",
     "/common/oauth2/v2.0/logout", "//portal", "/static/../portal"],
)  # fmt: skip
def test_all_else_wants_a_learner(room, path):
    with requests.Session() as session:
        request = requests.Request("GET", room.authority).prepare()
        request.url = room.authority + path
        answer = session.send(request, allow_redirects=False, timeout=10)
    assert answer.status_code == 303
    assert "/hub/api/oauth2/authorize" in answer.headers["location"]
