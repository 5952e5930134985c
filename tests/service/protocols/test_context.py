"""What of a context is in force: the vendor's limits, and who takes none."""

from __future__ import annotations

import pytest

from asrcli.service.protocols.parameters import ParameterError, context_in_force


def said(role: str, text: str) -> dict[str, object]:
    return {"role": role, "content": [{"type": "input_text" if role == "user" else "text", "text": text}]}


def test_the_newest_five_of_each_side_count():
    context = [said(role, f"{role} {number}") for number in range(7) for role in ("user", "assistant")]
    assert context_in_force("fun-asr-realtime", context).split("\n") == [
        *(f"user {number}" for number in range(2, 7)),
        *(f"assistant {number}" for number in range(2, 7)),
    ]


def test_the_tail_of_a_turn_is_cut():
    context = [said("user", "u" * 390), said("assistant", "a" * 20), said("user", "x" * 401)]
    assert context_in_force("fun-asr-realtime", context).split("\n") == ["u" * 390, "x" * 400, "a" * 10]


def test_paraformer_takes_none():
    assert context_in_force("paraformer-realtime-v2", []) == ""
    with pytest.raises(ParameterError, match="not supported by model 'paraformer-realtime-v2'"):
        context_in_force("paraformer-realtime-v2", [said("user", "x")])
