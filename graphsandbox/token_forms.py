"""The three forms of a token: signed for everybody, signed for Graph alone, and sealed.

An id_token is an ordinary JSON Web Token (RFC 7519). An access token for Graph only looks like
one: its header carries a `nonce`, and what was signed has the nonce's SHA-256 in that place, so
that nobody but Graph can verify it (observed at Microsoft, and documented in so far as it doesn't
verify). A personal account's access token is encrypted, and no JSON Web Token at all.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.exceptions import InvalidTag
from jwt.algorithms import RSAAlgorithm

from . import base64url
from .keys import Keys, SigningKey

RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)
SEALED_PREFIX = "EwB"  # how Microsoft's begin
SEALED_HEAD = base64.b64decode("EwB4")
SEALING_NONCE_SIZE = 12  # what AES-GCM is made for (NIST SP 800-38D)


@dataclass(frozen=True)
class Signed:
    """A signed token as it was read, whoever wrote it."""

    header: dict[str, Any]
    claims: dict[str, Any]
    payload: str
    signature: bytes

    def is_by(self, key: SigningKey) -> bool:
        """Tell whether this key signed it, by RS256 and nothing else (RFC 8725 §3.1)."""
        if self.header.get("alg") != "RS256" or "crit" in self.header:
            return False  # nothing critical is understood here (RFC 7515 §4.1.11)
        message = f"{_part(_as_signed(self.header))}.{self.payload}".encode()
        return RS256.verify(message, key.public, self.signature)


def signed(keys: Keys, claims: dict[str, Any], with_thumbprint: bool = False) -> str:
    """Return a token that everybody can verify with the published keys; v1's have `x5t` too."""
    key = keys.current
    headers = {"x5t": key.kid, "kid": key.kid} if with_thumbprint else {"kid": key.kid}
    return jwt.encode(claims, key.private, "RS256", headers, sort_headers=False)


def signed_for_graph(keys: Keys, claims: dict[str, Any]) -> str:
    """Return a token that only Graph can verify."""
    key, nonce = keys.current, secrets.token_urlsafe(32)
    header = {"typ": "JWT", "nonce": nonce, "alg": "RS256", "x5t": key.kid, "kid": key.kid}
    payload = _part(claims)
    signature = RS256.sign(f"{_part(_as_signed(header))}.{payload}".encode(), key.private)
    return f"{_part(header)}.{payload}.{base64url.encode(signature)}"


def read(text: str) -> Signed:
    """Take a signed token apart, or raise a ValueError."""
    header, payload, signature = text.split(".")
    parts = _object(header), _object(payload)
    if _part(parts[0]) != header:
        # What is signed is made from the parsed header: it must have one spelling only.
        raise ValueError("This header is not written as Microsoft writes it.")
    return Signed(*parts, payload, base64url.decode(signature))


def sealed(keys: Keys, claims: dict[str, Any]) -> str:
    """Return a token that nobody but the sandbox can read."""
    nonce = secrets.token_bytes(SEALING_NONCE_SIZE)
    body = keys.sealing.encrypt(nonce, json.dumps(claims).encode(), SEALED_HEAD)
    return base64.b64encode(SEALED_HEAD + nonce + body).decode()


def opened(keys: Keys, text: str) -> dict[str, Any]:
    """Return what a sealed token says, or raise a ValueError."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("This is not base64 as it was written.")
    start = len(SEALED_HEAD)
    nonce, body = data[start : start + SEALING_NONCE_SIZE], data[start + SEALING_NONCE_SIZE :]
    try:
        claims: dict[str, Any] = json.loads(keys.sealing.decrypt(nonce, body, data[:start]))
        return claims
    except InvalidTag as error:
        raise ValueError("This was not sealed here, or was changed since.") from error


def _as_signed(header: dict[str, Any]) -> dict[str, Any]:
    """Return the header in the form that the signature covers."""
    nonce = header.get("nonce")
    if not isinstance(nonce, str):
        return header
    digest = hashlib.sha256(nonce.encode()).digest()
    return header | {"nonce": base64url.encode(digest)}


def _part(value: dict[str, Any]) -> str:
    return base64url.encode(json.dumps(value, separators=(",", ":")).encode())


def _object(part: str) -> dict[str, Any]:
    value = json.loads(base64url.decode(part))
    if not isinstance(value, dict):
        raise ValueError("This is not a JSON object.")
    return value
