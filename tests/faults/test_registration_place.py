"""Where the file of registrations may lie: in a folder of one's own, and out of git's reach."""

import os
import subprocess
import sys

import pytest

from graphhelpers import Registration, RegistrationError

from .shelf import CLIENT_ID, ROOT, SECRET, saved

pytestmark = pytest.mark.usefixtures("home")
NOBODY = 65534
ACTS = (Registration.load, lambda: Registration(CLIENT_ID).save(), Registration.forget)


def told(act) -> RegistrationError:
    with pytest.raises(RegistrationError) as caught:
        act()
    return caught.value


@pytest.mark.case("F181")
def test_a_link_in_place_of_the_file_is_refused(home, tmp_path):
    elsewhere = tmp_path / "elsewhere.json"
    saved().rename(elsewhere)
    (home / "registrations.json").symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    for act in ACTS:
        assert "another user" in told(act).what
    assert elsewhere.read_bytes() == before


@pytest.mark.case("F181")
def test_a_folder_that_everybody_may_write_to_is_refused(home):
    home.mkdir()
    for mode in (0o777, 0o1777):  # also before there is a file
        home.chmod(mode)
        for act in ACTS:
            assert "chmod 700" in told(act).fix
    assert not list(home.iterdir())
    home.chmod(0o755)
    saved()
    home.chmod(0o777)
    for act in ACTS:
        assert "everybody may write" in told(act).why
    home.chmod(0o755)
    assert Registration.load().client_secret == SECRET


@pytest.mark.case("F181")
@pytest.mark.parametrize("kind", ["pipe", "dangling link", "link to itself", "folder"])
def test_what_is_no_file_is_refused_and_nothing_waits_for_it(home, tmp_path, kind):
    home.mkdir()
    path = home / "registrations.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path if kind == "link to itself" else tmp_path / "nowhere")
    for act in ACTS:
        assert "no file" in told(act).why
    assert not (tmp_path / "nowhere").exists() and list(home.iterdir()) == [path]


@pytest.mark.case("F190")
def test_a_file_of_another_user_is_refused(home, monkeypatch):
    path = saved()
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    else:  # nobody else's file can be made here, so it is we who become another
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    for act in ACTS:
        assert "belongs to another user" in told(act).why
    assert path.exists() and list(home.iterdir()) == [path]


@pytest.mark.case("F187")
@pytest.mark.parametrize("name", ["with blanks and ümläuts ☃", "x" * 200, "a'b\"c", "-rf"])
def test_odd_paths_work(tmp_path, monkeypatch, name):
    monkeypatch.setenv("GRAPHHELPERS_HOME", str(tmp_path / name / "deep" / "er"))
    assert saved().parent == tmp_path / name / "deep" / "er"
    assert Registration.load().client_secret == SECRET


@pytest.mark.case("F187")
@pytest.mark.parametrize("name", ["x" * 256, "y" * 5_000])
def test_a_path_that_cannot_be_is_told(tmp_path, monkeypatch, name):
    monkeypatch.setenv("GRAPHHELPERS_HOME", str(tmp_path / name))
    for act in ACTS:
        assert "GRAPHHELPERS_HOME" in told(act).fix


@pytest.mark.case("F187")
@pytest.mark.parametrize("path", ["kept", "~/kept", "./kept", "../kept"])
def test_a_path_that_depends_on_where_one_is_is_refused(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHHELPERS_HOME", path)
    for act in ACTS:
        assert "whole path" in told(act).fix
    assert not list(tmp_path.rglob("registrations*"))


@pytest.mark.case("F187")
@pytest.mark.skipif(os.name != "posix", reason="HOME is a POSIX matter")
@pytest.mark.parametrize("user_home", [None, "relative"])
def test_without_home_it_is_the_users_own_folder(tmp_path, user_home):
    asked = ("HOME", "GRAPHHELPERS_HOME", "XDG_CONFIG_HOME")
    env = {k: v for k, v in os.environ.items() if k not in asked}
    env = {**env, "PYTHONPATH": str(ROOT), **({"HOME": user_home} if user_home else {})}
    source = """
from graphhelpers import *
try: Registration.load(Cloud("nowhere", "https://a.example", "https://b.example"))
except RegistrationError as error: print(error)
"""
    command = [sys.executable, "-c", source]
    done = subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=20
    )
    assert "is saved in /" in done.stdout, done
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux has a /proc without new folders.")
def test_where_no_folder_can_be_made_the_system_says_why(monkeypatch):
    monkeypatch.setenv("GRAPHHELPERS_HOME", "/proc/kept")
    assert "No such file" in told(saved).why


@pytest.mark.case("F188")
@pytest.mark.parametrize("marker", ["folder", "file"])
def test_no_secret_is_saved_in_a_git_work_tree(tmp_path, monkeypatch, marker):
    git = tmp_path / "project" / ".git"
    git.mkdir(parents=True) if marker == "folder" else git.parent.mkdir()
    git.exists() or git.write_text("gitdir: ../elsewhere\n")  # as in a worktree or a submodule
    monkeypatch.setenv("GRAPHHELPERS_HOME", str(tmp_path / "project" / "a" / "b"))
    with pytest.raises(RegistrationError, match="git work tree") as caught:
        saved()
    assert "GRAPHHELPERS_HOME" in caught.value.fix and not (tmp_path / "project" / "a").exists()
    with pytest.raises(RegistrationError, match="No registration"):
        Registration.load()


@pytest.mark.case("F188")
def test_a_link_into_a_work_tree_is_seen_through(tmp_path, monkeypatch):
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / "notes").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "project" / "notes")
    monkeypatch.setenv("GRAPHHELPERS_HOME", str(tmp_path / "link" / "kept"))
    assert "git work tree" in told(saved).what
