"""Microsoft Graph: every address of it, in v1.0 and beta, and the function that answers it."""

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import Route

from . import mail, me
from .call import resource


class _Pattern(Convertor[str]):
    """A piece of a path that matches a regular expression."""

    def __init__(self, regex: str):
        self.regex = regex

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("version", _Pattern(r"v1\.0|beta"))
# Actions may be written with their namespace, and in any letter case.
register_url_convertor("sendmail", _Pattern(r"(?i:(?:microsoft\.graph\.)?sendmail)"))

ANY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

ROUTES = [
    Route("/{version:version}/me", resource(GET=me.show), methods=ANY),
    Route("/{version:version}/me/{action:sendmail}", resource(POST=mail.send), methods=ANY),
    Route("/{version:version}/me/messages", resource(GET=mail.listing), methods=ANY),
    Route("/{version:version}/me/messages/{id}", resource(GET=mail.show), methods=ANY),
    Route("/{version:version}/{path:path}", resource(), methods=ANY),
]
