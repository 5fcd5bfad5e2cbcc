"""No payload, in no field, becomes more than text where a person sees it: in a real browser.

`ran` records a script that runs. A request that leaves is noted whether or not it arrives.
"""

from pathlib import Path
from urllib.parse import urlsplit

import nbformat.v4 as v4
import pytest

from graphhelpers.display import shown
from tests.browser.lab import (
    notebook_json,
    open_notebook,
    running_lab,
)
from tests.faults.payloads import PAYLOADS, brought_in, pages
from tests.homes import own_homes
from tools.notebook_pictures import not_drawn

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
SHOW = f"""\
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from IPython.display import HTML, display
from graphhelpers import SignInRefused, TokenRefused
from tests.faults.payloads import PAYLOADS, brought_in, forms

def show(things):
    display(HTML("".join(one._repr_html_() for one in things if hasattr(one, "_repr_html_"))))
    print(*[one for one in things if isinstance(one, Exception)], sep="\\n")
    for one in things:
        if isinstance(one, dict):
            display(one)
        elif isinstance(one, (TokenRefused, SignInRefused)):
            try:
                raise one
            except type(one):
                get_ipython().showtraceback()
"""
EACH = [
    f"""\
for payload in PAYLOADS[{start}:{start + 6}]:
    show([thing for _, thing in brought_in(payload[:3_000])])
for payload in PAYLOADS[{start}:{start + 6}:4]:
    display(*forms(payload[:3_000]))
print("all shown")
"""
    for start in range(0, len(PAYLOADS), 6)  # JupyterLab draws 50 outputs of a cell
]
DRAWN = """\
from graphhelpers.exchanges import Diagram, Exchange
sides = "notebook", "Microsoft Graph"
Diagram(tuple(Exchange(*sides, f"GET /{one[:300]}", answer=one[:300]) for one in PAYLOADS))
"""
ALIVE = r"""
from IPython.display import HTML, display
display(HTML("<img src=https://evil.example/x.png onerror=ran(1)>"))
display(HTML(r"<p>$\href{https://evil.example}{x}$</p>"))
"""
RUN_ALL_BUT_THE_LAST = """async () => {
  const {content} = jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.length - 1;
  await jupyterapp.commands.execute('notebook:run-all-above');
}"""
RUN_THE_LAST = """async () => {
  const {content} = jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.length - 1;
  await jupyterapp.commands.execute('notebook:run-cell');
}"""
SEEN = {"text/plain", "text/html", "text/vnd.mermaid", "application/vnd.jupyter.widget-view+json"}
# A scheme that isn't one of these could run a script; `blob:` and `data:` are JupyterLab's own.
OWN = ("data:", "blob:", "about:")
WATCH = "window.ran = what => { (window.evil ??= []).push(String(what)) }"

LINKS = (
    """root => [...document.querySelectorAll(root + ' a[href]')].map(a => [a.href, a.innerText])"""
)
ODD = """root => [...document.querySelectorAll(root + ' *')].filter(one =>
  ['SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'BASE', 'META', 'LINK', 'STYLE', 'FORM', 'VIDEO',
   'AUDIO', 'MARQUEE', 'MJX-CONTAINER', 'MATH'].includes(one.tagName.toUpperCase())
  || one.tagName === 'IMG' && !one.src.startsWith('data:image/svg+xml')
  || [...one.attributes].some(a => a.name.startsWith('on'))
  || getComputedStyle(one).position === 'fixed').map(one => one.outerHTML.slice(0, 200))"""


@pytest.fixture
def watched(page):
    return watch(page)


def watch(page):
    """Let a page note scripts and requests; `left` tells them."""
    page.left = []
    page.add_init_script(WATCH)
    page.on("request", lambda one: page.left.append(one.url))
    page.on("dialog", lambda one: (page.left.append(f"dialog {one.message}"), one.dismiss()))
    page.context.on("page", lambda one: page.left.append(f"window {one.url}"))
    return page


def left(page, *homes: str) -> list[str]:
    """Return the requests that went elsewhere, and what a script recorded."""
    sent = [url for url in page.left if not url.startswith((*OWN, *homes))]
    return sent + page.evaluate("() => window.evil ?? []")


def misleading(links: list[list[str]]) -> list[list[str]]:
    """Return the links to elsewhere than https or this machine, or with another host's name."""
    return [
        [href, text]
        for href, text in links
        if urlsplit(href).scheme not in ("http", "https")
        or urlsplit(href).hostname not in ("localhost", "127.0.0.1")
        and urlsplit(text.strip()).hostname != urlsplit(href).hostname
    ]


@pytest.mark.case("F193", "F194", "F195", "F197", where="browser")
def test_no_payload_comes_alive_in_a_bare_page(watched):
    watched.goto("about:blank")
    for group in (PAYLOADS[start : start + 10] for start in range(0, len(PAYLOADS), 10)):
        things = [thing for payload in group for _, thing in brought_in(payload)]
        html = [one._repr_html_() for one in things if hasattr(one, "_repr_html_")]
        watched.set_content(f"<main>{''.join(html)}</main>")
        assert watched.evaluate(ODD, "main") == [], group
        assert misleading(watched.evaluate(LINKS, "main")) == []
        said = " ".join(watched.locator("main").text_content().split())
        for payload in group:
            assert " ".join(shown(payload)[:60].split()) in said
    assert left(watched) == []


@pytest.mark.case("F014", "F193", "N04", "N19", "N38", where="browser")
def test_no_payload_comes_alive_on_a_page_of_the_listener(watched):
    watched.goto("about:blank")
    different = {page for payload in PAYLOADS for _, page in pages(payload)}
    assert len(different) > 0.9 * len(PAYLOADS)
    for page in different:
        watched.set_content(page.decode("utf-8"))
        assert watched.evaluate(ODD, "body") == [] == watched.evaluate(LINKS, "body")
        assert watched.locator("h1").inner_text() == "Not taken"
    assert left(watched) == []


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    cells = [v4.new_code_cell(source) for source in (SHOW, *EACH, DRAWN, ALIVE)]
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    (folder / "payloads.ipynb").write_text(v4.writes(notebook))
    with running_lab(folder, own_homes(tmp_path_factory.mktemp("homes"))) as lab:
        yield lab


@pytest.fixture(scope="module")
def notebook_in_lab(browser, lab):
    """The notebook in JupyterLab, every payload shown."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = watch(context.new_page())
        open_notebook(page, lab, "payloads.ipynb")
        page.evaluate(RUN_ALL_BUT_THE_LAST)
        page.wait_for_timeout(500)  # formulas and diagrams are drawn a moment later
        yield page


@pytest.mark.case("F193", "F194", "F195", "F196", "F197", where="browser")
def test_no_payload_comes_alive_in_jupyterlab(notebook_in_lab, lab):
    watched, lab_itself = notebook_in_lab, (lab.url, lab.url.replace("http", "ws", 1))
    notebook = notebook_json(watched)
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    said = "".join(output.get("text", "") for output in outputs)
    assert said.count("all shown") == len(EACH), {
        one["ename"] + one["evalue"] for one in outputs if "ename" in one
    }
    assert max(len(cell.get("outputs", [])) for cell in notebook["cells"]) <= 50
    assert {kind for output in outputs for kind in output.get("data", {})} <= SEEN
    assert list(not_drawn(watched, notebook)) == []
    assert watched.evaluate(ODD, ".jp-OutputArea") == []
    for kind in (".jp-RenderedHTML", ".jupyter-widgets", ".jp-RenderedMermaid"):
        assert misleading(watched.evaluate(LINKS, kind)) == []
    # Of plain text JupyterLab makes links itself: each says where it leads, and runs nothing.
    own = [link for link in watched.evaluate(LINKS, "pre") if not link[0].startswith(lab.url)]
    assert own and all(href.startswith(text[:9]) for href, text in own)
    assert left(watched, *lab_itself) == []
    with watched.expect_popup() as opened:
        watched.locator("pre a[href^='javascript:']").first.click()
    opened.value.wait_for_timeout(300)
    assert opened.value.evaluate("() => window.evil ?? []") == []
    assert watched.evaluate("() => window.evil ?? []") == []
    opened.value.close()

    watched.evaluate(RUN_THE_LAST)  # and what would come alive does, and is found
    watched.locator("mjx-container").wait_for()
    watched.wait_for_function("() => window.evil")
    assert {"1", "https://evil.example/x.png"} <= set(left(watched, *lab_itself))
    assert len(watched.evaluate(ODD, ".jp-OutputArea")) >= 2
    assert misleading(watched.evaluate(LINKS, ".jp-OutputArea"))
