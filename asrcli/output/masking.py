"""Keys kept out of what is written for people, for logs and for scripts: whatever looks like one, and those in use.

What was recognised is never looked at here: a transcript says what was said.
"""

from __future__ import annotations

import re

from asrcli.values.addresses import shown

_SHOWN = "sk-…"
_HIDDEN = "***"
# "sk-", perhaps a word such as "ws-", then a run of letters and digits. The vendor's runs have 32 and more.
_TOKEN = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]{8,})*")
# What a file may be called does not look so: a word with a year (sk-interview2024) is shorter than the first, and no
# word of letters alone is as long as the second.
_RUN = re.compile(r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{16,}|[A-Za-z0-9]{24,}")
# What is shorter is no secret, and may be a part of any word.
_LEAST_CHARACTERS = 8
_known: set[str] = set()


def learn(key: str) -> None:
    """From now on `key` is masked, whatever it looks like."""
    if len(key) >= _LEAST_CHARACTERS:
        _known.add(key)


def mask(text: str) -> str:
    """`text` with each key as "sk-…", or as "***" where it is of another kind, or lets one in at an address.

    Doing it twice changes nothing more.
    """
    text = shown(text)
    for key in sorted(_known, key=len, reverse=True):
        if key in text:
            text = text.replace(key, _SHOWN if key.startswith("sk-") else _HIDDEN)
    return _TOKEN.sub(_judged, text) if "sk-" in text else text


def _judged(token: re.Match[str]) -> str:
    # A key that was cut short is not as long, but "…" follows it.
    is_cut = token.string.startswith(("…", "'…", '"…'), token.end()) and any(map(str.isdigit, token[0]))
    return _SHOWN if is_cut or _RUN.search(token[0], len("sk-")) else token[0]
