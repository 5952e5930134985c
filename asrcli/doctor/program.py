"""Python, the extras, the configuration files, the state folder, the terminal."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asrcli.doctor.findings import Finding, Subject
from asrcli.settings.secrets import without_secrets
from asrcli.system.extras import how_to_add
from asrcli.system.folders import state_folder

GROUP = "program"

PYTHON = Subject("python", GROUP, "Python")
EXTRAS = Subject("extras", GROUP, "extras")
CONFIGURATION = Subject("configuration", GROUP, "configuration", "the commands that it is for, until it is mended")
STATE = Subject("state-folder", GROUP, "state folder", "hotword lists and rescued sound, which are kept there")
TERMINAL = Subject("terminal", GROUP, "terminal", "how results look")

PURPOSES = {
    "serve": "the local service, --region local",
    "socks": "a way through socks proxies",
    "ffmpeg": "an ffmpeg of its own, for mp4, m4a, webm and others",
    "plot": "the picture of reuse-bench --plot",
    "remote": "addresses of object stores: s3://, oss://, gs:// and others",
    "cluster": "--cluster, the workers of a Dask cluster",
}
"""Extra → what it is for."""

# What is longer is said in short.
_SHOWN_CHARACTERS = 40
_LEAST_FREE_BYTES = 100 << 20


@dataclass(frozen=True, slots=True)
class Configured:
    """One configuration file: what it sets, and what is wrong with it. `problems` are pairs of what and what to do."""

    path: Path
    exists: bool
    values: Mapping[str, object]
    problems: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Terminal:
    """What standard output is: `columns` is None where it is no terminal."""

    columns: int | None
    is_colored: bool


def python(version: str) -> Iterator[Finding]:
    """`version`: asrcli's own."""
    import platform

    ours = Path(__file__).parents[1]
    yield PYTHON.ok(
        f"{platform.python_version()} on {platform.system()} {platform.machine()}; asrcli {version} in {ours}"
    )


def extras() -> Iterator[Finding]:
    """One finding for each extra that the package has."""
    from importlib import metadata

    try:
        package = metadata.distribution("asrcli")
    except metadata.PackageNotFoundError:
        yield EXTRAS.warn("not known: asrcli runs without being installed", "install it with pip")
        return
    for extra, needed in _needed(package.requires or ()).items():
        subject = Subject(f"extra-{extra}", GROUP, f"extra {extra}")
        purpose = PURPOSES.get(extra, "")
        for_what = f" for {purpose}" if purpose else ""
        versions = {name: _version_of(name) for name in needed}
        missing = [name for name, version in versions.items() if version is None]
        if not missing:
            there = f"installed ({', '.join(f'{name} {version}' for name, version in versions.items())})"
            yield subject.ok(f"{there},{for_what}" if for_what else there)
        else:
            lacks = "not installed" if len(missing) == len(needed) else f"lacks {', '.join(missing)}"
            yield subject.ok(f"{lacks}; needed only{for_what}" if for_what else lacks, how_to_add(extra))


def _needed(requirements: Sequence[str]) -> dict[str, list[str]]:
    """Extra → the packages that it consists of, as far as this Python may have them."""
    found: dict[str, list[str]] = {}
    for requirement in requirements:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        extra = re.search(r"""\bextra\s*==\s*['"]([\w.-]+)['"]""", requirement)
        if name is not None and extra is not None:
            packages = found.setdefault(extra[1], [])
            if name[0] not in packages:
                packages.append(name[0])
    return found


def _version_of(name: str) -> str | None:
    """Of a package, without importing it; None where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def configuration(files: Sequence[Configured]) -> Iterator[Finding]:
    """One finding for each file that is there, and for each fault in one."""
    if not any(file.exists or file.problems for file in files):
        looked_at = " and ".join(str(file.path) for file in files)
        yield CONFIGURATION.ok(f"no file: {looked_at} can hold defaults")
    for file in files:
        for problem, fix in file.problems:
            yield CONFIGURATION.fail(problem, fix or "mend the file or remove it")
        if file.exists and not file.problems:
            settings = ", ".join(_settings(file.values)) or "nothing"
            yield CONFIGURATION.ok(f"{file.path} sets {settings}")


def _settings(values: Mapping[str, object]) -> Iterator[str]:
    """`model = "x"` and `[mic] device = "usb"`, without what may be a secret."""
    import json

    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from (f"[{key}] {each}" for each in _settings(value))
        else:
            shown = json.dumps(without_secrets(key, value), ensure_ascii=False, default=str)
            yield f"{key} = {shown if len(shown) <= _SHOWN_CHARACTERS else shown[:_SHOWN_CHARACTERS] + '…'}"


def state(environ: Mapping[str, str], home: Path) -> Iterator[Finding]:
    """Whether what is to be kept can be kept: the folder, or where it would be made."""
    folder = state_folder(environ, home)
    # Not Path.exists: it raises where a folder on the way is closed to us.
    there = next(each for each in (folder, *folder.parents) if os.access(each, os.F_OK))
    if not there.is_dir():
        yield STATE.warn(f"{folder} cannot be made: {there} is no folder", f"move {there} away")
        return
    if not os.access(there, os.W_OK | os.X_OK):
        yield STATE.warn(f"{folder} cannot be written to", f"chmod u+rwx {shlex.quote(str(there))}")
        return
    free_bytes = shutil.disk_usage(there).free
    if free_bytes < _LEAST_FREE_BYTES:
        yield STATE.warn(f"{folder}: only {free_bytes >> 20} MB are free there", "make room on that disk", works=True)
        return
    yield STATE.ok(str(folder) if folder == there else f"{folder}, made when it is needed")


def terminal(terminal: Terminal, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Results are UTF-8 whatever the locale says; a terminal of another kind would show something else."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    says_utf8 = sys.platform in ("darwin", "win32") or "utf-8" in locale.lower() or "utf8" in locale.lower()
    if terminal.columns is None:
        kind = "standard output is no terminal: results are plain UTF-8"
        yield TERMINAL.ok(kind)
        return
    shown = f"{terminal.columns} columns, {'colours' if terminal.is_colored else 'no colours'}"
    if not says_utf8:
        yield TERMINAL.warn(
            f"{shown}; the locale is {locale or 'not set'}, and results are UTF-8", "export LC_ALL=C.UTF-8"
        )
    elif terminal.columns < _LEAST_COLUMNS:
        yield TERMINAL.warn(f"{shown}: few for a live view", "make the window wider")
    else:
        yield TERMINAL.ok(f"UTF-8, {shown}")


_LEAST_COLUMNS = 40
