"""One client in a process of its own: sends so many mails, or one large file, and says how fast.

Each gets the same token, by standard input, and the same mail to write. Run by mail_sending.py
and mail_upload.py; the names below CLIENTS are theirs.
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

    def file(path):
        g.send_mail(app, token, message(0, attachments=[path]))

    return SimpleNamespace(send=one_by_one, send_many=at_once, file=file)


def requests_client(box, trust_env=True):
    """Plain requests, with a session: the yardstick."""
    import requests

    session = requests.Session()
    session.trust_env = trust_env
    bearer, root = {"Authorization": f"Bearer {box.token}"}, f"{box.graph}/v1.0/me"

    def asked(method, url, **more):
        answer = session.request(method, url, timeout=30, verify=box.ca, **more)
        answer.raise_for_status()
        return answer

    def one_by_one(count):
        for number in range(count):
            mail = {"message": as_json(f"mail {number}"), "saveToSentItems": True}
            asked("POST", f"{root}/sendMail", json=mail, headers=bearer)

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

    return SimpleNamespace(send=one_by_one, file=file)


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

    def message(number):
        return Message(
            subject=f"mail {number}",
            body=ItemBody(content_type=BodyType.Text, content=BODY),
            to_recipients=[Recipient(email_address=EmailAddress(address=TO))],
        )

    async def signed_in(work, *arguments):
        async with httpx.AsyncHTTPTransport() as wire:
            http = GraphClientFactory.create_with_default_middleware(
                client=httpx.AsyncClient(transport=wire, timeout=30), options=options
            )
            provider = AzureIdentityAuthenticationProvider(
                Held(), scopes=["Mail.Send"], allowed_hosts=["localhost"]
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

    return SimpleNamespace(
        send=lambda count: asyncio.run(signed_in(one_by_one, count)),
        file=lambda path: asyncio.run(signed_in(file, path)),
    )


CLIENTS = {
    "graphhelpers": graphhelpers_client,
    "graphhelpers send_many": graphhelpers_client,
    "requests.Session": requests_client,
    "requests.Session(trust_env=False)": lambda box: requests_client(box, trust_env=False),
    "msgraph-sdk": msgraph_client,
    "O365": o365_client,
    "O365, no throttle": lambda box: o365_client(box, requests_delay=0),
}


def main() -> None:
    """Read what to do from standard input, do it, and print what it took."""
    box = SimpleNamespace(**json.load(sys.stdin))
    client = CLIENTS[box.client](box)
    if box.file:
        client.send(1)
        before = peak_mib()
        seconds = timed(client.file, Path(box.file))
        print(
            json.dumps(
                {"seconds": seconds, "grown_mib": peak_mib() - before, "peak_mib": peak_mib()}
            )
        )
        return
    send = client.send_many if box.client.endswith("send_many") else client.send
    client.send(1)  # what is loaded and connected at the first use
    print(json.dumps({"seconds": timed(send, box.count), "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
