"""TLS and names: refused, unknown and untrusted are three texts, and none hears a secret."""

import socket
import ssl
import threading

import pytest
import trustme

from graphhelpers import (
    NoAnswer,
    Secret,
    sandbox_cloud,
)
from graphhelpers.wire import get_published, post_form
from tests.trap import Trap, answer

FORM = {"grant_type": "authorization_code", "client_secret": Secret("canary~client-secret")}


def post(trap: Trap):
    cloud = sandbox_cloud(trap.url, trap.url)
    return post_form(cloud, cloud.endpoint("common", "token"), FORM)


@pytest.mark.case("F099")
def test_refused_unknown_and_untrusted_are_three_texts():
    texts = set()
    with Trap(answer(b"{}")) as gone:
        pass
    with pytest.raises(NoAnswer, match="nothing listens") as refused:
        post(gone)
    texts.add(str(refused.value).splitlines()[0].split(":", 1)[1])
    nowhere = sandbox_cloud("https://login.invalid", "https://graph.invalid")
    with pytest.raises(NoAnswer, match="its name isn't known") as unknown:
        get_published(nowhere, nowhere.metadata_url("common"))
    texts.add(str(unknown.value).splitlines()[0].split(":", 1)[1])
    with tls_server(trustme.CA(), "127.0.0.1") as url:
        cloud = sandbox_cloud(url, url)
        with pytest.raises(NoAnswer, match="certificate") as untrusted:
            get_published(cloud, cloud.metadata_url("common"))
    texts.add(str(untrusted.value).splitlines()[0].split(":", 1)[1])
    assert len(texts) == 3
    for caught in (refused, unknown, untrusted):
        assert caught.value.outcome == "not sent"
        assert "verif" not in str(caught.value).lower() and "insecure" not in str(caught.value)


class tls_server:
    """A server that presents a certificate for one name, and answers each request with {}."""

    def __init__(self, authority: trustme.CA, name: str):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(self.context)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.heard: list[bytes] = []
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self) -> str:
        self.thread.start()
        return f"https://127.0.0.1:{self.listener.getsockname()[1]}"

    def __exit__(self, *_exception: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                try:
                    with self.context.wrap_socket(connection, server_side=True) as secured:
                        heard = secured.recv(65536)
                        end = b"\r\n\r\n" if heard.startswith(b"GET ") else b"client-secret"
                        while not heard.endswith(end):  # a form comes after its head
                            heard += secured.recv(65536)
                        self.heard.append(heard)
                        secured.sendall(answer(b"{}"))
                except (OSError, ssl.SSLError):
                    pass


@pytest.mark.case("N15", "F099")
def test_a_certificate_of_another_host_or_another_authority_gets_nothing(tmp_path):
    authority, other = trustme.CA(), trustme.CA()
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    for issuer, name, taken in (
        (authority, "127.0.0.1", True),
        (authority, "evil.example", False),
        (other, "127.0.0.1", False),
    ):
        server = tls_server(issuer, name)
        with server as url:
            cloud = sandbox_cloud(url, url, str(trusted))
            if taken:
                assert post_form(cloud, cloud.endpoint("common", "token"), FORM).status == 200
            else:
                with pytest.raises(NoAnswer, match="certificate"):
                    post_form(cloud, cloud.endpoint("common", "token"), FORM)
        assert bool(server.heard) == taken
