"""`asrcli render`: what a run would have written, made of its saved lines, and never more promised than is there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asrcli.fleet.manifest import Row
from asrcli.runs.render import render
from asrcli.runs.request import OutputOptions
from tests.support.beginnings import beginning
from tests.support.service import TALK_WAV

SUFFIXES = ("txt", "srt", "vtt", "ass", "md", "html")


def each(option: str, values: Iterable[object]) -> list[object]:
    return [word for value in values for word in (option, value)]


def line(kind: str, source: str | None = "talk.wav", **fields: object) -> str:
    said = {"type": kind, "source": source, **fields}
    return json.dumps({key: value for key, value in said.items() if value is not None}) + "\n"


def begin(source: str = "talk.wav", **fields: object) -> str:
    return line("begin", source, v=1, model="m", region="intl", protocol="run-task", sample_rate_hz=16000, **fields)


def final(index: int = 1, text: str = "Hello.", source: str | None = "talk.wav", **fields: object) -> str:
    times = {"begin_ms": index * 1000, "end_ms": index * 1000 + 900}
    return line("final", source, **{"index": index, "text": text, **times, **fields})


def end(source: str = "talk.wav", **fields: object) -> str:
    return line("end", source, **{"complete": True, "sentences": 1, **fields})


TALK = begin() + final() + end()


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Writes text to a file in a folder where the program runs; its name."""
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes, name: str = "talk.jsonl") -> str:
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    return write


@pytest.mark.parametrize("command", [["file"], ["qwen"]])
def test_it_makes_what_the_run_makes(asrcli, talk_service, tmp_path, command) -> None:
    """With times of words and without."""

    made, again = ([tmp_path / name / f"talk.{suffix}" for suffix in SUFFIXES] for name in ("made", "again"))
    for folder in (made[0].parent, again[0].parent):
        folder.mkdir()
    common = (TALK_WAV, "--endpoint", talk_service, "--pace", "fast")
    assert asrcli(*command, *common, "-o", tmp_path / "talk.jsonl", *each("-o", made)).code == 0
    done = asrcli("render", tmp_path / "talk.jsonl", *each("-o", again))
    assert (done.code, done.out, done.err) == (0, "", "")
    for one, other in zip(made, again, strict=True):
        assert one.read_text(encoding="utf-8") == other.read_text(encoding="utf-8") != ""


def test_lines_that_are_rendered_to_lines_stay_what_they_are(asrcli, talk_service, tmp_path) -> None:
    lines = tmp_path / "talk.jsonl"
    for options in (["--no-partials"], []):
        done = asrcli("qwen", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-o", lines, "--force", *options)
        assert done.code == 0
        rendered = asrcli("render", lines, "--json").out
        kept = [each for each in lines.read_text().splitlines(keepends=True) if '"type":"partial"' not in each]
        assert rendered == "".join(kept)
        assert {"session", "speech"} <= {event["type"] for event in map(json.loads, kept)}


def test_each_of_several_is_what_it_is_alone(asrcli, talk_service, tmp_path) -> None:
    """From lines of all that come as they may: text with titles, and a file for each."""
    talks = [beginning(tmp_path / f"{name}.wav", seconds) for name, seconds in (("a", 9.0), ("b", 4.5))]
    common = ("--endpoint", talk_service, "--pace", "20")
    lines = tmp_path / "talks.jsonl"
    assert asrcli("file", *talks, "--jobs", "2", "--unordered", "-o", lines, *common).code == 0
    assert asrcli("render", lines).out == asrcli("file", *talks, "--jobs", "2", *common).out
    out = tmp_path / "out"
    done = asrcli("render", lines, "-f", "srt", "--output-dir", out)
    assert (done.code, done.out, done.err) == (0, "", "")
    for talk in talks:
        assert (out / f"{talk.stem}.srt").read_text() == asrcli("file", talk, "-f", "srt", *common).out


@pytest.mark.parametrize(
    ("text", "out", "said"),
    [
        (begin() + final(), "Hello.\n", "talk.wav is not complete: its end is missing"),
        (begin() + final() + end(complete=False), "Hello.\n", "talk.wav is not complete: its end says so"),
        (begin() + final() + end(sentences=2), "Hello.\n", "talk.wav is not complete: 1 of its 2 sentences are there"),
        (TALK + line("error", message="lost", code="LinkError"), "Hello.\n", "talk.wav is not complete: lost"),
        (line("error", message="no such file", code="UsageError"), "", "talk.wav is not complete: no such file"),
        (TALK + line("error", None, message="interrupted", code="x"), "Hello.\n", "asrcli: error: interrupted"),
        (final(source=None), "Hello.\n", "talk is not complete: its end is missing"),
        (begin() + "{]\n" + final() + end(), "Hello.\n", "talk.jsonl: line 2: no JSON: Expecting property name"),
        (TALK + '{"type":"begin","sour', "Hello.\n", "talk.jsonl: line 4: cut off"),
        (begin() + final(begin_ms="1") + end(), "Hello.\n", "talk.jsonl: line 2: begin_ms is no number"),
        (TALK.replace('"v": 1', '"v": 2'), "Hello.\n", "talk.jsonl: line 1: not of version 1"),
        (TALK + "x\n" * 12, "Hello.\n", "talk.jsonl: 2 more lines like that"),
        (
            begin() + final()[:-30] + TALK,
            "==> talk.wav <==\n\n==> talk.wav <==\nHello.\n",
            "talk.jsonl: line 2: cut off",
        ),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_not_whole_is_rendered_and_told_of(asrcli, saved, text, out, said) -> None:
    done = asrcli("render", saved(text))
    assert (done.code, done.out) == (1, out)
    assert said in done.err
    # Quiet leaves the errors.
    assert asrcli("render", "talk.jsonl", "--quiet").err == done.err


@pytest.mark.parametrize("cut", [1, 30, 130, 200, 260, 290, len(TALK) - 3])
def test_no_cut_is_called_whole(asrcli, saved, cut) -> None:
    done = asrcli("render", saved(TALK[:cut]), "-f", "srt")
    assert done.code == (1 if cut > len(begin()) else 2)
    assert all(line.startswith("asrcli: ") for line in done.err.splitlines())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "talk.jsonl holds no JSON lines (asrcli file … --json makes some)"),
        ("Hello.\n", "talk.jsonl holds no JSON lines of asrcli (line 1: no JSON: Expecting value at character 1)"),
        ('{"type":"cheer"}\n', "talk.jsonl holds no JSON lines"),
        ('{"id":"a","audio":"a.wav","complete":true}\n', "talk.jsonl is a file of --results, which has no times"),
        ("[" * 5000 + "\n", "talk.jsonl holds no JSON lines of asrcli (line 1: no JSON that can be read)"),
        (TALK.encode("utf-16"), "talk.jsonl holds no JSON lines of asrcli (line 1: not UTF-8)"),
        (TALK.encode("utf-8-sig"), ""),
    ],
    ids=str,
)
def test_what_holds_no_lines_is_refused(asrcli, saved, text, said) -> None:
    done = asrcli("render", saved(text), "-o", "talk.srt")
    assert said in done.err
    assert done.code == (2 if said else 0)
    assert Path("talk.srt").exists() == (not said)


TWO = TALK + begin("other.wav") + final(source="other.wav") + end("other.wav")


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (TALK, ["none.jsonl"], "cannot read none.jsonl: No such file or directory"),
        (TALK, ["."], ". is a folder (name the files in it)"),
        (TALK, ["-o", "talk.jsonl", "--force"], "--output talk.jsonl is the source itself"),
        (TALK, ["-o", "there.srt"], "there.srt exists already"),
        (TALK, ["-f", "pdf"], "--format 'pdf' is not known"),
        (TALK, ["--json", "-o", "x.srt"], "x.srt is a name for srt, and json is asked for"),
        (TALK, ["--output-dir", "there.srt"], "cannot make the folder there.srt"),
        (TALK, ["--output-dir", "out", "-o", "x.txt"], "--output and --output-dir exclude each other"),
        (TWO, ["-f", "srt"], "srt is for one transcription, and there are 2 (a file for each: --output-dir DIR)"),
        (TALK, ["talk.jsonl", "-f", "vtt", "--output-dir", "out"], "both talk.wav and talk.wav would be out/talk.vtt"),
        (TALK.replace("talk.wav", "a/T.wav"), ["--output-dir", "out", "t.jsonl"], "both a/T.wav and t.wav would be"),
        (TALK, ["--json", "--output-dir", ".", "--force"], "talk.jsonl would be made of itself"),
        (TALK.replace("talk.wav", "x" * 300), ["--output-dir", "out"], "is too long for a file"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(asrcli, saved, text, arguments, said) -> None:
    saved("", "there.srt")
    saved(TALK.replace("talk.wav", "t.wav"), "t.jsonl")
    before = set(Path().iterdir()) | {Path(saved(text))}
    done = asrcli("render", "talk.jsonl", *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.out == "" or "--json" in arguments
    assert set(Path().iterdir()) == before


def test_files_are_called_as_a_run_calls_them(asrcli, saved) -> None:
    """By the file, or by an id of its own, which a suffix is no part of."""
    rows = [
        Row("a/1", "x/1.wav"),
        Row("b/1", "1.wav"),
        Row("v1.5", "v.wav"),
        Row("v1.6", "v.wav"),
        Row("d.wav", "c/d.wav"),
    ]
    saved("".join(begin(row.id, audio=row.audio) + final(source=row.id) + end(row.id) for row in rows))
    assert asrcli("render", "talk.jsonl", "--output-dir", "out", *each("-f", ["md", "html"])).code == 0
    made = {path.name for path in Path("out").iterdir()}
    assert made == {f"{row.stem}.{suffix}" for row in rows for suffix in ("md", "html")}
    assert {"a_1.md", "b_1.md", "v1.5.md", "v1.6.md", "d.md"} < made
    for row in rows:
        assert f"]({row.stem}.html#" in Path(f"out/{row.stem}.md").read_text()


def test_a_folder_gets_a_file_for_each_under_a_name_that_stays_in_it(asrcli, saved) -> None:
    names = ["/tmp/../a.wav", "..", "-", "Mic 2.0 USB", "b\0\n.wav", "\udcff.wav"]
    saved("".join(begin(name) + final(source=name) + end(name) for name in names))
    done = asrcli("render", "talk.jsonl", "--output-dir", "out")
    assert (done.code, done.err) == (0, "")
    made = {path.name for path in Path("out").iterdir()}
    assert made == {"a.txt", "...txt", "standard input.txt", "Mic 2.0 USB.txt", "b__.txt", "\udcff.txt"}
    assert asrcli("render", "talk.jsonl", "--output-dir", "out").code == 2
    Path("out/a.txt").write_text("mine")
    assert asrcli("render", "talk.jsonl", "--output-dir", "out", "--force").code == 0
    assert Path("out/a.txt").read_text() == "Hello.\n"


def test_one_that_is_not_complete_has_its_file_and_one_that_never_began_has_none(asrcli, saved) -> None:
    saved(begin() + final() + line("error", "no.wav", message="no such file", code="UsageError"))
    assert asrcli("render", "talk.jsonl", "--output-dir", "out").code == 1
    assert {path.name: path.read_text() for path in Path("out").iterdir()} == {"talk.txt": "Hello.\n"}


def test_times_that_cannot_be_are_told_of_and_cost_nothing(asrcli, saved) -> None:
    saved(begin() + final(2) + final(1) + final(3, begin_ms=None, end_ms=None) + end(sentences=3))
    done = asrcli("render", "talk.jsonl", "-f", "srt", "--karaoke")
    assert (done.code, done.out.count("Hello.")) == (0, 3)
    assert done.err.splitlines() == [
        "asrcli: warning: --karaoke is not for srt, and is left out",
        "asrcli: talk.wav: 1 sentence begins before the one before has ended",
        "asrcli: talk.wav: 1 sentence has no times; they are guessed",
    ]
    assert asrcli("render", "talk.jsonl", "-f", "vtt", "--karaoke").err.startswith(
        "asrcli: warning: there are no times of words"
    )
    assert asrcli("render", "talk.jsonl", "-f", "srt", "-q").err == ""


def test_lines_come_through_a_pipe_too(saved) -> None:
    """Of several files one behind the other, the first of them cut."""
    cut = begin("a.wav") + final(source="a.wav") + end("a.wav")[:-9]
    done = subprocess.run(
        [sys.executable, "-m", "asrcli", "render", "-"], input=cut + TALK, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "==> a.wav <==\nHello.\n\n==> talk.wav <==\nHello.\n")
    assert done.stderr.splitlines() == [
        "asrcli: a.wav is not complete: its end is missing: the run was ended, or goes on, or its lines were filtered",
        "asrcli: standard input: line 3: cut off",
    ]


def test_what_is_not_known_of_filtered_lines_is_left_out(asrcli, saved) -> None:
    """As grep leaves them."""
    name = saved(final() + end())
    found = json.loads(asrcli("render", name, "--json").out.splitlines()[0])
    assert (found["source"], found["model"], found["sample_rate_hz"]) == ("talk.wav", None, None)
    for form in ("vtt", "ass", "md", "html"):
        done = asrcli("render", name, "-f", form)
        assert (done.code, "Hello." in done.out) == (0, True)
        assert "model" not in done.out


def test_the_interrupt_that_ends_what_writes_to_the_pipe_ends_no_reading() -> None:
    """A shell sends Ctrl-C to both; the last words come after it."""
    command = [sys.executable, "-m", "asrcli", "render", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        # More than a pipe holds: it is being read then.
        reader.stdin.write(begin() + "\n" * (1 << 18))
        reader.stdin.flush()
        reader.send_signal(signal.SIGINT)
        assert reader.communicate(final() + end())[0] == "Hello.\n"
    assert reader.returncode == 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from([begin().encode(), final().encode(), end().encode()]) | st.binary(max_size=12), max_size=6
    ),
    st.sampled_from(["text", "json", "srt"]),
)
def test_any_bytes_end_in_an_exit_code(saved, capfd, pieces: list[bytes], form: str) -> None:
    name = saved(b"".join(pieces))
    assert render([name], OutputOptions(format=(form,))) in (0, 1, 2)
    assert "Traceback" not in capfd.readouterr().err


def test_the_sound_is_not_written_over(asrcli, saved, tmp_path):
    saved(TALK)
    (tmp_path / "sound").write_text("sound")
    done = asrcli("render", "talk.jsonl", "--audio", "sound", "-o", "sound", "--force")
    assert done.code == 2
    assert "--output sound is the source itself" in done.err
    assert (tmp_path / "sound").read_text() == "sound"


def test_the_sound_of_a_page_is_found_beside_the_lines_and_told_of_where_it_is_not(asrcli, saved, tmp_path):
    (tmp_path / "moved").mkdir()
    name = "recordings/talk.wav"
    saved(begin(name) + final(source=name) + end(name), "moved/talk.jsonl")
    silent = asrcli("render", "moved/talk.jsonl", "-o", "silent.html")
    told = "asrcli: warning: the sound of recordings/talk.wav is not found: its page is silent (--audio FILE)\n"
    assert (silent.code, silent.err) == (0, told)
    saved(TALK_WAV.read_bytes(), "moved/talk.wav")
    heard = asrcli("render", "moved/talk.jsonl", "-o", "heard.html")
    assert (heard.code, heard.err) == (0, "")
    assert 'src="moved/talk.wav"' in (tmp_path / "heard.html").read_text()


def test_a_kind_of_clips_without_clips_is_refused(asrcli, saved):
    done = asrcli("render", saved(TALK), "--clip-format", "mp3")
    assert (done.code, done.out) == (2, "")
    assert "none are asked for (--clips DIR)" in done.err
