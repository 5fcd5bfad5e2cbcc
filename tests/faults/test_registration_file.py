"""The one file that the kit keeps, under fault: it is whole, it is private, and nothing is lost."""

import json
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphhelpers import (
    CHINA,
    MICROSOFT,
    US_GOV_L4,
    US_GOV_L5,
    Registration,
    RegistrationError,
    sandbox_cloud,
)

from .shelf import CLIENT_ID, ROOT, SECRET, saved

pytestmark = pytest.mark.usefixtures("home")


def program(source: str, *arguments: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"from graphhelpers import *\n{source}", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.case("F173", "F192")
def test_the_first_run_finds_nothing_and_makes_nothing(home):
    with pytest.raises(RegistrationError, match="No registration"):
        Registration.load()
    Registration.forget()
    assert not home.exists()
    assert json.loads(saved().read_text("utf-8"))["Microsoft"]["client_id"] == CLIENT_ID


@pytest.mark.case("F174", "F192")
@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"null", b'"x"', b"7", b'{"Microsoft": 1}', b'{"Microsoft": []}', b"\xff",
     b'{"Microsoft": {"tenant": "common"}}', b"[" * 100_000, b"\x80\x04\x95pickle", b"\0" * 4096],
)  # fmt: skip
def test_damage_is_set_aside_and_told_and_the_next_save_is_whole(home, damage):
    path = saved()
    path.write_bytes(damage)
    for act in (Registration.load, saved):  # neither reads nor writes over it
        path.write_bytes(damage)
        path.chmod(0o600)
        with pytest.raises(RegistrationError, match="moved aside"):
            act()
        assert not path.exists()
    assert {aside.read_bytes() for aside in home.glob("*.damaged-*")} == {damage}
    saved()
    assert Registration.load().client_secret == SECRET


@pytest.mark.case("F174")
def test_a_value_that_was_changed_by_hand_is_refused_like_any_other(home):
    path = saved()
    path.write_text(json.dumps({"Microsoft": {"client_id": 5, "client_secret": SECRET}}))
    with pytest.raises(RegistrationError, match="client_id is empty, or not text"):
        Registration.load()
    assert path.exists()


SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
ENTRY = st.dictionaries(
    st.sampled_from(["client_id", "client_secret", "redirect_uri", "tenant", "more"]),
    st.sampled_from([CLIENT_ID, SECRET, "common", None]) | SCALAR,
)
FILE = st.dictionaries(st.sampled_from(["Microsoft", "China", "x"]), ENTRY | SCALAR) | SCALAR


@pytest.mark.case("F174", "F175")
@given(st.binary(max_size=40) | FILE.map(lambda value: json.dumps(value).encode()))
def test_whatever_the_file_holds_it_is_read_or_told_and_never_lost(content):
    path = Path(os.environ["GRAPHHELPERS_HOME"], "registrations.json")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(0o600)  # as save() makes it, but without its pause, five hundred times
    path.write_bytes(content)
    try:
        app = Registration.load()
    except RegistrationError as error:
        assert error.what and error.why and error.fix and SECRET not in str(error)
    else:
        entry = json.loads(content)["Microsoft"]
        assert {name: getattr(app, name) for name in entry} == entry
    kept = [path, *path.parent.glob("*.damaged-*")]
    assert content in [file.read_bytes() for file in kept if file.exists()]
    for file in kept:
        file.unlink(missing_ok=True)


@pytest.mark.case("F175")
@pytest.mark.parametrize(
    "newer",
    [
        {"China": {"client_id": CLIENT_ID, "certificate": "x"}},
        {"version": 2, "registrations": {"China": {"client_id": CLIENT_ID}}},
        {"China": {"certificate": "x"}, "Microsoft": 7},
    ],
)
def test_what_a_newer_version_wrote_is_left_alone(home, newer):
    path = saved()
    path.write_text(json.dumps(json.loads(path.read_text()) | newer))
    before = path.read_bytes()
    for act in (Registration.load, lambda: Registration.load(CHINA), saved, Registration.forget):
        with pytest.raises(RegistrationError, match="newer version") as caught:
            act()
        assert "Update" in caught.value.fix
    assert path.read_bytes() == before and list(home.iterdir()) == [path]


SAVES = """
import sys
client_id = "11112222-bbbb-3333-cccc-4444dddd5555"
cloud = {"Microsoft": MICROSOFT, "China": CHINA, "US Gov L4": US_GOV_L4}[sys.argv[1]]
sys.stdin.readline()
for turn in range(int(sys.argv[2])):
    Registration(client_id, f"canary~secret-of-turn-{turn}", cloud=cloud).save()
    assert Registration.load(cloud).client_secret == f"canary~secret-of-turn-{turn}"
"""


SAVES_LONG = f"""
for turn in range(40):
    Registration("{CLIENT_ID}", f"canary~secret-of-turn-{{turn}}").save()
    if not turn: print("saved", flush=True)
"""


@pytest.mark.case("F176")
def test_notebooks_that_save_at_once_lose_nothing_of_each_other(home):
    children = []
    for cloud in ("Microsoft", "China", "US Gov L4"):
        child = subprocess.Popen(
            [sys.executable, "-c", f"from graphhelpers import *\n{SAVES}", cloud, "25"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(child)
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        assert child.communicate(timeout=30) == (None, "")
    entries = json.loads((home / "registrations.json").read_text())
    assert len(entries) == 3
    assert {e["client_secret"] for e in entries.values()} == {"canary~secret-of-turn-24"}
    assert len(list(home.iterdir())) == 1


@pytest.mark.case("F176")
def test_threads_that_save_at_once_lose_nothing_of_each_other(home):
    clouds = (MICROSOFT, US_GOV_L4, US_GOV_L5, CHINA)
    apps = [Registration(CLIENT_ID, SECRET, cloud=cloud) for cloud in clouds]
    threads = [threading.Thread(target=app.save) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [Registration.load(cloud).client_secret for cloud in clouds] == [SECRET] * 4


@pytest.mark.case("F176", "F189")
def test_forgetting_disturbs_no_save_in_another_notebook(home):
    with program(SAVES_LONG) as child:
        assert child.stdout.readline() == "saved\n"
        while child.poll() is None:
            Registration.forget(CHINA)
            time.sleep(0.002)
        assert child.communicate() == ("", "")
    assert Registration.load().client_secret == "canary~secret-of-turn-39"


# Forks a saver for each line that it reads: so that a thousand of them need no thousand imports.
KILLED = f"""
import itertools, os, sys
for _ in sys.stdin:
    if not (saver := os.fork()):
        for turn in itertools.count():
            Registration("{CLIENT_ID}", "canary~" + str(turn) * 2_000).save()
            if not turn: print(os.getpid(), flush=True)
    os.waitpid(saver, 0)
    print("gone", flush=True)
"""


def kill_while_saving(times: int, home: Path) -> None:
    chance = random.Random(3)
    with program(KILLED) as child:
        for _ in range(times):
            child.stdin.write("one more\n")
            child.stdin.flush()
            saver = int(child.stdout.readline())
            time.sleep(chance.random() / 300)
            os.kill(saver, signal.SIGKILL)
            assert child.stdout.readline() == "gone\n"
            secret = Registration.load().client_secret
            assert secret == "canary~" + secret[7:][: len(secret[7:]) // 2_000] * 2_000
        child.stdin.close()
    left = list(home.glob("registrations.json?*"))
    assert left, "no kill came while the file was written"
    Registration.forget()
    assert [entry.name for entry in home.iterdir()] == ["registrations.json"]


@pytest.mark.case("F177", "F178", "F189")
@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a POSIX matter")
def test_killed_while_saving_the_file_is_the_old_or_the_new_one(home):
    kill_while_saving(40, home)


@pytest.mark.soak
def test_a_thousand_kills_leave_no_bad_file(home):
    kill_while_saving(1_000, home)


@pytest.mark.case("F178")
def test_what_is_saved_is_on_the_disk_before_its_name_is(home, monkeypatch):
    order = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *a, real=real, name=name: (order.append(name), real(*a))
        )
    saved()
    assert order == ["fsync", "replace"]


@pytest.mark.case("F179")
@pytest.mark.parametrize("mask", [0, 0o077])
def test_the_file_is_its_owners_whatever_the_umask(home, mask):
    before = os.umask(mask)
    try:
        path = saved()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.case("F180")
def test_a_file_that_others_can_read_is_tightened_and_told_once(home):
    path = saved()
    path.chmod(0o644)
    with pytest.warns(UserWarning, match="Others could read") as told:
        assert Registration.load().client_secret == SECRET
    assert SECRET not in str(told[0].message)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Registration.load().client_secret == SECRET  # and says nothing more


@pytest.mark.case("F183")
def test_a_full_disk_leaves_the_old_file_and_a_clear_word(home):
    path = saved()
    before = path.read_bytes()
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        with pytest.raises(RegistrationError, match="can't be saved in") as caught:
            Registration(CLIENT_ID, "canary~" + "x" * 500).save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert "as it was" in caught.value.why and "room" in caught.value.fix
    assert path.read_bytes() == before and list(home.iterdir()) == [path]


@pytest.mark.case("F189")
def test_forgetting_leaves_nothing_of_the_secret(home):
    path = saved()
    Registration(CLIENT_ID, cloud=CHINA).save()
    (home / "registrations.json8k2x").write_text(SECRET)  # as a killed save would leave it
    path.rename(keep := home / "kept")
    path.write_text(SECRET)
    path.chmod(0o600)
    pytest.raises(RegistrationError, Registration.load)  # which moves the damage aside
    keep.rename(path)
    Registration.forget()
    Registration.forget()
    assert [entry.name for entry in home.iterdir()] == [path.name]
    assert SECRET not in path.read_text() and Registration.load(CHINA)


@pytest.mark.case("F192")
def test_a_sandboxs_entry_holds_no_address_and_is_plain_json(home):
    cloud = sandbox_cloud("http://localhost:1111", "http://localhost:1111")
    text = Registration(CLIENT_ID, SECRET, cloud=cloud).save().read_text("utf-8")
    assert set(json.loads(text)) == {"sandbox"} and "1111/" not in text
