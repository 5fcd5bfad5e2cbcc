"""Access tokens as somebody would write them who wants in; from RFC 7515 and 8725 alone."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
PKCS1 = padding.PKCS1v15()
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


def part(value) -> str:
    """Return bytes, a text as it stands, or anything else as JSON, in base64url."""
    if not isinstance(value, bytes):
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        value = text.encode()
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unpart(text: str):
    """Return the JSON of a part."""
    return json.loads(base64.urlsafe_b64decode(text + "=="))


def as_signed(header: dict) -> dict:
    """Return the header that Microsoft's signature covers: the nonce is its digest there."""
    return header | {"nonce": part(hashlib.sha256(header["nonce"].encode()).digest())}


@dataclass
class Forger:
    """A good token, and the key that signed it: for what a signature alone can't refuse."""

    good: str
    key: rsa.RSAPrivateKey

    @property
    def header(self) -> dict:
        return unpart(self.good.split(".")[0])

    @property
    def claims(self) -> dict:
        return unpart(self.good.split(".")[1])

    # Without the key

    def pieces(self, header=None, payload=None, signature=None) -> str:
        """Return the token with one of its three pieces of text replaced."""
        own = self.good.split(".")
        given = (header, payload, signature)
        return ".".join(old if new is None else new for old, new in zip(own, given, strict=True))

    def header_with(self, **changes) -> str:
        """Return the token under another header; a change to None takes the member away."""
        return self.pieces(header=part(changed(self.header, changes)))

    def claims_with(self, **changes) -> str:
        """Return the token with other claims under the signature it had."""
        return self.pieces(payload=part(changed(self.claims, changes)))

    def strangers(self, **header) -> str:
        """Return our claims under a stranger's signature; it is sound by RFC 7515."""
        return sign(changed(self.header, {"nonce": None, **header}), self.claims, STRANGER)

    def by_secret(self, secret: bytes) -> str:
        """Return our claims with an HMAC by what everybody knows (RFC 8725 §2.1)."""
        header = {"typ": "JWT", "alg": "HS256", "kid": self.header["kid"]}
        message = f"{part(header)}.{part(self.claims)}"
        return f"{message}.{part(hmac.digest(secret, message.encode(), 'sha256'))}"

    def unsigned(self, alg: str) -> str:
        """Return our claims with no signature, and a header that says so."""
        return f"{part({'typ': 'JWT', 'alg': alg})}.{part(self.claims)}."

    def by_curve(self) -> str:
        header = {"typ": "JWT", "alg": "ES256", "kid": self.header["kid"]}
        message = f"{part(header)}.{part(self.claims)}"
        return f"{message}.{part(CURVE.sign(message.encode(), ec.ECDSA(hashes.SHA256())))}"

    # With the key

    def ours(self, **claims) -> str:
        """Return other claims, signed as the sandbox signs for Graph."""
        return self.ours_by(self.header, part(changed(self.claims, claims)))

    def ours_by(self, header, payload, scheme=PKCS1, digest=None, inside=None) -> str:
        """Return any payload, signed by our key."""
        covered = part(as_signed(header) if inside is None else inside)
        signature = self.key.sign(
            f"{covered}.{payload}".encode(), scheme, digest or hashes.SHA256()
        )
        return f"{part(header)}.{payload}.{part(signature)}"

    def ours_under(self, **header) -> str:
        """Return our claims under another header, signed by our key."""
        return self.ours_by(changed(self.header, header), part(self.claims))

    # What everybody can fetch

    def public(self, encoding, form) -> bytes:
        return self.key.public_key().public_bytes(encoding, form)

    @property
    def pem(self) -> bytes:
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.public(serialization.Encoding.PEM, info)

    @property
    def modulus(self) -> bytes:
        return self.key.public_key().public_numbers().n.to_bytes(256, "big")


def changed(old: dict, changes: dict) -> dict:
    """Return an object with these changes; a change to None takes the member away."""
    return {name: value for name, value in (old | changes).items() if value is not None}


def sign(header: dict, claims: dict, key: rsa.RSAPrivateKey) -> str:
    """Return an ordinary JWS."""
    message = f"{part(header)}.{part(claims)}"
    return f"{message}.{part(key.sign(message.encode(), PKCS1, hashes.SHA256()))}"


def jwk(key: rsa.RSAPublicKey, kid: str) -> dict:
    """Return a public key in the form of RFC 7517."""
    n = key.public_numbers().n.to_bytes(256, "big")
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": part(n), "e": "AQAB"}
