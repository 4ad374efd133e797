"""A run's output on disk: what is written is what is read, whatever the cap, the disk or the secrets do."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.remote.processes.masking import MASK, Mask, masked_text
from workbench.remote.runs.stream import StreamWriter, read_stream, segments, stream_end
from workbench.remote.supervision.capture import PIPE_BYTES, Capture


def pattern(start: int, count: int) -> bytes:
    """Bytes that tell where they stand."""
    return b"".join(b"%08d" % number for number in range(start // 8, (start + count) // 8 + 1))[
        start % 8 : start % 8 + count
    ]


def read_all(folder: Path, limit: int = 1 << 20) -> tuple[dict[int, bytes], list[dict[str, int]]]:
    """What a follower sees: pieces by offset, and the gaps it is told of."""
    pieces, gaps, offset = {}, [], 0
    while True:
        at, body, gap = read_stream(str(folder), offset, limit)
        if gap is not None:
            assert gap == {"from": offset, "to": at}
            gaps.append(gap)
        if not body:
            return pieces, gaps
        pieces[at] = body
        offset = at + len(body)


def test_nothing_yet(tmp_path: Path) -> None:
    assert read_stream(str(tmp_path), 0, 10) == (0, b"", None)
    assert stream_end(str(tmp_path)) == 0


def test_written_is_there_at_once(tmp_path: Path) -> None:
    writer = StreamWriter(str(tmp_path))
    writer.write(b"one\r")
    assert read_stream(str(tmp_path), 0, 100) == (0, b"one\r", None)
    writer.write(b"two")
    assert read_stream(str(tmp_path), 4, 100) == (4, b"two", None)
    assert read_stream(str(tmp_path), 7, 100) == (7, b"", None)
    assert (tmp_path / "stream.log").read_bytes() == b"one\rtwo"
    assert stream_end(str(tmp_path)) == writer.offset == 7
    writer.close()


def test_a_later_attempt_appends(tmp_path: Path) -> None:
    for text in (b"first ", b"second"):
        writer = StreamWriter(str(tmp_path))
        writer.write(text)
        writer.close()
    assert read_stream(str(tmp_path), 0, 100)[1] == b"first second"


def test_over_the_cap_head_and_tail_stay_and_the_gap_is_told(tmp_path: Path) -> None:
    cap, total = 16_000, 100_000
    writer = StreamWriter(str(tmp_path), cap)
    for start in range(0, total, 777):
        writer.write(pattern(start, min(777, total - start)))
    writer.close()
    pieces, gaps = read_all(tmp_path)
    assert len(gaps) == 1
    assert gaps[0]["from"] == cap // 2
    for at, body in pieces.items():
        assert body == pattern(at, len(body))
    assert pieces[0] == pattern(0, cap // 2)
    assert max(at + len(body) for at, body in pieces.items()) == total == stream_end(str(tmp_path))
    kept = sum(len(body) for body in pieces.values())
    assert cap - cap // 8 <= kept <= cap
    assert sum(path.stat().st_size for path in tmp_path.glob("stream*.log")) <= cap


def test_a_follower_behind_the_tail_goes_on_where_there_is_something(tmp_path: Path) -> None:
    writer = StreamWriter(str(tmp_path), 1600)
    writer.write(pattern(0, 10_000))
    start = segments(str(tmp_path))[1][0]
    assert read_stream(str(tmp_path), 2000, 10) == (start, pattern(start, 10), {"from": 2000, "to": start})
    writer.close()


def test_the_cap_holds_over_attempts(tmp_path: Path) -> None:
    for start in range(0, 50_000, 10_000):
        writer = StreamWriter(str(tmp_path), 8_000)
        assert writer.offset == start
        writer.write(pattern(start, 10_000))
        writer.close()
    pieces, _ = read_all(tmp_path)
    assert all(body == pattern(at, len(body)) for at, body in pieces.items())
    assert stream_end(str(tmp_path)) == 50_000


@given(st.lists(st.integers(1, 400), max_size=60), st.integers(16, 2000), st.integers(1, 500))
def test_whatever_is_written_reads_back_in_its_place(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], cap: int, limit: int
) -> None:
    folder = tmp_path_factory.mktemp("stream")
    writer, start = StreamWriter(str(folder), cap), 0
    for size in sizes:
        writer.write(pattern(start, size))
        start += size
    writer.close()
    pieces, gaps = read_all(folder, limit)
    assert all(body == pattern(at, len(body)) for at, body in pieces.items())
    missing = sum(gap["to"] - gap["from"] for gap in gaps)
    assert missing + sum(len(body) for body in pieces.values()) == start
    assert len(gaps) <= 1


def test_the_index_says_when_bytes_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    writer = StreamWriter(str(tmp_path))
    for step in (0.0, 0.01, 1.0):
        now[0] += step
        writer.write(b"abc")
    writer.close()
    assert (tmp_path / "stream.idx").read_text() == "1000.000 0\n1001.010 6\n"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_what_a_full_disk_does_not_take_is_counted_and_later_bytes_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    writer = StreamWriter(str(tmp_path))
    writer.write(b"before ")
    real, room = os.write, [3]

    def write(handle: int, data: bytes) -> int:
        if room[0] <= 0:
            raise OSError(code, os.strerror(code))
        part = bytes(data[: room[0]])
        room[0] -= len(part)
        return real(handle, part)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        writer.write(b"0123456789")
        writer.write(b"lost")
    assert (writer.dropped, writer.no_room) == (11, 0 if code == errno.EIO else code)
    writer.write(b" after")
    assert writer.no_room == 0
    assert read_stream(str(tmp_path), 0, 100)[1] == b"before 012 after"
    writer.close()


def test_a_disk_that_was_full_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, *rest: int) -> int:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        writer = StreamWriter(str(tmp_path))
        writer.write(b"lost")
    writer.write(b"kept")
    assert (writer.dropped, read_stream(str(tmp_path), 0, 9)[1]) == (4, b"kept")
    writer.close()


def test_secrets_are_masked_also_across_chunks() -> None:
    mask = Mask(["hunter2!"])
    assert [mask.feed(piece) for piece in (b"a hun", b"ter", b"2! b", b"hunt")] == [b"a ", b"", b"*** b", b""]
    assert mask.rest() == b"hunt"


def test_a_prefix_that_turns_out_harmless_is_let_through() -> None:
    mask = Mask(["hunter2!"])
    assert mask.feed(b"hunt") + mask.feed(b"ing") == b"hunting"


def test_a_longer_secret_wins_over_one_inside_it() -> None:
    mask = Mask(["abcd", "abcdefgh"])
    assert mask.feed(b"abcd") == b""
    assert mask.feed(b"efgh.abcd.") == b"***.***."


def test_short_values_are_no_secrets_and_lines_of_long_ones_are() -> None:
    key = "-----BEGIN-----\nabcdefghijkl\nx\n-----END-----\n"
    mask = Mask(["yes", "", key])
    assert mask.feed(b"yes x abcdefghijkl ") + mask.rest() == b"yes x *** "
    assert masked_text(f"bad {key.strip()} end", [key]) == "bad *** end"


@given(
    st.lists(st.text("ab", min_size=4, max_size=9), min_size=1, max_size=3),
    st.lists(st.text("abc", max_size=12), max_size=12),
)
def test_no_secret_gets_through_however_it_is_cut(secrets: list[str], chunks: list[str]) -> None:
    mask = Mask(secrets)
    shown = b"".join(mask.feed(chunk.encode()) for chunk in chunks) + mask.rest()
    whole = "".join(chunks).encode()
    pieces = shown.split(MASK)
    for secret in secrets:
        assert all(secret.encode() not in piece for piece in pieces)
    if not any(secret.encode() in whole for secret in secrets):
        assert shown == whole


def test_what_cannot_be_ended_and_goes_on_writing_holds_up_no_end(tmp_path: Path) -> None:
    """Such as what a script started by sudo: it is another user's."""
    capture = Capture(StreamWriter(str(tmp_path)), Mask([]))
    said = b"the last words of who ended\n"
    os.write(capture.command_end, said)
    writers = [subprocess.Popen(["yes"], stdout=capture.command_end) for _ in range(3)]
    finishing = threading.Thread(target=capture.finish, daemon=True)
    try:
        finishing.start()
        finishing.join(20)
        assert not finishing.is_alive()
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert read_all(tmp_path)[0][0].startswith(said)
    assert stream_end(str(tmp_path)) <= 2 * PIPE_BYTES
