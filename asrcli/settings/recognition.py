"""From what the user said to what the engine runs on: key, endpoint, recognition options.

Everything is checked here once, before anything is sent; what comes out is frozen. The key is left out of every repr.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from asrcli.protocols.base import RecognitionOptions
from asrcli.settings import catalogue as models
from asrcli.values.errors import AuthError, UsageError
from asrcli.values.pcm import PcmFormat

# Region → the vendor's shared host, and the region's name in a workspace's own host.
# Sources: the vendor's WebSocket API pages and region page, 2026.
_HOSTS = {
    "intl": ("dashscope-intl.aliyuncs.com", "ap-southeast-1"),
    "cn": ("dashscope.aliyuncs.com", "cn-beijing"),
}
DEFAULT_REGION = "intl"
CUSTOM = "custom"
LOCAL = "local"
REGIONS = (*_HOSTS, LOCAL)
ENDPOINT_VARIABLE = "DASHSCOPE_WEBSOCKET_BASE_URL"
# What a service on loopback is given when the user has no key; it wants some Authorization header, as the real one.
LOOPBACK_KEY = "loopback"

_WORKSPACE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and where it came from."""

    value: str = field(repr=False)
    origin: str


def region_label(region: str | None, endpoint: str | None, environ: Mapping[str, str]) -> str:
    """The region's name for the output; "custom" where an address takes its place.

    An address outranks a region given beside it; in the environment it outranks only the default region. Raises
    UsageError for an unknown region.
    """
    if region is not None and region not in REGIONS:
        raise UsageError(f"--region {region!r} is not known", hint=f"choose one of {', '.join(REGIONS)}")
    if endpoint or (region is None and environ.get(ENDPOINT_VARIABLE)):
        return CUSTOM
    return region or DEFAULT_REGION


def endpoint_url(region: str | None, workspace: str | None, endpoint: str | None, environ: Mapping[str, str]) -> str:
    """The service's address: `--endpoint`, then the workspace's host, then the SDK's variable, then the region's host.

    Raises UsageError for a URL that is not a WebSocket one, and for `ws://` to anything but loopback.
    """
    if workspace and not _WORKSPACE.fullmatch(workspace):
        raise UsageError(f"--workspace {workspace!r} is not a workspace id", hint="letters, digits, - and _")
    if endpoint:
        return _checked_url(endpoint, "--endpoint")
    host, name = _HOSTS[region or DEFAULT_REGION]
    if workspace:
        return f"wss://{workspace}.{name}.maas.aliyuncs.com"
    if region is None and environ.get(ENDPOINT_VARIABLE):
        return _checked_url(environ[ENDPOINT_VARIABLE], ENDPOINT_VARIABLE)
    return f"wss://{host}"


def _checked_url(url: str, origin: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"{origin} {url!r} is not a URL: {error}", hint="for example wss://host") from error
    if parts.scheme not in ("ws", "wss") or not host or any(c.isspace() or not c.isprintable() for c in url):
        raise UsageError(f"{origin} {url!r} is not a WebSocket address", hint="for example wss://host")
    if parts.scheme == "ws" and not is_loopback(host):
        raise UsageError(f"{origin} {url!r} would send the key in clear", hint="use wss://; ws:// is for loopback only")
    return url


def is_loopback(host: str) -> bool:
    """True for localhost and the loopback addresses."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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


def _key_from(path: Path, origin: str) -> ApiKey:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise AuthError(f"cannot read the key from {origin}: {reason}") from error
    return _checked_key(text, origin)


def _checked_key(text: str, origin: str) -> ApiKey:
    key = text.strip()
    # The key itself stays out of the message.
    if not key or not key.isascii() or any(character.isspace() or not character.isprintable() for character in key):
        raise AuthError(f"{origin} holds no usable key", hint="a key is one word of plain characters, such as sk-…")
    return ApiKey(key, origin)


def missing_key() -> AuthError:
    """The error for a run that needs a key and has none."""
    return AuthError(
        "no API key",
        hint="set DASHSCOPE_API_KEY, or use --api-key-file FILE, or put it into ~/.dashscope/api_key; get one in the"
        " Model Studio console; without a key try --region local",
    )


def recognition_options(model_name: str, fields: Mapping[str, object]) -> tuple[RecognitionOptions, list[str]]:
    """Options for `model_name` from the neutral `fields` the user set, and warnings.

    Raises UsageError for a value out of range and for an option that a known model lacks.
    """
    _check_text({"model": model_name, **fields})
    options = RecognitionOptions(model=model_name, **{"audio_format": PcmFormat(wire_rate_hz(model_name)), **fields})  # type: ignore[arg-type]
    _check_ranges(options)
    model = models.find(model_name)
    if model is None:
        known = models.nearest(model_name)
        advice = f"; did you mean {known}?" if known else ""
        return options, [f"the model {model_name!r} is not in the catalogue of this version{advice}"]
    lacking = [_FLAGS[name] for name in fields if name in _FLAGS and name not in model.options]
    if lacking:
        raise UsageError(
            f"{model_name} has no {' and no '.join(lacking)}",
            hint="leave it out or choose another model (see `asrcli models`); --param sends a field unchecked",
        )
    return options, list(_language_warnings(options, model))


def _check_text(fields: Mapping[str, object]) -> None:
    """Raise UsageError for a text that cannot be sent.

    Python makes lone surrogates of arguments that are not in the system's encoding, and no message can hold one.
    """
    for name, value in fields.items():
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError as error:
            flag = _FLAGS.get(name, "--param" if name == "extra" else f"--{name}")
            raise UsageError(
                f"{flag} is not valid UTF-8", hint="check the encoding of the terminal or script"
            ) from error


def with_heartbeat(options: RecognitionOptions) -> RecognitionOptions:
    """Ask the service to bear long silence, where the model is known to listen to that and the user did not say."""
    model = models.find(options.model)
    if model is None or "heartbeat" not in model.options or options.heartbeat is not None:
        return options
    return replace(options, heartbeat=True)


_FLAGS = {
    "languages": "--language",
    "hotwords_id": "--hotwords",
    "hotwords": "--hotwords with words",
    "max_sentence_silence_ms": "--max-sentence-silence",
    "semantic_punctuation": "--semantic-punctuation",
    "multi_threshold": "--multi-threshold",
    "noise_threshold": "--noise-threshold",
    "heartbeat": "--heartbeat",
    "disfluency_removal": "--disfluency-removal",
    "context": "--context",
    "manual": "--manual",
}


def _check_ranges(options: RecognitionOptions) -> None:
    silence_ms, noise = options.max_sentence_silence_ms, options.noise_threshold
    if silence_ms is not None and not 200 <= silence_ms <= 6000:
        raise UsageError(f"--max-sentence-silence {silence_ms} is out of range", hint="200 to 6000 milliseconds")
    if noise is not None and not -1.0 <= noise <= 1.0:
        raise UsageError(f"--noise-threshold {noise:g} is out of range", hint="-1.0 to 1.0, in steps of 0.1")


def _language_warnings(options: RecognitionOptions, model: models.Model) -> Iterable[str]:
    for code in options.languages:
        if code not in model.languages:
            yield f"{model.name} is not documented for the language {code!r} (known: {' '.join(model.languages)})"
    if len(options.languages) > model.max_languages:
        yield f"{model.name} reads only the first {model.max_languages} of {len(options.languages)} languages"


def wire_rate_hz(model_name: str) -> int:
    """The sample rate to send: 8 kHz for the 8k models, else 16 kHz."""
    model = models.find(model_name)
    return model.wire_rate_hz if model else models.guess_wire_rate_hz(model_name)


def protocol_name(model_name: str, override: str | None, known: Iterable[str]) -> str:
    """The protocol that `model_name` speaks; `override` is the user's --protocol."""
    if override is not None and override not in known:
        raise UsageError(f"--protocol {override!r} is not known", hint=f"choose one of {', '.join(known)}")
    model = models.find(model_name)
    return override or (model.protocol if model else models.guess_protocol(model_name))


def parse_parameters(pairs: Iterable[str]) -> dict[str, object]:
    """`--param KEY=VALUE`, the value read as JSON where it is JSON, else as text."""
    parameters: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--param {pair!r} is not KEY=VALUE", hint="for example --param keep_dialect=true")
        try:
            parameters[key.strip()] = json.loads(value, parse_constant=str)
        except ValueError:
            parameters[key.strip()] = value
    return parameters


def parse_hotwords(text: str) -> dict[str, object]:
    """`--hotwords`: the id of a list, or "word:weight,word". Fields of RecognitionOptions."""
    if text.startswith("vocab-") or not any(mark in text for mark in ",: "):
        return {"hotwords_id": text}
    return parse_phrases(text.split(","))


def parse_phrases(items: Iterable[str]) -> dict[str, object]:
    """Hotwords, each "word:weight" or "word" (weight 4), as fields of RecognitionOptions. Raises UsageError."""
    words: dict[str, int] = {}
    for item in filter(None, map(str.strip, items)):
        word, colon, weight = (part.strip() for part in item.rpartition(":"))
        word, weight = (word, weight) if colon else (item, "4")
        if not word or weight not in ("1", "2", "3", "4", "5", "50"):
            raise UsageError(f"--hotwords {item!r} is not WORD:WEIGHT", hint="weights are 1 to 5, usually 4, or 50")
        words[word] = int(weight)
    return {"hotwords": words}
