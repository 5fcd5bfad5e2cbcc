"""Task 1: who the app is: checked before use, kept between notebooks."""

import json
import os
import re
import stat
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from platformdirs import user_config_path

from .clouds import GUID, MICROSOFT, Cloud, expect, is_loopback, parts_of
from .display import Secret
from .errors import RegistrationError

DEFAULT_REDIRECT_URI = "http://localhost:8000/connect/get_token/"
DOMAIN = r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
TENANT = re.compile(f"common|organizations|consumers|(?i:{GUID.pattern}|{DOMAIN})")
ODD = re.compile(r"^[\"'`<>]|[\"'`<>]$|[^!-~]")
# What templates hold: words such as <your client secret>, one repeated character, or asterisks.
WORDS = "your|my|the|client|app|tenant|secret|password|value|id|enter|here|replace|changeme"
PLACEHOLDER = re.compile(rf"[^\w.]*(({WORDS})[^a-z0-9.]*)+|(\w)(\3|-)*|[^*/]*\*{{3}}.*", re.I)
# A redirect URI tells a port by itself; in its path, of which jupyter-server-proxy hands on what
# follows (after `absolute` the whole); or in its first label, as GitHub Codespaces and Microsoft's
# dev tunnels do: name-8000.app.github.dev.
PORT = "(?P<port>[1-9][0-9]{0,4})"
NETLOC = re.compile(rf"(\[[^]]+]|[\w.-]+)(:{PORT})?")
PROXY = re.compile(rf"(/.*?)??/proxy/(?P<whole>absolute/)?{PORT}(?P<rest>/.*)?")
TUNNEL = re.compile(rf"[a-z0-9-]+-{PORT}\.([a-z0-9-]+\.)?(app\.github\.dev|devtunnels\.ms)")
KEPT = ("client_id", "client_secret", "redirect_uri", "tenant")


@contextmanager
def _told(card: str) -> Iterator[None]:
    """Say in our words what the system has against reading or writing the file."""
    try:
        yield
    except OSError as error:
        raise RegistrationError.of(card, path=_path(), reason=error.strerror) from None


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
        # First of all, since a traceback may show `self`. A GUID is no secret, but its id.
        if isinstance(self.client_secret, str) and not GUID.fullmatch(self.client_secret):
            object.__setattr__(self, "client_secret", Secret(self.client_secret))
        for name in KEPT:
            _refuse_odd_characters(name, getattr(self, name))
        expect(Cloud, self.cloud, "cloud")
        if not GUID.fullmatch(self.client_id):
            raise RegistrationError.of("client id", length=len(self.client_id))
        if self.client_id.lower() == self.tenant.lower():
            raise RegistrationError.of("one id twice")
        if not TENANT.fullmatch(self.tenant):
            raise RegistrationError.of("tenant", length=len(self.tenant))
        _check_redirect_uri(self.redirect_uri)
        if GUID.fullmatch(self.client_secret or ""):
            raise RegistrationError.of("secret id")

    @_told("not saved")
    def save(self) -> Path:
        """Keep this registration for its cloud, mode 0600, and return the file's path."""
        return _update(self.cloud.name, {name: getattr(self, name) for name in KEPT})

    @classmethod
    @_told("unreadable")
    def load(cls, cloud: Cloud = MICROSOFT, default: Self | None = None) -> Self:
        """Return the registration saved for this cloud, at the addresses that `cloud` has now.

        Where none is saved, returns `default`, or raises RegistrationError when there is none.
        """
        expect(Cloud, cloud, "cloud")
        if entry := _read().get(cloud.name):
            return cls(**entry, cloud=cloud)
        if default is None:
            raise RegistrationError.of("no registration", cloud=cloud.name, path=_path())
        return default

    @classmethod
    @_told("not saved")
    def forget(cls, cloud: Cloud = MICROSOFT) -> None:
        """Take the registration of this cloud off the disk; doing so twice is fine."""
        expect(Cloud, cloud, "cloud")
        _update(cloud.name, None)
        for left in _path().parent.glob(f"{_path().name}?*"):  # by damage, or a killed save
            left.unlink(missing_ok=True)


def _refuse_odd_characters(name: str, text: object) -> None:
    """Refuse what a copy from a web page brings along: blanks, quotes, invisible characters."""
    if text is None and name == "client_secret":
        return
    if not isinstance(text, str) or not text:
        raise RegistrationError.of("empty", name=name)
    if PLACEHOLDER.fullmatch(text):
        raise RegistrationError.of("placeholder", name=name)
    if odd := ODD.search(text):
        raise RegistrationError.of("odd", name=name, code=ord(odd[0]), position=odd.start() + 1)


def listens_at(uri: str) -> tuple[str, int, str, set[str]]:
    """Return where a redirect URI's answer arrives: host, port (0: it doesn't tell), path, Hosts.

    The last are what the Host header may say. Nothing else that a request tells of its way
    counts (X-Forwarded-…), since anybody may say it.
    """
    parts = parts_of(uri)
    host, proxy = parts.hostname or "", PROXY.fullmatch(parts.path)
    tunnel, near = TUNNEL.fullmatch(host), is_loopback(host) and not proxy
    told = proxy or tunnel or (NETLOC.fullmatch(parts.netloc) if near else None)
    port = int(told["port"] or 0) if told else 0
    path = proxy["rest"] if proxy and not proxy["whole"] else parts.path
    at = "" if port == 80 else f":{port}"  # a browser leaves the default away
    names = {f"{name}{at}" for name in ("localhost", "127.0.0.1", "[::1]")}
    if not near:  # unless it is told otherwise, a tunnel calls us localhost
        names = {*names, "localhost"} if tunnel else set()
        names.add(re.sub(":(80|443)$", "", parts.netloc.lower()))
    # Microsoft: a URI without a path comes back with a slash; a proxy adds it, too.
    return host if near else "localhost", port, path or "/", names


def _check_redirect_uri(uri: str) -> None:
    parts = parts_of(uri)
    secure, here = parts.scheme == "https", is_loopback(parts.hostname)
    address = NETLOC.fullmatch(parts.netloc)
    port = int(address["port"] or (443 if secure else 0)) if address else 0
    rules = {
        "it must begin with http:// or https://": secure or parts.scheme == "http",
        "its host must be localhost or 127.0.0.1, unless it begins with https://": here or secure,
        "for this very machine it begins with http://": not (here and secure),
        "it needs a port from 1 to 65535, such as :8000": 0 < port < 65_536 > listens_at(uri)[1],
        "it can't have a user name, a query or a fragment": not (set("@?#") & set(uri)),
        "it has more than 256 characters": len(uri) <= 256,
    }
    if broken := [rule for rule, kept in rules.items() if not kept]:
        raise RegistrationError.of("redirect uri", uri=repr(uri), broken="; ".join(broken))


def _path() -> Path:
    home = os.environ.get("GRAPHHELPERS_HOME")
    folder = Path(home) if home else user_config_path("graphhelpers", appauthor=False)
    if not folder.is_absolute():  # it would be another one in each working directory
        raise RegistrationError.of("no home", folder=folder)
    return folder / "registrations.json"


def _read() -> dict[str, dict[str, str]]:
    """Return the saved entries by cloud; none is fine, damage is moved aside and told."""
    path = _path()
    try:
        if os.name == "posix":  # on Windows a user's own folder is closed to others
            _check_owner(path)
        entries = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, RecursionError):
        entries = None
    each = entries.values() if isinstance(entries, dict) else [entries]
    if any(isinstance(entry, dict) and entry.keys() - set(KEPT) for entry in each):
        raise RegistrationError.of("newer registration", path=path)
    if not all(isinstance(entry, dict) and "client_id" in entry for entry in each):
        aside = path.with_name(f"{path.name}.damaged-{os.urandom(3).hex()}")
        os.replace(path, aside)
        raise RegistrationError.of("damaged registration", aside=aside)
    return dict(entries)


def _check_owner(path: Path) -> None:
    """Refuse a file that another user may have put there, and keep others from reading ours."""
    open_to_all = path.parent.stat().st_mode & stat.S_IWOTH
    # There anybody may put the file that isn't there yet, so the folder, which is none, is refused.
    file = path.parent.lstat() if open_to_all else path.lstat()
    if not stat.S_ISREG(file.st_mode) or file.st_uid != os.geteuid():
        raise RegistrationError.of("not private", path=path)
    if file.st_mode & 0o077:
        path.chmod(0o600)
        warnings.warn(f"Others could read {path}; now only you can.", stacklevel=6)


def _update(cloud: str, entry: dict[str, Any] | None) -> Path:
    """Put one entry in, or take it out (None), and leave the others as they are now.

    Another program may do so too. There is no lock that a killed one could leave behind: the
    file is replaced only while it is the one that was read, until it says what it should.
    """
    path = _path()
    if entry and any(os.path.exists(f / ".git") for f in Path(os.path.realpath(path)).parents):
        raise RegistrationError.of("work tree", path=path)
    for _ in range(200):  # while others save, too; each time one of them gets done
        entries = _read()
        wanted = {name: e for name, e in {**entries, cloud: entry}.items() if e is not None}
        if wanted == entries:
            return path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another program forgets, and clears up
            _replace(path, wanted, entries)
    raise RegistrationError.of("not saved", path=path, reason="others save there too")


def _replace(path: Path, entries: dict[str, Any], read: dict[str, Any]) -> None:
    """Replace the file whole: a crash leaves the old one or the new one, never half of either."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mkstemp makes it 0600
    try:
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(entries, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        if _read() == read:  # nobody else has saved in between
            os.replace(temporary, path)
            time.sleep(0.02)  # seconds; who had read the old one before has replaced it by then
    finally:
        Path(temporary).unlink(missing_ok=True)
