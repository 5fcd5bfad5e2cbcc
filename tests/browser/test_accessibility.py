"""Every page of the sandbox, wide and narrow, light and dark, keeps nobody out (axe-core)."""

from urllib.parse import urlsplit

from starlette.routing import Match

from graphsandbox.app import ROUTES
from tests.kit import control
from tools.sandbox_pages import every_page
from tools.screenshots import WIDTHS, send_two_mails

LONG_APP = {
    "display_name": "Long" * 30,
    "redirect_uris": [f"http://localhost:8000/{'long' * 50}/"],
    "sign_in_audience": "AzureADMyOrg",
    "platform": "web",
}
COLOURS_ONLY = {"runOnly": ["color-contrast", "link-in-text-block"]}
# Every rule on the wide page; on the narrow one the other colours, and that it fits.
LOOKS = (
    (max(WIDTHS), "light", {"resultTypes": ["violations"]}),
    (min(WIDTHS), "dark", COLOURS_ONLY),
)
WEIGHTY = ("serious", "critical")
OUTLINE = """() => ({
  h1: document.querySelectorAll('h1').length,
  lang: document.documentElement.lang,
  title: document.title.trim().length > ' · graphsandbox'.length,
  sandbox: document.body.innerText.includes('Sandbox on this computer'),
})"""

# What a browser is not meant to show as a page of the sandbox: answers to programs, files to
# save, and a mail's own HTML, which is its sender's.
NO_PAGES = ("/{version:version}/", "/api/", "/_control/", "/static/")
NO_PAGE_ENDS = (
    *("/token", "/devicecode", "/openid-configuration", "/keys", "/userinfo", "/instance"),
    *("/body", "/mime", "/attachments/{attachment_id}"),
)


def findings(page, axe) -> list[str]:
    """Return what axe says of the page, wide and light, then narrow and dark."""
    found = []
    for width, colours, rules in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=colours)
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{wide} px wide in a window of {width}")
        for one in axe.run(page, options=rules).response["violations"]:
            if one["impact"] in WEIGHTY:
                where = [node["target"] for node in one["nodes"]]
                found.append(f"{one['id']} at {width} px, {colours}: {where}")
    return found


def route_of(method: str, url: str) -> str:
    scope = {"type": "http", "method": method, "path": urlsplit(url).path, "root_path": ""}
    return next((one.path for one in ROUTES if one.matches(scope)[0] is Match.FULL), "")


def test_axe_finds_nothing_serious_on_any_page(page, sandbox, axe):
    control(sandbox, "POST", "register", **LONG_APP)
    send_two_mails(sandbox)
    shown = set()

    def note(answer):
        if answer.headers.get("content-type", "").startswith("text/html"):
            shown.add(route_of(answer.request.method, answer.url))

    page.on("response", note)
    found, outlines = {}, {}
    for name in every_page(page, sandbox):
        found |= {name: said} if (said := findings(page, axe)) else {}
        outlines[name] = page.evaluate(OUTLINE)
    assert found == {}
    right = {"h1": 1, "lang": "en", "title": True, "sandbox": True}
    assert {name: said for name, said in outlines.items() if said != right} == {}
    assert pages() - shown == set()


def pages() -> set[str]:
    """Return the path of each route that shows a page."""
    paths = {one.path for one in ROUTES if "GET" in one.methods}
    return {one for one in paths if not one.startswith(NO_PAGES) and not one.endswith(NO_PAGE_ENDS)}


def test_axe_would_find_what_keeps_people_out(page, sandbox, axe):
    page.goto(sandbox.portal)
    page.evaluate("() => { document.body.innerHTML = '<main><h1>One</h1><img src=x></main>' }")
    assert [said.split()[0] for said in findings(page, axe)] == ["image-alt"]
