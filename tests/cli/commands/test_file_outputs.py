"""`asrcli file` to several places at once, from one recognition: what each has when another one cannot take more."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pysubs2
import pytest

from tests.support.endings import PLANTED_KEY, limited, running
from tests.support.service import TALK_TEXT, TALK_WAV

SENTENCES = TALK_TEXT.read_text(encoding="utf-8").splitlines()
_END_S = 60


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _subtitles(path: Path) -> list[str]:
    return [cue.plaintext.replace("\n", " ") for cue in pysubs2.load(str(path))]


def _said(path: Path) -> list[object]:
    return [line["text"] for line in _lines(path) if line["type"] == "final"]


def _shell(line: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """`asrcli file …` with the rest of `line`, in which it stands as $RUN, in `folder`."""
    command = shlex.join([sys.executable, "-m", "asrcli", "file", *map(str, arguments)])
    environ = {**os.environ, "DASHSCOPE_API_KEY": PLANTED_KEY}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line.replace('$RUN', command)}"], capture_output=True, text=True,
        timeout=_END_S, check=False, cwd=folder, env=environ,
    )  # fmt: skip


def _run(service: str, *more: object) -> tuple[object, ...]:
    return (TALK_WAV, "--endpoint", service, "--pace", "fast", *more)


def test_each_place_has_the_form_of_its_name(asrcli, talk_service, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = asrcli("file", *_run(talk_service, "-o", "talk.srt", "-o", "talk.jsonl", "-o", "-"))
    assert (done.code, done.out.splitlines(), done.err) == (0, SENTENCES, "")
    assert _subtitles(Path("talk.srt")) == SENTENCES
    assert _said(Path("talk.jsonl")) == SENTENCES
    assert _lines(Path("talk.jsonl"))[-1]["complete"] is True


def test_a_reader_that_leaves_takes_nothing_from_the_files(talk_service, tmp_path):
    done = _shell("$RUN | head -1", *_run(talk_service, "-o", "talk.jsonl", "-o", "-"), folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{SENTENCES[0]}\n", "")
    assert _said(tmp_path / "talk.jsonl") == SENTENCES
    assert _lines(tmp_path / "talk.jsonl")[-1]["complete"] is True


def test_a_place_without_room_ends_the_run_and_the_others_are_whole_up_to_there(talk_service, tmp_path):
    arguments = _run(talk_service, "-o", "talk.jsonl", "-o", "-", "-o", "talk.vtt")
    done = _shell("$RUN > /dev/full", *arguments, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("asrcli: error: cannot write to standard output: No space left on device")
    lines = _lines(tmp_path / "talk.jsonl")
    assert _said(tmp_path / "talk.jsonl") == SENTENCES[:1]
    assert [line["type"] for line in lines[-2:]] == ["end", "error"]
    assert lines[-2]["complete"] is False
    assert _subtitles(tmp_path / "talk.vtt") == SENTENCES[:1]


def test_a_file_that_grows_too_large_holds_no_half_of_what_the_other_holds(talk_service, tmp_path):
    """Where one file system is full both are: the smaller form goes on as long as there is room."""
    arguments = map(str, _run(talk_service, "-o", tmp_path / "talk.jsonl", "-o", tmp_path / "talk.txt"))
    line = [*limited(3000), sys.executable, "-m", "asrcli", "file", *arguments]
    done = subprocess.run(
        line, capture_output=True, text=True, timeout=_END_S, check=False,
        env={**os.environ, "DASHSCOPE_API_KEY": PLANTED_KEY},
    )  # fmt: skip
    assert done.returncode == 1
    assert "talk.jsonl: File too large" in done.stderr
    assert '"complete"' not in (tmp_path / "talk.jsonl").read_text()
    texts = (tmp_path / "talk.txt").read_text().splitlines()
    assert texts == SENTENCES[: len(texts)]


def test_all_files_are_whole_after_a_kill(talk_service, tmp_path):
    srt, lines = tmp_path / "talk.srt", tmp_path / "talk.jsonl"
    with running("file", TALK_WAV, "--endpoint", talk_service, "--pace", "8", "-o", srt, "-o", lines) as run:
        until = time.monotonic() + _END_S
        while (not srt.exists() or srt.read_text().count("-->") < 2) and time.monotonic() < until:
            time.sleep(0.02)
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
    texts = _subtitles(srt)
    assert len(texts) >= 2
    assert texts == SENTENCES[: len(texts)]
    assert _said(lines)[: len(texts)] == texts


def test_an_error_is_told_where_there_is_a_place_for_it(asrcli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = asrcli("file", TALK_WAV, "--endpoint", "ws://127.0.0.1:9", "--retries", "0", "-o", "a.txt", "-o", "a.jsonl")
    assert (done.code, done.out) == (6, "")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
    assert _lines(Path("a.jsonl"))[-1]["code"] == "LinkError"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["-o", "talk.wav", "-f", "text", "-o", "b.srt"], "--output talk.wav is the source itself"),
        (["-o", "b.srt", "-o", "new.jsonl", "--save-audio", "new.jsonl"], "--save-audio"),
        (["-o", "b.txt", "-o", "b.srt", "other.wav"], "srt is for one source, not for 2"),
    ],
)
def test_no_place_is_a_source_or_for_what_it_cannot_hold(asrcli, tmp_path, monkeypatch, more, said):
    monkeypatch.chdir(tmp_path)
    for name in ("talk.wav", "other.wav"):
        Path(name).write_bytes(TALK_WAV.read_bytes())
    done = asrcli("file", "talk.wav", *more, "--force", "--endpoint", "ws://127.0.0.1:9")
    assert done.code == 2
    assert said in done.err
    assert not Path("b.srt").exists()


@pytest.mark.parametrize("more", [["-m", "nosuch-model"], []])
def test_nothing_is_told_in_a_source(asrcli, tmp_path, monkeypatch, more):
    """JSON lines have a place for warnings and errors, and --force is no leave to destroy a recording."""
    monkeypatch.chdir(tmp_path)
    Path("talk.wav").write_bytes(TALK_WAV.read_bytes())
    done = asrcli("file", "talk.wav", "-f", "json", "-o", "talk.wav", "-o", "b", "--force", *more, "--region", "local")
    assert done.code == 2
    assert done.err == "asrcli: error: --output talk.wav is the source itself (choose another file)\n"
    assert Path("talk.wav").read_bytes() == TALK_WAV.read_bytes()
    assert _lines(Path("b"))[-1]["type"] == "error"
    # Nor where something else is found first.
    done = asrcli("file", "talk.wav", "--pace", "quick", "-f", "json", "-o", "talk.wav", "--force", "--region", "local")
    assert (done.code, "quick" in done.err) == (2, True)
    assert Path("talk.wav").read_bytes() == TALK_WAV.read_bytes()


def test_a_folder_has_each_form_of_each_source_and_only_what_is_missing_is_made(asrcli, talk_service, tmp_path):
    out = tmp_path / "out"
    arguments = _run(talk_service, "--output-dir", out, "-f", "srt", "--json")
    assert asrcli("file", *arguments).err == f"1 result written to {out}\n"
    assert _subtitles(out / "talk.srt") == _said(out / "talk.jsonl") == SENTENCES
    (out / "talk.srt").write_text("better")
    (out / "talk.jsonl").unlink()
    again = asrcli("file", *arguments)
    assert again.err == f"1 of 1 will be done again, for a form that is missing\n1 result written to {out}\n"
    assert (out / "talk.srt").read_text() == "better"
    assert _said(out / "talk.jsonl") == SENTENCES
