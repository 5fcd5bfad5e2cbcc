"""The leak guard: finds codes, tokens and client secrets that stand in notebooks and texts.

    python -m graphhelpers.guard PATH…          says where each one is, never what it is
    python -m graphhelpers.guard --mask PATH…   also puts its fingerprint in its place

What counts as one stands in secret_shapes.py. Exit status: 0 clean, 1 found (masked or not),
2 something could not be read.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .display import fingerprint, shown
from .errors import GraphHelpersError, RegistrationError
from .help_cards import said
from .secret_shapes import PASSWORD, Saved, find, saved_secrets

SKIPPED = {".git", ".venv", "node_modules"}
PLACES = {"outputs": "output", "attachments": "attachment", "widgets": "widget state"}


# What was in the middle of a word may begin one once its neighbour is masked, so a text is looked
# through again; one that still holds something after so many rounds is masked as a whole.
ROUNDS = 9


class Mask:
    """Puts fingerprints in the place of secrets, and notes what it found and where."""

    def __init__(self, saved: Saved):
        self.saved, self.found = saved, list[str]()

    def text(self, text: str, place: str = "", name: str = "") -> str:
        """Return a text masked, its line breaks kept; `name` is what it is the value of."""
        lead = len(name) + 2
        for _ in range(ROUNDS):
            hits = [hit for hit in find(f"{name}: {text}", self.saved) if hit.start >= lead]
            if not hits:
                return text
            masked, done = "", 0
            for hit in hits:
                start, end = hit.start - lead, hit.end - lead
                line = text.count("\n", 0, start) + 1
                self.found.append(f"{place or f'line {line}'}: {hit.kind} {hit.fingerprint}")
                masked += text[done:start] + hit.fingerprint + "\n" * text.count("\n", start, end)
                done = end
            text = masked + text[done:]
        return fingerprint(text) + "\n" * text.count("\n")

    def value(self, value: Any, place: str, name: str = "") -> Any:
        """Return what JSON can hold, masked."""
        if isinstance(value, str):
            return self.text(value, place, name)
        if isinstance(value, list):
            if all(isinstance(line, str) for line in value) and value == _lines("".join(value)):
                return _lines(self.text("".join(value), place, name))
            return [self.value(item, place, name) for item in value]
        if isinstance(value, dict):
            typed = "value" if value.get("_model_name") == "PasswordModel" else None
            return {
                self.text(key, place): self.value(member, place, PASSWORD if key == typed else key)
                for key, member in value.items()
            }
        return value


def _lines(text: str) -> list[str]:
    """Cut a text as notebooks keep it: each line with its end."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _parts(notebook: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Walk a notebook: yield what holds a part, the part's name there, and its place in words."""
    for number, cell in enumerate(notebook["cells"], 1):
        yield from ((cell, part, f"cell {number}, {PLACES.get(part, part)}") for part in cell)
    metadata = notebook["metadata"]
    yield from ((metadata, part, PLACES.get(part, "metadata")) for part in metadata)


def check(path: Path, saved: Saved, write: bool = False) -> list[str]:
    """Say what a file holds and where, and mask it there if asked; raises GraphHelpersError."""
    try:
        if path.exists() and not path.is_file():
            raise OSError(0, "it is no file, or a folder that can't be opened")
        data, is_notebook = path.read_bytes(), path.suffix == ".ipynb"
        if b"\0" in data and not is_notebook:
            return []  # a picture or a program is no text
        mask, text = Mask(saved), data.decode("utf-8")
        masked = _notebook(text, mask) if is_notebook else mask.text(text)
        if write and mask.found:
            _replace(path.resolve(), masked)  # a link stays one
    except OSError as error:
        raise GraphHelpersError(
            *said("guard no access", path=path, reason=error.strerror)
        ) from None
    except UnicodeDecodeError:
        raise GraphHelpersError(*said("guard no text", path=path)) from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise GraphHelpersError(*said("guard no notebook", path=path)) from None
    return mask.found


def _notebook(text: str, mask: Mask) -> str:
    """Return a notebook's JSON masked."""
    notebook = json.loads(text)
    if notebook["nbformat"] != 4:
        raise ValueError("its cells are elsewhere")
    for holder, part, place in _parts(notebook):
        holder[part] = mask.value(holder[part], place, part)
    masked = json.dumps(notebook, indent=1, ensure_ascii=False)  # as Jupyter lays it out
    return masked + text[len(text.rstrip()) :]


def _replace(path: Path, text: str) -> None:
    """Write the file whole: a crash leaves the old one or the new one, never half of either."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".guard-")
    try:
        with open(handle, "wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))  # a lone surrogate, as JSON has it
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o7777)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def mask_before_saving(model: dict[str, Any], path: str, contents_manager: Any, **_: Any) -> None:
    """Mask a notebook that JupyterLab is about to save (its option pre_save_hook).

    What goes wrong here is logged and never stops the save: the rest is masked all the same.
    """
    if model["type"] != "notebook":
        return
    warn, mask = contents_manager.log.warning, Mask({})
    try:
        mask.saved = saved_secrets()
    except Exception as error:
        warn("Saved client secrets can't be looked for: %s", type(error).__name__)
    for holder, part, place in _parts(model["content"]):
        try:
            holder[part] = mask.value(holder[part], place, part)
        except Exception as error:
            warn("%s, %s, can't be masked: %s", shown(path), place, type(error).__name__)
    for found in mask.found:
        warn("%s, %s, is masked in the saved file", shown(path), found)


def main() -> int:
    """Check the paths that were named, print where secrets stand, and return the exit status."""
    parser = argparse.ArgumentParser("python -m graphhelpers.guard", description="Find secrets.")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or a folder")
    parser.add_argument("--mask", action="store_true", help="put fingerprints in their place")
    asked = parser.parse_args()
    saved, found, problems = Saved(), list[str](), list[GraphHelpersError]()
    try:
        saved = saved_secrets()
    except RegistrationError as error:
        problems.append(error)
    for file in (file for path in asked.paths for file in _files(path)):
        try:
            found += [f"{shown(file)}: {line}" for line in check(file, saved, asked.mask)]
        except GraphHelpersError as error:
            problems.append(error)
    print(*found, "Masked." if found and asked.mask else f"Found: {len(found)}.", sep="\n")
    print(*problems, sep="\n", end="\n" * bool(problems), file=sys.stderr)
    return 2 if problems else 1 if found else 0


def _files(path: Path) -> Iterator[Path]:
    """Walk a folder; what can't be opened in it comes along, to be told when it is read."""
    if not os.path.isdir(path):
        yield path
        return
    closed = list[OSError]()
    for folder, folders, names in os.walk(path, onerror=closed.append):
        folders[:] = sorted(set(folders) - SKIPPED)
        yield from filter(os.path.isfile, (Path(folder, name) for name in sorted(names)))
    yield from (Path(error.filename) for error in closed)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())
