"""Which sources are done: those whose last line is complete, with the same options and the same sound."""

from __future__ import annotations

from asrcli.fleet.ledger import Ledger, Standing
from asrcli.fleet.result_lines import Outcome, Sound

OPTIONS, OTHERS = "a" * 64, "b" * 64
SHA, OTHER_SHA = "c" * 64, "d" * 64
SOUND = Sound(320_044, 17, None, SHA)


def lines(*said: tuple[str, bool, str, Sound | None]) -> list[bytes]:
    return [
        Outcome(id, id, complete, options, "now", sound=sound).line().encode() for id, complete, options, sound in said
    ]


def test_the_last_line_counts():
    ledger = Ledger(
        lines(
            ("done", False, OPTIONS, None),
            ("failed", True, OPTIONS, SOUND),
            ("done", True, OPTIONS, SOUND),
            ("failed", False, OPTIONS, SOUND),
        )
    )
    assert len(ledger) == 2
    assert ledger.standing("done", OPTIONS, SOUND) is Standing.DONE
    assert ledger.standing("failed", OPTIONS, SOUND) is Standing.NOT_DONE
    assert ledger.standing("never", OPTIONS, SOUND) is Standing.NOT_DONE


def test_other_options_are_another_result():
    ledger = Ledger(lines(("a", True, OPTIONS, SOUND)))
    assert ledger.standing("a", OTHERS, SOUND) is Standing.OTHER_OPTIONS


def test_the_sound_is_the_same_by_size_and_time_or_else_by_its_bytes():
    ledger = Ledger(lines(("a", True, OPTIONS, SOUND)))
    asked: list[str] = []

    def sha256(made: str | None):
        asked.append("asked")
        return made

    assert ledger.standing("a", OPTIONS, Sound(320_044, 17), lambda: sha256(OTHER_SHA)) is Standing.DONE
    assert asked == []
    copied = Sound(320_044, 18)
    assert ledger.standing("a", OPTIONS, copied, lambda: sha256(SHA)) is Standing.DONE
    assert ledger.standing("a", OPTIONS, copied, lambda: sha256(OTHER_SHA)) is Standing.OTHER_SOUND
    assert ledger.standing("a", OPTIONS, copied, lambda: sha256(None)) is Standing.OTHER_SOUND
    assert len(asked) == 3
    # What was made before is not made again.
    assert ledger.standing("a", OPTIONS, Sound(1, 1, None, SHA), lambda: sha256(OTHER_SHA)) is Standing.DONE
    assert ledger.standing("a", OPTIONS, Sound(1, 1, None, OTHER_SHA), lambda: sha256(SHA)) is Standing.OTHER_SOUND
    assert len(asked) == 3


def test_a_file_of_another_name_is_the_same_by_nothing_but_its_bytes():
    ledger = Ledger(lines(("in/a.wav", True, OPTIONS, SOUND), ("in/b.wav", True, OPTIONS, None)))
    now = Sound(320_044, 17)
    assert ledger.standing("in/a.wav", OPTIONS, now, audio="/there/a.wav") is Standing.DONE
    assert ledger.standing("in/a.wav", OPTIONS, now, lambda: OTHER_SHA, "in/c.wav") is Standing.OTHER_SOUND
    assert ledger.standing("in/a.wav", OPTIONS, now, lambda: SHA, "in/c.wav") is Standing.DONE
    assert ledger.standing("in/a.wav", OPTIONS, None, audio="https://host/c.wav") is Standing.OTHER_SOUND
    assert ledger.standing("in/b.wav", OPTIONS, None, audio="https://host/b.wav?Signature=x") is Standing.DONE
    assert ledger.standing("in/b.wav", OPTIONS, now, audio="in/c.wav") is Standing.OTHER_SOUND


def test_what_lies_at_an_address_is_the_same_by_its_identity():
    ledger = Ledger(lines(("a", True, OPTIONS, Sound(identity='etag:"x"'))))
    assert ledger.standing("a", OPTIONS, Sound(identity='etag:"x"')) is Standing.DONE
    assert ledger.standing("a", OPTIONS, Sound(identity='etag:"y"')) is Standing.OTHER_SOUND


def test_what_cannot_be_compared_is_taken_for_the_same():
    ledger = Ledger(lines(("a", True, OPTIONS, SOUND), ("b", True, OPTIONS, None)))
    assert ledger.standing("a", OPTIONS, None) is Standing.DONE
    assert ledger.standing("b", OPTIONS, SOUND) is Standing.DONE


def test_broken_lines_say_nothing_and_are_counted():
    whole = lines(("a", True, OPTIONS, SOUND))
    ledger = Ledger([b"\n", *whole, b"{}\n", whole[0][:-1], b"\0", b"x"])
    assert ledger.standing("a", OPTIONS, SOUND) is Standing.DONE
    assert (ledger.broken, ledger.first_broken) == (4, [3, 4, 5])
