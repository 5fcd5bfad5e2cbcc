"""Reading what a client sent: empty counts as absent, and nothing may be sent twice."""

from collections import Counter
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.requests import Request

from ..refusals import Refused

FORM_TYPE = "application/x-www-form-urlencoded"
MOST_FIELDS = 200
LONGEST_QUERY = 8192  # Microsoft refuses long ones too, and does not say from where on


class Parameters:
    """The parameters of one request (RFC 6749 §3.1 and §3.2)."""

    def __init__(self, pairs: list[tuple[str, str]]):
        self._values = dict(pairs)
        self._count = Counter(name for name, _ in pairs)

    def get(self, name: str) -> str | None:
        """Return a parameter, or None when it is absent or empty."""
        if self._count[name] > 1:
            raise Refused(9000411, parameter=name)
        return self._values.get(name) or None

    def need(self, name: str) -> str:
        """Return a parameter, or refuse the request for the lack of it."""
        value = self.get(name)
        if value is None:
            raise Refused(900144, parameter=name)
        return value

    def refuse_duplicates(self) -> None:
        """Refuse a request that sends any parameter twice."""
        for name in self._count:
            self.get(name)


def from_query(request: Request) -> Parameters:
    """Return the parameters of the address."""
    raw: bytes = request.scope["query_string"]
    if len(raw) > LONGEST_QUERY:
        raise Refused(90015)
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Refused(90013)
    return Parameters(request.query_params.multi_items())


async def from_form(request: Request) -> Parameters:
    """Return the parameters of a form body; a body of another type counts as empty.

    Entra reads no JSON or multipart body and no query here, so all such requests lack their
    grant_type (AADSTS900144, seen 2020 and 2023).
    """
    body = await request.body()
    content_type = request.headers.get("content-type", "")
    if content_type.split(";")[0].strip().lower() != FORM_TYPE:
        return Parameters([])
    text = body.decode("utf-8", "replace")
    try:
        return Parameters(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise Refused(90013) from None
