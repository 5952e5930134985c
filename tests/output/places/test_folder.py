"""`--output-dir`: what is done already, what is done again, and what is never written over."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from asrcli.output.formats import REGISTRY
from asrcli.output.places import sidecar
from asrcli.output.places.folder import Folder
from asrcli.output.places.sidecar import BrokenSidecar, Sidecar
from asrcli.values.context import Turn
from asrcli.values.errors import UsageError
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import RecognitionOptions
from tests.support.result_place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_each_source_has_a_result_and_a_sidecar(place: Place) -> None:
    assert place.run() == [True, True]
    assert place.texts() == {"a.txt": "text\n", "b.txt": "text\n"}
    assert sorted(path.name for path in place.out.iterdir()) == [
        ".a.txt.asrcli.json", ".b.txt.asrcli.json", "a.txt", "b.txt",
    ]  # fmt: skip
    document = json.loads((place.out / ".a.txt.asrcli.json").read_text())
    assert sorted(document) == ["asrcli_sidecar", "audio_sha256", "options_sha256", "result_sha256", "source"]


def test_nothing_is_there_before_it_is_complete(place: Place) -> None:
    [first, second] = place.results()
    assert first is not None
    assert second is not None
    first.write("half ")
    assert list(place.out.iterdir()) == []
    first.drop()
    second.keep()
    assert place.texts() == {"b.txt": ""}


def test_a_rerun_leaves_out_what_is_done(place: Place) -> None:
    place.run()
    (place.out / "b.txt").unlink()
    assert place.run(text="new") == [False, True]
    assert place.said == ["1 of 2 is done already"]
    assert place.texts() == {"a.txt": "text\n", "b.txt": "new\n"}


def test_other_audio_is_done_again(place: Place) -> None:
    place.run()
    place.sources[1].write_bytes(b"other")
    assert place.run(text="new") == [False, True]
    assert place.said == [f"{place.sources[1]} has changed and will be done again", "1 of 2 is done already"]
    assert place.texts()["b.txt"] == "new\n"
    assert place.run() == [False, False]


def test_other_options_do_all_again(place: Place) -> None:
    place.run()
    assert place.run("other", text="new") == [True, True]
    assert place.said == ["2 of 2 will be done again, with other options"]
    assert place.texts() == {"a.txt": "new\n", "b.txt": "new\n"}
    assert not list(place.out.glob("*~"))


def test_force_does_all_again(place: Place) -> None:
    place.run()
    (place.out / "b.txt").write_text("by hand\n")
    assert place.run(force=True, text="new") == [True, True]
    assert place.texts() == {"a.txt": "new\n", "b.txt": "new\n"}


def test_a_result_that_was_changed_by_hand_and_fits_is_done_and_stays(place: Place) -> None:
    place.run()
    (place.out / "a.txt").write_text("better\n")
    assert place.run() == [False, False]
    assert place.texts()["a.txt"] == "better\n"


def test_a_result_that_was_changed_by_hand_is_never_replaced_without_force(place: Place) -> None:
    place.run()
    (place.out / "a.txt").write_text("better\n")
    with pytest.raises(UsageError, match=r"a\.txt was changed since asrcli made it"):
        place.results("other")
    assert place.texts()["a.txt"] == "better\n"


def test_all_results_in_the_way_are_counted_at_once(place: Place) -> None:
    place.run()
    for name in ("a.txt", "b.txt"):
        (place.out / name).write_text("better\n")
    with pytest.raises(UsageError, match=r"a\.txt was changed since asrcli made it; and 1 more like that") as caught:
        place.results("other")
    assert caught.value.hint.startswith("move them away")


def test_a_file_that_is_not_ours_is_never_replaced_without_force(place: Place) -> None:
    place.out.mkdir()
    (place.out / "b.txt").write_text("mine\n")
    with pytest.raises(UsageError, match=r"b\.txt exists already, and asrcli did not make it"):
        place.results()
    assert place.run(force=True) == [True, True]


FORMS = {".srt": "s", ".jsonl": "j"}


def test_each_form_of_each_source_has_a_result_and_a_sidecar(place: Place) -> None:
    assert place.run_forms(FORMS) == [["a.srt", "a.jsonl"], ["b.srt", "b.jsonl"]]
    assert place.said == [f"2 results written to {place.out}"]
    assert len(list(place.out.glob(".*.asrcli.json"))) == 4
    assert place.run_forms(FORMS) == [[], []]
    assert place.said == ["2 of 2 are done already", f"2 results written to {place.out}"]


def test_only_the_form_that_is_missing_is_made_again(place: Place) -> None:
    place.run_forms(FORMS)
    (place.out / "a.srt").write_text("better\n")
    (place.out / "a.jsonl").unlink()
    assert place.run_forms(FORMS, text="new") == [["a.jsonl"], []]
    assert place.said[:2] == ["1 of 2 will be done again, for a form that is missing", "1 of 2 is done already"]
    assert place.texts() == {"a.srt": "better\n", "a.jsonl": "new\n", "b.srt": "text\n", "b.jsonl": "text\n"}


def test_a_further_form_leaves_those_that_are_there(place: Place) -> None:
    place.run_forms({".srt": "s"})
    assert place.run_forms(FORMS, text="new") == [["a.jsonl"], ["b.jsonl"]]
    assert place.texts()["a.srt"] == "text\n"
    # Options that shape one form only.
    assert place.run_forms({**FORMS, ".srt": "other"}, text="newer") == [["a.srt"], ["b.srt"]]
    assert place.said[0] == "2 of 2 will be done again, with other options"


def test_a_changed_source_is_done_again_in_every_form(place: Place) -> None:
    place.run_forms(FORMS)
    place.sources[0].write_bytes(b"other")
    assert place.run_forms(FORMS) == [["a.srt", "a.jsonl"], []]
    assert place.said[0] == f"{place.sources[0]} has changed and will be done again"


def test_a_form_in_the_way_stops_all(place: Place) -> None:
    place.out.mkdir()
    (place.out / "b.jsonl").write_text("mine\n")
    with pytest.raises(UsageError, match=r"b\.jsonl exists already, and asrcli did not make it"):
        place.run_forms(FORMS)
    assert place.texts() == {"b.jsonl": "mine\n"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"asrcli_sidecar": 2}', b'{"asrcli_sidecar": 1, "source": 3}', b"[" * 9999]
)
def test_a_broken_sidecar_is_one_warning_and_the_source_is_done_again(place: Place, content: bytes) -> None:
    """The result that nothing is known of is kept beside the new one."""
    place.run()
    (place.out / ".a.txt.asrcli.json").write_bytes(content)
    assert place.run(text="new") == [True, False]
    [warning] = place.warned
    assert ".a.txt.asrcli.json is broken" in warning
    assert place.texts() == {"a.txt": "new\n", "a.txt~": "text\n", "b.txt": "text\n"}
    assert place.run() == [False, False]


def test_a_sidecar_without_its_result_says_nothing(place: Place) -> None:
    """As after a kill between the two; a broken one does not matter either then."""
    place.run()
    (place.out / "a.txt").unlink()
    (place.out / "b.txt").unlink()
    (place.out / ".b.txt.asrcli.json").write_text("{")
    assert place.run() == [True, True]
    assert place.warned == []


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_in_the_place_of_a_sidecar_is_found_before_anything_is_done(place: Place, force: bool) -> None:
    place.run()
    (place.out / ".b.txt.asrcli.json").unlink()
    (place.out / ".b.txt.asrcli.json").mkdir()
    with pytest.raises(UsageError, match=r"\.b\.txt\.asrcli\.json is a folder"):
        place.results("other", force=force)
    assert place.texts() == {"a.txt": "text\n", "b.txt": "text\n"}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["x/a.wav", "a.mp3"], "x/a.wav and a.mp3 would both be"),
        (["a.wav", "A.wav"], "a.wav and A.wav would both be"),
        (["e\u0301.wav", "\u00e9.wav"], "would both be"),
        (["a.wav", "a.wav"], "a.wav is given twice"),
        (["a.wav", "x/../a.wav"], "a.wav is given twice"),
        (["a.wav", "a.mp3", "b.wav", "b.mp3", "b.ogg"], "would both be .*; and 2 more like that"),
        (["-"], "standard input"),
        ([f"{'a' * 245}.wav"], "too long"),
    ],
)
def test_names_that_cannot_work_are_found_at_once(place: Place, names: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        place.folder().check(names)
    assert not place.out.exists()


def test_a_result_is_never_written_over_its_source(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even with --force: a source may be called anything, talk.txt too."""
    monkeypatch.chdir(place.path)
    (place.path / "talk.txt").touch()
    folder = Folder(Path(), {".txt": "o"}, force=True, say=place.said.append)
    with pytest.raises(UsageError, match="the source itself"):
        folder.check(["talk.txt"])
    folder = Folder(Path(), {".jsonl": "o", ".txt": "o"}, force=True, say=place.said.append)
    with pytest.raises(UsageError, match="the source itself"):
        folder.check(["talk.txt"])


def test_a_source_that_is_no_file_cannot_be_told_from_another(place: Place) -> None:
    pipe = place.path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="is for files"):
        place.folder().results([str(pipe)], place.warned.append)


def test_a_folder_that_cannot_be_written_is_found_at_once(place: Place) -> None:
    place.out.touch()
    with pytest.raises(UsageError, match="is not a folder"):
        place.folder().check(["a.wav"])
    nowhere = Folder(Path("/proc/nowhere"), {".txt": "o"}, force=False, say=place.said.append)
    with pytest.raises(UsageError, match="cannot make the folder /proc/nowhere"):
        nowhere.make()
    # It is there, root may do everything, and still no file can be made in it.
    with pytest.raises(UsageError, match="cannot write to /proc: "):
        Folder(Path("/proc"), {".txt": "o"}, force=False, say=place.said.append).make()


def test_a_folder_in_the_place_of_a_result_is_named(place: Place) -> None:
    (place.out / "a.txt").mkdir(parents=True)
    for force in (False, True):
        with pytest.raises(UsageError, match=r"a\.txt is a folder"):
            place.results(force=force)


def test_the_format_gives_the_suffix(place: Place) -> None:
    for form, name in (("text", "a.txt"), ("json", "a.jsonl")):
        [[result]] = place.folder(suffix=REGISTRY[form].suffixes[0]).results(
            [str(place.sources[0])], place.warned.append
        )
        assert result is not None
        assert result.path.name == name
        result.drop()


def test_the_hash_of_the_options_knows_what_was_said() -> None:
    """What the user left to the service is not in it; each thing that was said is."""
    plain = RecognitionOptions("m")
    said = [
        replace(plain, model="n"),
        replace(plain, audio_format=PcmFormat(8000)),
        replace(plain, languages=("en",)),
        replace(plain, hotwords={"word": 4}),
        replace(plain, encoding="opus"),
        replace(plain, extra={"x": [1, None]}),
        replace(plain, context=(Turn("\udcff"),)),
    ]
    hashes = [sidecar.options_sha256(options, {}) for options in (plain, *said)]
    assert len(set(hashes)) == len(hashes)
    assert sidecar.options_sha256(replace(plain, languages=("en",)), {}) == hashes[3]
    assert sidecar.options_sha256(plain, {"region": "cn"}) != hashes[0]


def test_a_sidecar_survives_being_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "sidecar"
    written = Sidecar("t\udcffalk\n.wav", "1", "2", "3")
    path.write_text(written.text(), encoding="utf-8")
    assert sidecar.read(path) == written
    assert sidecar.read(tmp_path / "none") is None
    with pytest.raises(BrokenSidecar):
        sidecar.read(tmp_path)
