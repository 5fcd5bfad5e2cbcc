import copy
import json
import pickle
from urllib.parse import urlencode

import pytest

from graphhelpers import Secret
from graphhelpers.display import LONGEST_SHOWN, escaped, fingerprint, shown


def test_a_secret_shows_its_fingerprint_wherever_it_is_kept():
    secret = Secret("s3cret~value")
    for text in (repr(secret), repr([secret]), repr({"key": secret}), f"{secret!r}"):
        assert "s3cret" not in text
        assert fingerprint("s3cret~value") in text


def test_a_secret_is_sent_as_it_is():
    secret = Secret("a+b/c=")
    assert urlencode({"code": secret}) == "code=a%2Bb%2Fc%3D"
    assert json.loads(json.dumps({"code": secret})) == {"code": "a+b/c="}
    assert "Bearer " + secret == "Bearer a+b/c="


def test_equal_secrets_have_equal_fingerprints_and_others_do_not():
    assert fingerprint("one") == fingerprint(Secret("one")) != fingerprint("two")


def test_a_secret_is_copied_but_never_pickled():
    secret = Secret("one")
    assert copy.deepcopy({"k": secret})["k"] == "one"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><svg onload=x>', "a & b"])
def test_foreign_text_is_escaped_for_html(text):
    assert not set('<>"') & set(escaped(text))


def test_characters_that_mislead_the_eye_become_visible():
    assert shown("moc.live\u202egpj") == "moc.live\\u202egpj"
    assert shown("a\u200bb\x00c\r\nd") == "a\\u200bb\\x00c\\r\nd"


def test_long_text_is_cut_and_its_length_told():
    assert shown("x" * 10_000).endswith("(10,000 characters in all)")
    assert len(shown("x" * 10_000)) < LONGEST_SHOWN + 40
