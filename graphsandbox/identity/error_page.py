"""The page behind every `error_uri`: what an AADSTS number means (reference-error-codes)."""

import re

from starlette.requests import Request
from starlette.responses import Response

from .. import pages
from ..refusals import TABLE, Refusal

CODE = re.compile(r"(?:AADSTS)?0*([1-9][0-9]{0,9})", re.ASCII | re.IGNORECASE)
PLACES = {
    "P": "on the sign-in page",
    "R": "in the redirect to the app",
    "T": "in the answer of the token endpoint",
    "D": "in the answer of a metadata address",
}


async def error(request: Request) -> Response:
    """GET /error?code=<number>: look a number up, or ask for one."""
    code = request.query_params.get("code", "").strip()
    found = CODE.fullmatch(code)
    rows = [row for row in TABLE if found and row.number == int(found[1])]
    return pages.render(
        request,
        "error_lookup.html",
        404 if code and not rows else 200,
        code=code,
        number=rows[0].number if rows else None,
        rows=[_shown(row) for row in rows],
    )


def _shown(row: Refusal) -> dict[str, object]:
    """Return one row in words; what stands in braces differs from request to request."""
    return {
        "error": row.error,
        "text": row.text.replace("{problem}", "{what is wrong with the request}"),
        "where": "; ".join(PLACES[letter] for letter in row.where),
        "confirmed": row.confirmed,
    }
