"""Networks that were too slow for PCM, by the service that they led to, kept in the user's state folder for half a day.

Half a day, because where one sits and works rarely lasts longer, and because a wrong guess costs little either way:
Opus where PCM would have gone, or the first seconds of a talk some seconds late. A file that cannot be read or written
is no memory, and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from asrcli.engine.spec import Spec
from asrcli.runs.choose_spec import Teller
from asrcli.system.beside import beside
from asrcli.system.folders import state_folder
from asrcli.values.sound import OPUS

KEPT = timedelta(hours=12)
_NAME = "slow-links.json"
_VERSION = 1


def recall(spec: Spec, output: Teller) -> Spec:
    """`spec`, which saves bytes, and does so from the start where its network was slow before; that is told."""
    if not was_slow(spec.endpoint.url):
        return spec
    output.notice(
        "the sound goes over as Opus: not long ago this network was too slow for PCM",
        "--send pcm sends it as it is, and auto again half a day later",
    )
    return replace(spec, saves_bytes=False, options=replace(spec.options, encoding=OPUS))


def was_slow(url: str) -> bool:
    """Whether the way to the service at `url` was too slow for PCM not long ago."""
    return _place(url) in _read()


def remember(url: str) -> None:
    """The way to the service at `url` is too slow for PCM now."""
    seen = _read() | {_place(url): datetime.now(UTC)}
    document = {"version": _VERSION, "seen": {place: at.isoformat(timespec="seconds") for place, at in seen.items()}}
    path = _path()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with beside(path, ".part") as part:
            part.write_text(json.dumps(document, indent=1), encoding="utf-8")
            part.replace(path)


def _read() -> dict[str, datetime]:
    """When each way was slow, without those of which that is too long ago."""
    try:
        document = json.loads(_path().read_text(encoding="utf-8"))
        if document["version"] != _VERSION:
            return {}
        seen = {str(place): datetime.fromisoformat(at) for place, at in document["seen"].items()}
        now = datetime.now(UTC)
        # Not from the future either, which a clock that was set right has left behind.
        return {place: at for place, at in seen.items() if timedelta() <= now - at < KEPT}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _path() -> Path:
    return state_folder(os.environ, Path.home()) / _NAME


def _place(url: str) -> str:
    """Without a path, a workspace or a name: it is about the way, and is no secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port}" if parts.port else f"{parts.scheme}://{parts.hostname}"
