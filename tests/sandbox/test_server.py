"""The sandbox as a program and as a `with` block: start, ready line, stop, restart."""

import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import requests

import graphsandbox
from graphsandbox.ready import Ready
from tests.sandbox import client, raw
from tests.sandbox.client import bearer, mail_to

MEMBERS = [
    "authority", "graph", "portal", "mailbox", "client_id", "client_secret", "tenant",
    "redirect_uris", "user", "ca", "pid", "public",
]  # fmt: skip
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes and signals")


def listening(port, host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex((host, port)) == 0


def port_of(line):
    return int(line["authority"].rsplit(":", 1)[1])


def test_the_first_line_takes_less_than_two_seconds_of_work_and_is_true(serve, http):
    process, line = serve()
    assert sum(psutil.Process(process.pid).cpu_times()[:2]) < 2  # whatever else the machine does
    assert list(line) == MEMBERS
    assert line["pid"] == process.pid
    assert line["redirect_uris"] == [
        "http://localhost:8000/connect/get_token/",
        "http://127.0.0.1:8000/connect/get_token/",
    ]
    assert http.get(f"{line['authority']}/_control/ready").json() == {"pid": process.pid}


@POSIX
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_code_0_and_only_one_line_was_said(serve, http, sent):
    process, line = serve()
    http.get(f"{line['authority']}/v1.0/me")
    http.get(f"{line['authority']}/portal?secret=1")
    process.send_signal(sent)
    out, err = process.communicate(timeout=5)
    assert (process.returncode, out) == (0, "")
    assert "secret" not in err
    assert not listening(port_of(line))


@POSIX
def test_a_stalled_client_does_not_keep_it_from_ending(serve):
    process, line = serve()
    with socket.create_connection(("127.0.0.1", port_of(line))) as stalled:
        stalled.sendall(b"POST /v1.0/me HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0


def test_it_listens_on_loopback_only(sandbox):
    port = raw.port(sandbox)
    assert listening(port)
    # A name of this machine in its network; where there is none, it resolves to loopback.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        outside = probe.getsockname()[0]
    assert outside.startswith("127.") or not listening(port, outside)


def test_localhost_means_both_families_where_the_machine_has_them(sandbox):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        machine_has_it = True
    except OSError:
        machine_has_it = False
    assert listening(raw.port(sandbox), "::1") == machine_has_it


def test_there_is_no_way_to_listen_elsewhere(run, tmp_path):
    process = run("-m", "graphsandbox", "--home", str(tmp_path), "--host", "0.0.0.0")
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (2, "")
    assert "--host" in err


def test_a_port_in_use_is_named_and_the_code_is_2(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = run("-m", "graphsandbox", "--home", str(tmp_path / "home"), "--port", port)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (2, "")
    assert f"Port {port}" in err and "--port" in err and "Traceback" not in err


def test_a_second_sandbox_on_the_same_home_is_refused(serve, run, tmp_path):
    serve()
    process = run("-m", "graphsandbox", "--home", str(tmp_path / "home"))
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (3, "")
    assert "Another sandbox" in err and "Traceback" not in err


def test_a_home_that_cannot_be_used_is_explained(run, tmp_path):
    (tmp_path / "file").write_text("not a directory")
    process = run("-m", "graphsandbox", "--home", str(tmp_path / "file"))
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (1, "")
    assert "Can't use" in err and "Traceback" not in err


def test_a_damaged_store_is_explained_and_left_as_it_is(run, tmp_path):
    (tmp_path / "sandbox.db").write_bytes(b"not a database" * 1000)
    out, err = run("-m", "graphsandbox", "--home", str(tmp_path)).communicate(timeout=10)
    assert out == "" and "Can't use" in err and "Traceback" not in err
    assert (tmp_path / "sandbox.db").read_bytes().startswith(b"not a database")


@POSIX
def test_home_and_files_are_for_their_owner_only(serve, tmp_path):
    serve("--tls")
    home = tmp_path / "home"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    secret = {"sandbox.db", "sandbox.db-wal", "ready.json", "server.pem", "ca.pem"}
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    assert {name: oct(modes[name]) for name in secret} == dict.fromkeys(secret, "0o600")


@POSIX
def test_after_kill_9_everything_is_as_it_was(serve, http):
    process, before = serve()
    sandbox = Ready(**before)
    token = client.access_token(sandbox, http)
    code = client.sign_in(sandbox, http)["code"]
    url = f"{sandbox.graph}/v1.0/me/sendMail"
    assert http.post(url, json=mail_to("a@example.org"), headers=bearer(token)).status_code == 202
    mails = http.get(f"{sandbox.authority}/_control/mailbox").json()
    process.kill()
    process.wait()

    _, after = serve()
    assert after | {"pid": 0} == before | {"pid": 0}  # the port, the app and its secret too
    assert http.get(f"{sandbox.authority}/_control/mailbox").json() == mails
    assert http.get(f"{sandbox.graph}/v1.0/me", headers=bearer(token)).ok
    assert client.redeem(sandbox, http, code).ok


def test_another_free_port_is_found_when_the_last_one_is_taken(tmp_path):
    with graphsandbox.running(tmp_path) as first:
        pass
    with socket.create_server(("127.0.0.1", raw.port(first))):
        with graphsandbox.running(tmp_path) as second:
            assert raw.port(second) != raw.port(first)


def test_running_leaves_no_thread_socket_or_file_behind(http):
    threads = threading.active_count()
    with graphsandbox.running() as sandbox:
        assert http.get(f"{sandbox.authority}/").ok
        assert http.get(f"{sandbox.authority}/static/sandbox.css").ok
    assert threading.active_count() == threads
    assert not listening(raw.port(sandbox))
    with pytest.raises(requests.ConnectionError):
        http.get(sandbox.authority)


def test_running_starts_in_a_moment():
    times = []
    for _ in range(3):
        start = time.monotonic()
        with graphsandbox.running():
            times.append(time.monotonic() - start)
    assert min(times) < 1


def test_two_sandboxes_can_run_at_once(http):
    with graphsandbox.running() as one, graphsandbox.running() as other:
        assert one.authority != other.authority
        token = client.access_token(one, http)
        assert http.get(f"{other.graph}/v1.0/me", headers=bearer(token)).status_code == 401


def test_a_home_can_be_used_again_by_running(tmp_path, http):
    with graphsandbox.running(tmp_path / "kept") as one:
        token = client.access_token(one, http)
    with graphsandbox.running(tmp_path / "kept") as other:
        assert (other.authority, other.client_secret) == (one.authority, one.client_secret)
        assert http.get(f"{other.graph}/v1.0/me", headers=bearer(token)).ok
    assert not (tmp_path / "kept" / "ready.json").exists()


def test_an_error_in_the_block_still_ends_the_sandbox():
    with pytest.raises(ZeroDivisionError), graphsandbox.running() as sandbox:
        raise ZeroDivisionError
    assert not listening(raw.port(sandbox))


def test_what_is_shown_hides_the_secret(sandbox):
    assert sandbox.client_secret not in repr(sandbox)
    with pytest.raises(AttributeError):
        sandbox.authority = "x"


def test_over_tls_the_certificate_is_good_for_every_loopback_name(tmp_path, http):
    with graphsandbox.running(tmp_path, tls=True) as sandbox:
        assert sandbox.authority.startswith("https://localhost:")
        for host in ("localhost", "127.0.0.1"):
            url = f"https://{host}:{raw.port(sandbox)}/_control/ready"
            assert http.get(url, verify=sandbox.ca).ok
        with pytest.raises(requests.exceptions.SSLError):
            http.get(sandbox.authority)
        authority = Path(sandbox.ca).read_bytes()
    with graphsandbox.running(tmp_path, tls=True) as again:
        assert Path(again.ca).read_bytes() == authority


def test_importing_graphsandbox_loads_no_server():
    unwanted = ["uvicorn", "starlette", "jinja2", "requests", "psutil", "sqlite3", "cryptography"]
    program = f"import graphsandbox, sys; print([m for m in {unwanted} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert out.stdout == "[]\n"


FIXTURE_TEST = """
import graphsandbox, requests

def test_it(graph_sandbox):
    session = requests.Session()
    session.trust_env = False
    with session:
        assert session.get(graph_sandbox.portal).ok
"""


def test_the_pytest_fixture_gives_a_sandbox(run, tmp_path):
    (tmp_path / "test_mine.py").write_text(FIXTURE_TEST)
    options = ["-q", "-W", "error", "-p", "graphsandbox.pytest_plugin", "test_mine.py"]
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    out, _ = run("-m", "pytest", *options, cwd=tmp_path, env=alone).communicate(timeout=60)
    assert "1 passed" in out, out


def test_fifty_clients_at_once_lose_no_mail(sandbox, http, token):
    def send(number):
        with client.browser() as session:
            body = mail_to("out@example.org", subject=str(number))
            url = f"{sandbox.graph}/v1.0/me/sendMail"
            statuses.append(session.post(url, json=body, headers=bearer(token)).status_code)

    statuses = []
    threads = [threading.Thread(target=send, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mails = http.get(f"{sandbox.authority}/_control/mailbox").json()
    assert statuses == [202] * 50
    assert sorted(int(mail["subject"]) for mail in mails) == list(range(50))
    assert len({mail["id"] for mail in mails}) == 50
