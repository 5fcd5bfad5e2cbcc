import threading
import time
from datetime import UTC, datetime
from email.utils import formatdate
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphhelpers import NoAnswer, Secret, sandbox_cloud, wire, wire_log
from graphhelpers.wire import Answer, call_graph, get_published, post_form, retry_after_s

from .trap import Trap, answer, reset

TOKEN = Secret("canary-access-token")
FORM = {"grant_type": "authorization_code", "client_secret": Secret("canary-client-secret")}


@pytest.fixture
def short_deadline(monkeypatch):
    monkeypatch.setattr(wire, "DEADLINE_S", 1.0)


def cloud_of(trap: Trap):
    return sandbox_cloud(trap.url, trap.url)


def post(trap: Trap) -> Answer:
    return post_form(cloud_of(trap), f"{trap.url}/common/oauth2/v2.0/token", FORM)


def test_the_form_arrives_encoded_and_the_answer_comes_back():
    with Trap(answer(b'{"a": 1}')) as trap:
        assert post(trap).json == {"a": 1}
    head, _, body = trap.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /common/oauth2/v2.0/token HTTP/1.1\r\n")
    assert body == b"grant_type=authorization_code&client_secret=canary-client-secret"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_so_the_secret_reaches_nobody_else(status):
    with Trap(answer(b"{}")) as other:
        moved = answer(b"", f"{status} Moved", f"Location: {other.url}/token")
        with Trap(moved) as trap, pytest.raises(NoAnswer, match="redirect"):
            post(trap)
    assert other.requests == []


@pytest.mark.parametrize(
    "misbehaviour",
    [reset, lambda connection: None, answer(b"{", length=10)],
    ids="reset close cut".split(),
)
def test_an_answer_that_breaks_off_is_unknown(misbehaviour):
    cut = (lambda c: c.sendall(misbehaviour)) if isinstance(misbehaviour, bytes) else misbehaviour
    with Trap(cut) as trap, pytest.raises(NoAnswer, match="broke") as caught:
        post(trap)
    assert caught.value.outcome == "unknown"
    assert len(trap.requests) == 1


def test_an_endless_answer_is_cut_at_the_cap():
    with Trap(answer(b"x" * 5_000_000)) as trap, pytest.raises(NoAnswer, match="larger than 4 MB"):
        post(trap)


def test_nobody_listening_means_nothing_was_sent():
    with Trap(answer(b"{}")) as trap:
        pass
    with pytest.raises(NoAnswer, match="nothing listens") as caught:
        post(trap)
    assert caught.value.outcome == "not sent"


def test_a_name_that_is_not_known_is_told_apart():
    cloud = sandbox_cloud("https://login.invalid", "https://graph.invalid")
    with pytest.raises(NoAnswer, match="its name isn't known|nothing listens|proxy") as caught:
        get_published(cloud, cloud.metadata_url("common"))
    assert caught.value.outcome == "not sent"


def test_a_certificate_that_nobody_vouches_for_is_refused(graph_sandbox_tls):
    cloud = sandbox_cloud(graph_sandbox_tls.authority, graph_sandbox_tls.graph)  # without its CA
    with pytest.raises(NoAnswer, match="certificate") as caught:
        get_published(cloud, cloud.metadata_url("common"))
    assert "verif" not in caught.value.fix
    trusted = sandbox_cloud(cloud.authority, cloud.graph, graph_sandbox_tls.ca)
    assert get_published(trusted, trusted.metadata_url("common")).status == 200


def test_a_missing_ca_bundle_is_named(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    cloud = sandbox_cloud("https://login.invalid", "https://graph.invalid")
    with pytest.raises(NoAnswer, match="REQUESTS_CA_BUNDLE"):
        get_published(cloud, cloud.metadata_url("common"))


def test_loopback_never_goes_through_a_proxy(monkeypatch):
    with Trap(answer(b"{}")) as proxy, Trap(answer(b'{"mine": 1}')) as trap:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert post(trap).json == {"mine": 1}
        assert proxy.requests == []


def test_a_netrc_does_not_replace_the_bearer_token(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login thief password thief\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Trap(answer(b"{}")) as trap:
        call_graph(cloud_of(trap), "GET", "/v1.0/me", TOKEN)
        post(trap)
    assert b"\r\nAuthorization: Bearer canary-access-token\r\n" in trap.requests[0]
    assert b"authorization" not in trap.requests[1].lower().split(b"\r\n\r\n")[0]


def test_cookies_of_the_service_are_not_kept():
    with Trap(answer(b"{}", "200 OK", "Set-Cookie: a=b; Path=/")) as trap:
        post(trap), post(trap)
    assert b"cookie" not in trap.requests[1].lower()


def test_every_graph_call_has_its_own_client_request_id():
    with Trap(answer(b"{}")) as trap:
        for _ in range(2):
            call_graph(cloud_of(trap), "GET", "/v1.0/me", TOKEN)
    ids = [
        line
        for r in trap.requests
        for line in r.split(b"\r\n")
        if line.startswith(b"client-request-id")
    ]
    assert len(set(ids)) == 2


def test_a_429_is_waited_for_and_then_asked_once_more():
    notes = []
    busy = answer(b"{}", "429 Too Many Requests", "Retry-After: 0.3")
    with Trap(busy, answer(b'{"ok": 1}')) as trap:
        began = time.monotonic()
        result = call_graph(
            cloud_of(trap), "GET", "/v1.0/me", TOKEN, progress=lambda *note: notes.append(note)
        )
        assert time.monotonic() - began >= 0.3
    assert result.json == {"ok": 1} and len(trap.requests) == 2
    assert notes == [(0, 1, "throttled: waiting 1 s, as the service asked")]


def test_a_429_that_names_no_pause_is_waited_for_twice_as_long_each_time(monkeypatch):
    slept, notes = [0.0], []
    clock = SimpleNamespace(
        monotonic=lambda: time.monotonic() + sum(slept), time=time.time, sleep=slept.append
    )
    monkeypatch.setattr(wire, "time", clock)
    busy = answer(b"{}", "429 Too Many Requests")

    def note(*told):
        notes.append(int(told[2].split()[2]))

    with Trap(busy, busy, busy, answer(b"{}")) as trap:
        assert call_graph(cloud_of(trap), "GET", "/v1.0/me", TOKEN, progress=note).status == 200
    assert notes == [1, 2, 1, 4, 3, 2, 1] and max(slept) <= 1  # the seconds are counted down


def test_the_promised_limits_are_kept():
    assert (wire.DEADLINE_S, wire.LARGEST_ANSWER) == (30, 4 * 2**20)
    assert wire.CONNECT_S == 8  # so that no network is an error within ten seconds


def test_neither_the_log_nor_a_repr_holds_the_token_or_the_answer():
    with Trap(answer(b'{"access_token": "canary~new"}')) as trap:
        got = call_graph(cloud_of(trap), "GET", "/v1.0/me", TOKEN)
    assert "canary" not in repr(got) + repr(vars(wire_log[-1]))
    assert wire_log[-1].headers["Authorization"] == f"Bearer {TOKEN!r}"
    assert repr(got) == "Answer(status=200)"


def test_a_429_that_asks_for_too_long_is_given_back_at_once():
    with Trap(answer(b"{}", "429 Too Many Requests", "Retry-After: 300")) as trap:
        began = time.monotonic()
        assert call_graph(cloud_of(trap), "GET", "/v1.0/me", TOKEN).status == 429
    assert time.monotonic() - began < 2 and len(trap.requests) == 1


@pytest.mark.case("F098", "N51")
@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2", 2), ("2.128", 2.128), ("0", 0), ("", None), ("soon", None), ("-1", None), ("nan", None),
     ("1e9", None), ("٣", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_and_nonsense_is_nothing(value, seconds):
    assert retry_after_s(Answer(429, {"Retry-After": value}, b"")) == seconds


@pytest.mark.case("F098", "N51")
def test_retry_after_as_a_date_counts_from_now():
    header = {"Retry-After": formatdate(time.time() + 20, usegmt=True)}
    assert 15 < retry_after_s(Answer(429, header, b"")) <= 20


DATES = st.datetimes(datetime(1900, 1, 1), timezones=st.just(UTC))


@pytest.mark.case("F098", "N51", "N57")
@given(st.integers(0, 10**9), st.integers(0, 999), DATES, st.text())
def test_retry_after_is_never_less_than_nothing_and_never_another_number(s, ms, date, text):
    def asked(value: str) -> float | None:
        return retry_after_s(Answer(429, {"Retry-After": value}, b""))

    assert asked(f" {s}.{ms:03} ") == float(f"{s}.{ms:03}")
    left_s = date.timestamp() - time.time()
    assert abs(asked(formatdate(date.timestamp(), usegmt=True)) - max(0, left_s)) < 5
    for odd in (f"-{s}", f"{s}e1", f"{s},{ms}", f"{s} s", f"{s}.{ms}."):
        assert asked(odd) is None
    nonsense = asked(text)
    assert nonsense is None or nonsense >= 0


@pytest.mark.case("F117", "N58")
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[1]", b'"x"', b"7", b"{", b"<html>", b'{"a": NaN}', b"\xff{}", b"[" * 200_000],
)
def test_what_is_no_json_object_is_none(body):
    assert Answer(200, {}, body).json is None


@pytest.mark.case("F117")
def test_a_byte_order_mark_is_tolerated():
    assert Answer(200, {}, b'\xef\xbb\xbf{"a": 1}').json == {"a": 1}


def test_the_wire_log_masks_what_is_secret_and_keeps_the_rest():
    wire_log.clear()
    with Trap(answer(b'{"access_token": "canary-new", "scope": "Mail.Send"}')) as trap:
        post(trap)
        call_graph(cloud_of(trap), "GET", "/v1.0/me", TOKEN)
    text = repr(wire_log) + wire_log._repr_html_() + str([vars(e) for e in wire_log])
    assert "canary" not in text
    assert "Mail.Send" in text and "authorization_code" in text
    assert [e.receiver for e in wire_log] == ["Entra ID", "Microsoft Graph"]


def test_ten_threads_may_call_at_once():
    with Trap(answer(b'{"a": 1}')) as trap:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(post(trap))) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [a.json for a in answers] == [{"a": 1}] * 10
