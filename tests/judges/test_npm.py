"""Two clients from npm as judges of the sandbox, unmodified, each in one script in npm/.

A script prints a line of JSON for each step; what it must have seen stands here.
"""

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import requests

import graphsandbox
from tests.node import program, without_node, workshop_of

SCRIPTS = Path(__file__).parent / "npm"
SCRIPT_S = 60

pytestmark = without_node


@pytest.fixture(scope="module")
def workshop() -> Path:
    """A folder with the scripts and their packages."""
    return workshop_of(SCRIPTS)


@pytest.fixture(scope="module")
def sandbox():
    with graphsandbox.running(tls=True) as one:
        yield one


@pytest.fixture(scope="module")
def http(sandbox):
    with requests.Session() as session:
        session.trust_env = False
        session.verify = sandbox.ca
        yield session


@pytest.fixture(scope="module")
def judged(workshop, sandbox, http):
    """Run a script once for all its tests; return what it saw, step by step."""
    device = {"display_name": "A device", "redirect_uris": ["http://localhost"]}
    device |= {"sign_in_audience": "AzureADMultipleOrgs", "platform": "publicClient"}
    registered = http.post(f"{sandbox.authority}/_control/register", json=device, timeout=5)
    members = ("authority", "graph", "client_id", "client_secret", "tenant", "user")
    known = {name: getattr(sandbox, name) for name in members}
    known["device_app"] = registered.json()["client_id"]

    @cache
    def run(script: str) -> dict[str, dict]:
        done = subprocess.run(
            [program("node"), script],
            cwd=workshop,
            env={**os.environ, "SANDBOX": json.dumps(known), "NODE_EXTRA_CA_CERTS": sandbox.ca},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SCRIPT_S,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {line.pop("step"): line for line in lines}

    return run


@pytest.fixture
def msal_node(judged):
    return judged("msal_node.mjs")


@pytest.fixture
def oauth4webapi(judged):
    return judged("oauth4webapi.mjs")


def subjects(http, sandbox) -> list[str]:
    kept = http.get(f"{sandbox.authority}/_control/mailbox", timeout=5).json()
    return [mail["subject"] for mail in kept]


@pytest.mark.parametrize("step", ["code by query", "code by form_post", "device"])
def test_msal_node_signs_in(msal_node, sandbox, step):
    seen = msal_node[step]
    assert (seen["username"], seen["tenantId"]) == (sandbox.user, sandbox.tenant)
    assert {"User.Read", "Mail.Send"} <= set(seen["scopes"])
    assert (seen["tokenType"], seen["fromCache"]) == ("Bearer", False)
    assert seen["idTokenClaims"]["iss"] == f"{sandbox.authority}/{sandbox.tenant}/v2.0"


def test_msal_node_refreshes_silently(msal_node, sandbox):
    assert msal_node["cached"]["fromCache"] is True
    fresh = msal_node["refreshed"]
    assert (fresh["fromCache"], fresh["another"]) == (False, True)
    assert fresh["username"] == sandbox.user


def test_msal_node_gets_a_token_that_sends_a_mail(msal_node, sandbox, http):
    assert msal_node["sent"] == {"status": 202}
    assert subjects(http, sandbox).count("From msal-node") == 1


def test_msal_node_reports_a_wrong_secret_as_microsofts(msal_node):
    seen = msal_node["wrong secret"]
    assert (seen["name"], seen["errorCode"]) == ("ServerError", "invalid_client")
    assert seen["errorNo"] == 7000215
    assert "AADSTS7000215: Invalid client secret provided." in seen["errorMessage"]


def test_msal_node_reports_a_code_used_twice_as_microsofts(msal_node):
    seen = msal_node["code used twice"]
    assert (seen["name"], seen["errorCode"]) == ("ServerError", "invalid_grant")
    assert seen["errorNo"] == 54005
    assert "AADSTS54005: OAuth2 Authorization code was already redeemed" in seen["errorMessage"]


def test_oauth4webapi_finds_the_endpoints(oauth4webapi, sandbox):
    here = f"{sandbox.authority}/{sandbox.tenant}"
    assert oauth4webapi["discovery"] == {
        "issuer": f"{here}/v2.0",
        "token_endpoint": f"{here}/oauth2/v2.0/token",
    }


@pytest.mark.parametrize("step", ["code by query", "code by form_post", "device"])
def test_oauth4webapi_signs_in_and_verifies_the_id_token(oauth4webapi, sandbox, step):
    claims = oauth4webapi[step]["claims"]
    assert claims["preferred_username"] == claims["email"] == sandbox.user
    assert (claims["tid"], claims["ver"]) == (sandbox.tenant, "2.0")


def test_oauth4webapi_takes_userinfo_for_the_person_of_the_id_token(oauth4webapi, sandbox):
    told = oauth4webapi["userinfo"]
    assert told["sub"] == oauth4webapi["code by query"]["claims"]["sub"]
    assert told["email"] == sandbox.user


def test_oauth4webapi_gets_a_refreshed_token_that_sends_a_mail(oauth4webapi, sandbox, http):
    assert oauth4webapi["refreshed"] == {"another": True}
    assert oauth4webapi["sent"] == {"status": 202}
    assert subjects(http, sandbox).count("From oauth4webapi") == 1


@pytest.mark.parametrize(
    ("step", "status", "error", "words"),
    [
        ("wrong secret", 401, "invalid_client", "AADSTS7000215: Invalid client secret provided."),
        (
            "code used twice",
            400,
            "invalid_grant",
            "AADSTS54005: OAuth2 Authorization code was already redeemed",
        ),
        ("device pending", 400, "authorization_pending", "AADSTS70016: "),
    ],
)
def test_oauth4webapi_reports_a_refusal_by_its_error_and_number(
    oauth4webapi, step, status, error, words
):
    seen = oauth4webapi[step]
    assert (seen["name"], seen["status"], seen["error"]) == ("ResponseBodyError", status, error)
    assert seen["error_description"].startswith(words)
    assert seen["error_codes"] == [int(re.search(r"\d+", words)[0])]


def test_oauth4webapi_reports_what_the_browser_brings_as_a_refusal(oauth4webapi):
    seen = oauth4webapi["refused in the browser"]
    assert (seen["name"], seen["error"]) == ("AuthorizationResponseError", "login_required")
    assert seen["error_description"].startswith("AADSTS50058: ")
