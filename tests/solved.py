"""The labs repaired and the exercises answered, as a reader would do it, and chapters with them."""

import re
from pathlib import Path

import nbformat

FOLDER = Path(__file__).parents[1] / "notebooks"
LOCALHOST = '"http://localhost:8000/connect/get_token/"'

REPAIRS = {  # the line that takes the switch's place
    "01_register": {
        "secret id": 'client_secret = registered["client_secret"]',
        "tenant": 'tenant = "common"',
        "host": 'host = "localhost"',
        "single tenant": "tenant = bench.tenant",
        "expired secret": "days_later = 90",
    },
    "02_signin": {
        "slash": f"redirect_uri = {LOCALHOST}",
        "declined": "decline = False",
        "admin": 'scopes = ("openid", "User.Read")',
        "forged answer": "compare_state = True",
        "stolen code": "pkce = True",
    },
    "03_token": {
        "platform": 'platform = "web"',
        "code twice": "times = 1",
        "late code": "pause_s = 60",
        "resource": "more = {}",
        "audience": 'which = "access_token"',
    },
    "04_sendmail": {
        "scope": 'scopes = ("openid", "profile", "User.Read", "Mail.Send")',
        "expired": "refresh_first = True",
        "throttled": "wait_s = 61",
        "mailbox": 'user = "zoe@contoso.example"',
        "lost answer": "look_first = True",
    },
}

ANSWERS = {
    "01_register": {
        "public values": 'public = ["client_id", "redirect_uri", "tenant"]',
        "another port": 'redirect_uri = "http://localhost:8765/connect/get_token/"',
    },
    "02_signin": {
        "challenge": """
def challenge(verifier):
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")""",
        "our answer": """
def take(query, state):
    answer = parse_qs(query)
    return answer["code"][0] if answer["state"] == [state] else None""",
        "least scopes": 'least = ("openid", "profile", "offline_access")',
    },
    "03_token": {
        "seconds left": """
def seconds_left(answer):
    return int(answer["expires_in"])""",
        "read the claims": 'part = token.id_token.split(".")[1]\n'
        'my_claims = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))',
    },
    "04_sendmail": {
        "may repeat": "may_repeat = [429]",
        "by hand": """
def to(person):
    return [{"emailAddress": {"address": f"{person}@contoso.example"}}]

my_mail = {"message": {"subject": "Hello", "body": {"contentType": "Text", "content": "Hi."},
                       "toRecipients": to("ada"), "ccRecipients": to("grace")}}""",
    },
}
CHAPTERS = list(REPAIRS)
SIGN_INS = {"01_register": 0, "02_signin": 1, "03_token": 2, "04_sendmail": 2}  # by a click


def chapter(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def solved(name: str, source: str) -> str:
    """Return a cell as the reader leaves it in the end; other cells are as they were."""
    for lab, line in REPAIRS[name].items():
        if f'checks.lab("{lab}"' in source:
            return re.sub(r"^.*  # the switch$", lambda _, line=line: line, source, flags=re.M)
    for exercise, lines in ANSWERS[name].items():
        if f'checks.exercise("{exercise}"' in source:
            return re.sub(
                r"^\w+ = \.\.\.  # your .*$", lambda _, lines=lines: lines, source, flags=re.M
            )
    return source
