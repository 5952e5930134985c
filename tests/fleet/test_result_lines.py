"""A line of results: what is written is what is read, and what is anything else is told from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrcli.fleet.result_lines import Broken, Noted, Outcome, Sound, read

_HASH = "0123456789abcdef" * 4
_AT = "2026-11-26T10:47:58.123+00:00"
_sounds = st.none() | st.builds(
    Sound, st.integers(0), st.integers(0), st.none() | st.text(), st.none() | st.just(_HASH)
)
_json = st.recursive(st.none() | st.integers() | st.text(), lambda each: st.dictionaries(st.text(), each), max_leaves=5)


def outcome(**said: Any) -> Outcome:
    known: dict[str, Any] = {"id": "a", "audio": "talks/a.wav", "complete": True, "options": _HASH, "at": _AT}
    return Outcome(**known | said)


def test_a_line_says_all_that_is_known():
    whole = outcome(
        text="One.\nTwo.", paths=("out/a.txt",), seconds=9.8, billed_s=10, model="m", languages=("en",), resent_s=1.5,
        reconnects=2, sound=Sound(320_044, 17, None, _HASH), others={"speaker": "b", "snr": float("nan")},
    )  # fmt: skip
    assert json.loads(whole.line()) == {
        "id": "a", "audio": "talks/a.wav", "complete": True, "text": "One.\nTwo.", "path": "out/a.txt", "seconds": 9.8,
        "billed_s": 10, "model": "m", "language": "en", "reconnects": 2, "resent_s": 1.5, "error": None,
        "manifest": {"speaker": "b", "snr": None}, "options": _HASH,
        "sound": {"bytes": 320_044, "modified_ns": 17, "sha256": _HASH}, "at": _AT,
    }  # fmt: skip
    assert json.loads(outcome(truncated=True).line())["truncated"] is True
    several = json.loads(outcome(paths=("a.srt", "a.html"), languages=("en", "zh"), complete=False, error={}).line())
    assert (several["paths"], several["language"], several["error"]) == (["a.srt", "a.html"], ["en", "zh"], {})
    assert "path" not in several
    assert "manifest" not in several


def test_what_lets_one_in_at_an_address_is_not_kept_of_other_fields():
    said = json.loads(outcome(others={"from": ["https://host/a.wav?v=1&Signature=se-cret"]}).line())
    assert said["manifest"]["from"][0].startswith("https://host/a.wav?v=1&Signature=")
    assert "se-cret" not in str(said)


@settings(max_examples=30)
@given(st.text(), st.text(), st.booleans(), _sounds, st.dictionaries(st.text(), _json), st.text(), st.data())
def test_what_is_written_is_read_in_whatever_words_and_whoever_wrote_it(id, text, complete, sound, others, path, data):
    audio = data.draw(st.text())
    line = outcome(id=id, audio=audio, text=text, complete=complete, sound=sound, others=others, paths=(path,)).line()
    mark, sha256 = (b"", "") if sound is None else (sound.mark, sound.sha256 or "")
    expected = Noted(id, audio, complete, _HASH.encode(), mark, sha256.encode())
    assert read(line.encode() + b"\n") == expected
    # In another order, and spaced: by another program.
    shuffled = data.draw(st.permutations(list(json.loads(line).items())))
    assert read(json.dumps(dict(shuffled)).encode()) == expected


@pytest.mark.parametrize(
    "others", [{"options": "x" * 64}, {"sound": {"bytes": 1}}, {"x": {"id": "b", "complete": False}}, {"id": 'a"\\'}]
)
def test_what_a_manifest_says_is_not_taken_for_what_we_say(others):
    line = outcome(others=others, sound=Sound(1, 2)).line().encode()
    assert read(line) == Noted("a", "talks/a.wav", True, _HASH.encode(), b'"bytes":1,"modified_ns":2', b"")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\0\0\0",
        b"[]",
        b'{"id": "a"}',
        b'{"id": 1, "complete": true}',
        b'{"id": "a", "complete": 1}',
        b'{"type": "begin"}',
        outcome().line().encode()[:-1],
        outcome().line().encode()[:60] + outcome(id="b").line().encode(),
        b"\xff" + outcome().line().encode(),
    ],
)
def test_what_is_no_line_of_results_is_broken(line):
    with pytest.raises(Broken):
        read(line)


def test_a_line_that_was_cut_anywhere_is_broken():
    line = outcome(text="Ein Satz.", sound=Sound(1, 2, None, _HASH)).line().encode()
    for end in range(len(line)):
        with pytest.raises(Broken):
            read(line[:end] + b"\n")
