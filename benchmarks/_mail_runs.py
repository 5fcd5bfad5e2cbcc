"""A sandbox over TLS, and clients that take turns at it, each in a process of its own."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

import graphsandbox

SCOPES = "openid profile offline_access User.Read Mail.Send Mail.ReadWrite"
CHILD = Path(__file__).parent / "_mail_clients.py"


@contextlib.contextmanager
def signed_in() -> Iterator[tuple[Any, dict[str, Any]]]:
    """Run a sandbox; give it, and what a client must know, with a token of its first user."""
    with graphsandbox.running(tls=True) as box:
        names = ("authority", "graph", "client_id", "client_secret", "tenant", "ca")
        known = {name: getattr(box, name) for name in names}
        uri, tenant = box.redirect_uris[0], f"{box.authority}/{box.tenant}/oauth2/v2.0"
        asked = {"client_id": box.client_id, "response_type": "code", "redirect_uri": uri}
        link = requests.Request("GET", f"{tenant}/authorize", params=asked | {"scope": SCOPES})
        known |= {"redirect_uri": uri, "link": link.prepare().url}
        code = box.sign_in(known["link"])["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": uri}
        secrets = {name: known[name] for name in ("client_id", "client_secret")}
        answer = requests.post(f"{tenant}/token", form | secrets, verify=box.ca, timeout=10).json()
        tokens = {"token": answer["access_token"], "refresh_token": answer["refresh_token"]}
        yield box, known | tokens


def run(known: dict[str, Any], **what: Any) -> dict[str, float]:
    """Let one client do its work in a process of its own; return what it measured."""
    trusted = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), known["ca"])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(CHILD)],
        input=json.dumps(known | what),
        env=os.environ | trusted,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{what.get('client')}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
