"""Which forms the results have and where each goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from asrcli.runs.choose_forms import STANDARD_OUTPUT, Form, forms_of
from asrcli.runs.request import OutputOptions
from asrcli.values.errors import UsageError
from tests.support.wording import says


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def options(*names: str, form: tuple[str, ...] = (), json: bool = False) -> OutputOptions:
    return OutputOptions(format=form, json=json, output=tuple(map(Path, names)))


def found(asked: OutputOptions) -> list[tuple[str, str]]:
    return [(form.name, str(form.place)) for form in forms_of(asked)]


@pytest.mark.parametrize(
    ("asked", "forms"),
    [
        (options(), [("text", "-")]),
        (options("-"), [("text", "-")]),
        (options(json=True), [("json", "-")]),
        (options(form=("json",), json=True), [("json", "-")]),
        (options("a.srt", "a.NDJSON", "-"), [("srt", "a.srt"), ("json", "a.NDJSON"), ("text", "-")]),
        (options("a.srt", "b", "-", form=("vtt",)), [("srt", "a.srt"), ("vtt", "b"), ("vtt", "-")]),
        (options("a.srt", "b.vtt", form=("vtt",)), [("srt", "a.srt"), ("vtt", "b.vtt")]),
        (options("a.srt", "-", json=True), [("srt", "a.srt"), ("json", "-")]),
        (options("a.xyz", form=("srt",)), [("srt", "a.xyz")]),
        (options("b", "a.srt", "-", form=("srt", "ass", "json")), [("ass", "b"), ("srt", "a.srt"), ("json", "-")]),
        (options("a", form=("jsonl",)), [("json", "a")]),
        (options("a", "b", form=("txt", "Markdown")), [("text", "a"), ("md", "b")]),
        (options("srt", form=("json",)), [("json", "srt")]),
        (options("text"), [("text", "text")]),
        (options(".srt", "/dev/null"), [("text", ".srt"), ("text", "/dev/null")]),
    ],
)
def test_a_name_says_its_form_and_what_is_asked_for_goes_to_the_others(
    asked: OutputOptions, forms: list[tuple[str, str]]
) -> None:
    assert found(asked) == forms


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (options("a.srt", json=True), "a.srt is a name for srt, and json is asked for"),
        (options("a.srt", "b.vtt", form=("json", "vtt")), "and json is asked for"),
        (options(form=("srt", "vtt")), "srt and vtt exclude each other in one place .*-o, .*--output-dir"),
        (options(form=("text",), json=True), "text and json exclude each other"),
        (options("a", form=("srt", "vtt", "ass")), "srt, vtt and ass exclude each other in one place"),
        (options("a", "b", "c.srt", form=("srt", "vtt")), "exclude each other in one place"),
        (options("a.xyz"), r"a.xyz: no format is known by .xyz .*\.txt, \.jsonl"),
        (options("a.srt.gz"), "no format is known by .gz"),
        (options(form=("srt,vtt",)), "--format 'srt,vtt' is not known .*repeat it: -f srt -f vtt"),
        (options(form=(".txt",)), "--format '.txt' is not known .*here it is -f text"),
        (options(form=("a.srt",)), "--format 'a.srt' is not known"),
        (options(form=("json", "jsonl")), "--format json is given twice"),
        (options("srt"), "--output srt names a form where it takes a file .*-f srt; .* -o talk.srt"),
        (options("x/markdown"), "--output x/markdown names a form .*-f md; .* -o x/talk.md"),
        (options(form=("txet",)), "--format 'txet' is not known .*text, json, .*nearest is text"),
        (options(form=("srt", "srt")), "--format srt is given twice"),
        (options("-", "-"), "--output - is given twice"),
        (options("a.srt", "x/../a.srt"), "x/../a.srt is the same file as a.srt"),
        (options("a.srt", "./a.srt"), "a.srt is given twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked: OutputOptions, said: str) -> None:
    Path("x").mkdir()
    with pytest.raises(UsageError, check=says(said)):
        forms_of(asked)


def test_two_names_of_one_file_are_refused_whatever_they_are() -> None:
    Path("a.srt").touch()
    os.link("a.srt", "b.srt")
    Path("c.srt").symlink_to("a.srt")
    Path("d.srt").symlink_to("new.srt")
    for pair in (("a.srt", "b.srt"), ("c.srt", "a.srt"), ("d.srt", "new.srt")):
        with pytest.raises(UsageError, match="is the same file as"):
            forms_of(options(*pair))


def test_a_pipe_may_be_called_anything() -> None:
    os.mkfifo("talk.pipe")
    assert found(options("talk.pipe")) == [("text", "talk.pipe")]


def test_a_folder_takes_every_form() -> None:
    folder = Path("out")
    assert forms_of(options(), folder) == [Form("text", None)]
    assert forms_of(options(form=("srt", "text"), json=True), folder) == [
        Form("srt", None), Form("text", None), Form("json", None),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="exclude each other"):
        forms_of(options("a.txt"), folder)
    assert Form("srt", STANDARD_OUTPUT).file is None
    assert Form("srt", Path("a")).file == Path("a")
