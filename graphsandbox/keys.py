"""The keys that sign tokens, and their public half as the keys endpoint shows it (RFC 7517).

Like Microsoft's, a key is published with a self-signed certificate, whose SHA-1 thumbprint
is both its `kid` and its `x5t`, and the next key is published before it signs: so a client that
keeps the keys for a while is not surprised by a rollover.
"""

import base64
import datetime
import hashlib
import json
import os
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from . import base64url
from .store import Store

SETTING = "signing_keys"
SEALING_SETTING = "sealing_key"
PUBLISHED = 3  # the next key, the one that signs, and the one before it


@dataclass(frozen=True)
class SigningKey:
    """An RSA key pair with its certificate."""

    private: rsa.RSAPrivateKey
    certificate: x509.Certificate
    kid: str

    @property
    def public(self) -> rsa.RSAPublicKey:
        """The half that verifies."""
        return self.private.public_key()

    def jwk(self) -> dict[str, object]:
        """Return the public key as the keys endpoint publishes it."""
        numbers = self.public.public_numbers()
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": base64url.encode(numbers.n.to_bytes(256, "big")),
            "e": base64url.encode(numbers.e.to_bytes(3, "big")),
            "x5c": [base64.b64encode(der).decode()],
        }


class Keys:
    """The sandbox's keys, newest first, kept in the store between runs."""

    def __init__(self, store: Store):
        self._store = store
        self._pems: list[str] = json.loads(store.setting(SETTING) or "[]")
        self._keys = [_load(pem) for pem in self._pems]
        if not self._keys:
            self._add_key()  # one only: making a key takes time, and this is the start
        self.sealing = AESGCM(_sealing_key(store))

    @property
    def current(self) -> SigningKey:
        """The key that signs: the newest but one, once there are two."""
        return self._keys[:2][-1]

    def roll_over(self) -> None:
        """Let the next key sign; the last one still verifies, and the one before is gone."""
        self._make_next()
        self._add_key()

    def find(self, kid: str) -> SigningKey | None:
        """Return the key a token's header names, if it is one of ours."""
        return next((key for key in self._keys if key.kid == kid), None)

    def jwks(self) -> list[dict[str, object]]:
        """Return all public keys in the form of RFC 7517; the first time the next one is made."""
        self._make_next()
        return [key.jwk() for key in self._keys]

    def _make_next(self) -> None:
        if len(self._keys) == 1:
            self._add_key()

    def _add_key(self) -> None:
        pem = _new_key_pem()
        self._pems = [pem, *self._pems][:PUBLISHED]
        self._keys = [_load(pem), *self._keys][:PUBLISHED]
        self._store.set_setting(SETTING, json.dumps(self._pems))


def _sealing_key(store: Store) -> bytes:
    """Return the key of the tokens that only the sandbox reads."""
    kept = store.setting(SEALING_SETTING) or os.urandom(32).hex()
    store.set_setting(SEALING_SETTING, kept)
    return bytes.fromhex(kept)


def _new_key_pem() -> str:
    """Return a new RSA-2048 key and its self-signed certificate as one PEM text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "graphsandbox signing key")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=5 * 365))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def _load(pem: str) -> SigningKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 (for the type; we made it)
    certificate = x509.load_pem_x509_certificate(pem.encode())
    der = certificate.public_bytes(serialization.Encoding.DER)
    x5t = hashlib.sha1(der).digest()  # noqa: S324 (as RFC 7517 §4.8 has it)
    return SigningKey(key, certificate, base64url.encode(x5t))
