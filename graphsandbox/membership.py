"""`graphsandbox.connect()` in a class: the room's sandbox, and this learner's own app in it.

The hub's token of this kernel says who asks. GRAPHSANDBOX_SERVICE_URL says whom.
"""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests

from .public import LOOPBACK, usual_port
from .ready import Ready

ANSWER_S = 20.0


class NotJoined(RuntimeError):
    """The class's sandbox did not take this learner."""


@dataclass(frozen=True)
class Member(Ready):
    """The class's sandbox as one learner has it; the token is not shown."""

    token: str = field(repr=False, default="")

    @property
    def headers(self) -> dict[str, str]:
        """What `/_control` wants to see: the learner's own hub token."""
        return {"Authorization": f"token {self.token}"}


def join(service: str) -> Member:
    """Return the sandbox at this address, with the learner's own app and user."""
    parts, token = urlsplit(service), os.environ.get("JUPYTERHUB_API_TOKEN", "")
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise NotJoined(
            "GRAPHSANDBOX_SERVICE_URL is to be https: this kernel's hub token goes there."
        )
    if not token:
        raise NotJoined("JUPYTERHUB_API_TOKEN is missing: a class is joined from a hub's kernel.")
    server = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/")
    here: dict[str, str | int] = {"server": server, "port": usual_port(server)}
    with requests.Session() as session:
        session.trust_env = False  # neither a .netrc nor a proxy may have a say about the token
        session.headers["Authorization"] = f"token {token}"
        try:
            answer = session.post(
                f"{service}/_control/join", json=here, timeout=ANSWER_S, allow_redirects=False
            )
            said = answer.json()
        except (OSError, ValueError) as error:  # what requests raises is an OSError too
            why = type(error).__name__
            raise NotJoined(f"The class's sandbox at {service} did not answer ({why}).") from error
    if answer.status_code != 200:
        raise NotJoined(f"The class's sandbox says {answer.status_code}: {said.get('error')}")
    return Member(**said, token=token)
