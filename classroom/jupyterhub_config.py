"""JupyterHub for a class on one machine: `jupyterhub -f classroom/jupyterhub_config.py`.

It needs the extras "lab" and "hub" of this project, and npm's configurable-http-proxy.
"""

import os
import sys

c = get_config()  # noqa: F821 (JupyterHub puts it there)

# The address in the learners' browsers, by https unless they sit at this very machine; a web
# server before the hub brings the certificate. Sign-in links and redirect URIs begin with it.
c.JupyterHub.public_url = os.environ.get("CLASS_URL", "http://localhost:8000/")
c.JupyterHub.bind_url = "http://127.0.0.1:8000"

# To try it out: whoever knows the word is whoever they say they are, and all programs run under
# one account of this machine, where nothing keeps one from reading another's files. For a room
# of strangers leave these lines out: JupyterHub's defaults ask for an account of this machine
# and run each learner's programs under it.
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ.get("CLASS_PASSWORD") or sys.exit(
    "Set CLASS_PASSWORD to the word that lets learners in: without one, anybody would be."
)
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"

# The room's sandbox, on loopback: browsers come through the hub, kernels straight.
c.JupyterHub.services = [
    {
        "name": "graphsandbox",
        "url": "http://127.0.0.1:8099",
        "command": [sys.executable, "-m", "graphsandbox", "--classroom"],
        "oauth_no_confirm": True,  # the hub's login is enough, nobody is asked once more
    }
]
c.Spawner.environment = {
    "GRAPHSANDBOX_SERVICE_URL": "http://localhost:8099",
    # Where a learner's kernels listen for a code: all are on this machine, so each has a port.
    "GRAPHHELPERS_PORT": lambda spawner: str(20_000 + spawner.user.id % 10_000),
}

# Learners may come to it: with their browsers, and from their kernels.
HERE = "access:services!service=graphsandbox"
c.JupyterHub.load_roles = [
    {"name": "user", "scopes": ["self", HERE]},
    {"name": "server", "scopes": ["users:activity!user", "access:servers!server", HERE]},
]
