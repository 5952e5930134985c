"""Tries what `make dist` has built: what is in it, and whether it works in empty environments of pip, pipx and uv.

`python -m tests.support.try_dist DIST PYTHON TOOLS DEV`: the folder with sdist and wheel, the Python to install for,
the `bin` where pipx and uv are, and a Python with all that the tests need.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
import wave
import zipfile
from collections.abc import Mapping, Sequence
from email.parser import HeaderParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
TALK = ROOT / "tests" / "data" / "talk.wav"
CLIP_S = 2
# Of files as they come, not compiled ones; numpy with its libraries is three quarters of it.
MOST_MB = 100
IN_THE_SDIST = ("asrcli", "tests", "completions", "Makefile", "README.md", "pyproject.toml", ".gitignore")
# Values in, values out: they tell whether the sdist is whole.
TESTS_FROM_IT = ("tests/test_layers.py", "tests/values", "tests/output/formats/test_subtitles.py")
IN_THE_WHEEL = (
    "asrcli/py.typed",
    "asrcli/guide/LICENSE",
    "asrcli/guide/changelog.md",
    ".dist-info/licenses/asrcli/guide/LICENSE",
    ".data/data/share/bash-completion/completions/asrcli",
    ".data/data/share/zsh/site-functions/_asrcli",
    ".data/data/share/fish/vendor_completions.d/asrcli.fish",
    ".data/data/share/man/man1/asrcli.1",
)


class WrongError(Exception):
    """Something is not as it should be: what."""


def check(holds: bool, what: str) -> None:
    if not holds:
        raise WrongError(what)


def run(command: Sequence[str | Path], environ: Mapping[str, str], code: int = 0, folder: Path | None = None) -> str:
    """What `command` prints, on both streams. Raises WrongError where its exit code is not `code`."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ, cwd=folder, check=False
    )
    shown = " ".join(map(str, command))
    check(done.returncode == code, f"{shown}: exit {done.returncode}, not {code}\n{done.stdout}")
    return done.stdout


# --- what is in it --------------------------------------------------------------------------------------------------


def check_sdist(path: Path) -> None:
    with tarfile.open(path) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()} - {"", "PKG-INFO"}
    listed = subprocess.run(
        ["git", "ls-files", "-z", *IN_THE_SDIST], cwd=ROOT, capture_output=True, text=True, check=True
    )
    expected = set(listed.stdout.split("\0")) - {""}
    check(found == expected, f"{path.name}: differs from the repository in {sorted(found ^ expected)}")
    print(f"{path.name}: {len(found)} files, those of the repository")


def check_wheel(path: Path) -> None:
    names = zipfile.ZipFile(path).namelist()
    for ending in IN_THE_WHEEL:
        check(any(name.endswith(ending) for name in names), f"{path.name}: no {ending}")
    strangers = [name for name in names if not name.startswith(("asrcli/", "asrcli-"))]
    check(not strangers, f"{path.name}: brings {strangers}")
    print(f"{path.name}: {len(names)} files, {path.stat().st_size / 1e6:.1f} MB")


def packages_of_extras(wheel: Path) -> set[str]:
    """The names of the packages that only an extra brings."""
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    required = HeaderParser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist") or []
    return {re.split(r"[^\w.-]", line)[0].lower() for line in required if "extra ==" in line}


def test_from_sdist(path: Path, python: Path, folder: Path) -> None:
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    environ = {**os.environ, "PYTHONPATH": str(unpacked)}
    where = run([python, "-c", "import asrcli; print(asrcli.__file__)"], environ, folder=unpacked)
    check(where.startswith(str(unpacked)), f"the tests would run {where}")
    said = run([python, "-m", "pytest", "-q", "--timeout", "60", *TESTS_FROM_IT], environ, folder=unpacked)
    print(f"unpacked: {said.splitlines()[-1]}")


# --- whether it works -----------------------------------------------------------------------------------------------


class Installation:
    """The wheel in an empty environment below `folder`, made by pip, pipx or uv."""

    def __init__(self, tool: str, wheel: Path, python: str, tools: Path, folder: Path) -> None:
        self.tool = tool
        own = folder / tool
        self.environ = {
            **os.environ,
            **{"PIPX_HOME": f"{own}/pipx", "PIPX_BIN_DIR": f"{own}/bin", "PIPX_MAN_DIR": f"{own}/man"},
            **{"UV_TOOL_DIR": f"{own}/uv", "UV_TOOL_BIN_DIR": f"{own}/bin"},
            "PATH": os.pathsep.join([f"{own}/bin", str(tools), os.environ["PATH"]]),
        }
        self.prefix = {"pip": own, "pipx": own / "pipx" / "venvs" / "asrcli", "uv": own / "uv" / "asrcli"}[tool]
        self.program = own / "bin" / "asrcli"
        if tool == "pip":
            run([python, "-m", "venv", own], self.environ)
            run([own / "bin" / "pip", "install", "-q", wheel], self.environ)
        elif tool == "pipx":
            run([tools / "pipx", "install", "--python", python, wheel], self.environ)
        else:
            run([tools / "uv", "tool", "install", "--python", python, wheel], self.environ)

    def asrcli(self, *arguments: str | Path, code: int = 0) -> str:
        return run([self.program, *arguments], self.environ, code)

    def check_starts(self) -> None:
        version = self.asrcli("--version")
        check("reuse-bench" in self.asrcli("--help"), "--help names no reuse-bench")
        as_module = run([self.prefix / "bin" / "python", "-m", "asrcli", "--version"], self.environ)
        check(as_module == version, f"python -m asrcli: {as_module}")
        check((self.prefix / "share/fish/vendor_completions.d/asrcli.fish").is_file(), "no completion scripts")

    def check_light(self, heavy: set[str]) -> None:
        packages = next(self.prefix.glob("lib/python3*/site-packages"))
        brought = {found.name.partition("-")[0].lower().replace("_", "-") for found in packages.glob("*.dist-info")}
        check(not brought & heavy, f"the plain install brings {brought & heavy}")
        files = [each for each in packages.rglob("*") if each.is_file() and each.suffix != ".pyc"]
        size_mb = sum(each.stat().st_size for each in files if "pip" not in each.relative_to(packages).parts) / 1e6
        check(size_mb < MOST_MB, f"the plain install takes {size_mb:.0f} MB")
        print(f"{self.tool}: {len(brought)} packages, {size_mb:.0f} MB: {' '.join(sorted(brought))}")

    def check_local(self, clip: Path) -> None:
        """The local service is not there, the program names the line that brings it, and with that it works."""
        said = self.asrcli("file", clip, "--region", "local", code=2)
        hint = re.fullmatch(r"asrcli: error: the local service is not installed \((.*)\)\n", said)
        check(hint is not None, f"--region local without the extra: {said}")
        assert hint is not None
        check(self.asrcli("serve", "--port", "0", code=2) == said, "serve says something else")
        # What it takes besides stands behind a comma.
        run(shlex.split(hint[1].partition(", which")[0]), self.environ)
        print(f"{self.tool}: {hint[1]}")
        lines = [json.loads(line) for line in self.asrcli("file", clip, "--region", "local", "-j").splitlines()]
        end = next(line for line in lines if line["type"] == "end")
        check(end["complete"] and end["audio_ms"] == CLIP_S * 1000, f"{clip.name}: {end}")
        text = " ".join(line["text"] for line in lines if line["type"] == "final")
        check(bool(text), f"{clip.name}: no word was heard")
        print(f"{self.tool}: heard {text!r}")

    def check_doctor(self) -> None:
        # Without a key that would be one.
        environ = {**self.environ, "DASHSCOPE_API_KEY": "sk-" + "0123456789abcdef" * 2}
        said = run([self.program, "doctor", "--offline"], environ)
        print(f"{self.tool}: {said.splitlines()[-1]}")


def clip_of(talk: Path, clip: Path) -> Path:
    with wave.open(str(talk)) as whole, wave.open(str(clip), "wb") as begin:
        begin.setparams(whole.getparams())
        begin.writeframes(whole.readframes(CLIP_S * whole.getframerate()))
    return clip


def main() -> None:
    dist, tools, dev = (Path(sys.argv[at]).absolute() for at in (1, 3, 4))
    # Below, other folders come first.
    python = run([sys.argv[2], "-c", "import sys; print(sys.executable)"], os.environ).strip()
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        check_sdist(sdist)
        check_wheel(wheel)
        test_from_sdist(sdist, dev, folder / "unpacked")
        clip = clip_of(TALK, folder / "clip.wav")
        for tool in ("pip", "pipx", "uv"):
            installed = Installation(tool, wheel, python, tools, folder)
            installed.check_starts()
            installed.check_light(packages_of_extras(wheel))
            installed.check_local(clip)
            installed.check_doctor()


if __name__ == "__main__":
    try:
        main()
    except WrongError as wrong:
        sys.exit(f"make dist: {wrong}")
