"""A line without a command means `file`, or is answered with ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from asrcli.cli import other_tools
from asrcli.cli.app import app
from asrcli.cli.commands import SUMMARIES
from asrcli.cli.first_words import with_command
from asrcli.output.wording import words
from asrcli.values.errors import UsageError

ROOT: Any = typer.main.get_command(app)


def completed(*arguments: str) -> list[str]:
    return with_command([*arguments], lambda name: ROOT.commands[name])


def refusal(*arguments: str) -> str:
    with pytest.raises(UsageError) as caught:
        completed(*arguments)
    return words(caught.value)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talks").mkdir()
    (tmp_path / "notes").write_text("")
    # What has the name of a command, or of another tool's, is not taken for a source.
    (tmp_path / "models").write_text("")
    (tmp_path / "record").write_text("")


@pytest.mark.parametrize(
    "line",
    [
        ["talk.wav"], ["TALK.MP3", "--json"], ["-"], ["talks"], ["talks/"], ["notes"], ["*.wav", "x.ogg"],
        ["-l", "en", "talk.wav"], ["--model=m", "-v", "talk.wav", "-o", "x.srt"], ["-men", "talk.wav"], ["--json", "-"],
        ["--", "talk.wav"], ["--no-partials", "--jobs", "4", "talks"],
    ],
)  # fmt: skip
def test_what_can_only_be_a_source_is_one_for_file(line):
    assert completed(*line) == ["file", *line]


@pytest.mark.parametrize(
    "line",
    [
        [], ["file", "talk.wav"], ["models"], ["--help"], ["-V"], ["--install-completion=bash"], ["fiel"], ["--json"],
        ["x" * 5000], ["a\0b"], ["-l", "talk.wav"], ["--"],
    ],
)  # fmt: skip
def test_every_other_line_stays_as_it_is(line):
    assert completed(*line) == line


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("transcribe a.wav --json", "here it is `asrcli file a.wav --json`"),
        ("transcribe", "here it is `asrcli file talk.wav`"),
        ("Transcribe", "here it is `asrcli file talk.wav`"),
        ("listen", "here it is `asrcli mic`"),
        ("record", "here it is `asrcli mic`; or `asrcli file record` for what is called so"),
        ("subtitles a.mp4", "here it is `asrcli file a.mp4 -o talk.srt`"),
        ("srt", "here it is `asrcli file talk.wav -o talk.srt`"),
        ("server --port 1", "here it is `asrcli serve --port 1`"),
        ("list_devices", "here it is `asrcli devices`"),
        ("version", "here it is `asrcli --version`"),
        ("listen a.wav --json", "here it is `asrcli file a.wav --json`"),
        ("listen --json", "here it is `asrcli mic --json`"),
        ("list", "`config show` list something"),
        ("update", "what has installed asrcli updates it"),
        ("auth login", "the key is in DASHSCOPE_API_KEY"),
        ("login", "`asrcli config set api_key_file FILE`"),
        ("translate a.wav", "it cannot translate"),
        ("diarize a.wav", "cannot tell speakers apart"),
        ("-l en file a.wav", "options stand after the command: -l (`asrcli file -l en a.wav`)"),
    ],
)
def test_what_is_called_otherwise_elsewhere_is_answered_with_our_word(line, said):
    assert said in refusal(*line.split())


def test_our_words_are_commands_and_options_that_there_are():
    for theirs, ours in other_tools.COMMANDS.items():
        name, *line = ours.replace("|", " ").split()
        assert theirs not in SUMMARIES
        if name.startswith("--"):
            assert name in {opt for each in ROOT.params for opt in each.opts}
        else:
            ROOT.commands[name].loaded.make_context(name, line, resilient_parsing=True)


def test_our_options_are_options_of_a_command_and_theirs_are_none_of_it():
    for name, lazy in ROOT.commands.items():
        known = {opt for each in lazy.loaded.params for opt in (*each.opts, *each.secondary_opts)}
        for option in known:
            assert other_tools.cannot(option) is None, f"{name} {option}"
    options = [each for lazy in ROOT.commands.values() for each in lazy.loaded.params]
    everywhere = {opt for each in options for opt in (*each.opts, *each.secondary_opts)}
    assert {ours.split()[0] for ours in other_tools.OPTIONS} <= everywhere


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("file a.wav --srt", "here it is -f srt"),
        ("file a.wav --output-srt", "here it is -f srt"),
        ("file a.wav --txt", "here it is -f text"),
        ("file a.wav --json_lines", "here it is -f json"),
        ("file a.wav --word_timestamps", "here it is -f json"),
        ("file a.wav --output_dir x", "here it is --output-dir"),
        ("file a.wav --initial_prompt x", "here it is --context"),
        ("file a.wav --translate", "it cannot translate"),
        ("file a.wav --task translate", "it cannot translate"),
        ("mic --diarize", "cannot tell speakers apart"),
        ("file a.wav --beam_size 5", "needs no model on this machine"),
        ("file --mic", "here it is `asrcli mic`"),
        ("file a.wav --clips d", "here it is `asrcli render TALK.jsonl --clips DIR`"),
        ("file -i a.wav", "here it is `asrcli file FILE`"),
        ("mic --input-device usb", "here it is --device"),
        ("mic --jobs 4", "here it is `asrcli file FILE`"),
        ("qwen a.wav --prompt x", "here it is --corpus"),
        ("file a.wav --sentiment", "here it is --labels"),
        ("file a.wav --stdout", "here it is -o -"),
        ("file a.wav --workers 4", "here it is --cluster local:N, or --jobs N for sources at once"),
        ("qwen a.wav --workers 4", "here it is --jobs"),
        ("file a.wav --nodes 4", "here it is --cluster tcp://HOST:8786"),
        ("file a.wav --dask x", "here it is --cluster tcp://HOST:8786"),
        ("file a.wav --num-shards 4", "here it is --shard K/N"),
        ("file --manifest_file a.jsonl", "here it is --manifest"),
        ("file a.wav --rate-limit 5", "here it is --rate N/s"),
        ("file a.wav --plan", "here it is --dry-run"),
        ("file a.wav --vad_filter", "no option --vad_filter (see `asrcli file --help`)"),
        ("file a.wav --json-output", "here it is --json"),
        ("file a.wav --langua en", "did you mean --language?"),
        ("file a.wav --jbos 3", "did you mean --jobs?"),
        ("upgrad", "no file of that name (`asrcli --help` lists them)"),
        ("file a.wav --frmat srt", "did you mean --format?"),
        ("serve --nonsense", "see `asrcli serve --help`"),
        ("--srt", "name a file: `asrcli file FILE -f srt`"),
        ("--stats", "name a file: `asrcli file FILE --stats`"),
        ("file", "nothing to transcribe (name a file, - for standard input, or --manifest FILE)"),
        ("rtmp://x/y.mp3", "`curl -L rtmp://x/y.mp3 | asrcli file -`"),
        ("file rtmp://x/y.mp3?a=b&c", "`curl -L 'rtmp://x/y.mp3?a=b&c' | asrcli file -`"),
        ("mic a.wav", "a file is for `asrcli file a.wav`"),
        ("vocab ls", "did you mean `asrcli vocab list`?"),
        ("vocab shwo", "did you mean `asrcli vocab show`?"),
        ("trancribe a.wav", "did you mean `asrcli file`?"),
        ("nonsense", "there is no command 'nonsense', and no file of that name"),
        ("help nonsense", "there is no command 'nonsense'"),
        ("help vocab creat", "did you mean create?"),
    ],
)
def test_what_is_refused_is_told_on_one_line_with_our_word(asrcli, line, said):
    done = asrcli(*line.split())
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert "Invalid value" not in done.err


@pytest.mark.parametrize(
    "key", [("-k", "sk-secret123"), ("-ksk-secret123",), ("--api-key=sk-secret123",)], ids=" ".join
)
def test_no_key_stands_in_the_line_that_is_proposed(asrcli, key):
    for line in (("transcribe", "a.wav", *key), (*key, "file", "a.wav")):
        done = asrcli(*line)
        assert done.code == 2
        assert "asrcli file" in done.err
        assert "secret123" not in done.err


@pytest.mark.parametrize("names", [(), ("file",), ("vocab", "create"), ("reuse-bench",)], ids=" ".join)
def test_help_is_a_command_too(asrcli, names):
    assert asrcli("help", *names).out == asrcli(*names, "--help").out


def test_a_file_alone_is_transcribed(asrcli, talk_service):
    talk = Path(__file__).parents[1] / "data" / "talk.wav"
    line = ("--endpoint", talk_service, "--api-key", "any", "--pace", "fast", "-q")
    whole = asrcli("file", talk, *line)
    assert whole.code == 0
    assert "umbrella" in whole.out
    assert asrcli(talk, *line) == asrcli(*line, talk) == whole
