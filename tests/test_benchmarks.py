"""The benchmark programs run, and measure what they say; the figures themselves are not judged."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIFFERENCE = "added to the floor"  # of a few mails it may be anything


def run(folder, program, *arguments):
    """Run one of benchmarks/ as a person would; return its tables' rows, and what it printed."""
    file = folder / "figures.json"
    command = [sys.executable, f"benchmarks/{program}.py", *arguments, "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads(file.read_text())
    assert figures["program"] == program and "CPython" in figures["machine"]
    tables = {table["name"]: table["rows"] for table in figures["tables"]}
    for table, rows in tables.items():
        for name, values in rows.items():
            assert table == DIFFERENCE or all(value > 0 for value in values), name
    for name in (*tables, *(aim["what"] for aim in figures["aims"])):
        assert name in done.stdout
    return tables


def test_flows_are_counted_for_more_and_more_clients(tmp_path):
    short = ["--alone", "--rounds", "1", "--seconds", "0.1"]
    tables = run(tmp_path, "sandbox_flows", *short)
    assert list(tables) == ["1 client", "8 clients", "64 clients"]
    for rows in tables.values():
        assert list(rows) == ["graphsandbox", "sign-in + send (graphsandbox)"]


def test_start_and_memory_are_measured(tmp_path):
    tables = run(tmp_path, "sandbox_footprint", "--alone", "--rounds", "1", "--flows", "20")
    assert 0 < tables["start to first answer"]["graphsandbox"][0] < 20
    assert list(tables["memory after"]) == ["0 flows", "2 flows", "20 flows"]
    assert all(10 < used < 500 for [used] in tables["memory after"].values())


def test_mails_are_counted_for_each_client(tmp_path):
    tables = run(tmp_path, "mail_sending", "--rounds", "1", "--mails", "3")
    assert {"graphhelpers", "graphhelpers send_many", "msgraph-sdk", "O365"} < set(tables["mails"])
    assert all(10 < used < 500 for [used] in tables["memory"].values())


def test_a_file_is_uploaded_by_each_client(tmp_path):
    tables = run(tmp_path, "mail_upload", "--rounds", "1", "--mib", "5")
    assert len(tables["a large file"]) == 4


def test_each_import_is_a_process_of_its_own(tmp_path):
    rows = run(tmp_path, "imports", "--rounds", "1")["import, whole process"]
    assert list(rows) == ["bare python", "graphhelpers", "requests", "msal", "msgraph"]


def test_the_waiting_caller_gets_its_code_also_among_idle_connections(tmp_path):
    tables = run(tmp_path, "callback_speed", "--rounds", "1", "--patience", "0.5")
    alone, among = tables["no idle connection"], tables["200 idle connections"]
    ours, floor, msal, google = alone
    assert (ours, msal, google) == ("graphhelpers", "msal", "google-auth-oauthlib")
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
