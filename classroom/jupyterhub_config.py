"""JupyterHub for a class on one machine: `jupyterhub -f classroom/jupyterhub_config.py`.

It needs the extras "lab" and "hub" of this project, and npm's configurable-http-proxy.
"""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821 (JupyterHub puts it there)

# The address in the learners' browsers, by https unless they sit at this very machine; a web
# server before the hub brings the certificate. Sign-in links and redirect URIs begin with it.
c.JupyterHub.public_url = os.environ.get("CLASS_URL", "http://localhost:8000/")
c.JupyterHub.bind_url = "http://127.0.0.1:8000"

# All that the class keeps: who was there, what the sandbox knows, the work of those who try it out.
FOLDER = Path(os.environ.get("CLASS_FOLDER") or Path.home() / "graph-class").absolute()
FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
c.JupyterHub.db_url = f"sqlite:///{FOLDER}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{FOLDER}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{FOLDER}/proxy.pid"

# >>> To try it out: whoever knows the word is whoever they say they are, and all programs run under
# one account of this machine, where nothing keeps one from reading another's files. For a room of
# strangers leave this part out; then the login is an account of this machine, and each learner's
# programs run under it. That hub is started as root, from a .venv where everybody may read.
word = os.environ.get("CLASS_PASSWORD", "")
if len(word) < 8:
    sys.exit("Set CLASS_PASSWORD to the word that lets learners in: at least 8 characters.")
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = word
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{FOLDER}/learners/{{username}}"
if os.geteuid() == 0:
    c.Spawner.args = ["--allow-root"]  # in a container, say; Jupyter wants to be told
# <<<
c.Authenticator.allow_all = True  # whoever can log in may come; or name them in allowed_users

# Each learner begins at the first chapter.
c.Spawner.cmd = [sys.executable, str(Path(__file__).parent.absolute() / "start_server.py")]
c.Spawner.default_url = "/lab/tree/notebooks/01_register.ipynb"

# The room's sandbox, on loopback: browsers come through the hub, kernels straight.
c.JupyterHub.services = [
    {
        "name": "graphsandbox",
        "url": "http://127.0.0.1:8099",
        "command": [
            *(sys.executable, "-m", "graphsandbox"),
            *("--classroom", "--home", f"{FOLDER}/sandbox"),
        ],
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
