"""The house keeps its shape: which way imports go, who may know a foreign library, how large a file may grow."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "asrcli"
FILES = sorted(PACKAGE.rglob("*.py"))

VALUES = {"errors", "events", "pcm", "threads", "timing", "models", "masking", "streams"}
# Room → what else of ours it may import, beside the values and itself.
ALLOWED = {
    "audio": set(),
    "output": {"metrics"},
    "protocols": set(),
    "metrics": set(),
    "settings": {"protocols.base"},
    "service": {"wakeup"},
    "dial": set(),
    "certificates": set(),
    "translation": {"dial", "certificates"},
    "framing": {"duplex"},
    "duplex": set(),
    "dependants": set(),
    "wakeup": set(),
    "loop": {"dependants", "wakeup"},
    "tunnel": {"dial", "duplex", "translation"},
    "link": {"dial", "duplex", "framing", "liveness", "loop", "translation", "tunnel", "protocols.base"},
    "pool": {"dial", "link", "loop", "protocols.base"},
    "stages": set(),
    "uplink": set(),
    "liveness": set(),
    "session": {"protocols.base", "stages"},
    "control": set(),
    "spool": set(),
    "tape": {"spool"},
    "retry": set(),
    "joining": set(),
    "verdict": {"audio", "engine", "joining", "tape"},
    "progress": set(),
    "ending": {"loop"},
    "engine": {"session", "stages", "link", "loop", "tape", "retry", "protocols.base"},
    "intake": {"engine", "loop", "tape", "audio"},
    "transcription": {
        *("engine", "control", "intake", "session", "loop", "retry", "joining", "verdict", "progress", "translation"),
        *("protocols.base", "audio", "uplink", "ending"),
    },
    "transcribe": {"engine", "control", "transcription", "audio"},
    "crew": {"engine", "control", "loop", "transcription", "audio"},
    "reuse": {"audio", "control", "crew", "engine", "transcribe"},
    "whole": {"joining"},
    "splitting": {"audio", "control", "crew", "engine", "whole"},
    "__main__": {"cli"},
}
# Library → the files or rooms that may import it. Everything else speaks to those.
FOREIGN = {
    "typer": {"cli"},
    "rich": {"output/layout.py", "output/region.py", "output/table.py", "cli"},
    "websocket": {"link.py", "framing.py", "translation.py"},
    "sounddevice": {"audio"},
    "soundfile": {"audio/sndfile.py", "audio/opus.py"},
    "pydub": {"audio/ffmpeg.py"},
    "soxr": {"audio/resample.py", "service"},
    "numpy": {"framing.py", "audio", "service"},
    "imageio_ffmpeg": {"audio/ffmpeg.py", "service"},
    "websockets": {"service"},
    "cryptography": {"service"},
    "pocketsphinx": {"service"},
    "matplotlib": {"reuse/plot.py"},
}


def imports(path: Path) -> set[str]:
    """Modules that `path` imports anywhere, in functions too; those for types alone are left out."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            if node.module == "asrcli":
                found.update(f"asrcli.{alias.name}" for alias in node.names)
    return found


def room(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    here = room(path)
    for module in imports(path):
        if not module.startswith("asrcli.") or here == "cli":
            continue
        target = module.removeprefix("asrcli.")
        if target.split(".")[0] in VALUES | {here} or target == "__version__":
            continue
        allowed = ALLOWED.get(here, set())
        assert target in allowed or target.split(".")[0] in allowed, f"{here} must not know {module}"


def test_every_room_named_here_is_there():
    assert set(ALLOWED) <= {room(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_foreign_library_has_its_place(path):
    relative = path.relative_to(PACKAGE)
    for library in {module.split(".")[0] for module in imports(path)}:
        if library in FOREIGN:
            assert FOREIGN[library] & {str(relative), relative.parts[0]}, f"{relative} must not know {library}"
        else:
            assert library == "asrcli" or library in sys.stdlib_module_names, f"{relative} imports {library}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_short(path):
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= 300
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is too long"


def test_only_timing_asks_what_time_it_is():
    # The link and the way to the service measure the handshake, the service's server is a shell of its own.
    known = {"timing.py", "link.py", "dial.py"}
    for path in FILES:
        relative = str(path.relative_to(PACKAGE))
        if relative not in known and not relative.startswith("service/"):
            assert "time" not in {module.split(".")[0] for module in imports(path)}, relative
