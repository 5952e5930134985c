"""A person at a shell: types, presses TAB and Enter, and sees what the shell then hands to the program."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.quick_commands import quick_commands

COMPLETIONS = Path(__file__).parents[2] / "completions"
PROMPT = "READY> "
# Without start-up files; and how to set the prompt, which is split so that its echo is not taken for it.
_SPLIT = f"{PROMPT[:3]}''{PROMPT[3:]}"
_START = {
    "bash": (["--norc", "--noprofile"], f"PS1='{_SPLIT}'"),
    "zsh": (["-f"], f"unsetopt prompt_sp; PS1='{_SPLIT}'"),
    "fish": (["--no-config"], f"function fish_prompt; echo -n '{_SPLIT}'; end"),
}
SHELLS = tuple(_START)
# A shell without a controlling terminal has no job control, and says so.
_ON_ITS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
_PATIENCE_S = 30.0

# Completes as the program does, on a machine where listing the microphones goes as told; run in any other way it tells
# its arguments.
_PROGRAM = """#!{python}
import json, sys
if sys.argv[1:2] == ["__complete"]:
    {listing}
    from asrcli.__main__ import main
    main()
print("GOT" + json.dumps(sys.argv[1:]) + "END")
"""
_LISTING = """
from asrcli.audio.microphone import devices
def input_devices():
    {body}
devices.input_devices = input_devices
"""
# The same where it is another one that completes.
_TELLER = """#!{python} -IS
import json, sys
if sys.argv[1:2] != ["__complete"]:
    print("GOT" + json.dumps(sys.argv[1:]) + "END")
    sys.exit()
exec(open({completes!r}).read())
"""


def make_program(folder: Path, listing: str | None = None) -> Path:
    """A stand-in for asrcli in `folder`; `listing` is what input_devices is to do, None is its own way."""
    patch = "pass" if listing is None else textwrap.indent(_LISTING.format(body=listing), "    ")
    return _written(folder, _PROGRAM.format(python=sys.executable, listing=patch))


@contextmanager
def ready_to_complete(folder: Path, listing: str) -> Iterator[Path]:
    """What completes in the same way, forked from a process in which all is ready, for `quick_program`."""
    with quick_commands(folder, _LISTING.format(body=listing)):
        yield folder / "asrcli"


def quick_program(folder: Path, completes: Path) -> Path:
    """As `make_program`, at a quarter of the price."""
    return _written(folder, _TELLER.format(python=sys.executable, completes=str(completes)))


def _written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "asrcli"
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return program


def microphones(*names: str) -> str:
    """A listing of microphones with these names."""
    return f"return [devices.Device(n, name, 'ALSA', 1, 48000) for n, name in enumerate({names!r})]"


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen = ""

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def see(self, pattern: str) -> re.Match[str]:
        """Wait until the terminal shows `pattern`; what came before it is forgotten."""
        while (found := re.search(pattern, self._seen)) is None:
            readable, _, _ = select.select([self._descriptor], [], [], _PATIENCE_S)
            assert readable, f"{pattern!r} does not come; seen: {self._seen!r}"
            self._seen += os.read(self._descriptor, 65536).decode(errors="replace")
        self._seen = self._seen[found.end() :]
        return found

    def enter(self, line: str) -> None:
        self.type(f"{line}\r")
        self.see(re.escape(PROMPT))

    def arguments_of(self, keys: str) -> list[str]:
        """What the program is started with when these keys are typed, then Enter."""
        self.type(f"{keys}\r")
        arguments: list[str] = json.loads(self.see(r"GOT(\[.*?\])END").group(1))
        self.see(re.escape(PROMPT))
        return arguments


@contextmanager
def running_shell(
    kind: str, home: Path, program: Path, *, start_files: bool = False, environ: Mapping[str, str] | None = None
) -> Iterator[Shell]:
    """`kind` of shell in the folder `home` that knows `program`; with `start_files` it reads those in `home`."""
    if shutil.which(kind) is None:
        pytest.skip(f"{kind} is not installed: see tests/support/install_test_packages.sh")
    without, prompt = _START[kind]
    variables = {
        "HOME": str(home),
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        **(environ or {}),
    }
    command = [kind, *([] if start_files else without), "-i"]
    ours, theirs = pty.openpty()
    # Wide, so that nothing is wrapped.
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 400, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _ON_ITS_TERMINAL, *command],
        cwd=home,
        env=variables,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        shell = Shell(ours)
        shell.enter(prompt)
        if not start_files:
            shell.enter(f"source '{COMPLETIONS / f'asrcli.{kind}'}'")
        yield shell
    finally:
        process.kill()
        process.wait()
        os.close(ours)
