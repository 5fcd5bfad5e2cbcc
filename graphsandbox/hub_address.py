"""The address of a hub that doesn't tell it, asked of the browser that shows the notebook.

A kernel on JupyterHub knows its server's path, and the host only where somebody has set
JupyterHub.public_url. The browser knows it. So a script in the cell's output sends a word, which
only this kernel made, through the hub to a listener here. The Origin beside it is the browser's own
statement, which no script can set (Fetch standard, "forbidden request-header"); no forwarding
header is read.
"""

import json
import secrets
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER_S = 5.0
SCRIPT = "fetch({path}, {{method: 'POST', body: {word}}}).catch(() => {{}});"


class NoBrowser(Exception):
    """Nobody could be asked, or nobody answered; the text says why."""


def ask(server: str) -> str:
    """Return the address of a Jupyter server as the browser has it, given its path on the hub.

    Raises NoBrowser outside of a notebook, and when no answer came within ANSWER_S seconds.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is None:
        raise NoBrowser("this is no notebook, whose browser could be asked.")
    from IPython.display import HTML, Javascript, display

    with Listener() as listener:
        path = f"{server}proxy/{listener.server_port}/"
        script = SCRIPT.format(path=json.dumps(path), word=json.dumps(listener.word))
        shown = display(Javascript(script), display_id=True)
        try:
            listener.answered.wait(ANSWER_S)
        finally:
            shown.update(HTML(""))  # neither the script nor the word is kept in the notebook
    if listener.origin is None:
        raise NoBrowser(f"no browser answered in {ANSWER_S:g} s.")
    return listener.origin + server


class Listener(ThreadingHTTPServer):
    """Waits on loopback for the one POST that brings the word; `origin` is then where from."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hearing)
        self.word = secrets.token_urlsafe(32)
        self.origin: str | None = None
        self.answered = threading.Event()

    def __enter__(self) -> "Listener":
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a caller who left early: the notebook's reader didn't call."""


class Hearing(BaseHTTPRequestHandler):
    """Hears one request."""

    server: Listener
    timeout = 2  # seconds for a caller to say all

    def do_POST(self) -> None:  # noqa: N802 (the library's name)
        """Take the address from whoever brings the word."""
        word = self.server.word.encode()
        whole = self.headers.get("Content-Length") == str(len(word))
        known = whole and secrets.compare_digest(self.rfile.read(len(word)), word)
        if known and (origin := self.headers.get("Origin")):
            self.server.origin = origin
            self.server.answered.set()
        self.send_response(204 if known else 403)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Write nothing: a request's headers hold the reader's cookies."""
