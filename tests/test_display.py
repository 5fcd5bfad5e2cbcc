import copy
import json
import pickle
from urllib.parse import urlencode

import pytest

from graphhelpers import Secret
from graphhelpers.display import LONGEST_SHOWN, escaped, fingerprint, one_line, shown, table


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
    assert shown("a\u3164\ufe0f\u034fb") == "a\\u3164\\ufe0f\\u034fb"  # drawn as nothing
    assert shown("ä 日本\u00a0\u3000😀\tz") == "ä 日本\u00a0\u3000😀\tz"


def test_long_text_is_cut_and_its_length_told():
    assert shown("x" * 10_000).endswith("(10,000 characters in all)")
    assert len(shown("x" * 10_000)) < LONGEST_SHOWN + 40


def test_what_just_fits_is_whole_and_one_character_more_is_cut():
    assert LONGEST_SHOWN == 2_000
    assert shown("x" * LONGEST_SHOWN) == "x" * LONGEST_SHOWN
    assert shown("x" * 2_001) == "x" * 2_000 + " … (2,001 characters in all)"
    assert shown("\0" * 501, 2_000).startswith("\\x00" * 500 + " … (501")  # as it is shown


def test_the_three_lines_of_an_error_fit_together():
    text = "a\nb\u2028c\r\n" + "x" * 1_000
    assert one_line(text).startswith("a b c xxx")
    assert "\n" not in one_line(text)
    assert len(one_line(text).partition(" … (")[0]) == LONGEST_SHOWN // 4


def test_a_fingerprint_is_six_digits_of_the_sha_256():
    assert fingerprint("abc") == "‹secret ba7816›"  # FIPS 180-2, appendix B.1


def test_a_table_says_when_rows_are_left_out_and_only_then():
    rows = {str(number): number for number in range(2_001)}
    cut = table("Claims", rows)
    assert cut.count("<tr>") == 2_000 and ">Claims (cut: 2,001 rows in all)</caption>" in cut
    del rows["0"]
    assert ">Claims</caption>" in table("Claims", rows)
