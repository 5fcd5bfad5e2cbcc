"""base64url without padding, as all of JOSE has it (RFC 7515 §2)."""

import base64


def encode(data: bytes) -> str:
    """Return bytes as text."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes of a text; a ValueError for any text that `encode` doesn't write.

    Decoders skip strange characters and the last character's spare bits. So many texts would
    mean the same token, and a changed one could pass for the one that was signed.
    """
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("This is not base64url as encode writes it.")
    return data
