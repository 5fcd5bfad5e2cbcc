"""Task 1: who the app is: checked before use, kept between notebooks."""

import json
import os
import random
import re
import stat
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from platformdirs import user_config_path

from .clouds import GUID, MICROSOFT, Cloud, is_loopback
from .display import Secret
from .errors import RegistrationError
from .help_cards import said

DEFAULT_REDIRECT_URI = "http://localhost:8000/connect/get_token/"
TENANT_GROUPS = ("common", "organizations", "consumers")
DOMAIN = r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
TENANT = re.compile(f"{GUID.pattern}|{DOMAIN}", re.I)
ODD = re.compile(r"^[\"'`<>]|[\"'`<>]$|[^!-~]")
PLACEHOLDER = re.compile(r"((your|my|the|client|app)[-_]?)*(secret|password)[-_a-z]*|(.)\4*", re.I)
KEPT = ("client_id", "client_secret", "redirect_uri", "tenant")
TRIES = 50  # to save, while other programs save too


@dataclass(frozen=True)
class Registration:
    """An app as the platform knows it (Microsoft: "Register an application").

    Every value is checked here, since a wrong one shows only later and elsewhere:
    raises RegistrationError, which says what to copy from where.
    """

    client_id: str
    client_secret: str | None = None
    redirect_uri: str = DEFAULT_REDIRECT_URI
    tenant: str = "common"
    cloud: Cloud = MICROSOFT

    def __post_init__(self) -> None:
        for name in KEPT:
            _refuse_odd_characters(name, getattr(self, name))
        if not isinstance(self.cloud, Cloud):
            raise RegistrationError(*said("no cloud", kind=type(self.cloud).__name__))
        if not GUID.fullmatch(self.client_id) or not int(self.client_id.replace("-", ""), 16):
            raise RegistrationError(*said("client id", length=len(self.client_id)))
        if self.client_id == self.tenant:
            raise RegistrationError(*said("one id twice"))
        if not (self.tenant in TENANT_GROUPS or TENANT.fullmatch(self.tenant)):
            raise RegistrationError(*said("tenant", length=len(self.tenant)))
        _check_redirect_uri(self.redirect_uri)
        if self.client_secret is not None:
            if GUID.fullmatch(self.client_secret):
                raise RegistrationError(*said("secret id"))
            if PLACEHOLDER.fullmatch(self.client_secret):
                raise RegistrationError(*said("placeholder"))
            object.__setattr__(self, "client_secret", Secret(self.client_secret))

    def save(self) -> Path:
        """Keep this registration for its cloud, mode 0600, and return the file's path."""
        _update(self.cloud.name, {name: getattr(self, name) for name in KEPT})
        return _path()

    @classmethod
    def load(cls, cloud: Cloud = MICROSOFT, default: Self | None = None) -> Self:
        """Return the registration saved for this cloud, at the addresses that `cloud` has now.

        Where none is saved, returns `default`, or raises RegistrationError when there is none.
        """
        if entry := _read().get(cloud.name):
            return cls(**entry, cloud=cloud)
        if default is None:
            raise RegistrationError(*said("no registration", cloud=cloud.name, path=_path()))
        return default

    @classmethod
    def forget(cls, cloud: Cloud = MICROSOFT) -> None:
        """Take the registration of this cloud off the disk; doing so twice is fine."""
        _update(cloud.name, None)
        for left in _path().parent.glob(f"{_path().name}?*"):  # by a save that was killed
            left.unlink(missing_ok=True)


def _refuse_odd_characters(name: str, text: object) -> None:
    """Refuse what a copy from a web page brings along: blanks, quotes, invisible characters."""
    if text is None and name == "client_secret":
        return
    if not isinstance(text, str) or not text:
        raise RegistrationError(*said("empty", name=name))
    if odd := ODD.search(text):
        code, position = ord(odd[0]), odd.start() + 1
        raise RegistrationError(*said("odd character", name=name, code=code, position=position))


def _check_redirect_uri(uri: str) -> None:
    parts = urlsplit("")
    with suppress(ValueError):  # a bracket that never closes
        parts = urlsplit(uri)
    port = parts.netloc.rpartition(":")[2]
    rules = {
        "it must begin with http://": parts.scheme == "http",
        "its host must be localhost or 127.0.0.1": is_loopback(parts.hostname),
        "it needs a port from 1 to 65535, such as :8000": port.isdecimal()
        and 0 < int(port) < 65_536,
        "it can't have a user name": "@" not in parts.netloc,
        "it can't have a query or a fragment": not (set("?#") & set(uri)),
        "it has more than 256 characters": len(uri) <= 256,
    }
    if broken := [rule for rule, kept in rules.items() if not kept]:
        raise RegistrationError(*said("redirect uri", uri=repr(uri), broken="; ".join(broken)))


def _path() -> Path:
    home = os.environ.get("GRAPHHELPERS_HOME")
    folder = Path(home) if home else user_config_path("graphhelpers", appauthor=False)
    return folder / "registrations.json"


def _read() -> dict[str, dict[str, str]]:
    """Return the saved entries by cloud; none is fine, damage is moved aside and told."""
    try:
        _check_owner(_path())
        entries = json.loads(_path().read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise RegistrationError(*said("unreadable", path=_path(), reason=error.strerror)) from None
    except (ValueError, RecursionError):
        raise _damaged() from None
    if not isinstance(entries, dict) or not all(
        isinstance(entry, dict) and "client_id" in entry for entry in entries.values()
    ):
        raise _damaged()
    if any(entry.keys() - set(KEPT) for entry in entries.values()):
        raise RegistrationError(*said("newer registration", path=_path()))
    return entries


def _check_owner(path: Path) -> None:
    """Refuse a file that another user may have put there, and keep others from reading ours."""
    if os.name == "posix":  # on Windows a user's own folder is closed to others
        folder, file = path.parent.stat(), path.lstat()
        ours = file.st_uid == os.geteuid() and not stat.S_ISLNK(file.st_mode)
        if not ours or folder.st_mode & stat.S_IWOTH:
            raise RegistrationError(*said("not private", path=path))
        if file.st_mode & 0o077:
            path.chmod(0o600)
            warnings.warn(f"Others could read {path}; now only you can.", stacklevel=4)


def _damaged() -> RegistrationError:
    aside = _path().with_suffix(f".damaged-{os.urandom(3).hex()}")
    os.replace(_path(), aside)
    return RegistrationError(*said("damaged registration", aside=aside))


def _update(cloud: str, entry: dict[str, Any] | None) -> None:
    """Put one entry in, or take it out (None), and leave the others as they are now.

    Another program may do so too. There is no lock that a killed one could leave behind: the
    file is replaced only while it is the one that was read, until it says what it should.
    """
    path = _path()
    if entry and any(os.path.exists(folder / ".git") for folder in path.parents):
        raise RegistrationError(*said("work tree", path=path))
    for attempt in range(TRIES):
        time.sleep(random.random() * attempt / 1000)  # noqa: S311 (seconds: let the others get done)
        entries = _read()
        wanted = {name: e for name, e in {**entries, cloud: entry}.items() if e is not None}
        if wanted == entries:
            return
        try:
            _replace(path, wanted, entries)
        except OSError as error:
            told = said("not saved", folder=path.parent, reason=error.strerror)
            raise RegistrationError(*told) from None
    raise RegistrationError(*said("not saved", folder=path.parent, reason="others save there too"))


def _replace(path: Path, entries: dict[str, Any], read: dict[str, Any]) -> None:
    """Replace the file whole: a crash leaves the old one or the new one, never half of either."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mkstemp makes it 0600
    try:
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(entries, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        if _read() == read:  # nobody else has saved in between
            os.replace(temporary, path)
            _flush(path.parent)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    """Let the new name outlive a loss of power, too."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
