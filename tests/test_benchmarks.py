"""The benchmark programs run, and measure what they say; the figures themselves are not judged."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(program, *arguments):
    """Run one of benchmarks/ as a person would, and return what it printed."""
    command = [sys.executable, f"benchmarks/{program}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_flows_are_counted_for_one_client_and_for_eight(tmp_path):
    file = tmp_path / "flows.json"
    arguments = ["--alone", "--rounds", "1", "--seconds", "0.1", "--json", str(file)]
    printed = run("sandbox_flows.py", *arguments)
    figures = json.loads(file.read_text())
    for clients in ("1 clients", "8 clients"):
        rates = {name: row["flows_per_second"] for name, row in figures[clients].items()}
        assert set(rates) == {"graphsandbox", "sign-in + send"}
        assert min(rates.values()) > 0
    assert len(printed.splitlines()) == 5


def test_start_and_memory_are_measured(tmp_path):
    file = tmp_path / "footprint.json"
    run("sandbox_footprint.py", "--starts", "1", "--flows", "20", "--json", str(file))
    figures = json.loads(file.read_text())
    assert 0 < figures["start_s"] < 20
    assert list(figures["memory_mib"]) == ["0", "2", "20"]
    assert all(10 < used < 500 for used in figures["memory_mib"].values())


def test_mails_are_counted_for_each_client(tmp_path):
    file = tmp_path / "mails.json"
    printed = run("mail_sending.py", "--rounds", "1", "--mails", "3", "--json", str(file))
    clients = json.loads(file.read_text())["clients"]
    assert {"graphhelpers", "graphhelpers send_many", "msgraph-sdk", "O365"} < set(clients)
    assert all(row["rate"][0] > 0 and row["peak_mib"][0] > 10 for row in clients.values())
    assert "times msgraph-sdk" in printed


def test_a_file_is_uploaded_by_each_client(tmp_path):
    file = tmp_path / "upload.json"
    run("mail_upload.py", "--rounds", "1", "--mib", "5", "--json", str(file))
    clients = json.loads(file.read_text())["clients"]
    assert len(clients) == 4 and all(row["rate"][0] > 0 for row in clients.values())
