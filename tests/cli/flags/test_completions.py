"""Shell completion: what is offered on a half-typed line, how it is quoted, and the scripts that ask for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from asrcli.audio.microphone import devices
from asrcli.audio.microphone.devices import Device
from asrcli.audio.sample_encodings import ENCODINGS
from asrcli.cli.app import app
from asrcli.cli.flags import completions as values
from asrcli.cli.shells.completion import answer, offers, read_line
from asrcli.output.formats import REGISTRY as FORMATS
from asrcli.protocols import REGISTRY as PROTOCOLS
from asrcli.service.faults.kinds import parse_fault
from asrcli.settings.catalogue import CATALOGUE
from asrcli.values.errors import DeviceError, UsageError
from tests.support.loaded import HEAVY, loaded_by
from tests.support.shell import COMPLETIONS, SHELLS, make_program, microphones

ROOT = typer.main.get_command(app)
# What COMP_WORDBREAKS holds where nobody changed it.
BREAKS = " \t\n\"'><=;|&(:"


def offered(line: str) -> list[str]:
    typed = read_line(line)
    return [offer.value for offer in offers(ROOT, typed.words, typed.current)]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts_are_those_that_the_program_writes(asrcli, shell):
    assert asrcli("--show-completion", shell).out == (COMPLETIONS / f"asrcli.{shell}").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("asrcli fi", ["file"]),
        ("asrcli mod", ["models"]),
        ("asrcli nonsense --", []),
        ("asrcli file --reg", ["--region"]),
        ("asrcli file --lan", ["--language"]),
        ("asrcli file --interim", ["--interim"]),
        ("asrcli file -m", ["-m"]),
        ("asrcli file --region cn --reg", []),
        ("asrcli file --region ", ["intl", "cn", "qwen-intl", "qwen-cn", "local"]),
        ("asrcli models --region ", ["intl", "cn"]),
        ("asrcli file --model qwen-audio-3.0", ["qwen-audio-3.0-asr-flash-streaming"]),
        ("asrcli file --model=QWEN-audio-3.0", ["--model=qwen-audio-3.0-asr-flash-streaming"]),
        ("asrcli mic -m paraformer-realtime-8k", ["paraformer-realtime-8k-v2", "paraformer-realtime-8k-v1"]),
        ("asrcli qwen -m ", [model.name for model in CATALOGUE if model.protocol == "realtime"]),
        ("asrcli models paraformer-realtime-8k-v1", ["paraformer-realtime-8k-v1"]),
        ("asrcli file --format ", list(FORMATS)),
        ("asrcli file --protocol ", list(PROTOCOLS)),
        ("asrcli file --encoding ", list(ENCODINGS)),
        ("asrcli talk.wav --pace ", ["realtime", "fast"]),
        ("asrcli help re", ["render", "reuse-bench"]),
        ("asrcli file --pace ", ["realtime", "fast"]),
        ("asrcli qwen --pace f", ["fast"]),
        ("asrcli file --color a", ["auto", "always"]),
        ("asrcli file -m fun-asr-realtime-2026-02-28 -l ", ["zh", "en", "ja"]),
        ("asrcli file --model=paraformer-realtime-v1 --lang ", ["zh"]),
        ("asrcli qwen -l yu", ["yue"]),
        ("asrcli file -m new-model -l yu", ["yue"]),
        ("asrcli serve --recognizer ", ["sphinx", "script:"]),
        ("asrcli serve --fault reset --fault re", ["reset", "reorder=", "refuse="]),
        ("asrcli --show-completion ", list(SHELLS)),
        # Files are the shell's affair.
        ("asrcli file ", []),
        ("asrcli file --output ", []),
        ("asrcli file -- --reg", []),
        ("asrcli file --no-such-option=", []),
        ("asrcli models fun-asr-realtime ", []),
    ],
)
def test_what_is_offered(line, expected):
    assert offered(line) == expected


def test_every_option_is_offered_once():
    found = offered("asrcli file --")
    assert len(found) == len(set(found))
    assert {"--hotwords", "--partials", "--no-partials", "--json", "--help"} <= set(found)
    assert "--hotword" not in found


def test_each_kind_of_fault_is_offered():
    with pytest.raises(UsageError) as caught:
        parse_fault("nonsense")
    kinds = caught.value.message.partition("one of ")[2].split(", ")
    assert [word.partition("=")[0] for word, _ in values.faults()] == kinds  # type: ignore[str-unpack]


@pytest.mark.parametrize(
    ("line", "words", "current", "quote", "kept"),
    [
        ("asrcli", (), "asrcli", "", 0),
        ("asrcli mic -d ", ("mic", "-d"), "", "", 0),
        (r"asrcli mic -d USB\ Mic\:", ("mic", "-d"), "USB Mic:", "", 0),
        ("asrcli mic -d hw:0", ("mic", "-d"), "hw:0", "", 3),
        ("asrcli mic --device=US", ("mic",), "--device=US", "", 9),
        ('asrcli mic -d "USB Mic: x', ("mic", "-d"), "USB Mic: x", '"', 0),
        ('asrcli mic --device="USB Mic', ("mic",), "--device=USB Mic", '"', 9),
        (r'asrcli mic -d "a\"b\c ', ("mic", "-d"), 'a"b\\c ', '"', 0),
        (r"asrcli mic -d 'a\b", ("mic", "-d"), "a\\b", "'", 0),
        ("""asrcli "fi"le 'x' """, ("file", "x"), "", "", 0),
        ("asrcli '' a", ("",), "a", "", 0),
    ],
)
def test_a_line_is_read_as_the_shell_reads_it(line, words, current, quote, kept):
    typed = read_line(line, BREAKS)
    assert (typed.words, typed.current, typed.quote, typed.kept) == (words, current, quote, kept)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Device]:
    names = ("USB Mic: (hw:1,0)", 'Ann\'s "Yeti" $5', "USB Mic: (hw:1,0)", "evil\x1b[31m\nname", "")
    listed = [Device(number, name, "ALSA", 1, 44100) for number, name in enumerate(names)]
    monkeypatch.setattr(devices, "input_devices", lambda: listed)
    return listed


def test_microphones_are_offered_by_name_whatever_the_case(found):
    """Each name once, and none that would drive the terminal."""
    assert offered("asrcli mic -d ") == ["USB Mic: (hw:1,0)", 'Ann\'s "Yeti" $5']
    assert offered("asrcli qwen --device=us") == ["--device=USB Mic: (hw:1,0)"]
    assert answer(ROOT, "zsh", "asrcli mic -d an") == ['Ann\'s "Yeti" $5\tALSA, 44.1 kHz']
    found.append(Device(7, "pulse", "ALSA", 32, 48000))
    assert offered("asrcli mic --microphone m") == ["monitor"]


@pytest.mark.parametrize(
    ("typed", "put"),
    [
        ("asrcli mic -d us", r"USB\ Mic:\ \(hw:1,0\)"),
        ("asrcli mic -d USB\\ Mic:", r"\ \(hw:1,0\)"),
        ("asrcli mic --device=us", r"USB\ Mic:\ \(hw:1,0\)"),
        ('asrcli mic -d "us', "USB Mic: (hw:1,0)"),
        ('asrcli mic -d "an', r"Ann's \"Yeti\" \$5"),
        ("asrcli mic -d 'an", r"""Ann'\''s "Yeti" $5"""),
    ],
)
def test_bash_gets_the_rest_of_the_word_quoted_as_it_was_begun(found, typed, put):
    assert answer(ROOT, "bash", typed, BREAKS) == [put]


def test_without_portaudio_no_microphone_is_offered(monkeypatch):
    def missing():
        raise DeviceError("the PortAudio library is missing")

    monkeypatch.setattr(devices, "input_devices", missing)
    assert offered("asrcli mic -d ") == []


@pytest.mark.parametrize(
    ("listing", "out", "code"),
    [
        ("print('noise'); import os; os.write(2, b'noise'); " + microphones("Yeti"), "Yeti\tALSA, 48 kHz\n", 0),
        ("raise RuntimeError('our own bug')", "", 1),
        # A sound system that never answers.
        ("import threading; threading.Event().wait()", "", 1),
    ],
)
def test_a_noisy_broken_or_dead_sound_system_is_not_heard_and_not_waited_for(tmp_path, listing, out, code):
    program = make_program(tmp_path, listing)
    arguments = [program, "__complete", "zsh", "asrcli mic -d "]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)  # type: ignore[arg-type]
    assert (done.stdout, done.stderr, done.returncode) == (out, "", code)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("asrcli vo", ["vocab"]),
        ("asrcli vocab d", ["delete"]),
        ("asrcli vocab create names.txt --reg", ["--region"]),
        ("asrcli vocab create --region lo", ["local"]),
        ("asrcli vocab create -m qwen-audio-3.1-asr-flash-m", ["qwen-audio-3.1-asr-flash-message"]),
        ("asrcli vocab nosuch --", []),
        ("asrcli vocab create nam", []),
    ],
)
def test_the_commands_of_a_group_are_offered_and_their_options(line, offered):
    assert answer(ROOT, "bash", line) == offered


def test_a_broken_configuration_file_does_not_keep_the_shell_from_completing(tmp_path):
    (tmp_path / "asrcli.toml").write_text("nonsense")
    command = [sys.executable, "-m", "asrcli", "__complete", "fish", "asrcli file --reg"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.startswith("--region\t")


def test_only_the_microphones_need_the_audio_stack():
    lines = ["asrcli f", "asrcli file --", "asrcli file -m ", "asrcli qwen -l ", "asrcli file --encoding "]
    lines += ["asrcli vocab ", "asrcli vocab create --", "asrcli vocab create -m "]
    lines += ["asrcli file --format ", "asrcli file --protocol ", "asrcli serve --fault "]
    code = f"""if True:
        import typer
        from asrcli.cli.shells import completion
        from asrcli.cli import app
        root = typer.main.get_command(app.app)
        assert all(completion.answer(root, "zsh", line) for line in {lines})
    """
    assert loaded_by(code) & HEAVY == set()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_installing_twice_adds_one_line_to_the_start_up_file(asrcli, tmp_path, monkeypatch, shell):
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_DATA_HOME", "ZDOTDIR"):
        monkeypatch.delenv(variable, raising=False)
    start = tmp_path / f".{shell}rc"
    start.write_text("alias x=y")
    for _ in range(2):
        done = asrcli("--install-completion", shell)
        assert (done.code, done.err) == (0, "")
    place = tmp_path / ".local/share/asrcli" / f"completion.{shell}"
    assert start.read_text() == f"alias x=y\nsource {place}\n"
    assert place.read_text() == (COMPLETIONS / f"asrcli.{shell}").read_text()


def test_what_cannot_be_installed_is_told(asrcli, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    done = asrcli("--install-completion", "fish")
    assert done.code == 1
    assert "cannot install the completion" in done.err
    assert "--show-completion fish" in done.err
    assert done.err.count("\n") == 1
    assert asrcli("--install-completion", "tcsh").code == 2
    assert not list(Path(tmp_path).glob("**/asrcli.fish"))


def test_the_help_names_the_formats_that_there_are() -> None:
    """It does not load them for that."""
    for command in ("file", "mic", "qwen", "render"):
        options = ROOT.commands[command].loaded.params  # type: ignore[attr-defined]
        [text] = [option.help for option in options if option.name == "format"]
        assert text.partition(", where")[0].replace(" or ", ", ").split(", ") == list(FORMATS)
