"""The sandbox's pages in a browser: they fit, wide and narrow, and need no mouse."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.lab import complaints
from tests.kit import control
from tests.sandbox import client
from tools.screenshots import WIDTHS, picture_sandbox, send_two_mails

PAGES = {
    *("home", "portal", "portal-new", "portal-apps-one", "portal-apps-one-manifest"),
    *("mailbox", "mailbox-one", "signin", "consent", "error", "signed-out"),
}
LONG_APP = {
    "display_name": "Long" * 30,
    "redirect_uris": [f"http://localhost:8000/{'long' * 50}/"],
    "sign_in_audience": "AzureADMyOrg",
    "platform": "web",
}
IN_FOCUS = """() => {
  const one = document.activeElement, {outlineStyle, outlineWidth} = getComputedStyle(one);
  return {words: one.innerText, ring: outlineStyle !== 'none' && outlineWidth !== '0px'};
}"""


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways(browser, sandbox, width, tmp_path):
    control(sandbox, "POST", "register", **LONG_APP)
    send_two_mails(sandbox)
    assert picture_sandbox(browser, sandbox, width, tmp_path) == []
    assert {f"page-{name}-{width}.png" for name in PAGES} <= {p.name for p in tmp_path.iterdir()}


def press_button(page, words: str) -> None:
    """Go to a button by Tab, as far as it takes, and press it by Enter."""
    for _ in range(20):
        page.keyboard.press("Tab")
        focus = page.evaluate(IN_FOCUS)
        assert focus["ring"], f"nothing shows that the focus is on {focus['words']!r}"
        if words in focus["words"]:
            return page.keyboard.press("Enter")
    raise AssertionError(f"Tab does not lead to {words!r}")


def test_sign_in_and_consent_need_no_mouse(page, sandbox):
    said = complaints(page)
    page.route(f"{client.REDIRECT_URI}*", lambda route: route.fulfill(body="Signed in."))
    page.goto(client.sign_in_url(sandbox))
    press_button(page, sandbox.user)
    page.get_by_role("heading", name="Permissions requested").wait_for()
    press_button(page, "Accept")
    page.get_by_text("Signed in.").wait_for()
    answer = parse_qs(urlsplit(page.url).query)
    assert answer["code"] and answer["state"] == ["s-1"]
    assert said == []
