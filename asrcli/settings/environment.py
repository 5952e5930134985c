"""The variables of the environment, and the keys among them, which no child may inherit, whoever starts it.

ffmpeg, the local service and its recogniser are started here and there, other children by libraries, and a sound system
may start a daemon that outlives the program by days. So the keys are taken out of the environment itself.
"""

from __future__ import annotations

import os

SERVE_KEY = "ASRCLI_SERVE_KEY"
_KEYS = ("DASHSCOPE_API_KEY", SERVE_KEY)
# What opens object stores. Their libraries look for it in the environment, here and in processes that work for us.
_STORE_KEYS = (
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"),
    *("FSSPEC_OSS_SECRET", "FSSPEC_S3_SECRET", "FSSPEC_GS_TOKEN"),
    *("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING"),
)
_taken: dict[str, str] = {}


def hide_keys() -> None:
    """Take the keys out of the environment; from now on only `variables` has them."""
    for name in _KEYS:
        if (value := os.environ.pop(name, None)) is not None:
            _taken[name] = value


def variables() -> dict[str, str]:
    """All variables, the keys among them."""
    return {**os.environ, **_taken}


def known_keys() -> list[str]:
    """The keys that are set, those of object stores among them."""
    found = variables()
    return [found[name].strip() for name in (*_KEYS, *_STORE_KEYS) if name in found]
