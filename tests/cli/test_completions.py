"""Shell completion: the scripts are the program's own, and bash completes with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMPLETIONS = Path(__file__).parents[2] / "completions"
PROGRAM = Path(sys.executable).with_name("asrcli")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_those_that_the_program_writes(shell):
    environ = {**os.environ, "_ASRCLI_COMPLETE": f"source_{shell}"}
    done = subprocess.run([PROGRAM], env=environ, capture_output=True, text=True, check=True)
    assert (COMPLETIONS / f"asrcli.{shell}").read_text(encoding="utf-8") == done.stdout


def completed(line: str) -> list[str]:
    """What bash offers for the last word of `line`, with our script sourced in a fresh shell."""
    words = line.split(" ")
    script = f"""
        source '{COMPLETIONS / "asrcli.bash"}'
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
        COMP_CWORD={len(words) - 1}
        _asrcli_completion asrcli
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environ = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "--norc", "-c", script], env=environ, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("asrcli fi", {"file"}),
        ("asrcli mod", {"models"}),
        ("asrcli file --reg", {"--region"}),
        ("asrcli file --region ", {"intl", "cn", "local"}),
        ("asrcli file --model qwen-audio-3.0", {"qwen-audio-3.0-asr-flash-streaming"}),
        ("asrcli file --format ", {"text", "json"}),
        ("asrcli mic --model paraformer-realtime-8k", {"paraformer-realtime-8k-v2", "paraformer-realtime-8k-v1"}),
    ],
)
def test_bash_completes(line, offered):
    assert set(completed(line)) == offered
