"""What the sandbox keeps, and what it must not keep."""

import re
import sqlite3
import subprocess
import sys
import uuid

import pytest

from graphsandbox.grants import SignIn
from graphsandbox.store import HomeInUse, RedirectUri, Store

URIS = [RedirectUri("http://localhost:8000/cb"), RedirectUri("http://localhost", "publicClient")]


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def store(home):
    store = Store(home)
    yield store
    store.close()


def reopened(store):
    store.close()
    return Store(store.home)


def a_sign_in(client_id="c"):
    return SignIn(
        family="f",
        client_id=client_id,
        platform="web",
        redirect_uri="http://localhost",
        redirect_uri_sent=True,
        tenant="common",
        oid="o",
        scopes=["Mail.Send"],
    )


def test_a_registration_is_the_same_after_a_restart(store):
    app = store.register("My app", URIS, "AzureADMyOrg", ["Mail.Send"])
    store.add_secret(app, "notebook", days=30)
    again = reopened(store)
    assert again.app(app.client_id) == app
    assert again.apps() == [app]
    again.close()


def test_a_client_id_is_found_in_any_letter_case(store):
    app = store.register("My app", URIS)
    assert store.app(app.client_id.upper()) == app


def test_a_new_registration_may_read_the_user_and_no_more(store):
    assert store.register("My app", URIS).permissions == ["User.Read"]


def test_registrations_are_listed_oldest_first_also_when_changed_later(store):
    first, second = store.register("1", URIS), store.register("2", URIS)
    first.display_name = "renamed"
    store.save(first)
    assert [app.display_name for app in store.apps()] == ["renamed", "2"]
    assert store.apps()[1] == second


def test_a_removed_app_takes_its_grants_with_it(store):
    app = store.register("My app", URIS)
    store.grants.consent(app.client_id, "ada", ["Mail.Send"])
    code = store.grants.issue_code(a_sign_in(app.client_id))
    store.remove_app(app.client_id)
    assert store.app(app.client_id) is None
    assert store.grants.consented(app.client_id, "ada") == set()
    assert store.grants.code(code) is None


def test_a_secret_looks_like_entras(store):
    value, secret = store.add_secret(store.register("My app", URIS), "notebook", days=180)
    assert re.fullmatch(r"[A-Za-z0-9]{3}8Q~[A-Za-z0-9~_.-]{34}", value)
    assert secret.hint == value[:3]
    assert uuid.UUID(secret.secret_id)
    assert secret.expires_at == pytest.approx(store.now() + 180 * 86400, abs=5)


def test_the_default_app_stays_the_same(store):
    app, secret = store.default_app()
    again = reopened(store)
    assert again.default_app() == (app, secret)
    again.close()


def test_the_default_app_has_what_the_tutorial_needs(store):
    app, _ = store.default_app()
    assert app.display_name == "Graph tutorial app"
    assert app.sign_in_audience == "AzureADMultipleOrgs"
    assert [(one.uri, one.platform) for one in app.redirect_uris] == [
        ("http://localhost:8000/connect/get_token/", "web"),
        ("http://127.0.0.1:8000/connect/get_token/", "web"),
    ]
    assert set(app.permissions) >= {"openid", "offline_access", "User.Read", "Mail.Send"}


def test_the_default_app_comes_back_when_it_was_deleted(store):
    app, _ = store.default_app()
    store.remove_app(app.client_id)
    other, _ = store.default_app()
    assert other.client_id != app.client_id


def test_the_default_app_gets_a_new_secret_when_the_old_one_has_expired(store):
    _, old = store.default_app()
    store.advance(181 * 86400)
    app, new = store.default_app()
    assert new != old
    assert len(app.secrets) == 2


def test_neither_codes_nor_tokens_nor_sessions_are_kept_in_clear(store):
    app = store.register("My app", URIS)
    value, _ = store.add_secret(app, "notebook", days=1)
    grants = store.grants
    kept = [
        value,
        grants.issue_code(a_sign_in()),
        grants.issue_refresh_token(a_sign_in()),
        grants.start_session("ada"),
    ]
    store.db.commit()
    files = b"".join(path.read_bytes() for path in store.home.iterdir())
    assert b"My app" in files
    assert not [text for text in kept if text.encode() in files]


def test_the_home_is_for_its_owners_eyes_only(store):
    assert store.home.stat().st_mode & 0o777 == 0o700
    files = list(store.home.glob("sandbox.db*"))
    assert len(files) > 1  # the write-ahead log lies beside the database
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_second_sandbox_on_the_same_home_says_so(store):
    with pytest.raises(HomeInUse, match="Another sandbox is running on"):
        Store(store.home)


def test_a_second_process_on_the_same_home_says_so(store):
    program = (
        "import pathlib, sys; from graphsandbox.store import Store;"
        " Store(pathlib.Path(sys.argv[1]))"
    )
    other = subprocess.run(
        [sys.executable, "-c", program, str(store.home)], capture_output=True, text=True
    )
    assert other.returncode == 1
    assert "HomeInUse: Another sandbox is running on" in other.stderr


def test_a_file_that_is_no_database_is_not_taken_for_a_running_sandbox(home):
    home.mkdir()
    (home / "sandbox.db").write_text("hello, I am not a database at all, just a text file")
    with pytest.raises(sqlite3.DatabaseError):
        Store(home)


def test_the_clock_moves_both_ways_and_survives_a_restart(store):
    start = store.now()
    store.advance(4000)
    again = reopened(store)
    assert again.now() - start == pytest.approx(4000, abs=5)
    again.advance(-5000)
    assert again.now() - start == pytest.approx(-1000, abs=5)
    again.close()


def test_a_reset_forgets_consents_and_clock_and_keeps_registrations(store):
    app = store.register("My app", URIS)
    start = store.now()
    store.advance(4000)
    store.grants.consent(app.client_id, "ada", ["Mail.Send"])
    store.reset()
    assert store.now() - start == pytest.approx(0, abs=5)
    assert store.grants.consented(app.client_id, "ada") == set()
    assert store.apps() == [app]


def test_a_session_ends_after_a_day(store):
    value = store.grants.start_session("ada")
    store.advance(86000)
    assert store.grants.session(value).oid == "ada"
    store.advance(800)
    assert store.grants.session(value) is None


def test_old_codes_and_tokens_are_swept_out(store):
    code = store.grants.issue_code(a_sign_in())
    token = store.grants.issue_refresh_token(a_sign_in())
    store.advance(181 * 86400)
    store.grants.issue_code(a_sign_in())
    store.grants.issue_refresh_token(a_sign_in())
    assert store.grants.code(code) is None
    assert store.grants.refresh_token(token) is None


def test_what_was_committed_survives_a_kill(tmp_path):
    program = """
import os, pathlib, signal, sys
from graphsandbox.store import Store
store = Store(pathlib.Path(sys.argv[1]))
for number in range(20):
    app = store.register(f"app {number}", [])
    print(app.client_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    home = tmp_path / "home"
    killed = subprocess.run(
        [sys.executable, "-c", program, str(home)], capture_output=True, text=True
    )
    store = Store(home)
    assert [app.client_id for app in store.apps()] == killed.stdout.split()
    assert len(store.apps()) == 20
    store.close()
