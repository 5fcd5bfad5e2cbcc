"""Sessions that tell their ranges in ways of their own, and all that can break, in any order."""

import json
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphhelpers import (
    Attachment,
    GraphHelpersError,
    NoAnswer,
    Secret,
    send_mail,
)  # fmt: skip
from graphhelpers.mail import uploading
from graphhelpers.mail.uploading import RANGE
from graphhelpers.wire import Answer
from tests.faults.uploads import BROKEN, SIZE, UPLOAD, WRITER, arrived_whole, drafts, puts, written
from tests.issued import trap_token
from tests.kit import app_at, app_of, as_json, bend, control, mails
from tests.letters import hello
from tests.trap import Trap, answer

# --- A session that writes its answers in its own way


def as_told(way: str, answered: Answer) -> Answer:
    """Return an answer of an upload session as another cloud, or a worse one, would write it."""
    ranges = (answered.json or {}).get("nextExpectedRanges")
    if way == "plain" or not ranges:
        return answered
    told = {
        "Pascal": {"NextExpectedRanges": ranges},
        "dash": {"nextExpectedRanges": [f"{ranges[0]}-{SIZE}", "9-"]},
        "odd": {"nextExpectedRanges": ["x"]},
        "none": {"nextExpectedRanges": []},
        "back": {"nextExpectedRanges": ["0"]},
        "beyond": {"nextExpectedRanges": ["999999999999"]},
    }[way]
    return Answer(answered.status, answered.headers, json.dumps(told).encode())


@contextmanager
def told_as(ways: list[str]):
    """Let each answer of an upload session be told in its way, and those after them plainly."""
    called, left = uploading.call_upload, list(ways)

    def call(*args):
        return as_told(left.pop(0) if left else "plain", called(*args))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uploading, "call_upload", call)
        yield


WAYS = ["Pascal", "dash", "odd", "none", "back", "beyond"]


@pytest.mark.case("F163")
@pytest.mark.parametrize("way", WAYS)
def test_however_the_session_tells_its_ranges_the_file_arrives(app, sandbox, writer, tmp_path, way):
    path = written(tmp_path)
    with told_as([way] * (9 if way in ("Pascal", "dash") else 2)):
        send_mail(app, writer, hello(attachments=path))
    arrived_whole(sandbox, path)
    assert way not in ("Pascal", "dash") or len(puts()) == 3


@pytest.mark.case("F163")
def test_a_session_that_goes_back_and_forth_ends_within_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr(uploading, "DEADLINE_S", 2.0)
    path, began = written(tmp_path), time.monotonic()
    back, forth = (as_json({"nextExpectedRanges": [str(start)]}) for start in (0, RANGE))
    with Trap(b"") as trap:
        created = as_json({"id": "A", "uploadUrl": f"{trap.url}/up"}, "201 Created")
        trap.script = [created, created, *[forth, back] * 50]
        with pytest.raises(NoAnswer, match="no range") as caught:
            send_mail(app_at(trap), trap_token(**WRITER), hello(attachments=path))
    assert caught.value.outcome == "not sent" and time.monotonic() - began < 4


@pytest.mark.case("F164")
def test_two_files_alike_both_arrive_though_one_session_expires(app, sandbox, writer, tmp_path):
    paths = [written(tmp_path / name, 3_000_000) for name in ("a", "b")]
    bend(sandbox, UPLOAD, delay_s=0.001)
    bend(sandbox, UPLOAD, status=404)
    send_mail(app, writer, hello(attachments=paths))
    arrived_whole(sandbox, *paths)


@pytest.mark.case("F164")
@pytest.mark.parametrize("fault", [{"drop_after": 0}, {"status": 504, "deliver": True}], ids=str)
def test_a_file_whose_last_answer_was_lost_is_there_once_though_its_size_is_another(
    app, sandbox, writer, tmp_path, monkeypatch, fault
):
    called, sizes = uploading.call_graph, []

    def larger(cloud, method, address, *rest):  # as Exchange counts what it wraps around a file
        answered = called(cloud, method, address, *rest)
        for one in (answered.json or {}).get("value", ()):
            sizes.append(one["id"])
            one["size"] = 237 + one.get("size", 0)
        return answered

    monkeypatch.setattr(uploading, "call_graph", larger)
    for _ in range(2):
        bend(sandbox, UPLOAD, delay_s=0.001)
    bend(sandbox, UPLOAD, **fault)
    path = written(tmp_path)
    send_mail(app, writer, hello(attachments=path))
    arrived_whole(sandbox, path)
    assert sizes


@pytest.mark.case("F169")
@pytest.mark.parametrize("listed", [[], [{"id": "1"}, {"id": "2"}], None, "x"])
def test_a_draft_without_its_files_is_never_sent(tmp_path, listed):
    path = written(tmp_path, 3_000_000)
    with Trap(b"") as trap:
        created = as_json({"id": "A", "uploadUrl": f"{trap.url}/up"}, "201 Created")
        upload = [created, answer(b"", "201 Created"), as_json({"value": listed})]
        trap.script = [created, *upload * 3, answer(b"", "204 No Content")]
        with pytest.raises(GraphHelpersError) as caught:
            send_mail(app_at(trap), trap_token(**WRITER), hello(attachments=path))
        assert not [one for one in trap.requests if b"/send" in one[:200]]
    assert caught.value.outcome == "not sent" and "Nothing was sent" in caught.value.fix


# --- All of it, in any order


FAULT = st.sampled_from(
    [*BROKEN, {"delay_s": 0.001}, {"status": 404}, {"status": 410, "deliver": True}]
)
FILES = st.lists(
    st.one_of(st.integers(3_000_000, 9_000_000), st.integers(0, 1_000)), min_size=1, max_size=2
)
# An example takes a second: a fiftieth of what the profile asks for.
FEW = settings(max_examples=settings().max_examples // 50)


@pytest.mark.case("F163", "F164", "F166", "F169")
@FEW
@given(
    sizes=FILES.filter(lambda sizes: max(sizes) >= 3_000_000),
    faults=st.lists(FAULT, max_size=6),
    ways=st.lists(st.sampled_from(["plain", *WAYS]), max_size=6),
    stops=st.lists(st.integers(0, 18_000_000), max_size=2),
    are_pictures=st.booleans(),
)
def test_whatever_breaks_the_files_arrive_whole_and_once_or_nothing_does(
    one_sandbox, writer, sizes, faults, ways, stops, are_pictures
):
    control(one_sandbox, "POST", "reset")
    app = app_of(one_sandbox)
    for fault in faults:
        bend(one_sandbox, UPLOAD, **fault)
    with tempfile.TemporaryDirectory() as folder, told_as(ways):
        paths = [written(Path(folder) / str(n), size) for n, size in enumerate(sizes)]
        shown = [f"picture{n}" if are_pictures else None for n in range(len(paths))]
        files = [Attachment(path, None, cid) for path, cid in zip(paths, shown, strict=True)]
        message, stops = hello(attachments=files, html=are_pictures), list(stops)

        def progress(done, total, note):
            if stops and done >= stops[0]:
                stops.pop(0)
                raise KeyboardInterrupt

        for tries in range(4):
            if tries == 3:
                control(one_sandbox, "DELETE", "faults")
                stops = []
            left = ""
            try:
                send_mail(app, writer, message, progress=progress)
            except KeyboardInterrupt as stopped:
                left = stopped.__notes__[0]
            except GraphHelpersError as error:
                left = error.fix
            if not left:
                break
            assert mails(one_sandbox) == []
            assert ("is in Drafts" in left) == (drafts(app, writer) == ["Hello"])
        arrived_whole(one_sandbox, *paths)
        assert drafts(app, writer) == []


def test_a_secret_url_is_a_secret():
    assert "canary" not in repr(Secret("https://canary.example/up"))
