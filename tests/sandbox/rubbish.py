"""What hypothesis sends the sandbox: parameters, bodies and paths, sound and senseless."""

import json
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from .entra import CHALLENGE, GRAPH, REDIRECT_URI, VERIFIER

PEOPLE = ("ada@contoso.example", "grace@contoso.example", "zoe@contoso.example")

junk = st.one_of(
    st.text(max_size=30),
    st.integers(1000, 9000).map(lambda length: "a" * length),
    st.sampled_from(
        [
            "", "0", "-1", "null", "..", "../../etc/passwd", "%2e%2e%2f", "%00", "\x00", "\ud7ff",
            "{}", "[]", "{{7*7}}", "'; DROP TABLE apps --", "<script>alert(1)</script>", "AADSTS",
            "{tenant}", "%s%n", "common", "me", "\r\nX-Bad: 1", "1e309", "NaN",
        ]
    ),
)  # fmt: skip
json_junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | junk,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(junk, inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    """client_id client_secret redirect_uri response_type response_mode scope state nonce prompt
    login_hint domain_hint resource code_challenge code_challenge_method claims client_info
    grant_type code refresh_token device_code code_verifier client_assertion user_code csrf user
    client_assertion_type username password assertion post_logout_redirect_uri api-version
    authorization_endpoint tenant consent cancel $select $top $skip $filter $orderby $count $expand
    authtoken name uri platform audience remove days description permission manifest""".split()
)
known = st.sampled_from(
    ["code", "openid User.Read Mail.ReadWrite Mail.Send", "query", "form_post", "login", "none",
     "consent", "S256", "authorization_code", "refresh_token", "client_credentials", GRAPH,
     REDIRECT_URI, CHALLENGE, VERIFIER, "1", *PEOPLE]
)  # fmt: skip
fields = st.dictionaries(names, junk | known, max_size=5)
message = st.fixed_dictionaries(
    {},
    optional={
        "subject": junk | json_junk,
        "body": st.fixed_dictionaries({"contentType": junk, "content": junk}) | json_junk,
        "toRecipients": st.just([{"emailAddress": {"address": "out@example.org"}}]) | json_junk,
        "attachments": json_junk,
        "importance": junk,
        "internetMessageHeaders": json_junk,
        "from": json_junk,
    },
)
EVERY = ["User.Read", "Mail.ReadWrite", "Mail.Send", "offline_access"]
SCOPES = st.lists(
    st.sampled_from(
        ["openid", "profile", "email", "offline_access", "User.Read", "Mail.Send", "Mail.Read",
         "Mail.ReadWrite", "User.Read.All", f"{GRAPH}/.default", "nonsense"]
    ),
    min_size=1, max_size=5, unique=True,
)  # fmt: skip


JSON = {"Content-Type": "application/json"}
OF_VARIABLE = {"version": "v1.0", "action": "sendMail", "later": "reply", "overall": "delta"}


def filled(variable, piece):
    """Return what stands for a variable of a path: what its kind needs, else anything."""
    kind = (variable[2] or ":str")[1:]
    return (
        OF_VARIABLE.get(kind)
        or {"send": "send"}.get(kind)
        or (kind if kind == "createUploadSession" else segment(piece))
    )


def segment(text):
    """Return any text as one piece of a path."""
    return quote(text, safe="", errors="replace") or "x"


def encoded(pairs):
    return urlencode(pairs, errors="replace")


def dumped(body):
    return json.dumps(body)


def name_of(who):
    return (who or "nobody").split("@")[0]
