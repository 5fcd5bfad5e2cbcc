"""Reading OData JSON by type, with Graph's own refusals for what does not fit.

A reader is a function from a JSON value to what it means. Microsoft's documents write members
in camelCase, its 2015 samples in PascalCase, and both are taken. What a type doesn't know is
refused, though the metadata calls a message open.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any

from .errors import GraphError, refused

Reader = Callable[[Any], Any]


def payload(content_type: str, body: bytes) -> Any:
    """Return the JSON of a request, or refuse it (`BadRequest`, 415)."""
    if not body:
        raise refused("empty_payload")
    kind = content_type.split(";")[0].strip().lower()
    if kind not in ("application/json", ""):
        raise refused("wrong_content_type", content_type=kind)
    try:
        if not kind:
            raise ValueError("A body without a Content-Type.")
        parsed = json.loads(body.decode("utf-8-sig"))
        # JSON can spell half of a surrogate pair, which is no character and can't be stored.
        json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise refused("unreadable") from error
    return parsed


class UnknownMember(Exception):
    """A member that its type does not have."""


def members(value: Any, readers: dict[str, Reader], type_name: str) -> dict[str, Any]:
    """Read an object; its members are named in camelCase in what is returned."""
    if not isinstance(value, dict):
        raise _unexpected(value, "StartObject")
    found = {}
    for key, item in value.items():
        if key.startswith("odata."):
            raise refused("misplaced_annotation", name=key)
        if "@" in key:  # an annotation such as @odata.type, which SDKs write everywhere
            continue
        name = key[:1].lower() + key[1:]
        if name not in readers:
            if not type_name:
                raise UnknownMember(key)
            raise refused("unknown_property", name=key, type=type_name)
        found[name] = None if item is None else readers[name](item)
    return found


def _unexpected(value: Any, expected: str) -> GraphError:
    kinds: dict[type, str] = {dict: "StartObject", list: "StartArray"}
    found = kinds.get(type(value), "PrimitiveValue")
    return refused("wrong_node", found=found, expected=expected)


def _no_literal(value: Any, type_name: str) -> GraphError:
    return refused("wrong_literal", literal=str(value)[:60], type=type_name)


def text(value: Any) -> str:
    """Read an Edm.String."""
    if isinstance(value, dict | list):
        raise _unexpected(value, "PrimitiveValue")
    if not isinstance(value, str):
        raise _no_literal(value, "Edm.String")
    return value


def boolean(value: Any) -> bool:
    """Read an Edm.Boolean; Microsoft's own 2015 samples send the texts "true" and "false"."""
    if isinstance(value, dict | list):
        raise _unexpected(value, "PrimitiveValue")
    known = {"true": True, "false": False}
    if str(value).lower() not in known:
        raise _no_literal(value, "Edm.Boolean")
    return known[str(value).lower()]


def whole(value: Any) -> int:
    """Read an Edm.Int64, which may also be written as a text."""
    if isinstance(value, dict | list):
        raise _unexpected(value, "PrimitiveValue")
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,18}", str(value)):
        raise _no_literal(value, "Edm.Int64")
    return int(value)


def binary(value: Any) -> bytes:
    """Read an Edm.Binary: base64, in lines or in one piece."""
    try:
        return base64.b64decode("".join(text(value).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _no_literal(value, "Edm.Binary") from error


def one_of(type_name: str, *names: str) -> Reader:
    """Return the reader of an enumeration; letter case does not matter, answers are lower."""
    known = {name.lower(): name for name in names}

    def read(value: Any) -> str:
        if str(value).lower() not in known:
            raise _no_literal(value, type_name)
        return known[str(value).lower()]

    return read


def structure(type_name: str, **readers: Reader) -> Reader:
    """Return the reader of a complex type."""
    return lambda value: members(value, readers, type_name)


def collection(reader: Reader) -> Reader:
    """Return the reader of a collection."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _unexpected(value, "StartArray")
        return [reader(item) for item in value]

    return read


def ignored(value: Any) -> None:
    """Read a member that only Exchange sets: taken, as when a read message is sent back."""
