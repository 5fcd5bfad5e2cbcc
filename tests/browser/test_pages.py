"""The sandbox's pages in a browser: they need no mouse, and what does not fit is named."""

from urllib.parse import parse_qs, urlsplit

from tests.browser.lab import complaints
from tests.sandbox import client
from tools.sandbox_pages import user_code
from tools.screenshots import WIDTHS, picture, send_two_mails

IN_FOCUS = """() => {
  const one = document.activeElement, {outlineStyle, outlineWidth} = getComputedStyle(one);
  const words = one.labels?.[0]?.innerText || one.innerText;
  return {words, ring: outlineStyle !== 'none' && outlineWidth !== '0px'};
}"""


def test_a_page_that_scrolls_sideways_is_named(page, sandbox, tmp_path):
    page.goto(sandbox.portal)
    assert picture(page, "portal", tmp_path) == []
    page.evaluate("() => { document.body.style.width = '900px' }")
    assert picture(page, "portal", tmp_path) == ["page portal is 900 px wide in a window of 400"]
    assert len(list(tmp_path.iterdir())) == len(WIDTHS)


def press_button(page, words: str) -> None:
    """Go to a button by Tab, as far as it takes, and press it by Enter."""
    go_to(page, words)
    page.keyboard.press("Enter")


def go_to(page, words: str) -> None:
    """Go by Tab to what bears these words, down the page and with a ring at each stop."""
    passed = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focus = page.evaluate(IN_FOCUS)
        assert focus["ring"], f"nothing shows that the focus is on {focus['words']!r}"
        if words in focus["words"]:
            return
        passed.append(focus["words"])
    raise AssertionError(f"Tab does not lead to {words!r}, but to {passed}")


def fill_in(page, label: str, text: str) -> None:
    go_to(page, label)
    page.keyboard.type(text)


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


def test_a_device_is_signed_in_without_a_mouse(page, sandbox):
    page.goto(f"{sandbox.authority}/devicelogin")
    fill_in(page, "Code", user_code(sandbox))
    press_button(page, "Next")
    page.get_by_role("heading", name="Pick an account").wait_for()
    press_button(page, sandbox.user)
    page.get_by_role("heading", name="Permissions requested").wait_for()
    press_button(page, "Accept")
    page.get_by_role("heading", name="You have signed in").wait_for()


def test_an_app_is_registered_and_configured_without_a_mouse(page, sandbox):
    page.goto(f"{sandbox.portal}/new")
    fill_in(page, "Name", "By keyboard")
    press_button(page, "Register")
    page.get_by_text("The app is registered.").wait_for()
    press_button(page, "Authentication")
    page.get_by_role("heading", name="Add a redirect URI").wait_for()
    fill_in(page, "Redirect URI", client.REDIRECT_URI)
    page.keyboard.press("Enter")
    page.get_by_role("cell", name=client.REDIRECT_URI, exact=True).wait_for()
    press_button(page, "Certificates & secrets")
    page.get_by_role("heading", name="New client secret").wait_for()
    fill_in(page, "Description", "Typed")
    press_button(page, "Add")
    page.get_by_text("Copy the Value now").wait_for()
    press_button(page, "API permissions")
    page.get_by_role("heading", name="Add or remove permissions").wait_for()
    go_to(page, "Mail.Send ")
    page.keyboard.press("Space")
    press_button(page, "Save permissions")
    page.get_by_role("row", name="Mail.Send").wait_for()
    press_button(page, "Grant admin consent")
    page.get_by_text("Admin consent is granted for Contoso.").wait_for()
    assert page.get_by_text("✓ Granted for Contoso").count() == 2  # with User.Read


def test_a_mail_is_read_and_downloaded_without_a_mouse(page, sandbox):
    send_two_mails(sandbox)
    page.goto(sandbox.mailbox)
    press_button(page, "Hello")
    page.get_by_text("Good morning").wait_for()
    with page.expect_download() as saved:
        press_button(page, "Download this mail")
    assert saved.value.suggested_filename == "Hello.eml"
