"""The house keeps its shape: which way imports go, who may know a foreign library, how large a file may grow."""

from __future__ import annotations

import ast
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[1] / "asrcli"
FILES = sorted(PACKAGE.rglob("*.py"))

# Room → the other rooms of which it may import. Imports for types count; nobody is exempt.
RULES = {
    "values": "",
    "system": "values",
    "settings": "system values",
    "protocols": "values",
    "wire": "system values",
    "audio": "remote system values",
    "remote": "wire system values",
    "output": "system values",
    "service": "system values",
    "api": "wire values",
    "engine": "protocols wire audio system values",
    "doctor": "settings protocols wire audio system values",
    "fleet": "engine remote settings system values wire audio",
    "runs": "fleet engine api remote protocols wire audio output settings system values",
    "bench": "runs engine wire audio output system values",
    "cli": "runs bench doctor service engine remote protocols audio output settings system values",
    "__main__": "cli",
}
# What is read and not run.
TEXTS = "guide"
# Library → the files or rooms that may import it. Everything else speaks to those.
FOREIGN = {
    "typer": "cli",
    "rich": "output/views bench/view.py cli",
    "websocket": "wire/link.py wire/handshake.py wire/translation.py",
    "urllib3": "wire/http.py api/client.py remote/https.py",
    "python_socks": "wire/http.py",
    "sounddevice": "audio/microphone",
    "soundfile": "audio/reading/sndfile.py audio/writing",
    "pydub": "audio/reading/ffmpeg_tool.py audio/writing/clips.py",
    "soxr": "audio/chunks/resample.py service",
    "numpy": "audio service",
    "imageio_ffmpeg": "audio/reading/ffmpeg_tool.py",
    "av": "service/hearing/codec.py",
    "websockets": "service",
    "cryptography": "service",
    "pocketsphinx": "service",
    "matplotlib": "bench/plot.py",
    "fsspec": "remote/stores.py",
    "distributed": "fleet/dask_cluster.py fleet/dask_crew.py fleet/dask_worker.py",
}
# The link and the way to the service measure the handshake.
ASK_THE_TIME = "system/clock.py wire/link.py wire/dial.py"


def module_of(path: Path) -> str:
    """The dotted name within the package, "" for the package itself."""
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


class Facts(NamedTuple):
    """What the tests ask of a file."""

    lines: int
    # Modules that are imported anywhere, in functions and for types too.
    imports: frozenset[str]
    # Function → its lines without the first.
    functions: tuple[tuple[str, int], ...]


@cache
def read(path: Path) -> Facts:
    source = path.read_text(encoding="utf-8")
    imports: set[str] = set()
    functions = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names = {f"{module}.{alias.name}" for alias in node.names}
            inner = {name for name in names if name.removeprefix("asrcli.") in MODULES}
            imports.update(inner)
            if len(inner) < len(names):
                imports.add(module)
        elif isinstance(node, ast.FunctionDef):
            functions.append((node.name, (node.end_lineno or 0) - node.lineno))
    return Facts(source.count("\n"), frozenset(imports), tuple(functions))


def ours(path: Path) -> set[str]:
    """Modules of ours that `path` imports, as they are named within the package."""
    return {
        module.removeprefix("asrcli.")
        for module in read(path).imports
        if module.startswith("asrcli.") and module.removeprefix("asrcli.") in MODULES
    }


def room(module: str) -> str:
    return module.partition(".")[0]


def lies_in(path: Path, places: str) -> bool:
    """Whether `path` is one of `places` or in one of them, which are files and folders of the package."""
    relative = path.relative_to(PACKAGE)
    return any(relative == Path(place) or Path(place) in relative.parents for place in places.split())


def circles(arrows: dict[str, set[str]]) -> list[str]:
    """A circle among `arrows`, if there is one."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def identify(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_imports_go_one_way():
    wrong = []
    for path in FILES:
        here = room(module_of(path))
        allowed = {here, *RULES.get(here, "").split()}
        wrong += [f"{identify(path)} must not know {each}" for each in ours(path) if room(each) not in allowed]
    assert wrong == []


def test_the_rules_speak_of_every_room_and_allow_no_circle():
    assert set(RULES) == {room(module) for module in MODULES} - {""}
    assert circles({here: set(allowed.split()) for here, allowed in RULES.items()}) == []


def test_every_rule_is_needed():
    for here, allowed in RULES.items():
        used = {room(module) for path in FILES if room(module_of(path)) == here for module in ours(path)}
        assert set(allowed.split()) <= used, here


def test_no_file_is_in_a_circle():
    # A folder's own file stands for the folder: whoever imports it imports what it lists.
    assert circles({module: ours(path) for module, path in MODULES.items()}) == []


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) in (["b", "c", "b"], ["c", "b", "c"])


def test_nothing_but_rooms_stands_at_the_top():
    found = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    rooms = {name for name in RULES if name != "__main__"}
    assert found == {*rooms, TEXTS, "__init__.py", "__main__.py", "py.typed"}
    assert not list((PACKAGE / TEXTS).rglob("*.py"))


def test_each_foreign_library_has_its_place():
    wrong = []
    for path in FILES:
        for library in {module.split(".")[0] for module in read(path).imports}:
            if library in FOREIGN:
                right = lies_in(path, FOREIGN[library])
            else:
                right = library == "asrcli" or library in sys.stdlib_module_names
            if not right:
                wrong.append(f"{identify(path)} must not know {library}")
    assert wrong == []


def test_files_and_functions_stay_short():
    assert [identify(path) for path in FILES if read(path).lines > 300] == []
    long = [f"{name} in {identify(path)}" for path in FILES for name, lines in read(path).functions if lines >= 60]
    assert long == []


def test_only_the_clock_asks_what_time_it_is():
    for path in FILES:
        if not lies_in(path, ASK_THE_TIME):
            assert "time" not in {module.split(".")[0] for module in read(path).imports}, identify(path)
