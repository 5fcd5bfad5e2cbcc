"""The files of a class agree with one another, with pyproject.toml, and with the code."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import yaml

from tests.kit import free_port

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VALUES = yaml.safe_load((ROOT / "classroom" / "values.yaml").read_text())
CLUSTER = list(yaml.safe_load_all((ROOT / "classroom" / "sandbox.yaml").read_text()))
ACCESS = "access:services!service=graphsandbox"


class Traits(SimpleNamespace):
    """A configuration object of traitlets, as far as the file uses it."""

    def __getattr__(self, name):
        made = Traits()
        setattr(self, name, made)
        return made


@pytest.fixture
def config(monkeypatch, tmp_path):
    """What the file for one machine configures."""
    monkeypatch.delenv("CLASS_URL", raising=False)
    monkeypatch.setenv("CLASS_PASSWORD", "the word of the class")
    monkeypatch.setenv("CLASS_FOLDER", str(tmp_path / "class"))
    return configured()


def configured() -> Traits:
    c, file = Traits(), ROOT / "classroom" / "jupyterhub_config.py"
    known = {"get_config": lambda: c, "__file__": str(file)}
    exec(compile(file.read_text(), file.name, "exec"), known)  # noqa: S102
    return c


@pytest.mark.parametrize("word", [None, "", "a word"])
def test_a_class_without_a_long_word_does_not_begin(monkeypatch, tmp_path, word):
    monkeypatch.setenv("CLASS_FOLDER", str(tmp_path))
    monkeypatch.delenv("CLASS_PASSWORD", raising=False)
    if word is not None:
        monkeypatch.setenv("CLASS_PASSWORD", word)
    with pytest.raises(SystemExit, match="Set CLASS_PASSWORD"):
        configured()


@pytest.fixture
def container():
    """The container of the cluster's sandbox, and its environment."""
    (one,) = CLUSTER[0]["spec"]["template"]["spec"]["containers"]
    return one, {line["name"]: line.get("value") for line in one["env"]}


def test_one_machine_and_the_cluster_give_the_same_rights(config):
    roles = {one["name"]: one["scopes"] for one in config.JupyterHub.load_roles}
    asked = {name: role["scopes"] for name, role in VALUES["hub"]["loadRoles"].items()}
    assert roles == asked
    assert all(ACCESS in scopes for scopes in roles.values())


def test_the_service_has_one_name_and_asks_nobody_once_more(config, container):
    (service,) = config.JupyterHub.services
    (name, there), env = *VALUES["hub"]["services"].items(), container[1]
    assert service["name"] == name == env["JUPYTERHUB_SERVICE_NAME"] == "graphsandbox"
    assert service["oauth_no_confirm"] is there["oauth_no_confirm"] is True
    assert env["JUPYTERHUB_SERVICE_PREFIX"] == f"/services/{name}/"
    assert env["JUPYTERHUB_CLIENT_ID"] == f"service-{name}"


def test_kernels_of_one_machine_find_the_service(config):
    (service,) = config.JupyterHub.services
    told = config.Spawner.environment["GRAPHSANDBOX_SERVICE_URL"]
    assert told == service["url"].replace("127.0.0.1", "localhost")
    folder = os.environ["CLASS_FOLDER"]
    command = ["-m", "graphsandbox", "--classroom", "--home", f"{folder}/sandbox"]
    assert service["command"][1:] == command


def test_what_the_class_keeps_is_in_its_own_folder_which_is_nobody_elses(config):
    folder = Path(os.environ["CLASS_FOLDER"])
    assert folder.stat().st_mode & 0o777 == 0o700
    kept = (config.JupyterHub.db_url, config.JupyterHub.cookie_secret_file,
            config.ConfigurableHTTPProxy.pid_file,
            config.SimpleLocalProcessSpawner.home_dir_template)  # fmt: skip
    assert all(str(folder) in one for one in kept)


def test_learners_begin_at_the_first_chapter_on_one_machine_and_in_the_cluster(config):
    there = VALUES["singleuser"]
    assert config.Spawner.default_url == there["defaultUrl"]
    assert (ROOT / there["defaultUrl"].removeprefix("/lab/tree/")).exists()
    for python, script in (config.Spawner.cmd, there["cmd"]):
        assert Path(python).name.startswith("python") and Path(script).name == "start_server.py"
    assert Path(config.Spawner.cmd[1]).exists()


def test_chapters_are_laid_out_once_and_a_learners_work_is_not_touched(tmp_path):
    notebooks, code = tmp_path / "notebooks", "import runpy; runpy.run_module = lambda *a, **k: 0"
    code += f"; runpy.run_path({str(ROOT / 'classroom' / 'start_server.py')!r})"
    for _ in range(2):
        env = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
        subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=20)
        (notebooks / "01_register.ipynb").write_text("mine")
    names = {file.name for file in (ROOT / "notebooks").glob("*.ipynb")}
    assert {file.name for file in notebooks.iterdir()} == names
    assert (notebooks / "01_register.ipynb").read_text() == "mine"
    assert (tmp_path / "README.md").exists()


def test_kernels_of_the_cluster_find_the_service_by_its_public_name(container):
    public = VALUES["hub"]["config"]["JupyterHub"]["public_url"]
    told = VALUES["singleuser"]["extraEnv"]["GRAPHSANDBOX_SERVICE_URL"]
    assert told == f"{public}services/graphsandbox"
    assert container[1]["JUPYTERHUB_PUBLIC_URL"] == f"{told}/"
    assert VALUES["proxy"]["https"]["hosts"] == [public.split("/")[2]]


def test_the_parts_of_the_cluster_fit_together(container):
    deployment, service, volume, policy = CLUSTER
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [deployment["spec"]["selector"]["matchLabels"], service["spec"]["selector"],
                 policy["spec"]["podSelector"]["matchLabels"]]  # fmt: skip
    assert all(selector.items() <= labels.items() for selector in selectors)
    ports = {int(container[1]["JUPYTERHUB_SERVICE_URL"].rsplit(":", 1)[1])}
    ports |= {one["port"] for one in service["spec"]["ports"]}
    ports |= {one["containerPort"] for one in container[0]["ports"]}
    ports |= {container[0]["readinessProbe"]["httpGet"]["port"]}
    ports |= {one["port"] for one in policy["spec"]["ingress"][0]["ports"]}
    ports |= {int(VALUES["hub"]["services"]["graphsandbox"]["url"].rsplit(":", 1)[1])}
    assert len(ports) == 1
    claims = [one["persistentVolumeClaim"]["claimName"]
              for one in deployment["spec"]["template"]["spec"]["volumes"]]  # fmt: skip
    assert claims == [volume["metadata"]["name"]]
    image = VALUES["singleuser"]["image"]
    assert container[0]["image"] == f"{image['name']}:{image['tag']}"


def test_no_secret_stands_in_the_files(container):
    assert container[1]["JUPYTERHUB_API_TOKEN"] is None  # from the cluster's own secrets
    assert "apiToken" not in VALUES["hub"]["services"]["graphsandbox"]


def test_the_sandbox_starts_as_the_cluster_starts_it(container, tmp_path):
    pytest.importorskip("jupyterhub")
    port = free_port()
    env = {name: value for name, value in container[1].items() if value}
    env |= {"JUPYTERHUB_SERVICE_URL": f"http://0.0.0.0:{port}", "JUPYTERHUB_API_TOKEN": "secret"}
    command = [sys.executable, *container[0]["command"][1:-1], str(tmp_path)]
    paths = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=env | paths, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = json.loads(process.stdout.readline())
            public = env["JUPYTERHUB_PUBLIC_URL"].rstrip("/")
            assert line["authority"] == line["graph"] == line["public"] == public
            probe = container[0]["readinessProbe"]["httpGet"]
            headers = {one["name"]: one["value"] for one in probe["httpHeaders"]}
            here = f"http://127.0.0.1:{port}"
            assert requests.get(here + probe["path"], headers=headers, timeout=5).ok
            there = {"Host": "graphsandbox:8099"}  # the name in the cluster is not the public one
            assert requests.get(here + probe["path"], headers=there, timeout=5).status_code == 421
        finally:
            process.terminate()


def test_a_dev_container_installs_an_extra_that_there_is():
    asked = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    (extra,) = re.findall(r"\[(\w+)\]", asked["postCreateCommand"])
    assert extra in PROJECT["optional-dependencies"]
    assert "-c constraints.txt" in asked["postCreateCommand"]
    version, oldest = (tuple(map(int, re.search(r"(\d)\.(\d+)", text).groups()))
                       for text in (asked["image"], PROJECT["requires-python"]))  # fmt: skip
    assert version >= oldest
    assert asked["forwardPorts"] == [8000]  # the redirect URI's


def test_what_binder_runs_at_the_end_can_be_run():
    file = ROOT / "postBuild"
    assert file.read_text().startswith("#!/bin/bash\n")
    assert sys.platform == "win32" or os.access(file, os.X_OK)
    assert not (ROOT / "binder").exists()  # it would hide environment.yml


def test_the_class_has_an_extra_and_the_base_does_not_grow():
    extra = PROJECT["optional-dependencies"]["hub"]
    names = {re.split("[>=[]", line)[0] for line in extra}
    assert names == {"graph-tutorial-kit", "jupyterhub", "jupyter-server-proxy"}
    for base in (PROJECT["dependencies"], PROJECT["optional-dependencies"]["sandbox"]):
        assert not names & {re.split("[>=[]", line)[0] for line in base}
