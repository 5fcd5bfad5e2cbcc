"""Microsoft Graph: every address of it, in v1.0 and beta, and the function that answers it."""

from starlette.convertors import PathConvertor, register_url_convertor
from starlette.routing import Route

from . import attachments, batch, folders, mail, me, messages, options, upload
from .call import Answer, not_built, resource, unknown


def _pattern(expression: str) -> PathConvertor:
    """Return a piece of a path that matches a regular expression."""

    class Pattern(PathConvertor):
        regex = expression

    return Pattern()


register_url_convertor("version", _pattern(r"v1\.0|beta"))
# Actions may be written with their namespace, and in any letter case.
for action in ("sendMail", "send", "createUploadSession"):
    regex = rf"(?i:(?:microsoft\.graph\.)?{action})"
    register_url_convertor(action, _pattern(regex))

# What Graph does and the sandbox doesn't: with one message, with all of them, by a folder.
_LATER = "reply|replyAll|forward|createReply|createReplyAll|createForward|move|copy|permanentDelete"
_OVERALL = r"(?:microsoft\.graph\.)?delta(?:\(\))?|\$count"
_BY_FOLDER = rf"mailFolders/(?:{_OVERALL}|[^/]+/(?:messages/.+|childFolders.*|move|copy))"
register_url_convertor("later", _pattern(rf"(?i:(?:microsoft\.graph\.)?(?:{_LATER}))"))
register_url_convertor("overall", _pattern(rf"(?i:{_OVERALL})"))
register_url_convertor("by_folder", _pattern(rf"(?i:{_BY_FOLDER})"))

FILES = "/messages/{id}/attachments"
ANY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def _of_person(path: str, **methods: Answer) -> list[Route]:
    """Return the routes of an address that is below /me and below /users/{id or name}."""
    people = ("/{version:version}/me", "/{version:version}/users/{user}")
    handler = resource(options.BUT_HERE.get(path, options.EVERYWHERE), **methods)
    return [Route(person + path, handler, methods=ANY) for person in people]


ROUTES = [
    *_of_person("", GET=me.show),
    *_of_person("/{action:sendMail}", POST=mail.send),
    *_of_person("/messages", GET=messages.listing, POST=messages.create),
    *_of_person("/messages/{what:overall}", GET=not_built),
    *_of_person("/messages/{id}", GET=messages.show, PATCH=messages.change, DELETE=messages.delete),
    *_of_person("/messages/{id}/$value", GET=messages.value),
    *_of_person("/messages/{id}/{action:send}", POST=mail.send_draft),
    *_of_person("/messages/{id}/{what:later}", POST=not_built),
    *_of_person("/{what:by_folder}", **dict.fromkeys(ANY, not_built)),
    *_of_person("/mailFolders", GET=folders.listing, POST=not_built),
    *_of_person("/mailFolders/{folder}", GET=folders.show, PATCH=not_built, DELETE=not_built),
    *_of_person("/mailFolders/{folder}/messages", GET=folders.messages_of, POST=folders.create_in),
    *_of_person(FILES, GET=attachments.listing, POST=attachments.create),
    *_of_person(f"{FILES}/{{action:createUploadSession}}", POST=upload.start),
    *_of_person(f"{FILES}/{{file}}", GET=attachments.show, DELETE=attachments.delete),
    *_of_person(f"{FILES}/{{file}}/$value", GET=attachments.value),
    # The addresses that Exchange gives out itself: keys in parentheses.
    Route(
        "/{version:version}/Users('{user}')/Messages('{id}')/Attachments('{file}')",
        resource(GET=attachments.show, DELETE=attachments.delete),
        methods=ANY,
    ),
    Route(
        "/api/v2.0/Users('{user}')/Messages('{id}')/AttachmentSessions('{session}')",
        upload.session(PUT=upload.put, GET=upload.progress, DELETE=upload.cancel),
        methods=ANY,
    ),
    Route("/{version:version}/$batch", batch.batch, methods=ANY),
]
# All the rest: no address of Graph's, or one that the sandbox doesn't know.
ROUTES.append(Route("/{version:version}/{path:path}", unknown(tuple(ROUTES)), methods=ANY))
