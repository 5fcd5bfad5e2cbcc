"""A registration whose secret is a canary, saved."""

from pathlib import Path

from graphhelpers import Registration

ROOT = Path(__file__).parents[2]
CLIENT_ID = "11112222-bbbb-3333-cccc-4444dddd5555"
SECRET = "canary~saved-secret-0123456789abcdef"


def saved() -> Path:
    return Registration(CLIENT_ID, SECRET).save()
