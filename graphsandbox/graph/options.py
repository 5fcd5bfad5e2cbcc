"""Which `$` options a query may have; to pass one over would be to answer with wrong data."""

import re

from starlette.requests import Request

from ..message import EXTENDED
from .errors import refused

# All that Graph has (Microsoft: query-parameters); any other is a slip of the caller's.
GRAPHS = {
    "$count", "$deltatoken", "$expand", "$filter", "$format", "$orderby", "$search", "$select",
    "$skip", "$skiptoken", "$top",
}  # fmt: skip
# What an address reads, or may pass over: an option of listings changes nothing about one thing.
EVERYWHERE = GRAPHS - {"$deltatoken", "$expand", "$search", "$skiptoken"}
# A filter of files is passed over, as by Microsoft ("known issues": "is ignored").
BUT_HERE = {
    "/messages": EVERYWHERE | {"$expand"},
    "/messages/{id}": EVERYWHERE | {"$expand"},
    "/mailFolders": EVERYWHERE - {"$orderby"},
    "/mailFolders/{folder}/messages": EVERYWHERE | {"$expand"},
    "/messages/{id}/attachments": EVERYWHERE - {"$orderby"},
}
ITEM = rf"(?:attachments|{EXTENDED}(?:\(\$filter=id eq '([^']*)'\))?)"
EXPANDED = re.compile(ITEM, re.IGNORECASE)  # one of the things that `$expand` may name
READ = {  # of these options only such values
    "$expand": re.compile(rf"\s*{ITEM}\s*(?:,\s*{ITEM}\s*)*", re.IGNORECASE),
    "$format": re.compile(r"(?:application/)?json(?:;.*)?", re.IGNORECASE),
}


def of(request: Request) -> dict[str, str]:
    """Return a query with the names of its `$` options in lower case, as Graph reads them."""
    pairs = request.query_params.items()
    return {name.lower() if name.startswith("$") else name: value for name, value in pairs}


def check(request: Request, known: set[str]) -> None:
    """Refuse the options that an address doesn't know, before anything is done."""
    for name, value in of(request).items():
        if not name.startswith("$"):
            continue
        if name not in GRAPHS:
            raise refused("unknown_option", option=name)
        if name not in known or (name in READ and not READ[name].fullmatch(value)):
            raise refused("unknown_here", what=_shown(name, value))


def _shown(name: str, value: str) -> str:
    if name in READ:
        return f"{name}={value}"
    return f"{name} here" if name in EVERYWHERE else name
