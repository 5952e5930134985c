"""Requests to the HTTP API of hotword lists and their answers, as `tests/data/dialogues/hotword-lists` holds them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.service import DATA

NAMES = sorted(path.stem for path in (DATA / "dialogues" / "hotword-lists").glob("*.jsonl"))


@dataclass(frozen=True)
class Exchange:
    """What our client does, the request that this makes, and how that is answered. Times and ids are names still."""

    does: dict[str, Any]
    request: dict[str, Any]
    status: int
    answer: dict[str, Any]


def exchanges(name: str) -> Iterator[Exchange]:
    lines = (DATA / "dialogues" / "hotword-lists" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    documents = [json.loads(line) for line in lines]
    for does, request, answer in zip(documents[::3], documents[1::3], documents[2::3], strict=True):
        assert (request["from"], answer["from"]) == ("client", "service")
        yield Exchange(does, request["body"], answer["status"], answer["body"])


def filled(value: Any, names: dict[str, str]) -> Any:
    """`value` with what its names stand for."""
    text = json.dumps(value)
    return json.loads(re.sub(r"\$[A-Z]+", lambda found: names[found[0]], text))


def fits(wanted: Any, found: Any, names: dict[str, str]) -> bool:
    """Whether `found` is what is `wanted`; names that are not known yet are learnt."""
    if isinstance(wanted, str) and wanted.startswith("$"):
        return isinstance(found, str) and (wanted == "$REQUEST" or names.setdefault(wanted, found) == found)
    if isinstance(wanted, dict):
        same = isinstance(found, dict) and wanted.keys() == found.keys()
        return same and all(fits(wanted[key], found[key], names) for key in wanted)
    if isinstance(wanted, list):
        same = isinstance(found, list) and len(wanted) == len(found)
        return same and all(fits(one, other, names) for one, other in zip(wanted, found, strict=True))
    return bool(wanted == found)
