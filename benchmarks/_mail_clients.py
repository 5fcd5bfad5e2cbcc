"""One client in a process of its own: does one kind of work so many times, and says how fast.

The work is `send` or `send_many` (mails), `exchange` (a refreshed token, then a mail with it) or
`file` (a mail with a large file). Each client gets the same tokens, by standard input, and the
same mail to write. Run by _mail_runs.py; the names below CLIENTS are those of the tables.
"""

import asyncio
import json
import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

TO, BODY = "grace@contoso.example", "Good morning. " * 36
RANGE = 12 * 320 * 1024  # bytes: the same for whoever leaves the choice to its caller


def peak_mib() -> float:
    """Return the most memory that this program has had; getrusage counts its parent's, too."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def timed(work, *arguments) -> float:
    """Return the seconds that a call took."""
    before = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - before


def as_json(subject: str) -> dict[str, object]:
    """Return the mail that all of them send, as Graph takes it."""
    to = [{"emailAddress": {"address": TO}}]
    content = {"contentType": "text", "content": BODY}
    return {"subject": subject, "body": content, "toRecipients": to}


def graphhelpers_client(box):
    """Ours: one by one, by batches, and a file."""
    import graphhelpers as g

    cloud = g.sandbox_cloud(box.authority, box.graph, box.ca)
    app = g.Registration(box.client_id, box.client_secret, tenant=box.tenant, cloud=cloud)
    scope = "User.Read Mail.Send Mail.ReadWrite"
    token = g.Token(g.Secret(box.token), None, None, scope, datetime.now(UTC))

    def message(number, **more):
        return g.Message(f"mail {number}", BODY, TO, **more)

    def one_by_one(count):
        for number in range(count):
            g.send_mail(app, token, message(number))

    def at_once(count):
        outcomes = g.send_many(app, token, map(message, range(count)))
        assert {one.outcome for one in outcomes} <= {"sent"}, outcomes

    def exchange(count):
        held = g.Token(
            token.access_token, None, g.Secret(box.refresh_token), scope, datetime.now(UTC)
        )
        for number in range(count):
            held = g.refresh(app, held)
            g.send_mail(app, held, message(number))

    def file(path):
        g.send_mail(app, token, message(0, attachments=[path]))

    return SimpleNamespace(send=one_by_one, send_many=at_once, exchange=exchange, file=file)


def http_client(box):
    """The standard library's http.client on one kept-alive connection: the floor."""
    import http.client
    import ssl
    from urllib.parse import urlencode, urlsplit

    trusted = ssl.create_default_context(cafile=box.ca)
    wire = http.client.HTTPSConnection(urlsplit(box.graph).netloc, timeout=30, context=trusted)

    def asked(path, body, headers, status):
        wire.request("POST", path, body, headers)
        answer = wire.getresponse()
        content = answer.read()
        assert answer.status == status, content
        return content

    def exchange(count):
        held = box.refresh_token
        for number in range(count):
            form = urlencode(refresh_form(box, held)).encode()
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            tokens = json.loads(asked(f"/{box.tenant}/oauth2/v2.0/token", form, kind, 200))
            held = tokens["refresh_token"]
            kind = {"Content-Type": "application/json"}
            bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
            body = json.dumps({"message": as_json(f"mail {number}"), "saveToSentItems": True})
            asked("/v1.0/me/sendMail", body.encode(), kind | bearer, 202)

    return SimpleNamespace(exchange=exchange)


def refresh_form(box, refresh_token):
    """Return the fields of a token request that spends a refresh token (RFC 6749 §6)."""
    client = {"client_id": box.client_id, "client_secret": box.client_secret}
    return {**client, "grant_type": "refresh_token", "refresh_token": refresh_token}


def requests_client(box, trust_env=True, refreshed=None):
    """Plain requests, with a session: the yardstick; `refreshed` asks for tokens instead of it."""
    import requests

    session = requests.Session()
    session.trust_env = trust_env
    bearer, root = {"Authorization": f"Bearer {box.token}"}, f"{box.graph}/v1.0/me"
    refresh = refreshed(session) if refreshed else None

    def asked(method, url, **more):
        answer = session.request(method, url, timeout=30, verify=box.ca, **more)
        answer.raise_for_status()
        return answer

    def mail(number, headers=bearer):
        body = {"message": as_json(f"mail {number}"), "saveToSentItems": True}
        asked("POST", f"{root}/sendMail", json=body, headers=headers)

    def one_by_one(count):
        for number in range(count):
            mail(number)

    def by_hand(refresh_token):
        url = f"{box.authority}/{box.tenant}/oauth2/v2.0/token"
        return asked("POST", url, data=refresh_form(box, refresh_token)).json()

    def exchange(count):
        held = box.refresh_token
        for number in range(count):
            tokens = (refresh or by_hand)(held)
            held = tokens["refresh_token"]
            mail(number, {"Authorization": f"Bearer {tokens['access_token']}"})

    def file(path):
        draft = asked("POST", f"{root}/messages", json=as_json("mail 0"), headers=bearer).json()
        size = os.path.getsize(path)
        item = {"attachmentType": "file", "name": path.name, "size": size}
        files = f"{root}/messages/{draft['id']}/attachments/createUploadSession"
        url = asked("POST", files, json={"AttachmentItem": item}, headers=bearer).json()[
            "uploadUrl"
        ]
        for place, content in ranges(path, size):
            asked("PUT", url, data=content, headers=place)
        asked("POST", f"{root}/messages/{draft['id']}/send", headers=bearer)

    return SimpleNamespace(send=one_by_one, exchange=exchange, file=file)


def msal_client(box):
    """Microsoft's msal for the token, and plain requests, on the same session, for the mail."""

    def refreshed(session):
        import msal

        session.verify = box.ca
        app = msal.ConfidentialClientApplication(
            box.client_id, box.client_secret, f"{box.authority}/{box.tenant}",
            instance_discovery=False, http_client=session,
        )  # fmt: skip
        scopes = ["User.Read", "Mail.Send"]
        return lambda refresh_token: app.acquire_token_by_refresh_token(refresh_token, scopes)

    return requests_client(box, refreshed=refreshed)


def ranges(path, size):
    """Yield each range of a file with the header that says its place."""
    with path.open("rb") as file:
        for start in range(0, size, RANGE):
            content = file.read(RANGE)
            yield {"Content-Range": f"bytes {start}-{start + len(content) - 1}/{size}"}, content


def o365_client(box, **options):
    """O365 (python-o365), given a session that is signed in already."""
    import O365

    class Graph(O365.MSGraphProtocol):
        _protocol_url = f"{box.graph}/"

    known = {"timezone": "UTC", "request_retries": 0, **options}
    backend = O365.utils.token.MemoryTokenBackend()
    credentials = (box.client_id, box.client_secret)
    account = O365.Account(
        credentials, protocol=Graph(timezone="UTC"), token_backend=backend, **known
    )
    account.con.session = account.con.get_session(load_token=False)
    account.con.session.headers["Authorization"] = f"Bearer {box.token}"

    def message(number):
        mail = account.mailbox().new_message()
        mail.to.add(TO)
        mail.subject, mail.body = f"mail {number}", BODY
        return mail

    def one_by_one(count):
        for number in range(count):
            assert message(number).send()

    def file(path):
        mail = message(0)
        mail.save_draft()
        mail.attachments.add(str(path))
        assert mail.save_draft()
        assert mail.send()

    return SimpleNamespace(send=one_by_one, file=file)


def msgraph_client(box):
    """Microsoft's own SDK, as its makers show it, with a credential that holds the token."""
    import httpx
    from azure.core.credentials import AccessToken
    from kiota_authentication_azure.azure_identity_authentication_provider import (
        AzureIdentityAuthenticationProvider,
    )
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph.generated.models.attachment_item import AttachmentItem
    from msgraph.generated.models.attachment_type import AttachmentType
    from msgraph.generated.models.body_type import BodyType
    from msgraph.generated.models.email_address import EmailAddress
    from msgraph.generated.models.item_body import ItemBody
    from msgraph.generated.models.message import Message
    from msgraph.generated.models.recipient import Recipient
    from msgraph.generated.users.item.messages.item.attachments.create_upload_session import (
        create_upload_session_post_request_body as session_body,
    )
    from msgraph.generated.users.item.send_mail import send_mail_post_request_body as send_body
    from msgraph.graph_request_adapter import options
    from msgraph_core import GraphClientFactory

    class Held:
        def get_token(self, *_scopes, **_options):
            return AccessToken(box.token, int(time.time()) + 3600)

    def refreshing():
        from azure.identity import AuthorizationCodeCredential

        class Refreshing(AuthorizationCodeCredential):
            """azure-identity's credential for a person's code; each token it has ran out."""

            def _acquire_token_silently(self, *_scopes, **_options):
                return None

        return Refreshing(
            box.tenant, box.client_id, box.code, box.redirect_uri, client_secret=box.client_secret,
            authority=box.authority, disable_instance_discovery=True,
        )  # fmt: skip

    def message(number):
        return Message(
            subject=f"mail {number}",
            body=ItemBody(content_type=BodyType.Text, content=BODY),
            to_recipients=[Recipient(email_address=EmailAddress(address=TO))],
        )

    async def signed_in(credential, work, *arguments):
        async with httpx.AsyncHTTPTransport() as wire:
            http = GraphClientFactory.create_with_default_middleware(
                client=httpx.AsyncClient(transport=wire, timeout=30), options=options
            )
            provider = AzureIdentityAuthenticationProvider(
                credential, scopes=["Mail.Send"], allowed_hosts=["localhost"]
            )
            adapter = GraphRequestAdapter(provider, http)
            adapter.base_url = f"{box.graph}/v1.0"
            await work(GraphServiceClient(request_adapter=adapter), *arguments)

    async def one_by_one(client, count):
        for number in range(count):
            body = send_body.SendMailPostRequestBody(
                message=message(number), save_to_sent_items=True
            )
            await client.me.send_mail.post(body)

    async def file(client, path):
        draft = await client.me.messages.post(message(0))
        here, size = client.me.messages.by_message_id(draft.id), os.path.getsize(path)
        item = AttachmentItem(attachment_type=AttachmentType.File, name=path.name, size=size)
        body = session_body.CreateUploadSessionPostRequestBody(attachment_item=item)
        session = await here.attachments.create_upload_session.post(body)
        async with httpx.AsyncClient(timeout=30) as http:
            # Its own LargeFileUploadTask fails on the documented `nextExpectedRanges`.
            for place, content in ranges(path, size):
                answer = await http.put(session.upload_url, content=content, headers=place)
                answer.raise_for_status()
        await here.send.post()

    loop, credential = asyncio.new_event_loop(), None

    def run(*work):
        loop.run_until_complete(signed_in(*work))

    def exchange(count):
        nonlocal credential
        credential = credential or refreshing()
        run(credential, one_by_one, count)

    return SimpleNamespace(
        send=lambda count: run(Held(), one_by_one, count),
        exchange=exchange,
        file=lambda path: run(Held(), file, path),
    )


CLIENTS = {
    "http.client, kept alive": http_client,
    "graphhelpers": graphhelpers_client,
    "requests.Session": requests_client,
    "requests.Session(trust_env=False)": lambda box: requests_client(box, trust_env=False),
    "msal + requests.Session": msal_client,
    "msgraph-sdk": msgraph_client,
    "O365": o365_client,
    "O365, no throttle": lambda box: o365_client(box, requests_delay=0),
}


def main() -> None:
    """Read what to do from standard input, do it, and print what it took."""
    box = SimpleNamespace(**json.load(sys.stdin))
    client = CLIENTS[box.client](box)
    # What is loaded and connected at the first use is not counted.
    (client.exchange if box.work == "exchange" else client.send)(1)
    before, work = peak_mib(), getattr(client, box.work)
    seconds = timed(work, Path(box.file) if box.work == "file" else box.count)
    peak = peak_mib()
    print(json.dumps({"seconds": seconds, "grown_mib": peak - before, "peak_mib": peak}))


if __name__ == "__main__":
    main()
