"""The mail pages: what was sent is there to read, and can do no harm there."""

import base64
import email
import email.policy
import hashlib
import re
from urllib.parse import quote, urljoin

import pytest

from tests.sandbox import client, raw

HOSTILE = "<img src=x onerror=alert(1)>\"'&\u202egpj.exe"
HTML_BODY = "<h1>Hi</h1><script>alert(1)</script><img src='https://example.org/x.png'>"


@pytest.fixture
def send(sandbox, http, token):
    def send(*to, html=None, **more):
        mail = client.mail_to(*(to or ("grace@contoso.example",)), **more)
        if html is not None:
            mail["message"]["body"] = {"contentType": "HTML", "content": html}
        url = f"{sandbox.graph}/v1.0/me/sendMail"
        answer = http.post(url, json=mail, headers=client.bearer(token))
        assert answer.status_code == 202, answer.text
        return newest(sandbox, http)

    return send


def newest(sandbox, http):
    """Return the address of the newest mail's page."""
    return links(http.get(sandbox.mailbox))[0]


def links(page):
    found = re.findall(r'href="([^"]*mailbox/AAMk[^"/]*)"', page.text)
    return [urljoin(page.url, one) for one in found]


def file(name, content=b"hello", **more):
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": name,
        "contentBytes": base64.b64encode(content).decode(),
        **more,
    }


def person(address, name=None):
    return {"emailAddress": {"address": address, "name": name}}


def test_an_empty_mailbox_says_how_to_fill_it(sandbox, http):
    assert "No mail yet" in http.get(sandbox.mailbox).text


def test_all_accepted_mail_is_listed_newest_first(sandbox, http, send):
    send("someone@elsewhere.example", subject="First")
    send("grace@contoso.example", subject="Second")
    page = http.get(sandbox.mailbox).text
    assert page.index("Second") < page.index("First")
    for words in ("ada@contoso.example", "someone@elsewhere.example", "<time datetime="):
        assert words in page


def test_a_persons_folders_are_shown_one_at_a_time(sandbox, http, send):
    send("grace@contoso.example", subject="For Grace")

    def subjects(user, folder):
        page = http.get(sandbox.mailbox, params={"user": user, "folder": folder})
        assert page.status_code == 200
        return "For Grace" in page.text

    assert subjects("grace@contoso.example", "inbox")
    assert subjects("ada@contoso.example", "sentitems")
    assert not subjects("ada@contoso.example", "inbox")
    assert not subjects("grace@contoso.example", "sentitems")


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("", "All accepted mail"),
        ("?user=ada@contoso.example&folder=sentitems", "Sent Items"),
        ("?user=grace@contoso.example", "Inbox"),
    ],
)
def test_a_mails_page_says_where_the_mail_is(sandbox, http, send, query, place):
    send()
    [there] = links(http.get(sandbox.mailbox + query))
    assert f"Mailbox</a> / {place}</p>" in http.get(there).text


def test_a_page_of_the_list_has_fifty_mails(sandbox, http, send):
    for number in range(51):
        send(subject=f"Number {number}.")
    first = http.get(sandbox.mailbox)
    assert len(links(first)) == 50 and "Number 50." in first.text
    older = re.search(r'href="([^"]+)">Older mail', first.text)[1].replace("&amp;", "&")
    second = http.get(urljoin(first.url, older))
    assert len(links(second)) == 1 and "Number 0." in second.text
    assert "Newer mail" in second.text and "Older mail" not in second.text


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 40, "1e3", ""])
def test_an_odd_page_number_is_no_error(sandbox, http, page):
    assert http.get(sandbox.mailbox, params={"page": page}).status_code == 200


@pytest.mark.parametrize(
    "query", [{"user": "nobody@x.example"}, {"user": "\0"}, {"folder": "../x"}]
)
def test_an_unknown_person_or_folder_is_not_found(sandbox, http, query):
    assert http.get(sandbox.mailbox, params=query).status_code == 404


def test_a_mail_shows_its_recipients_and_text(http, send):
    url = send(
        "grace@contoso.example",
        subject="Plan",
        body="Line one\n  <indented>",
        ccRecipients=[person("zoe@contoso.example", "Zoë")],
        bccRecipients=[person("quiet@elsewhere.example")],
    )
    page = http.get(url).text
    assert "Line one\n  &lt;indented&gt;" in page
    for words in ("<dt>Cc</dt>", "<dt>Bcc</dt>", "Zoë", "quiet@elsewhere.example"):
        assert words in page


def test_the_copy_of_a_recipient_does_not_tell_who_was_in_bcc(sandbox, http, send):
    send("grace@contoso.example", bccRecipients=[person("quiet@elsewhere.example")])
    inbox = http.get(sandbox.mailbox, params={"user": "grace@contoso.example"})
    assert "quiet@" not in inbox.text
    assert "quiet@" not in http.get(links(inbox)[0]).text


def test_hostile_text_is_escaped_and_its_hidden_characters_are_shown(sandbox, http, send):
    url = send(
        subject=HOSTILE,
        body=HOSTILE,
        toRecipients=[person("grace@contoso.example", HOSTILE)],
        attachments=[file(HOSTILE)],
    )
    for page in (http.get(sandbox.mailbox), http.get(url)):
        assert "<img" not in page.text and "\u202e" not in page.text
        assert "&lt;img src=x onerror=alert(1)&gt;" in page.text
        assert "⟨U+202E⟩gpj.exe" in page.text
    assert http.get(url).text.count("⟨U+202E⟩gpj.exe") >= 4


def test_an_html_body_is_shown_in_a_frame_that_may_do_nothing(http, send):
    url = send(html=HTML_BODY)
    page = http.get(url)
    frame = re.search(r'<iframe class="mailframe" sandbox title="[^"]+" src="([^"]+)">', page.text)
    assert "<script" not in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"

    body = http.get(urljoin(url, frame[1]))
    assert body.text == HTML_BODY
    assert body.headers["content-type"] == "text/html; charset=utf-8"
    assert body.headers["content-security-policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        "frame-ancestors 'self'"
    )
    assert "x-frame-options" not in body.headers
    assert body.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in body.headers


def test_a_text_body_alone_is_plain_text(http, send):
    body = http.get(send(body="<script>alert(1)</script>") + "/body")
    assert body.headers["content-type"] == "text/plain; charset=utf-8"
    assert body.headers["x-content-type-options"] == "nosniff"


def download(http, url):
    page = http.get(url)
    return http.get(urljoin(url, re.search(r'href="([^"]+/attachments/[^"]+)"', page.text)[1]))


def test_an_attachment_is_listed_and_comes_back_byte_by_byte(http, send):
    content = bytes(range(256)) * 40
    url = send(attachments=[file("figures.bin", content, contentType="text/html")])
    page = http.get(url).text
    assert hashlib.sha256(content).hexdigest() in page and "10,240 bytes" in page
    answer = download(http, url)
    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox;")


@pytest.mark.parametrize(
    "name, plain, whole",
    [
        ("plan.pdf", "plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini", "boot.ini"),
        ("..", "attachment", "attachment"),
        (".bashrc", "bashrc", "bashrc"),
        ('a";b\r\nSet-Cookie: c=d.txt', "a__bSet-Cookie_ c=d.txt", "a__bSet-Cookie_ c=d.txt"),
        ("\u202egpj.exe", "gpj.exe", "gpj.exe"),
        ("Zoë 🦉.txt", "Zo_ _.txt", "Zoë 🦉.txt"),
        ("a\0b\x7f.txt", "ab.txt", "ab.txt"),
        ("x" * 500 + ".tar.gz", "x" * 113 + ".tar.gz", "x" * 113 + ".tar.gz"),
    ],
)
def test_a_download_gets_a_harmless_file_name(http, send, name, plain, whole):
    answer = download(http, send(attachments=[file(name)]))
    said = answer.headers["content-disposition"]
    assert said == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(whole, safe='')}"


@pytest.mark.parametrize(
    "odd",
    ["unknown", "%00", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "..%5c..", "%ff"],
)
@pytest.mark.parametrize("rest", ["", "/body", "/attachments/x"])
def test_an_odd_id_is_not_found(sandbox, odd, rest):
    host = sandbox.authority.split("/")[2]
    wire = raw.head("GET", f"/mailbox/{odd}{rest}", f"Host: {host}")
    answer = raw.send(sandbox, wire)
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"root:" not in answer


def test_an_attachment_is_found_under_its_own_mail_only(http, send):
    first = send(attachments=[file("a.txt")])
    address = download(http, first).url
    second = send(attachments=[file("b.txt")])
    moved = address.replace(first.rsplit("/", 1)[1], second.rsplit("/", 1)[1])
    assert http.get(address).status_code == 200
    assert http.get(moved).status_code == 404


def test_drafts_and_deleted_mail_are_listed_too(sandbox, http, token_for_all):
    headers, address = client.bearer(token_for_all), f"{sandbox.graph}/v1.0/me/messages"
    drafts = [
        http.post(address, json={"subject": subject}, headers=headers).json()["id"]
        for subject in ("To keep", "To throw away")
    ]
    http.delete(f"{address}/{drafts[1]}", headers=headers)
    for folder, subject in (("drafts", "To keep"), ("deleteditems", "To throw away")):
        page = http.get(sandbox.mailbox, params={"user": sandbox.user, "folder": folder})
        assert len(links(page)) == 1 and f">{subject}<" in page.text
        assert http.get(links(page)[0]).status_code == 200
    assert "No mail yet" in http.get(sandbox.mailbox).text


def test_a_mail_is_downloaded_as_a_file_that_mail_programs_open(http, send):
    content = bytes(range(256)) * 4_000
    page = http.get(send(
        "zoe@contoso.example", subject="Grüße/aus: Zürich", html="<p>Schöne <b>Tage</b></p>",
        attachments=[file("Größe.bin", content), file("leer.txt", b""), file("1.txt", b"x")],
        ccRecipients=[person("out@example.org", 'Zoë "Z." Núñez')],
    ))  # fmt: skip
    [link] = re.findall(r'href="([^"]+/mime)" download', page.text)
    answer = http.get(urljoin(page.url, link))
    assert answer.headers["content-type"] == "message/rfc822"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="Gr__e_aus_ Z_rich.eml"')
    mail = email.message_from_bytes(answer.content, policy=email.policy.default)
    assert not any(part.defects for part in mail.walk())
    assert mail["Subject"] == "Grüße/aus: Zürich"
    assert mail["To"] == "zoe@contoso.example"
    [copied] = mail["Cc"].addresses
    assert (copied.display_name, copied.addr_spec) == ('Zoë "Z." Núñez', "out@example.org")
    body = mail.get_body(("html",))
    assert body.get_content().strip() == "<p>Schöne <b>Tage</b></p>"
    files = {one.get_filename(): one.get_payload(decode=True) for one in mail.iter_attachments()}
    assert files == {"Größe.bin": content, "leer.txt": b"", "1.txt": b"x"}
    assert max(map(len, answer.content.splitlines())) <= 998  # RFC 5322 §2.1.1


@pytest.mark.parametrize(
    ("subject", "name"),
    [("", "mail.eml"), ("../..", "_.eml"), ("Report 11/2026", "Report 11_2026.eml")],
)
def test_a_mail_gets_a_file_name_from_its_subject(http, send, subject, name):
    answer = http.get(f"{send(subject=subject)}/mime")
    assert f'filename="{name}"' in answer.headers["content-disposition"]
    assert http.get(f"{send()}x/mime").status_code == 404


def test_bcc_is_for_the_sender_alone(sandbox, http, send):
    hidden = {"bccRecipients": [person("zoe@contoso.example")]}
    send("grace@contoso.example", ccRecipients=[person("out@example.org")], **hidden)
    for user, folder, seen in (
        ("ada", "sentitems", True), ("grace", "inbox", False), ("zoe", "inbox", False),
    ):  # fmt: skip
        query = {"user": f"{user}@contoso.example", "folder": folder}
        [page] = links(http.get(sandbox.mailbox, params=query))
        source = http.get(f"{page}/mime").text
        assert ("Bcc: zoe@contoso.example" in source) == seen
        assert "Cc: out@example.org" in source
        assert ("zoe@contoso.example" in http.get(page).text) == seen
