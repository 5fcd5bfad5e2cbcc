"""Task 1: who the app is: checked before use, kept between notebooks."""

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_config_path

from .clouds import GUID, MICROSOFT, Cloud, is_loopback
from .display import Secret
from .errors import RegistrationError
from .help_cards import card

DEFAULT_REDIRECT_URI = "http://localhost:8000/connect/get_token/"
TENANT_GROUPS = ("common", "organizations", "consumers")
DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.I)
KEPT = ("client_id", "client_secret", "redirect_uri", "tenant")


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
        _check_client_id(self.client_id)
        _check_redirect_uri(self.redirect_uri)
        _check_tenant(self.tenant)
        if self.client_secret is not None:
            _check_client_secret(self.client_secret)
            object.__setattr__(self, "client_secret", Secret(self.client_secret))

    def save(self) -> Path:
        """Keep this registration for its cloud, mode 0600, and return the file's path."""
        entries = _read()
        _write(entries | {self.cloud.name: {name: getattr(self, name) for name in KEPT}})
        return _path()

    @classmethod
    def load(
        cls, cloud: Cloud = MICROSOFT, default: "Registration | None" = None
    ) -> "Registration":
        """Return the registration saved for this cloud, at the addresses that `cloud` has now.

        Where none is saved, returns `default`, or raises RegistrationError when there is none.
        """
        try:
            return cls(**_read()[cloud.name], cloud=cloud)
        except KeyError:
            if default is not None:
                return default
            what = f"No registration for {cloud.name} is saved in {_path()}."
            raise RegistrationError(what, *card("no registration")) from None
        except TypeError:
            raise _damaged(cloud.name) from None

    @classmethod
    def forget(cls, cloud: Cloud = MICROSOFT) -> None:
        """Take the registration of this cloud off the disk; doing so twice is fine."""
        entries = _read()
        if entries.pop(cloud.name, None) is not None:
            _write(entries)


def _refuse_odd_characters(name: str, text: object) -> None:
    """Refuse what a copy from a web page brings along: blanks, quotes, invisible characters."""
    if text is None and name == "client_secret":
        return
    if not isinstance(text, str) or not text:
        raise RegistrationError(f"{name} is empty, or not text.", *card("not text"))
    for position, character in enumerate(text, 1):
        quote = character in "\"'`<>" and position in (1, len(text))
        if quote or not "!" <= character <= "~":
            what = f"{name} has an odd character, U+{ord(character):04X}, at position {position}."
            raise RegistrationError(what, *card("odd character"))


def _check_client_id(client_id: str) -> None:
    if not GUID.fullmatch(client_id) or not int(client_id.replace("-", ""), 16):
        what = f"client_id, with {len(client_id)} characters, is not a client id."
        raise RegistrationError(what, *card("client id"))


def _check_client_secret(secret: str) -> None:
    if GUID.fullmatch(secret):
        what = "client_secret looks like the Secret ID, not like the secret's Value."
        raise RegistrationError(what, *card("secret id"))


def _check_redirect_uri(uri: str) -> None:
    try:
        parts = urlsplit(uri)
    except ValueError:  # a bracket that never closes
        parts = urlsplit("")
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
        what = f"{uri!r} can't be the redirect URI: {'; '.join(broken)}."
        raise RegistrationError(what, *card("redirect uri"))


def _check_tenant(tenant: str) -> None:
    if not (tenant in TENANT_GROUPS or GUID.fullmatch(tenant) or DOMAIN.fullmatch(tenant)):
        what = f"tenant, with {len(tenant)} characters, is not a tenant."
        raise RegistrationError(what, *card("tenant"))


def _path() -> Path:
    home = os.environ.get("GRAPHHELPERS_HOME")
    folder = Path(home) if home else user_config_path("graphhelpers", appauthor=False)
    return folder / "registrations.json"


def _read() -> dict[str, dict[str, str]]:
    """Return the saved entries by cloud; none is fine, damage is moved aside and told."""
    try:
        entries = json.loads(_path().read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        what = f"{_path()} can't be read."
        raise RegistrationError(what, *card("no access", reason=error.strerror)) from None
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
        raise _damaged("any cloud")
    return entries


def _damaged(which: str) -> RegistrationError:
    aside = _path().with_suffix(f".damaged-{os.urandom(3).hex()}")
    os.replace(_path(), aside)
    what = f"The saved registration of {which} can't be read."
    return RegistrationError(what, *card("damaged registration", aside=aside))


def _write(entries: dict[str, dict[str, str]]) -> None:
    try:
        _replace(_path(), entries)
    except OSError as error:
        what = f"The registration can't be saved in {_path().parent}."
        raise RegistrationError(what, *card("no access", reason=error.strerror)) from None


def _replace(path: Path, entries: dict[str, dict[str, str]]) -> None:
    """Replace the file whole: a crash leaves the old one or the new one, never half of either."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mkstemp makes it 0600
    try:
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(entries, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
