"""What a message refuses to be: addresses that are none, text that can't be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphhelpers import MessageError, send_mail

from .kit import mails
from .letters import ADA, GRACE, ZOE, addresses, hello

# --- Addresses


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ADA, [ADA]),
        (f"{ADA}, {GRACE}", [ADA, GRACE]),
        (f"{ADA};{GRACE} ; {ZOE},", [ADA, GRACE, ZOE]),
        (f"{ADA},, ;{GRACE}", [ADA, GRACE]),
        ([ADA, GRACE], [ADA, GRACE]),
        ((f"{ADA},{GRACE}", ZOE), [ADA, GRACE, ZOE]),
        (iter([ADA]), [ADA]),
        (f"  {ADA}  ", [ADA]),
        (f"Ada <{ADA}>", [ADA]),
        (f"<{ADA}>", [ADA]),
        (f'"Lovelace, Ada" <{ADA}>; "Hopper; Grace" <{GRACE}>', [ADA, GRACE]),
        (f"{GRACE} <{ADA}>", [ADA]),
        ([ADA, ADA.upper(), f"Ada <{ADA.title()}>"], [ADA]),
        ("o'neil+tag@sub-1.b.example", ["o'neil+tag@sub-1.b.example"]),
        ("ada@xn--bcher-kva.example", ["ada@xn--bcher-kva.example"]),
    ],
)
def test_addresses_are_understood_as_people_write_them(given, expected):
    assert addresses(hello(to=given).to) == expected


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (f"Ada Lovelace <{ADA}>", "Ada Lovelace"),
        (f'"Lovelace, Ada" <{ADA}>', "Lovelace, Ada"),
        (f"Zoë 🚀 <{ADA}>", "Zoë 🚀"),
        (f"<b>Ada</b> <{ADA}>", "<b>Ada</b>"),
    ],
)
def test_a_name_before_the_address_is_kept(given, name):
    assert hello(to=given).to[0]["emailAddress"] == {"address": ADA, "name": name}


@pytest.mark.parametrize(
    "bad",
    [
        "ada", "@b.example", "ada@", "a@b@c.example", "a b@c.example", f"{ADA} {GRACE}",
        f"Lovelace, Ada <{ADA}>", f"Ada <{ADA}> Grace", "Ada <>", "<>", "a@.example",
        "a@b..example", "a@b.example.", "x" * 300 + "@b.example", f"mailto:{ADA}", f"{ADA}>",
        f"team: {ADA};",
        "ädä@b.example", "a@b.example\u200b", "a\u202e@b.example", "a@b,c",
        "a@[127.0.0.1]", '"a b"@c.example', "a@b.example(comment)", "a\\@b.example",
        "a@b c.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_what_is_no_address_is_named_and_nothing_goes_out(field, bad):
    with pytest.raises(MessageError, match=f"`{field}` is not an address") as caught:
        hello(**{"to": GRACE, field: [bad]})
    assert "name@domain" in caught.value.why and len(str(caught.value)) < 1_000


@pytest.mark.parametrize("given", ["", "  ", ",;", (), [""], [" ", ","]])
def test_a_mail_for_nobody_is_refused(given):
    with pytest.raises(MessageError, match="0 recipients"):
        hello(to=given)


def test_five_hundred_recipients_are_taken_and_one_more_is_not(app, sandbox, token):
    many = [f"person{number}@contoso.example" for number in range(501)]
    send_mail(app, token, hello(to=many[:200], cc=many[200:400], bcc=many[400:500]))
    assert mails(sandbox)[0]["recipients"] == many[:500]
    with pytest.raises(MessageError, match="501 recipients") as caught:
        hello(to=many[:200], cc=many[200:400], bcc=many[400:])
    assert "500" in caught.value.why
    assert len(hello(to=many[:500] + many[:500]).recipients) == 500


@pytest.mark.parametrize("given", [[7], [None], [b"a@b.example"], [["a@b.example"]]])
def test_a_recipient_that_is_no_text_is_refused(given):
    with pytest.raises(MessageError, match="not text"):
        hello(to=given)


@given(st.text(max_size=60) | st.text("ab@.,;<>\"' ", max_size=30))
def test_whatever_is_given_each_recipient_is_an_address_or_it_is_refused(text):
    try:
        found = hello(to=text).recipients
    except MessageError as error:
        assert str(error).count("\n") >= 2
    else:
        for address in found:
            local, domain = address.split("@")
            assert local and domain and address.isascii() and address in text
            assert not set(' ,;<>"()') & set(address)


# --- Text that can't be sent


@pytest.mark.parametrize(
    "character", ["\r", "\n", "\r\n", "\0", "\x1b", "\x7f", "\ud800", "\udfff"]
)
def test_a_control_character_in_a_header_is_refused_with_its_position(character):
    for change in (
        {"subject": f"ab{character}Bcc: x@y.example"},
        {"to": f"Ab{character} <{ADA}>"},
        {"cc": [f"{character}{ADA}"]},
    ):
        with pytest.raises(MessageError, match="forbidden character: U") as caught:
            hello(**change)
        assert "position" in caught.value.what and character not in caught.value.what.strip()


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\ud800"])
def test_a_body_has_lines_and_tabs_but_no_other_control_character(character):
    assert hello(body="a\r\n\tb\nc").body == "a\r\n\tb\nc"
    with pytest.raises(MessageError, match="at position 3"):
        hello(body=f"ab{character}")


@pytest.mark.parametrize("field", ["subject", "body"])
@pytest.mark.parametrize("value", [None, 7, b"x", ["x"]])
def test_what_is_no_text_is_refused(field, value):
    with pytest.raises(MessageError, match=f"`{field}` is .*, not text"):
        hello(**{field: value})
