"""The README and the guides say what is so: their commands run, their options exist, their links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from asrcli.cli.app import app
from asrcli.cli.commands import SUMMARIES
from asrcli.cli.first_words import with_command
from asrcli.cli.topics import topics
from tests.support.guide_texts import ROOT, TEXTS, anchors, blocks, commands, inline, other_blocks
from tests.support.quick_commands import led_to, quick_commands
from tests.support.service import DATA, TALK_WAV, running_service

_PATIENCE_S = 60
_MICROPHONE = "needs a microphone, which tests of `asrcli mic` have"
_NETWORK = "needs a network"
_MINUTES = "takes minutes"
_MACHINES = "needs more machines, which tests of --cluster stand in for"
_MACHINE = "ends as this machine is, and tests of `asrcli doctor` run it"
# What is not run here, and why. Its words are looked at all the same.
NOT_RUN = {
    "uv tool install '.[serve,ffmpeg]'": _NETWORK,
    "pipx install '.[serve,ffmpeg]'": _NETWORK,
    "pip install '.[serve,ffmpeg]'": _NETWORK,
    "python3 -m venv ~/asrcli": _NETWORK,
    "~/asrcli/bin/pip install '.[cluster,remote,ffmpeg]'": _NETWORK,
    "asrcli file https://example.com/talk.mp3": _NETWORK,
    "asrcli file https://example.com/talk.mp3 -o talk.srt": _NETWORK,
    "asrcli file s3://bucket/talks/ --output-dir texts": _NETWORK,
    "asrcli file --manifest s3://bucket/corpus.jsonl --results s3://bucket/results.jsonl": _NETWORK,
    "asrcli merge s3://bucket/results.jsonl -o results.jsonl": _NETWORK,
    'sbatch --array=1-10 --wrap \'asrcli file --manifest corpus.jsonl --shard "$SLURM_ARRAY_TASK_ID/10"'
    ' --results "results-$SLURM_ARRAY_TASK_ID.jsonl"\'': _MACHINES,
    "parallel -j 4 asrcli file --manifest corpus.jsonl --shard {}/4 --results results-{}.jsonl ::: 1 2 3 4": "is not"
    " installed everywhere; xargs does the same",
    "~/asrcli/bin/dask scheduler --protocol tls --no-dashboard --dashboard-address 127.0.0.1:0": _MACHINES,
    "~/asrcli/bin/dask worker tls://head.example:8786 --nthreads 1 --no-dashboard": _MACHINES,
    "asrcli file --manifest corpus.jsonl --results results.jsonl --cluster tls://head.example:8786 --slots 200 --rate"
    " 20/s": _MACHINES,
    "docker build -t asrcli .": _NETWORK,
    'docker run --rm -e DASHSCOPE_API_KEY -v "$PWD:/data" -w /data asrcli file talk.wav': _NETWORK,
    'docker run --rm --network host -e DASHSCOPE_API_KEY -v "$HOME/.config/dask:/home/asrcli/.config/dask:ro" -v'
    " asrcli-state:/home/asrcli/.local/state --entrypoint dask asrcli worker tls://head.example:8786"
    " --nthreads 1": _MACHINES,
    "make install": _NETWORK,
    "make demo": "takes half a minute of sound",
    "make test": _MINUTES,
    "make check": _MINUTES,
    "asrcli mic": _MICROPHONE,
    "asrcli mic --region local": _MICROPHONE,
    "asrcli mic --test": _MICROPHONE,
    "asrcli mic --send auto": _MICROPHONE,
    "asrcli mic --device usb --save-audio talk.wav > talk.txt": _MICROPHONE,
    "asrcli mic --device monitor": _MICROPHONE,
    "asrcli mic --hotwords names.txt": _MICROPHONE,
    'asrcli mic --context "Ada Lovelace, Grace Hopper"': _MICROPHONE,
    "asrcli mic --context-turns turns.jsonl": _MICROPHONE,
    "mkfifo slides && asrcli mic --context-from slides &": _MICROPHONE,
    'echo "Hedy Lamarr" > slides': "is for the one before it",
    "asrcli mic --json --no-partials | jq --unbuffered -r 'select(.type == \"final\") | .text'": _MICROPHONE,
    "asrcli mic --profile meeting -o meeting.md -o meeting.html --save-audio meeting.opus": _MICROPHONE,
    "asrcli mic --profile meeting --device monitor -o call.md": _MICROPHONE,
    "asrcli mic --no-partials | while read -r line; do printf '%s\\n' \"$line\" >> notes.txt; done": _MICROPHONE,
    "asrcli mic --max-silence 3 --quiet | xclip -selection clipboard": _MICROPHONE,
    "asrcli mic --max-outage 1800 --retries 50": _MICROPHONE,
    "asrcli qwen --mic --manual": _MICROPHONE,
    "asrcli devices": _MICROPHONE,
    "asrcli devices --json": _MICROPHONE,
    'asrcli mic --device "alsa:USB Audio: - (hw:1,0)"': _MICROPHONE,
    "asrcli doctor": _MACHINE,
    "asrcli doctor --region cn": _MACHINE,
    "asrcli doctor --offline": _MACHINE,
    "asrcli doctor --mic": _MACHINE,
    "asrcli doctor --region local": _MACHINE,
    "asrcli doctor --offline --json": _MACHINE,
    "asrcli doctor --ca-bundle company.pem": _MACHINE,
    "asrcli doctor --json | jq '.checks[] | select(.status == \"fail\")'": _MACHINE,
    "ffmpeg -v error -f pulse -i default -af highpass=f=80,afftdn=nr=20:nf=-30 -ac 1 -ar 16000 -f s16le -"
    " | asrcli file -": _MICROPHONE,
    "ffmpeg -v error -i https://radio.example/live.mp3 -f wav - | asrcli file - | grep -i weather": _NETWORK,
    "asrcli file talk.wav --proxy http://proxy.example:3128 --ca-bundle company.pem": _NETWORK,
}
# Options of other programs that are spoken of.
FOREIGN_OPTIONS = {"--srt", "--no-dashboard", "--dashboard-address", "--nworkers", "--scheduler-file"}
_ADDRESS = re.compile(r"wss?://127\.0\.0\.1:\d+")
# A service that stays is started beside the lines that follow it, on a port of its own, and tells its address. What
# nobody has chosen is a script: the recogniser would take seconds.
_PRELUDE = """
set -eu -o pipefail
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
serve() {
    rm -f .address
    mkfifo .address
    asrcli serve --recognizer script:talk.script.jsonl "$@" --port 0 > .address 2> .said &
    read -r ADDRESS < .address
}
"""


def _name(path: Path) -> str:
    return path.stem


@pytest.fixture(scope="module")
def ffmpeg() -> str:
    import imageio_ffmpeg

    return shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory, ffmpeg: str) -> Iterator[Path]:
    """A folder for the PATH: `asrcli`, whose service is here, an ffmpeg, and an arecord that has heard the talk."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "ffmpeg").symlink_to(ffmpeg)
    recorder = folder / "arecord"
    recorder.write_text("#!/bin/sh\nexec tail -c 64000 talk.wav\n", encoding="utf-8")
    recorder.chmod(0o755)
    with running_service() as service, quick_commands(folder, led_to(service.url)):
        yield folder


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory, ffmpeg: str) -> Path:
    """A folder as a reader has it: talks of seven seconds, a lecture, names, a script."""
    folder = tmp_path_factory.mktemp("sounds")
    with wave.open(str(TALK_WAV)) as whole, wave.open(str(folder / "talk.wav"), "wb") as short:
        short.setparams(whole.getparams())
        short.writeframes(whole.readframes(8 * whole.getframerate()))
    for name in ("talks", "tests/data"):
        (folder / name).mkdir(parents=True)
    for copy in ("talks/first.wav", "talks/second.wav", "tests/data/talk.wav"):
        shutil.copy(folder / "talk.wav", folder / copy)
    convert = [ffmpeg, "-v", "error", "-i", str(folder / "talk.wav")]
    made = ("talk.mp4", "talk.mp3", "talk.opus", "interview.m4a", "episode.mp3")
    subprocess.run([*convert, *(str(folder / name) for name in made)], check=True)
    subprocess.run([ffmpeg, "-v", "error", "-i", str(TALK_WAV), str(folder / "lecture.mp3")], check=True)
    (folder / "names.txt").write_text("Ada Lovelace\nGrace Hopper:5\n", encoding="utf-8")
    shutil.copy(DATA / "talk.script.jsonl", folder)
    rows = ({"audio": f"talks/{name}.wav", "duration": 8.0} for name in ("first", "second"))
    (folder / "corpus.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    (folder / "home").mkdir()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in TEXTS if blocks(path)], ids=_name)
def test_every_command_runs(path: Path, programs: Path, sounds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    shutil.copytree(sounds, folder)
    home = folder / "home"
    environ = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "DASHSCOPE_API_KEY": "sk-of-nobody",
        # As in the first task of an array.
        "SLURM_ARRAY_TASK_ID": "1",
        "SLURM_ARRAY_TASK_COUNT": "4",
    }
    for lines in blocks(path):
        script = _script([line for line in lines if line not in NOT_RUN])
        with subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as shell:
            try:
                said, _ = shell.communicate(timeout=_PATIENCE_S)
            except subprocess.TimeoutExpired:
                os.killpg(shell.pid, signal.SIGKILL)
                raise
        assert shell.returncode == 0, f"{script}\n{said}"


def _script(lines: list[str]) -> str:
    """The lines of a block as bash runs them, each shown before it runs."""
    changed = [
        f"serve{line.removeprefix('asrcli serve')}" if line.startswith("asrcli serve") else line for line in lines
    ]
    return _PRELUDE + "set -x\n" + "\n".join(_ADDRESS.sub("$ADDRESS", line) for line in changed)


def test_what_is_not_run_stands_somewhere_and_says_why() -> None:
    written = {line for path in TEXTS for lines in blocks(path) for line in lines}
    assert set(NOT_RUN) <= written
    assert all(NOT_RUN.values())


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_the_words_of_every_command_are_ours(path: Path) -> None:
    for lines in blocks(path):
        for line in lines:
            for program, *arguments in commands(line):
                if program == "asrcli":
                    _understand(arguments)
                elif program == "make":
                    assert arguments[0] in _targets(), line


@pytest.mark.parametrize(
    "arguments", [["file", "a", "--no-such"], ["file", "a", "--jobs", "no"], ["fil", "a"], ["guide", "no-such"]]
)
def test_a_command_that_would_fail_is_found(arguments: list[str]) -> None:
    with pytest.raises((typer.TyperException, AssertionError)):
        _understand(arguments)


def _understand(arguments: list[str]) -> None:
    """Parse a command line as the program does, and run nothing. Raises where it is refused."""
    root = typer.main.get_command(app)
    name, *rest = with_command(arguments, lambda name: root.commands[name])  # type: ignore[attr-defined]
    if name.startswith("-"):
        assert name in _options(root), name
        return
    command = root.commands[name].loaded if name in SUMMARIES else None  # type: ignore[attr-defined]
    assert command is not None, name
    parsed = command.make_context(name, rest)
    # A group that does something by itself may stand alone.
    if hasattr(command, "commands") and (rest or not command.invoke_without_command):
        inner, *rest = rest
        assert inner in command.commands, arguments
        command.commands[inner].make_context(inner, rest)
    elif name == "guide":
        assert parsed.params["topic"] in {None, *topics()}, arguments


def _options(command: Any) -> set[str]:
    return {word for parameter in command.params for word in (*parameter.opts, *parameter.secondary_opts)}


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _all_options() -> dict[str, list[Any]]:
    """Option → the parameters that it is written for, of all commands."""
    root = typer.main.get_command(app)
    loaded = [root.commands[name].loaded for name in SUMMARIES]  # type: ignore[attr-defined]
    inner = [each for command in loaded for each in getattr(command, "commands", {}).values()]
    found: dict[str, list[Any]] = {"--help": []}
    for command in (root, *loaded, *inner):
        for parameter in command.params:
            for word in (*parameter.opts, *parameter.secondary_opts):
                found.setdefault(word, []).append(parameter)
    return found


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_options_and_commands_that_are_named_exist(path: Path) -> None:
    known = _all_options()
    for token in inline(path):
        if token.type != "code_inline":
            continue
        for option in re.findall(r"(?<![\w…-])--?[a-z][\w-]*", token.content):
            # -vv is -v, twice.
            assert re.sub(r"^-(\w)\1$", r"-\1", option) in {*known, *FOREIGN_OPTIONS}, token.content
        if named := re.match(r"asrcli ([a-z][\w-]*)(?![\w.-])(?: ([a-z][\w-]*))?", token.content):
            assert named[1] in SUMMARIES, token.content
            if named[1] == "guide" and named[2]:
                assert named[2] in topics(), token.content
        if named := re.match(r"make ([a-z-]+)", token.content):
            assert named[1] in _targets(), token.content


def test_every_option_is_explained() -> None:
    written = " ".join(path.read_text(encoding="utf-8") for path in TEXTS)
    for option, parameters in _all_options().items():
        for parameter in parameters:
            if option.startswith("-") and not parameter.hidden:
                assert parameter.help or f"`{option}" in written, option


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_links_lead_somewhere(path: Path) -> None:
    for token in inline(path):
        target = str(token.attrs.get("href") or token.attrs.get("src") or "")
        if not target or target.startswith(("https://", "http://")):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_a_link_between_guides_says_how_it_is_read_in_a_shell(path: Path) -> None:
    # On a terminal the link itself is gone.
    text = path.read_text(encoding="utf-8")
    for shown, target in re.findall(r"\[([^\]]+)\]\(([^)#]+\.md)[^)]*\)", text):
        if path.name != "README.md":
            assert " ".join(shown.split()) == f"`asrcli guide {target.removesuffix('.md')}`", shown


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_no_command_hides_in_another_block(path: Path) -> None:
    for token in other_blocks(path):
        assert token.type == "fence", f"not marked: {token.content}"
        assert token.info, f"not marked: {token.content}"
        assert not re.search(r"^\s*(\$ )?asrcli ", token.content, re.MULTILINE), token.content
