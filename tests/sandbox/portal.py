"""The portal's forms, filled in as a person does it."""

import html
import json
import re

from tests.sandbox import entra

URI = "http://localhost:8000/connect/get_token/"


def submit(http, url, **fields):
    """Open a page of the portal, fill in its form, and follow the redirect."""
    return entra.press(http, http.get(url), **fields)


def by_id(page, name):
    return re.search(rf'id="{name}">([^<]+)<', page.text)[1]


def register(sandbox, http, **changes):
    fields = {
        "name": "My app",
        "audience": "AzureADMultipleOrgs",
        "platform": "web",
        "uri": URI,
    }
    return submit(http, f"{sandbox.portal}/new", **fields | changes)


def manifest(http, app_url):
    page = http.get(f"{app_url}/manifest")
    return json.loads(
        html.unescape(re.search(r"<textarea[^>]*>\n(.*)</textarea>", page.text, re.S)[1])
    )


def save_manifest(http, app_url, changed):
    return submit(http, f"{app_url}/manifest", manifest=json.dumps(changed))


def uris_of(http, app_url, platform="web"):
    return manifest(http, app_url)[platform]["redirectUris"]
