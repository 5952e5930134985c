"""What files set that the model in force lacks or does not know: where it stands is told, before a run and by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.service import TALK_WAV


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch) -> Path:
    """The user's own file, which is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asrcli").mkdir()
    return tmp_path / "asrcli" / "config.toml"


LACKS = "vad_model: fun-asr-realtime has no --vad-model (-m qwen-audio-3.1-asr-flash-streaming has; or leave it out)"


def test_a_run_that_a_file_stops_names_the_line(asrcli, own):
    own.write_text('# mine\nvad_model = "far_field_meeting_16k"\n')
    done = asrcli("file", TALK_WAV, "--region", "local")
    assert (done.code, done.out, done.err) == (2, "", f"asrcli: error: {own}:2: {LACKS}\n")
    # What is typed is not the file's.
    done = asrcli("file", TALK_WAV, "--region", "local", "--vad-model", "near_meeting_16k")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("asrcli: error: fun-asr-realtime has no --vad-model ")
    done = asrcli("file", "none.wav", "--region", "local", "-m", "qwen-audio-3.1-asr-flash-streaming")
    assert "vad" not in done.err
    assert asrcli("file", "--help").code == asrcli("models").code == 0


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ('vad_model = "far_field_meeting_16k"', 1, [f":1: {LACKS}"]),
        ('model = "qwen-audio-3.1-asr-flash-streaming"\nvad_model = "far_field_meeting_16k"', 0, [": fine"]),
        ('model = "nosuch"', 0, [":1: warning: model: the model 'nosuch' is not in the catalogue of this version"]),
        ('[mic]\nmask_words = "@none"', 0, [": fine"]),
        ('[mic]\nmodel = "qwen3-asr-flash-realtime"\nmask_words = "@none"', 1, [":3: mask_words: qwen3-"]),
        ('language = "english"', 1, [":1: language: "]),
        (
            'region = "cn"\n[mic]\nmodel = "paraformer-realtime-v2"\ncontext = "@none"',
            1,
            [":4: context: paraformer-realtime-v2 has no"],
        ),
        (
            'region = "intl"\nmodel = "paraformer-realtime-v2"',
            0,
            [":2: warning: model: paraformer-realtime-v2 is in the region cn, and this goes to intl (--region cn"],
        ),
        ('api-key-file = "none"', 0, [":1: warning: api-key-file: cannot read the key from --api-key-file none: No"]),
        ('[qwen]\nmodel = "fun-asr-realtime"', 1, [":2: model: fun-asr-realtime is not of the Qwen-ASR-"]),
        ('[qwen]\nwire_rate = "8000"', 0, [": fine"]),
        ('hotwords = "Aliya:5"\n[file]\nmodel = "qwen3-asr-flash-realtime"', 1, [":1: hotwords: for file: qwen3-"]),
        ('param = ["nothing=1"]', 0, [":1: warning: param: --param nothing is not known to this version"]),
        (
            'multi_threshold = true\n[profile.a]\nmodel = "qwen3-asr-flash-realtime"\n[profile.b]\nvad_model = "x"',
            1,
            [":1: multi_threshold: with --profile a: qwen3-", ":5: vad_model: fun-asr-realtime has no"],
        ),
    ],
)
def test_check_tells_what_does_not_fit_the_model_in_force(asrcli, own, text, code, told):
    own.write_text(text)
    done = asrcli("config", "check")
    lines = done.out.splitlines()
    assert (done.code, done.err, len(lines)) == (code, "", len(told)), lines
    for line, beginning in zip(lines, told, strict=True):
        assert line.startswith(f"{own}{beginning}")


def test_json_keeps_warnings_apart(asrcli, own):
    own.write_text('model = "nosuch"\nlanguage = "english"')
    document = json.loads(asrcli("config", "check", "--json").out)
    assert [each["line"] for each in document["problems"]] == [2]
    assert [each["line"] for each in document["warnings"]] == [1]


def test_set_warns_of_what_does_not_fit_once(asrcli, own):
    done = asrcli("config", "set", "vad_model", "far_field_meeting_16k")
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines()[1:] == [f"asrcli: warning: {own}:1: {LACKS}"]
    assert asrcli("config", "set", "retries", "4").err.count("\n") == 1
    assert asrcli("config", "set", "model", "qwen-audio-3.1-asr-flash-streaming").err.count("\n") == 1
    done = asrcli("config", "set", "vad_model", "foo")
    assert "vad_model: --vad-model foo is not documented (known: far_field_meeting_16k" in done.err
