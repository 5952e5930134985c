"""A child process that has been read line by line, read on to its end."""

from __future__ import annotations

import subprocess


def rest_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it still writes to stdout and to stderr, until it has ended.

    Not `communicate()`: that reads the pipe itself, past the lines that came together with an earlier one and wait in
    the buffer of `process.stdout`.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    if process.stdin is not None:
        process.stdin.close()
    with process:
        return process.stdout.read(), process.stderr.read()
