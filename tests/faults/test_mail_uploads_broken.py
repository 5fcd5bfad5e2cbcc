"""Uploads that break: taken up where the session says, ended in time, and no address is shown."""

import pytest

from graphhelpers import (
    GraphError,
    GraphHelpersError,
    NoAnswer,
    send_mail,
    wire_log,
)  # fmt: skip
from graphhelpers.mail import uploading
from graphhelpers.mail.uploading import RANGE
from tests.faults.uploads import (
    BROKEN,
    DRAFTS,
    SEND_DRAFT,
    SIZE,
    START,
    UPLOAD,
    WRITER,
    arrived_whole,
    drafts,
    not_sent,
    puts,
    sessions,
    written,
)
from tests.issued import trap_token
from tests.kit import app_at, as_json, bend, control, mails
from tests.letters import hello
from tests.trap import Trap, answer, reset

# --- Broken on the way


@pytest.mark.case("F163", "F166")
@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("fault", BROKEN, ids=str)
def test_a_broken_range_is_taken_up_where_the_session_says(
    app, sandbox, writer, tmp_path, fault, number
):
    for _ in range(number):
        bend(sandbox, UPLOAD, delay_s=0.001)  # the ordinary answer
    bend(sandbox, UPLOAD, **fault)
    path = written(tmp_path)
    assert send_mail(app, writer, hello(attachments=path)).outcome == "sent"
    arrived_whole(sandbox, path)
    met = {"no answer", "502"} if "drop_after" in fault else {str(fault["status"])}
    assert puts()[number][1] in met


@pytest.mark.case("F164")
@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize(("number", "deliver"), [(0, False), (1, True), (2, False), (2, True)])
def test_an_expired_session_is_begun_anew_and_the_file_is_there_once(
    app, sandbox, writer, tmp_path, number, deliver, status
):
    for _ in range(number):
        bend(sandbox, UPLOAD, delay_s=0.001)
    bend(sandbox, UPLOAD, status=status, deliver=deliver)
    path = written(tmp_path)
    assert send_mail(app, writer, hello(attachments=path)).outcome == "sent"
    arrived_whole(sandbox, path)
    assert puts()[number][1] == str(status)
    assert sessions() == (1 if (number, deliver) == (2, True) else 2)


@pytest.mark.case("F164")
def test_a_session_that_expires_by_the_clock_is_begun_anew(
    app, sandbox, writer, tmp_path, monkeypatch
):
    called, calls = uploading.call_upload, []

    def an_hour_later(*args):
        calls.append(args)
        passes = 3_601 if len(calls) == 2 else 0
        control(sandbox, "POST", "clock", advance_s=passes)
        answered = called(*args)
        control(sandbox, "POST", "clock", advance_s=-passes)  # the token is still good
        return answered

    monkeypatch.setattr(uploading, "call_upload", an_hour_later)
    path = written(tmp_path)
    send_mail(app, writer, hello(attachments=path))
    arrived_whole(sandbox, path)
    assert sessions() == 2 and [status for _, status in puts()].count("404") == 1


@pytest.mark.case("F164")
def test_sessions_that_always_expire_end(app, sandbox, writer, tmp_path):
    bend(sandbox, UPLOAD, status=404, count=20)
    message = hello(attachments=written(tmp_path))
    error = not_sent(app, writer, sandbox, message, "large.bin", NoAnswer)
    assert len(puts()) == 3 and "'Hello' is in Drafts" in error.fix
    control(sandbox, "DELETE", "faults")
    assert send_mail(app, writer, message).outcome == "sent" and drafts(app, writer) == []


def test_a_range_that_never_gets_through_ends_within_its_time(
    app, sandbox, writer, tmp_path, monkeypatch
):
    monkeypatch.setattr(uploading, "DEADLINE_S", 2.0)
    bend(sandbox, UPLOAD, status=503, count=100)
    message = hello(attachments=written(tmp_path))
    error = not_sent(app, writer, sandbox, message, "large.bin", NoAnswer)
    assert "no range" in error.why and "'Hello' is in Drafts" in error.fix
    control(sandbox, "DELETE", "faults")
    assert send_mail(app, writer, message).outcome == "sent" and drafts(app, writer) == []


@pytest.mark.case("N69")
def test_a_pause_too_long_for_a_range_is_an_error_at_once(app, sandbox, writer, tmp_path):
    bend(sandbox, UPLOAD, status=429, retry_after=120)
    message = hello(attachments=written(tmp_path))
    error = not_sent(app, writer, sandbox, message, "wait 120 s", GraphError)
    assert len(puts()) == 1 and "'Hello' is in Drafts" in error.fix
    assert send_mail(app, writer, message).outcome == "sent" and drafts(app, writer) == []


@pytest.mark.case("N69")
def test_a_range_may_wait_as_long_as_its_time_allows_and_counts_it_down(
    app, sandbox, writer, tmp_path, monkeypatch
):
    monkeypatch.setattr(uploading, "DEADLINE_S", 4.0)  # a third of it is more than what is left
    bend(sandbox, UPLOAD, delay_s=0.001)
    bend(sandbox, UPLOAD, status=429, retry_after=2)
    notes, path = [], written(tmp_path)
    send_mail(app, writer, hello(attachments=path), progress=lambda *note: notes.append(note))
    arrived_whole(sandbox, path)
    waits = [note for note in notes if "throttled" in note[2]]
    assert [note[:2] for note in waits] == [(RANGE, SIZE)] * 2 and "waiting 2 s" in waits[0][2]


@pytest.mark.case("N69")
@pytest.mark.parametrize("path", [DRAFTS, START])
def test_drafts_and_sessions_count_their_pauses_down_too(app, sandbox, writer, tmp_path, path):
    bend(sandbox, path, status=429, retry_after=1)
    notes = []
    message = hello(attachments=written(tmp_path, 3_000_000))
    send_mail(app, writer, message, progress=lambda *note: notes.append(note))
    assert notes[0] == (0, 3_000_000, "throttled: waiting 1 s, as the service asked")


@pytest.mark.parametrize("path", [DRAFTS, START])
@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 504, "deliver": True}], ids=str)
def test_where_no_draft_or_session_is_to_be_had_nothing_is_sent(
    app, sandbox, writer, tmp_path, path, fault
):
    bend(sandbox, path, **fault)
    message = hello(attachments=written(tmp_path))
    error = not_sent(app, writer, sandbox, message, "50")
    assert "raft" in error.fix
    if drafts(app, writer):
        words = "may lie in Drafts" if path == DRAFTS else "is in Drafts"
        assert f"'Hello' {words}" in error.fix
    assert send_mail(app, writer, message).outcome == "sent" and len(mails(sandbox)) == 1


@pytest.mark.case("F169")
def test_a_draft_that_cannot_be_removed_is_named(app, sandbox, writer, tmp_path):
    bend(sandbox, "/v1.0/me/messages/{id}/attachments/createUploadSession", status=400)
    bend(sandbox, "/v1.0/me/messages/{id}", status=503)
    error = not_sent(app, writer, sandbox, hello(attachments=written(tmp_path)))
    assert "draft 'Hello' is left in Drafts" in error.fix and drafts(app, writer) == ["Hello"]


@pytest.mark.case("F169")
def test_a_draft_whose_sending_is_refused_stays_and_is_sent_the_next_time(
    app, sandbox, writer, tmp_path
):
    bend(sandbox, SEND_DRAFT, status=403)
    path = written(tmp_path)
    message = hello(attachments=path)
    error = not_sent(app, writer, sandbox, message, "403", GraphError)
    assert "draft 'Hello' was in Drafts" in error.fix and drafts(app, writer) == ["Hello"]
    assert send_mail(app, writer, message).outcome == "sent" and len(puts()) == 3
    arrived_whole(sandbox, path)


@pytest.mark.case("F137", "F169")
@pytest.mark.parametrize("deliver", [True, False])
def test_a_lost_answer_to_the_sending_of_a_draft_is_unknown(
    app, sandbox, writer, tmp_path, deliver
):
    bend(sandbox, SEND_DRAFT, status=504, deliver=deliver)
    message = hello(attachments=written(tmp_path))
    for _ in range(2):
        with pytest.raises(GraphError) as caught:
            send_mail(app, writer, message)
        assert caught.value.outcome == "unknown" and "'Hello'" in caught.value.fix
    assert len(mails(sandbox)) == deliver
    assert send_mail(app, writer, message, again=True).outcome == "sent"
    assert len(mails(sandbox)) == 1 + deliver


# --- The upload URL is a secret


CANARY = "http://127.0.0.1:{port}/up/a%2Fb?authtoken=canary~{word}&x=1"


@pytest.mark.case("F165", "N72")
def test_the_upload_url_is_used_as_it_is_without_a_token_and_never_shown(tmp_path):
    path, word = written(tmp_path, 3_000_000), "upload-0123456789"
    with Trap(b"") as trap:
        url = CANARY.format(port=trap.url.rpartition(":")[2], word=word)
        session = {"uploadUrl": url, "nextExpectedRanges": ["0-"]}
        trap.script = [
            as_json({"id": "AAMk1"}, "201 Created"),
            as_json(session, "201 Created"),
            answer(b"", "201 Created", f"Location: {url}"),
            as_json({"value": [{"id": "1"}]}),
            answer(b"", "202 Accepted"),
        ]
        send_mail(app_at(trap), trap_token(**WRITER), hello(attachments=path))
        put = trap.requests[2]
    assert put.startswith(f"PUT /up/a%2Fb?authtoken=canary~{word}&x=1 HTTP/1.1".encode())
    assert b"authorization" not in put.lower().partition(b"\r\n\r\n")[0]
    shown = repr(wire_log) + wire_log._repr_html_() + repr(wire_log.diagram()._repr_mimebundle_())
    shown += "".join(one.http + one.curl for one in wire_log)
    assert word not in shown and "authtoken" not in shown and "‹secret " in shown


@pytest.mark.case("F165", "N72")
@pytest.mark.parametrize("script", [[reset], [answer(b"x", "400 No")], [answer(b"", "302 Found")]])
def test_an_error_of_an_upload_tells_nothing_of_its_url(tmp_path, script, monkeypatch):
    monkeypatch.setattr(uploading, "DEADLINE_S", 1.5)
    path, word = written(tmp_path, 3_000_000), "upload-0123456789"
    with Trap(b"") as trap:
        url = CANARY.format(port=trap.url.rpartition(":")[2], word=word)
        created = as_json({"uploadUrl": url}, "201 Created")
        trap.script = [as_json({"id": "AAMk1"}, "201 Created"), created, *script]
        with pytest.raises(GraphHelpersError) as caught:
            send_mail(app_at(trap), trap_token(**WRITER), hello(attachments=path))
    error = caught.value
    assert error.outcome == "not sent" and word not in str(error) + repr(error) + repr(wire_log)


@pytest.mark.case("F165", "N72")
@pytest.mark.parametrize(
    "url", ["http://evil.example/up", "ftp://127.0.0.1/x", "", None, 7, "//x", "https://"]
)
def test_an_address_that_is_not_safe_gets_no_byte_of_the_file(tmp_path, url):
    path = written(tmp_path, 3_000_000)
    script = [as_json({"id": "AAMk1"}, "201 Created"), as_json({"uploadUrl": url}, "201 Created")]
    with Trap(*script, answer(b"", "204 No Content")) as trap:
        with pytest.raises(GraphHelpersError) as caught:
            send_mail(app_at(trap), trap_token(**WRITER), hello(attachments=path))
        assert not [one for one in trap.requests if one.startswith(b"PUT")]
    assert caught.value.outcome == "not sent"
