"""Which keys are published, and what a rollover does to the tokens that are out."""

import jwt
import pytest

import graphsandbox
from tests.sandbox import client
from tests.sandbox.entra import me, redeem, sign_in


def published(sandbox, http, version="v2.0/"):
    """Return the ids of the published keys, newest first."""
    keys = http.get(f"{sandbox.authority}/common/discovery/{version}keys").json()["keys"]
    return [key["kid"] for key in keys]


def roll_over(sandbox, http):
    return http.post(f"{sandbox.authority}/_control/keys", json={}).json()["kid"]


def signed_in(sandbox, http):
    return redeem(sandbox, http, sign_in(sandbox, http)["code"]).json()


def kid(token):
    return jwt.get_unverified_header(token)["kid"]


def verifies(sandbox, id_token):
    """Tell whether an id_token verifies with the keys as they are published now."""
    keys = jwt.PyJWKClient(f"{sandbox.authority}/common/discovery/v2.0/keys")
    try:
        key = keys.get_signing_key_from_jwt(id_token)
    except jwt.PyJWKClientError:
        return False
    return jwt.decode(id_token, key, ["RS256"], audience=sandbox.client_id)["ver"] == "2.0"


def test_two_keys_are_published_by_both_versions(sandbox, http):
    assert len(set(published(sandbox, http))) >= 2
    assert published(sandbox, http, "") == published(sandbox, http)


def test_the_first_key_goes_on_to_sign_when_the_second_is_published(http, tmp_path):
    with graphsandbox.running(tmp_path) as sandbox:
        before = kid(signed_in(sandbox, http)["id_token"])
        keys = published(sandbox, http)
        assert len(keys) == 2
        assert kid(signed_in(sandbox, http)["id_token"]) == before == keys[-1]


def test_the_next_key_to_sign_was_published_before(sandbox, http):
    announced = published(sandbox, http)[0]
    assert roll_over(sandbox, http) == announced
    fields = signed_in(sandbox, http)
    assert kid(fields["id_token"]) == kid(fields["access_token"]) == announced
    assert verifies(sandbox, fields["id_token"])


def test_tokens_outlive_one_rollover_and_not_two(sandbox, http):
    fields = signed_in(sandbox, http)
    id_token, access_token = fields["id_token"], fields["access_token"]
    roll_over(sandbox, http)
    assert verifies(sandbox, id_token)
    assert me(sandbox, http, access_token).status_code == 200
    roll_over(sandbox, http)
    assert not verifies(sandbox, id_token)
    answer = me(sandbox, http, access_token)
    assert answer.status_code == 401
    assert answer.json()["error"]["message"].endswith("Invalid signature.")


def test_keys_are_the_same_after_a_restart(tmp_path):
    with client.browser() as http:
        with graphsandbox.running(tmp_path) as sandbox:
            roll_over(sandbox, http)
            before, token = published(sandbox, http), client.access_token(sandbox, http)
        with graphsandbox.running(tmp_path) as sandbox:
            assert published(sandbox, http) == before
            assert me(sandbox, http, token).status_code == 200
            assert kid(client.access_token(sandbox, http)) == kid(token)


@pytest.mark.parametrize("body", ['{"count": 2}', "[]", "{"])
def test_a_rollover_takes_no_orders(sandbox, http, body):
    before = published(sandbox, http)
    headers = {"Content-Type": "application/json"}
    answer = http.post(f"{sandbox.authority}/_control/keys", body, headers=headers)
    assert answer.status_code == 400
    assert published(sandbox, http) == before
