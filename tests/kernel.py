"""A Jupyter kernel driven by messages, as a front end does it, and all that it ever said."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import psutil
from jupyter_client import BlockingKernelClient, KernelManager

ROOT = Path(__file__).parents[1]


@dataclass
class Result:
    """What one cell left: its texts in order, and its error."""

    texts: list[str] = field(default_factory=list)
    error: str = ""  # the error's class
    took_s: float = 0.0

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


class Kernel:
    """A running kernel."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient):
        self.manager, self.client = manager, client
        self.said: list[str] = []  # every message to the page, as JSON, but for the code itself

    def run(self, code: str, timeout_s: float = 30.0, interrupt_after_s: float = 1e9) -> Result:
        """Run a cell to its end; a cell that is still at it after `interrupt_after_s` gets ^C."""
        began = time.monotonic()
        asked = self.client.execute(code, allow_stdin=False)
        result, kind = Result(), ""
        while True:
            for message in self.messages(0.05):
                if message["parent_header"].get("msg_id") != asked:
                    continue
                in_stream, kind = kind == "stream", message["msg_type"]
                content = message["content"]
                if kind == "stream":
                    # One print is one text, however the kernel happened to cut it.
                    before = result.texts.pop() if in_stream else ""
                    result.texts.append(before + content["text"])
                elif kind in ("execute_result", "display_data"):
                    result.texts.append(content["data"]["text/plain"])
                elif kind == "error":
                    result.error = content["ename"]
                    result.texts.append(f"{content['ename']}: {content['evalue']}")
                elif kind == "status" and content["execution_state"] == "idle":
                    result.took_s = time.monotonic() - began
                    return result
            spent_s = time.monotonic() - began
            if spent_s > interrupt_after_s:
                interrupt_after_s = 1e9
                self.interrupt()
            assert spent_s < timeout_s, f"this cell hangs:\n{code}"

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def messages(self, timeout_s: float) -> Iterator[dict[str, Any]]:
        """Yield what comes to the page until nothing comes for so long."""
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=timeout_s)
            except Empty:
                return
            if message["msg_type"] != "execute_input":
                self.said.append(json.dumps(message["content"], default=str, ensure_ascii=False))
            yield message

    def from_page(self, comm_id: str, data: Mapping[str, Any]) -> None:
        """Send a widget what its page would send: a typed value, or a click."""
        content = {"comm_id": comm_id, "data": dict(data)}
        message = self.client.session.msg("comm_msg", content)
        self.client.shell_channel.send(message)

    def value(self, expression: str) -> Any:
        """Return what an expression is in the kernel, as JSON carries it."""
        result = self.run(f"import json as _j; print(_j.dumps({expression}))")
        assert not result.error, result.text
        return json.loads(result.text)

    def listens(self) -> int:
        """Return at how many ports the kernel listens."""
        process = psutil.Process(self.manager.provisioner.pid)
        return sum(c.status == psutil.CONN_LISTEN for c in process.net_connections("inet"))


@contextmanager
def running_kernel(env: Mapping[str, str], folder: Path) -> Iterator[Kernel]:
    """Start a kernel in a folder, as JupyterLab does for the notebooks in it."""
    paths = [str(ROOT), *filter(None, [env.get("PYTHONPATH")])]
    manager = KernelManager()
    manager.start_kernel(env={**env, "PYTHONPATH": os.pathsep.join(paths)}, cwd=str(folder))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=30)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
