"""What the error of a transcription knows of the sound that has no result."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from asrcli.engine.joining.missing import Verdict
from asrcli.engine.joining.sessions import Joining
from asrcli.values.errors import AsrcliError, DecodeError, Interrupted, LinkError, SoundLost
from asrcli.values.pcm import PcmFormat

PCM = PcmFormat(16000)


def verdict(
    *, live: bool = False, can_wait: bool = True, ended: bool = True, cause: AsrcliError | None = None
) -> Verdict:
    """Of ten seconds of sound on the tape, four of them decided."""
    joining = Joining(PCM)
    joining.skip(PCM.samples(4000))
    source = SimpleNamespace(live=live, can_wait=can_wait)
    tape = SimpleNamespace(
        cause=cause, ended=ended, end_sample=PCM.samples(10_000), sound=None, rest=lambda sample: iter(())
    )
    engine = SimpleNamespace(keep_s=300.0, rescue=lambda chunks, sound: "kept there")
    return Verdict(source, engine, PCM, tape, joining)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "end_ms", "hint"),
    [
        ({}, None, "safe"),
        ({"live": True}, 10_000, "kept there"),
        ({"live": True, "ended": False}, None, "kept there"),
        ({"live": True, "can_wait": False, "ended": False}, 10_000, "kept there"),
    ],
    ids=["a file", "a pipe that has ended", "a pipe", "a microphone"],
)
def test_an_error_that_ends_it_knows_from_when_on_nothing_was_recognised(source, end_ms, hint):
    error = LinkError("lost", hint="safe")
    verdict(**source).give_up(error, 3)
    assert (error.message, error.tries, error.missing, error.hint) == ("lost", 3, ((4000, end_ms),), hint)


def test_what_was_given_up_on_the_way_is_missing_whatever_it_ends_with():
    for cause, ended_by in ((None, SoundLost), (DecodeError("damaged"), DecodeError)):
        judged = verdict(cause=cause)
        message, _ = judged.give_up_sound(PCM.samples(1000), PCM.samples(3000))
        assert message.startswith("nothing was recognised from 0:01 to 0:03")
        error = judged.at_the_end()
        assert type(error) is ended_by
        assert error.missing == ((1000, 3000),)
        error = LinkError("lost")
        judged.give_up(error, 0)
        assert error.missing == ((1000, 3000), (4000, None))
    assert verdict().at_the_end() is None


def test_of_an_interruption_nobody_asks_what_is_missing():
    error, judged = Interrupted(2, "interrupted"), verdict()
    judged.give_up_sound(0, PCM.samples(1000))
    judged.give_up(error, 2)
    assert (error.tries, error.missing) == (2, ())
