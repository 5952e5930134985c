"""The ffmpeg program: where it is, and what it says of a file."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from dataclasses import dataclass

from asrcli.system.extras import how_to_add
from asrcli.values.errors import DecodeError
from asrcli.values.source_name import label

# Lines that say less than the one before them.
_EMPTY_WORDS = (
    *("Last message repeated", "Invalid data found", "Error opening input", "Task finished", "Terminating thread"),
    "Error submitting packet to decoder: Invalid data found",
)


class DecoderMissing(DecodeError):  # noqa: N818 - it names what happened
    """It takes an ffmpeg to decode it, and this machine has none."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file holds, without decoding it. `duration_ms` is None where the container does not say.

    `guessed` is True where only the extension made ffmpeg take the bytes for raw samples, at a rate out of the air.
    """

    has_audio: bool
    duration_ms: int | None
    guessed: bool


def find_ffmpeg() -> str | None:
    """The path of an ffmpeg: the system's, else the one in the imageio-ffmpeg package; None if there is neither."""
    # Not pydub.utils.which: it looks into the current folder first, where a download could be called ffmpeg.
    if path := shutil.which("ffmpeg"):
        return path
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None


def version_of(ffmpeg: str, timeout_s: float) -> str:
    """What the program at `ffmpeg` calls its version. Raises DecodeError where it does not run, or is another one."""
    try:
        run = subprocess.run(
            [ffmpeg, "-version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else f"no answer within {timeout_s:g} s"
        raise DecodeError(f"{ffmpeg} does not run: {reason}", hint=how_to_install()) from error
    version = re.match(r"ffmpeg version (\S+)", run.stdout.decode("utf-8", "replace"))
    if version is None:
        said = last_words((run.stderr or run.stdout).decode("utf-8", "replace"))
        raise DecodeError(f"{ffmpeg} does not run: {said or f'exit code {run.returncode}'}", hint=how_to_install())
    return version[1]


def require_ffmpeg(name: str, kind: str) -> str:
    """The path of an ffmpeg; raises DecoderMissing that names the file, its kind and how to install one."""
    if path := find_ffmpeg():
        return path
    raise DecoderMissing(
        f"cannot decode {label(name)}: {kind} needs ffmpeg, which is not installed", hint=how_to_install()
    )


def how_to_install() -> str:
    """The hint for whoever has no ffmpeg."""
    return (
        "install it: apt install ffmpeg (Debian), dnf install ffmpeg-free (Fedora), brew install ffmpeg (macOS),"
        f" or {how_to_add('ffmpeg')}"
    )


def file_url(path: str) -> str:
    """`path` in a form that ffmpeg takes for a file, whatever it starts with or contains."""
    return f"file:{path}"


def last_words(said: str) -> str:
    """The last line of what ffmpeg said that tells something, without the names of its modules; "" where none does."""
    lines = [re.sub(r"^(\[\S+ @ 0x[0-9a-f]+\] )+", "", line.strip()) for line in said.splitlines()]
    telling = [line for line in lines if line and not line.startswith(_EMPTY_WORDS)]
    return (telling or lines or [""])[-1]


def media_info(url: str, ffmpeg: str) -> MediaInfo | None:
    """Ask ffprobe, or where there is none ffmpeg itself, about a file; None if it is no media file.

    Raises OSError where neither can be started.
    """
    try:
        return _ffprobe(url) if shutil.which("ffprobe") else _ask_ffmpeg(url, ffmpeg)
    except (OSError, LookupError, ValueError):
        # pydub trips over output that it does not expect.
        return _ask_ffmpeg(url, ffmpeg)


def _ffprobe(url: str) -> MediaInfo | None:
    with warnings.catch_warnings():
        # pydub warns of audioop's removal, of its own escape sequences and of a missing ffmpeg.
        warnings.simplefilter("ignore")
        from pydub.utils import mediainfo_json
    info = mediainfo_json(url)
    streams, container = info.get("streams"), info.get("format", {})
    if not streams:
        return None
    codec = next((stream.get("codec_name", "") for stream in streams if stream.get("codec_type") == "audio"), None)
    duration_s = container.get("duration")
    return MediaInfo(
        has_audio=codec is not None,
        duration_ms=None if duration_s is None else int(float(duration_s) * 1000),
        guessed=_is_raw(codec, container.get("format_name")),
    )


def _ask_ffmpeg(url: str, ffmpeg: str) -> MediaInfo | None:
    """Read the description that ffmpeg prints of an input before it complains that there is no output."""
    command = [ffmpeg, "-nostdin", "-hide_banner", "-i", url]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    text = run.stderr.decode("utf-8", "replace")
    container = re.search(r"^Input #0, (\S+), from ", text, re.MULTILINE)
    if container is None:
        return None
    codec = re.search(r"^ +Stream #\S+ Audio: (\w+)", text, re.MULTILINE)
    duration = re.search(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", text, re.MULTILINE)
    return MediaInfo(
        has_audio=codec is not None,
        duration_ms=duration and round((int(duration[1]) * 3600 + int(duration[2]) * 60 + float(duration[3])) * 1000),
        guessed=_is_raw(codec and codec[1], container[1]),
    )


def _is_raw(codec: str | None, container: str | None) -> bool:
    """ffmpeg's names for samples without a container are those of their encodings."""
    return codec is not None and codec == f"pcm_{container}"
