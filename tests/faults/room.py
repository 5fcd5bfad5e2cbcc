"""A kernel beside its own sandbox, for the cells of the chapters, and what it showed."""

import configparser
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat

from ..cases import forms_of
from ..homes import VISITOR, own_homes, running_sandbox
from ..kernel import ROOT, Kernel, running_kernel

CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# Remembers every secret, also those that a cell gets by hand, and changes nothing.
WATCH = """\
def watch():
    import requests
    from graphhelpers import display
    seen, new, json = set(), display.Secret.__new__, requests.Response.json

    def remember(kind, *args):
        seen.add(str(*args))
        return new(kind, *args)

    def answer(self, **options):
        value = json(self, **options)
        for name in ("access_token", "id_token", "refresh_token", "client_secret"):
            if isinstance(value, dict) and name in value:
                seen.add(str(value[name]))
        return value

    display.Secret.__new__, requests.Response.json = remember, answer
    display.seen_by_the_tests = seen

watch()
"""
SECRETS = "sorted(__import__('graphhelpers.display').display.seen_by_the_tests)"


class Room:
    """The kernel, and what was there before a test."""

    def __init__(self, kernel: Kernel, sandbox: dict):
        self.kernel, self.sandbox = kernel, sandbox
        self.run, self.listened = kernel.run, kernel.listens()

    def leave(self) -> None:
        """Forget every name; see that no port is kept and that no secret was shown."""
        said = "\n".join(self.kernel.said)
        secrets = self.kernel.value(SECRETS)
        assert not [s for s in secrets if len(s) > 16 and any(f in said for f in forms_of(s))]
        assert not re.search(r"eyJ[\w-]{10,}\.", said)
        self.kernel.said.clear()
        assert not self.run("%reset -f").error
        self.run("import gc; gc.collect(); del gc")
        assert self.kernel.listens() == self.listened
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", 8000)) != 0


@contextmanager
def open_room(folder: Path, browser: str = VISITOR, **more: str) -> Iterator[Room]:
    """Run a sandbox, and a kernel whose working directory is this folder."""
    env = own_homes(folder / "homes") | {"BROWSER": browser, **more}
    with running_sandbox(env) as sandbox, running_kernel(env, folder) as kernel:
        assert not kernel.run(WATCH).error and not kernel.run("%reset -f").error
        yield Room(kernel, sandbox)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def prose(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return " ".join(" ".join(c.source for c in cells if c.cell_type == "markdown").split())


def sanitized(text: str) -> str:
    """Replace ids, times and tokens, as nbval does with the saved outputs.

    Of a line that was written over, like that of a progress bar, the last state counts.
    """
    text = re.sub(r"[^\n]*\r(?=[^\n])", "", text)
    config = configparser.RawConfigParser()
    config.read(ROOT / "notebooks" / "sanitize.cfg", encoding="utf-8")
    for name in config.sections():
        text = re.sub(config[name]["regex"], config[name]["replace"], text)
    return text


def saved(cell: nbformat.NotebookNode) -> str:
    """Return what a saved cell shows, as `Result.text` has it."""
    texts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            texts.append(output.text)
        elif output.output_type == "error":
            texts.append(f"{output.ename}: {output.evalue}")
        else:
            texts.append(output.data["text/plain"])
    return "\n".join(texts)
