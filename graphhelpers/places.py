"""Where this kernel runs, and to which redirect URI a browser can come back there."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from zlib import crc32

from .clouds import is_loopback
from .registration import DEFAULT_REDIRECT_URI

DOCKER = Path("/.dockerenv")
PORT, PATH = 8000, "connect/get_token/"
FORWARDS = "VS Code forwards port 8000 to your machine while something listens there (see Ports)."
# By the beginning of an environment variable's name, whether the browser reaches the kernel's
# localhost, and why. The first that is set counts: Binder runs JupyterHub, and so on.
PLACES = {
    "COLAB_": (False, "on Google Colab: no address there stays, so none can be registered."),
    "BINDER_": (False, "on Binder: its address changes at each start, so none is registered."),
    "CODESPACES": (False, "in GitHub Codespaces: it forwards port 8000 to this address."),
    "JUPYTERHUB_": (False, "JupyterHub"),  # more of it below
    "REMOTE_CONTAINERS": (True, f"in a dev container: {FORWARDS}"),
    "DEVCONTAINER": (False, "in a dev container, with its own localhost."),
    "VSCODE_AGENT_FOLDER": (True, f"on a remote host of VS Code: {FORWARDS}"),
    "VSCODE_IPC_HOOK_CLI": (True, f"on a remote host of VS Code: {FORWARDS}"),
    "SSH_CONNECTION": (False, "over SSH; `ssh -L 8000:localhost:8000 …` brings the port to you."),
    "WSL_DISTRO_NAME": (True, "in WSL, which shares its localhost with Windows."),
    "/.dockerenv": (False, "in a container, whose localhost is its own."),
    "": (True, "on the machine of your browser, it seems."),
}


@dataclass(frozen=True)
class Suggestion:
    """A redirect URI to register, and why that one."""

    uri: str | None  # None where no address can be registered
    why: str
    near: bool  # whether the browser reaches this kernel's localhost, as far as can be told

    def __repr__(self) -> str:
        return f"{self.uri or 'No redirect URI can be registered here.'}\n  Why: {self.why}"


def suggest_redirect_uri(env: Mapping[str, str] = os.environ, docker: Path = DOCKER) -> Suggestion:
    """Return which redirect URI to register where this kernel runs, and why.

    Nothing is certain: a port may be forwarded, and no variable says where the browser is.
    """
    names = [*env, "/.dockerenv" if docker.exists() else ""]
    place = next(start for start in PLACES if any(name.startswith(start) for name in names))
    if place == "JUPYTERHUB_":
        return _on_a_hub(env)
    near, why = PLACES[place]
    uri: str | None = DEFAULT_REDIRECT_URI
    if place in ("COLAB_", "BINDER_"):
        uri = None
    elif place == "CODESPACES":
        domain = env.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev")
        name = env.get("CODESPACE_NAME")
        uri = f"https://{name}-{PORT}.{domain}/{PATH}" if name else None
    return Suggestion(uri, f"This kernel runs {why}", near)


def _on_a_hub(env: Mapping[str, str]) -> Suggestion:
    """Return the address at which the hub's jupyter-server-proxy hands on (JupyterHub: services).

    On one machine all learners share its ports, so that each is given another one: by the hub,
    or else one that seldom meets another's.
    """
    prefix = env.get("JUPYTERHUB_SERVICE_PREFIX", "/")
    port = env.get("GRAPHHELPERS_PORT") or 20_000 + crc32(prefix.encode()) % 10_000
    path = f"{prefix}proxy/{port}/{PATH}"
    uri = urljoin(env.get("JUPYTERHUB_PUBLIC_URL", ""), path)
    why, parts = "This kernel runs on JupyterHub, ", urlsplit(uri)
    if parts.scheme == "https" or is_loopback(parts.hostname):
        why += "which hands on what comes to this address, with jupyter-server-proxy."
        return Suggestion(uri, why, False)
    if parts.hostname:
        return Suggestion(None, f"{why}at an http:// address, which can't be registered.", False)
    why += "which doesn't tell its address. With jupyter-server-proxy, register your hub's own"
    return Suggestion(None, f"{why} https://… (as the browser shows it), followed by {path}", False)
