"""The key, from the places where the vendor's SDK looks too. It is left out of every repr."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asrcli.values.errors import AuthError

# What a service on loopback is given when the user has no key; it wants some Authorization header, as the real one.
LOOPBACK_KEY = "loopback"
_QUOTES = "'\"`"
# The vendor's have 35 and more.
_LEAST_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and where it came from: `path`, where that is a file."""

    value: str = field(repr=False)
    origin: str
    path: Path | None = None


def find_key(flag: str | None, key_file: Path | None, environ: Mapping[str, str], home: Path) -> ApiKey | None:
    """The key, from the places where the vendor's SDK looks too; None if there is none.

    Order: --api-key, --api-key-file, DASHSCOPE_API_KEY, DASHSCOPE_API_KEY_FILE_PATH, ~/.dashscope/api_key. Raises
    AuthError for a named file that cannot be read and for a key that cannot stand in a header.
    """
    if flag:
        return _checked_key(flag, "--api-key")
    if key_file is not None:
        return _key_from(key_file, f"--api-key-file {key_file}")
    if environ.get("DASHSCOPE_API_KEY", "").strip():
        return _checked_key(environ["DASHSCOPE_API_KEY"], "DASHSCOPE_API_KEY")
    if environ.get("DASHSCOPE_API_KEY_FILE_PATH"):
        named = Path(environ["DASHSCOPE_API_KEY_FILE_PATH"])
        return _key_from(named, f"DASHSCOPE_API_KEY_FILE_PATH {named}")
    default = home / ".dashscope" / "api_key"
    return _key_from(default, str(default)) if default.is_file() else None


def oddity(key: str) -> str | None:
    """What makes `key` look unlike the vendor's, in a few words; None if nothing does."""
    if key[:1] in _QUOTES or key[-1:] in _QUOTES:
        return "it has quotes around it, which are no part of a key"
    if not key.startswith("sk-"):
        return "it does not begin with sk-"
    if len(key) < _LEAST_CHARACTERS:
        return f"it has only {len(key)} characters"
    return None


def _key_from(path: Path, origin: str) -> ApiKey:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise AuthError(f"cannot read the key from {origin}: {reason}") from error
    return _checked_key(text, origin, path)


def _checked_key(text: str, origin: str, path: Path | None = None) -> ApiKey:
    key = text.strip()
    # The key itself stays out of the message.
    if not key or not key.isascii() or any(character.isspace() or not character.isprintable() for character in key):
        raise AuthError(f"{origin} holds no usable key", hint="a key is one word of plain characters, such as sk-…")
    return ApiKey(key, origin, path)


# What a run can do without one.
LOCAL = "--region local"


def missing_key(without: str = LOCAL) -> AuthError:
    """The error for a run that needs a key and has none; `without` is what to try then."""
    return AuthError(
        "no API key",
        hint="set DASHSCOPE_API_KEY, or use --api-key-file FILE, or put it into ~/.dashscope/api_key; get one in the"
        f" Model Studio console; without a key try {without}",
    )
