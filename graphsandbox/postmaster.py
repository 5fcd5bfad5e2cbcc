"""What comes back of a mail to an address that nobody has: Exchange's non-delivery report.

202 says that a mail was taken, and what becomes of it is told in another mail. Its members are
those of the report in Microsoft's example of "message: move"; that Graph names the recipients who
were not reached as its own, is msgraph-sdk-java#807. Which conversation it is in, is a guess.
"""

import html
import uuid
from typing import Any

from .directory import TENANT_DOMAIN

# The same name in every tenant.
ADDRESS = f"MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@{TENANT_DOMAIN}"
FROM = {"emailAddress": {"name": "Microsoft Outlook", "address": ADDRESS}}
CODE = "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"


def report(content: dict[str, Any], unknown: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the mail that tells the sender of `content` whom (Graph's recipients) it missed."""
    return {
        "subject": f"Undeliverable: {content['subject'] or ''}".strip(),
        "body": {"contentType": "html", "content": _body([one["emailAddress"] for one in unknown])},
        "sender": FROM,
        "from": FROM,
        "toRecipients": unknown,
        "ccRecipients": [],
        "bccRecipients": [],
        "replyTo": [],
        "internetMessageId": f"<{uuid.uuid4()}@{TENANT_DOMAIN}>",
        "conversationId": content["conversationId"],
    }


def _body(unknown: list[dict[str, str]]) -> str:
    missed = "".join(
        f"<p>{html.escape(one['name'])} ({html.escape(one['address'])})<br>Nobody at"
        f" {TENANT_DOMAIN} has this address. Check how it is spelled, and send the mail again.</p>"
        for one in unknown
    )
    return (
        f"<p>Delivery has failed to these recipients or groups:</p>{missed}"
        f"<p>Diagnostic information for administrators:</p><p>{CODE}</p>"
    )
