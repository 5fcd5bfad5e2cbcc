"""The keys that sign tokens, and their public half as the keys endpoint shows it (RFC 7517).

Like Microsoft's, a key is published with a self-signed certificate, whose SHA-1 thumbprint
is both its `kid` and its `x5t`.
"""

import base64
import datetime
import hashlib
import json
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from .store import Store

SETTING = "signing_keys"


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
            "n": _base64url(numbers.n.to_bytes(256, "big")),
            "e": _base64url(numbers.e.to_bytes(3, "big")),
            "x5c": [base64.b64encode(der).decode()],
        }


class Keys:
    """The sandbox's signing keys, newest first, kept in the store between runs."""

    def __init__(self, store: Store):
        kept = store.setting(SETTING)
        if kept is None:
            kept = json.dumps([_new_key_pem()])
            store.set_setting(SETTING, kept)
        self._keys = [_load(pem) for pem in json.loads(kept)]

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return self._keys[0]

    def find(self, kid: str) -> SigningKey | None:
        """Return the key a token's header names, if it is one of ours."""
        return next((key for key in self._keys if key.kid == kid), None)

    def jwks(self) -> list[dict[str, object]]:
        """Return all public keys in the form of RFC 7517."""
        return [key.jwk() for key in self._keys]


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
    assert isinstance(key, rsa.RSAPrivateKey)
    certificate = x509.load_pem_x509_certificate(pem.encode())
    der = certificate.public_bytes(serialization.Encoding.DER)
    return SigningKey(key, certificate, _base64url(hashlib.sha1(der).digest()))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
