"""An app on a free port, an attempt to sign in, and the listener that waits for its answer."""

import pytest

from graphhelpers import CallbackServer, Registration, start_sign_in
from tests.kit import free_port


@pytest.fixture(params=["127.0.0.1", "localhost"])
def app(request):
    uri = f"http://{request.param}:{free_port()}/connect/get_token/"
    return Registration("11112222-bbbb-3333-cccc-4444dddd5555", redirect_uri=uri)


@pytest.fixture
def attempt(app):
    return start_sign_in(app)


@pytest.fixture
def server(app, attempt):
    with CallbackServer(app, attempt) as server:
        yield server
