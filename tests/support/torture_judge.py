"""How a run with a call that failed is judged: what it said, wrote and left, beside a run without a fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import soundfile

from tests.support.endings import PLANTED_KEY
from tests.support.torture import Run

# What a bug of ours looks like, in whatever words; and what Python says of errors that it could not give to anyone.
_BUG = re.compile(r"Traceback|Exception ignored|Exception in thread|Fatal Python error|^\w*Error: ", re.MULTILINE)
# Which nobody can prevent, and which changes nothing: the handler of the signal says so again.
_PYTHONS_OWN = re.compile(
    r"Exception ignored when trying to write to the signal wakeup fd:\nTraceback.*?\nOSError: .*\n", re.S
)
_CODES = {0, 1, 2, 4, 5, 6, 7}

Judge = Callable[[Run, Run], Iterator[str]]
"""What is wrong with a run of a command, beside one without a fault."""


def problems(judge: Judge, run: Run, whole: Run) -> list[str]:
    """What is wrong with `run`, one that is `whole` beside it; none for one that ended well or as a foreseen error."""
    if run.code is None:
        return [f"does not end: {_innermost(run.stuck)}"]
    # A service that has said why it ended serves nobody, and one whose address nobody reads ends.
    found = [] if run.code or _leaves(run) else [*run.notes]
    if run.code not in _CODES:
        found.append(f"exit code {run.code}")
    if (bug := _BUG.search(_PYTHONS_OWN.sub("", run.err))) and "2" not in run.breaks:
        last = run.err.strip().splitlines()[-1]
        found.append(f"{bug.group()}: {last[:150]}")
    if run.code and "asrcli: error: " not in run.err and "2" not in run.breaks:
        found.append(f"exit code {run.code} without a line that says why")
    if PLANTED_KEY in run.err or PLANTED_KEY.encode() in run.out:
        found.append("shows the key")
    found += [f"left behind: {each}" for each in run.left]
    return found + list(judge(run, whole))


def _innermost(where: str) -> str:
    frames = re.findall(r'File ".*?/(asrcli/[^"]*)", line (\d+) in (\w+)', where)
    return " < ".join(f"{file}:{line} {name}" for file, line, name in frames[-6:])


def _leaves(run: Run) -> bool:
    """Whether the reader of standard output has left, so that exit code 0 says nothing of the rest."""
    return run.fault.error == "EPIPE" and "1" in run.breaks


def _json_text(text: str, whole: str, *, is_done: bool) -> Iterator[str]:
    if text and not text.endswith("\n"):
        yield f"half a line: {text[-60:]!r}"
    try:
        lines = [json.loads(line) for line in text.splitlines()]
    except ValueError as error:
        yield f"a broken line: {error}"
        return
    found, expected = (_finals(each) for each in (lines, map(json.loads, whole.splitlines())))
    ends = [line for line in lines if line["type"] == "end"]
    for source in {line.get("source") for line in ends}:
        complete = any(line["complete"] for line in ends if line["source"] == source)
        if complete and found.get(source) != expected[source]:
            yield f"complete, and {source} is not: {found.get(source)}"
    if is_done and (found != expected or not all(line["complete"] for line in ends) or len(ends) != len(expected)):
        yield f"exit code 0, and not all is there: {text[-300:]!r}"


def _finals(lines: Iterator[dict[str, object]] | Sequence[dict[str, object]]) -> dict[object, list[tuple[object, ...]]]:
    found: dict[object, list[tuple[object, ...]]] = {}
    for line in lines:
        if line["type"] == "final":
            told = (line["index"], line["text"], line["begin_ms"], line["end_ms"])
            found.setdefault(line["source"], []).append(told)
    return found


def _plain_text(text: str, whole: str, *, is_done: bool) -> Iterator[str]:
    if is_done and text != whole:
        yield f"exit code 0, and not all is there: {text!r}"
    if text and not text.endswith("\n"):
        yield f"half a line: {text[-60:]!r}"
    if not set(text.splitlines()) <= set(whole.splitlines()):
        yield f"a line that nobody said: {text!r}"


def on_stdout(run: Run, whole: Run, *, as_json: bool) -> Iterator[str]:
    check = _json_text if as_json else _plain_text
    yield from check(run.out.decode(), whole.out.decode(), is_done=run.code == 0 and not _leaves(run))


def in_file(run: Run, whole: Run, *, name: str) -> Iterator[str]:
    check = _json_text if name.endswith(".jsonl") else _plain_text
    files = {path.name for path in run.results.iterdir()} - {name, "sound.wav"}
    if files:
        yield f"left behind: {', '.join(sorted(files))}"
    path = run.results / name
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    yield from check(text, (whole.results / name).read_text(encoding="utf-8"), is_done=run.code == 0)
    yield from _recording(run, whole)


def _recording(run: Run, whole: Run) -> Iterator[str]:
    """The file of --save-audio: all of the sound where the run says so, and a wav at every moment."""
    path, other = run.results / "sound.wav", whole.results / "sound.wav"
    if run.code == 0 and other.exists() and (not path.exists() or path.read_bytes() != other.read_bytes()):
        yield "exit code 0, and the recording is not whole"
    yield from _is_wav(path)


def _is_wav(path: Path) -> Iterator[str]:
    if path.exists():
        try:
            soundfile.info(path)
        except soundfile.LibsndfileError as error:
            yield f"the recording is no wav: {error}"


def heard(run: Run, whole: Run) -> Iterator[str]:
    """What a microphone hears differs each time, its name too, but for what the service says of it."""
    found, expected = (_lines_without_source(each) for each in (run, whole))
    yield from _json_text(found, expected, is_done=run.code == 0 and not _leaves(run))
    yield from _is_wav(run.results / "sound.wav")


def _lines_without_source(run: Run) -> str:
    return re.sub(r'"source":"[^"]*"', '"source":null', run.out.decode())


def in_folder(run: Run, whole: Run) -> Iterator[str]:
    """Results are whole or not there; the run after one that failed does what is not done."""
    yield from _results(run.results, whole.results, all_there=run.code == 0)
    if run.code and run.repeat is not None:
        again = run.repeat()
        yield from (f"the next run: {each}" for each in _results(run.results, whole.results, all_there=True))
        if again.code != 0:
            yield f"the next run ends with {again.code}: {again.err.strip()}"


def _results(folder: Path, whole: Path, *, all_there: bool) -> Iterator[str]:
    expected = {path.name: path for path in whole.iterdir()}
    for path in sorted(folder.iterdir()):
        if path.name not in expected:
            yield f"left behind: {path.name}"
        elif path.suffix == ".jsonl":
            text, reference = path.read_text(encoding="utf-8"), expected[path.name].read_text(encoding="utf-8")
            yield from (f"{path.name}: {each}" for each in _json_text(text, reference, is_done=True))
    missing = expected.keys() - {path.name for path in folder.iterdir()}
    if all_there and missing:
        yield f"exit code 0 without {', '.join(sorted(missing))}"


def as_always(run: Run, whole: Run) -> Iterator[str]:
    if run.code == 0 and not _leaves(run) and run.out != whole.out:
        yield f"exit code 0, and other output: {run.out[-200:]!r}"


def bench(run: Run, whole: Run) -> Iterator[str]:
    """A failed task is a result too; but the report is there, and whole."""
    if run.code == 0 and not _leaves(run):
        try:
            is_same = json.loads(run.out).keys() == json.loads(whole.out).keys()
        except ValueError:
            is_same = False
        if not is_same:
            yield f"exit code 0, and another report: {run.out[-200:]!r}"


def silent(run: Run, whole: Run) -> Iterator[str]:
    """Nothing but the address is on standard output, which differs each time."""
    if run.code == 0 and not run.out and not _leaves(run):
        yield "exit code 0, and no address"
