"""The benchmark programs run, and measure what they say; the figures themselves are not judged."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIFFERENCE = "added to the floor"  # of a few mails it may be anything


def run(folder, program, *arguments, says=""):
    """Run one of benchmarks/ as a person would; return its tables' rows by their names.

    On stderr it may only say what matches the pattern `says`.
    """
    file = folder / "figures.json"
    command = [sys.executable, f"benchmarks/{program}.py", *arguments, "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and re.fullmatch(says, done.stderr), done.stderr
    figures = json.loads(file.read_text())
    assert figures["program"] == program and "CPython" in figures["machine"]
    tables = {table["name"]: table["rows"] for table in figures["tables"]}
    for table, rows in tables.items():
        for name, values in rows.items():
            assert table == DIFFERENCE or all(value > 0 for value in values), name
    for name in (*tables, *(aim["what"] for aim in figures["aims"])):
        assert name in done.stdout
    return tables


def test_flows_are_counted_for_each_server_that_can_run_here(tmp_path):
    short = ["--rounds", "1", "--seconds", "0.1", "--clients", "1,8"]
    missing = r"(Without [^\n]+ and oidc-provider: .+\n)?(Without oidc-provider-mock: .+\n)?"
    tables = run(tmp_path, "sandbox_flows", *short, says=missing)
    assert list(tables) == ["1 client", "8 clients"]
    for ours, *peers, whole in tables.values():
        assert (ours, whole) == ("graphsandbox", "sign-in + send (graphsandbox)")
        assert all(re.fullmatch(r"(oauth2-mock-server|oidc-\S+) [0-9.]+", peer) for peer in peers)


def test_the_packages_from_npm_are_locked_without_an_address():
    folder = ROOT / "benchmarks" / "npm"
    asked = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert locked.pop("")["dependencies"] == asked
    for name, package in locked.items():
        assert "resolved" not in package and package["integrity"].startswith("sha512-"), name


def test_start_and_memory_are_measured(tmp_path):
    tables = run(tmp_path, "sandbox_footprint", "--alone", "--rounds", "1", "--flows", "20")
    assert 0 < tables["start to first answer"]["graphsandbox"][0] < 20
    assert list(tables["memory after"]) == ["0 flows", "2 flows", "20 flows"]
    assert all(10 < used < 500 for [used] in tables["memory after"].values())


def test_mails_are_counted_for_each_client(tmp_path):
    tables = run(tmp_path, "mail_sending", "--rounds", "1", "--mails", "3")
    assert {"graphhelpers", "graphhelpers send_many", "msgraph-sdk", "O365"} < set(
        tables["sending mails"]
    )
    assert all(10 < used < 500 for [used] in tables["memory"].values())


def test_a_file_is_uploaded_by_each_client(tmp_path):
    tables = run(tmp_path, "mail_upload", "--rounds", "1", "--mib", "2")
    assert len(tables["a large file"]) == 4


def test_each_import_is_a_process_of_its_own(tmp_path):
    rows = run(tmp_path, "imports", "--rounds", "1")["import, whole process"]
    assert list(rows) == ["bare python", "graphhelpers", "requests", "msal", "msgraph"]


def test_the_waiting_caller_gets_its_code_also_among_idle_connections(tmp_path):
    short = ["--rounds", "1", "--patience", "0.5", "--alone"]
    tables = run(tmp_path, "callback_speed", *short)
    alone, among = tables["no idle connection"], tables["200 idle connections"]
    ours, floor, _msal = alone
    assert alone[ours] and alone[floor] and among[ours] and among[floor]


def test_a_token_and_a_mail_go_over_the_wire_for_each_client(tmp_path):
    tables = run(tmp_path, "exchange_and_send", "--rounds", "1", "--count", "3")
    assert len(tables["token and mail"]) == 6 and len(tables[DIFFERENCE]) == 5


def test_a_mailbox_is_filled_and_asked(tmp_path):
    tables = run(tmp_path, "sandbox_mailbox", "--rounds", "1", "--sizes", "0,30")
    assert list(tables) == [
        "send a mail", "list the newest ten", "list ten in the middle", "filter by subject",
    ]  # fmt: skip
    assert all(list(rows) == ["0 mails", "30 mails"] for rows in tables.values())


def test_growth_is_measured_for_exchanges_and_for_clients(tmp_path):
    short = ["--exchanges", "1,5,10", "--clients", "1,3", "--seconds", "0.1", "--rounds", "1"]
    *by_exchanges, by_clients = run(tmp_path, "growth", *short).values()
    assert [list(rows) for rows in by_exchanges] == [["1", "5", "10"]] * 4
    assert list(by_clients) == ["1", "3"]


def test_a_notebook_is_timed_beside_a_bare_kernel(tmp_path):
    short = ["--rounds", "1", "--notebooks", "01_register.ipynb"]
    assert list(run(tmp_path, "notebooks_speed", *short)["notebook"]) == [
        "bare kernel", "01_register.ipynb",
    ]  # fmt: skip


def test_make_lab_gets_to_its_page_again(tmp_path):
    [rows] = run(tmp_path, "lab_start", "--rounds", "1", "--again-only").values()
    assert list(rows) == ["make lab", "jupyter lab, bare"]


def report(*arguments):
    """Run the program that writes the page; return its exit code."""
    command = [sys.executable, "benchmarks/_report.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, timeout=60).returncode


MADE_UP = {
    "program": "imports", "measured": "2026-01-02", "machine": "2 cores", "seconds": 3.4,
    "arguments": ["--rounds", "3"],
    "tables": [{
        "name": "import", "unit": "s", "bases": ["requests"], "digits": 2,
        "remarks": {"msal": "hangs"},
        "rows": {"graphhelpers": [0.2, 0.4, 0.3], "requests": [0.1, 0.4, 0.2], "msal": []},
    }],
    "aims": [{"what": "to requests", "value": 1.5, "sense": "≤", "bound": 1.15, "unit": "×"}],
}  # fmt: skip
BLOCKS = "\n".join(
    f"Words.\n<!-- figures: {name} -->\nold\n<!-- /figures -->" for name in ("imports", "aims", "x")
)


def test_the_page_says_what_was_measured_and_keeps_its_words(tmp_path):
    page, results = tmp_path / "page.md", tmp_path / "results"
    results.mkdir()
    (results / "imports.json").write_text(json.dumps(MADE_UP))
    page.write_text(BLOCKS)
    where = ["--page", page, "--results", results]
    assert report("--check", *where) == 1
    assert report(*where) == 0 and report("--check", *where) == 0
    text = page.read_text()
    assert "| graphhelpers | 0.30 (0.20–0.40) | 1.50× |" in text
    assert "| msal | hangs | — |" in text
    assert "benchmarks/imports.py --rounds 3` in 3 s: 2 cores." in text
    assert "| imports: to requests | ≤ 1.15× | 1.50× | no |" in text
    assert text.count("Words.") == 3 and "old" not in text and "Not measured yet" in text


def test_our_page_says_what_was_measured():
    assert report("--check") == 0


def test_the_page_has_a_place_for_the_figures_of_each_program():
    page = (ROOT / "benchmarks/README.md").read_text()
    for program in (ROOT / "benchmarks").glob("[a-z]*.py"):
        assert page.count(f"<!-- figures: {program.stem} -->") == 1, program


def test_what_was_measured_is_drawn_or_what_lacks_for_it_is_said(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    (results / "imports.json").write_text(json.dumps(MADE_UP))
    command = [sys.executable, "benchmarks/_plots.py", "--results", str(results)]
    command += ["--figures", str(tmp_path / "figures")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    if importlib.util.find_spec("matplotlib") is None:  # of the extra "bench"
        assert done.returncode == 1 and "matplotlib" in done.stderr
        return
    [picture] = (tmp_path / "figures").iterdir()
    assert picture.name == "imports.png" and picture.read_bytes().startswith(b"\x89PNG")
