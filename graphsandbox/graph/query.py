"""OData's query options: `$select`, `$top`, `$skip` (Microsoft: query-parameters)."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from .call import Call
from .errors import refused

PAGE, LARGEST_PAGE = 10, 1000


def select(
    call: Call, shown: dict[str, Any], type_name: str, always: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the members that `$select` names, or all; `always` are there in any case."""
    names = selected(call)
    if not names or names == ["*"]:
        return shown
    known = {name.lower(): name for name in shown}
    for name in names:
        if name.lower() not in known:
            raise refused("unknown_in_select", name=name, type=type_name)
    wanted = {known[name.lower()] for name in names} | set(always)
    return {name: value for name, value in shown.items() if name in wanted}


def selected(call: Call) -> list[str]:
    """Return the names in `$select` as they were sent."""
    text = call.options.get("$select", "")
    return [name.strip() for name in text.split(",") if name.strip()]


def page(call: Call, usual: int = PAGE) -> tuple[int, int]:
    """Return how many items are asked for, and how many come before them."""
    top = _whole(call, "$top", usual)
    if top > LARGEST_PAGE:
        raise refused("top_too_large", limit=LARGEST_PAGE, value=top)
    return top, _whole(call, "$skip", 0)


def envelope(
    call: Call, context: str, value: list[dict[str, Any]], total: int, top: int, skip: int
) -> dict[str, Any]:
    """Return a page of a listing, with the address of the next one when there is more."""
    answer: dict[str, Any] = {"@odata.context": context}
    if flag(call, "$count"):
        answer["@odata.count"] = total
    answer["value"] = value
    if total > skip + top and top:
        asked = call.options | {"$top": str(top), "$skip": str(skip + top)}
        answer["@odata.nextLink"] = f"{call.url}?{urlencode(asked)}"
    return answer


def flag(call: Call, option: str) -> bool:
    """Return a query option that is true or false."""
    text = call.options.get(option, "false").lower()
    if text not in ("true", "false"):
        raise refused("not_true_or_false", value=text, option=option)
    return text == "true"


def _whole(call: Call, option: str, default: int) -> int:
    """Return the whole number of a query option."""
    text = call.options.get(option, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise refused("not_whole", value=text, option=option)
    return int(text)
