"""What people read of sentences, of errors and of further tries."""

from __future__ import annotations

import pytest

from asrcli.output.wording import error_line, kind_of_failure, reconnecting, sentence_line, warning_line, words
from asrcli.values.errors import (
    AsrcliError,
    AuthError,
    DecodeError,
    Interrupted,
    LinkError,
    OutputError,
    ProtocolViolation,
    ServiceError,
    SoundLost,
    UsageError,
    together,
)
from asrcli.values.events import Reconnecting, Sentence, Word


def given_up(error: AsrcliError, tries: int, *missing: tuple[int, int | None]) -> AsrcliError:
    error.tries, error.missing = tries, missing
    return error


FULL = OutputError("cannot write to standard output: No space left on device", hint="make room")
PLACES = tuple((minute * 60_000, minute * 60_000 + 5000) for minute in range(5))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UsageError("no such file: a.wav", hint="check the name"), "no such file: a.wav (check the name)"),
        (UsageError("no such file: a.wav"), "no such file: a.wav"),
        (ServiceError("Busy", "not now."), "the service answered Busy: not now."),
        (
            ServiceError("Busy", "not now.", request_id="s-1", id_of="session", hint="wait"),
            "the service answered Busy, session ID s-1: not now. (wait)",
        ),
        (
            ServiceError("Noise", "too loud", utterances=1),
            "the service answered Noise: an utterance was not recognised: too loud",
        ),
        (
            ServiceError("Noise", "too loud", utterances=3),
            "the service answered Noise: an utterance was not recognised (and 2 more): too loud",
        ),
        (AuthError("no API key found", hint="set it"), "no API key found (set it)"),
        (
            AuthError("Invalid API-key.", service_code="InvalidApiKey", refused_by="the service"),
            "the service refused the key: InvalidApiKey: Invalid API-key.",
        ),
        (
            AuthError("no", service_code="InvalidApiKey", refused_by="wss://host/path", http_status=401),
            "wss://host/path refused the key: HTTP 401, InvalidApiKey: no",
        ),
        (AuthError("no", refused_by="wss://host", http_status=403), "wss://host refused access: HTTP 403: no"),
        (ProtocolViolation("that is not JSON", excerpt="'{'"), "that is not JSON: '{'"),
        (given_up(LinkError("lost", hint="safe"), 1), "lost; gave up after 1 try (safe)"),
        (
            given_up(LinkError("lost"), 3, (65_999, None)),
            "lost; gave up after 3 tries; nothing was recognised after 1:05",
        ),
        (
            given_up(ServiceError("Busy", "no"), 0, (0, 5000), (3_599_000, 3_600_000)),
            "the service answered Busy: no; nothing was recognised from 0:00 to 0:05 and from 59:59 to 60:00",
        ),
        (given_up(SoundLost("x", hint="keep it"), 0, PLACES[0]), "nothing was recognised from 0:00 to 0:05 (keep it)"),
        (
            given_up(SoundLost("x"), 0, *PLACES),
            "nothing was recognised from 0:00 to 0:05 and from 1:00 to 1:05 and from 2:00 to 2:05 and in 2 more places",
        ),
        (Interrupted(15, "interrupted by SIGTERM"), "interrupted by SIGTERM"),
        (
            Interrupted(15, "interrupted by SIGTERM", done=0, total=3),
            "interrupted by SIGTERM; 0 of 3 sources are done",
        ),
        (
            together(given_up(LinkError("lost.", hint="safe"), 2, (0, None)), FULL),
            "lost.; gave up after 2 tries; nothing was recognised after 0:00; and cannot write to standard output:"
            " No space left on device (make room)",
        ),
        (together(UsageError("no such file."), OutputError("no room")), "no such file; and no room"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, AsrcliError) else None,
)
def test_all_that_is_known_is_told_in_one_sentence(error: AsrcliError, said: str) -> None:
    message = error.message
    assert words(error) == said
    assert error.message == message


def test_a_line_is_safe_for_a_terminal_and_names_its_source_once():
    assert error_line(DecodeError("lo\x1b[2Jst\nhere")) == "asrcli: error: lo\\x1b[2Jst here"
    assert error_line(DecodeError("lost"), "a.wav") == "asrcli: error: a.wav: lost"
    assert error_line(DecodeError("a.wav is lost"), "a.wav") == "asrcli: error: a.wav is lost"
    assert warning_line("late\x07", "hurry") == "asrcli: warning: late\\x07 (hurry)"
    assert warning_line("late", "") == "asrcli: warning: late"


@pytest.mark.parametrize(
    ("error", "is_named"),
    [
        (AuthError("no API key", hint="set it"), True),
        (LinkError("cannot connect", hint="check the proxy"), True),
        (LinkError("lost", hint="safe to try again"), False),
        (LinkError("lost"), False),
        (DecodeError("no sound", hint="another file"), False),
    ],
)
def test_the_check_is_named_where_it_finds_out_more(error, is_named):
    assert error_line(error).endswith("`asrcli doctor` looks further)") is is_named
    # Not where the check itself tells of it, nor where a program reads it.
    assert "doctor" not in words(error)


def test_a_wait_that_a_person_would_notice_is_told():
    assert reconnecting(Reconnecting(1, 0, "full.", wait_s=180.0)) == "full; reconnecting in 180 s"
    assert reconnecting(Reconnecting(1, 0, "lost", wait_s=0.4)) == "lost; reconnecting"


ALL = Sentence(1, "Good\nmorning. ", 1000, 2500, language="en", emotion="happy", speaker="1")
TWO = Sentence(1, "You and I.", words=(Word("You", 0, 1, speaker="1"), Word("and", 1, 2), Word("I", 2, 3, speaker="2")))


@pytest.mark.parametrize(
    ("sentence", "marks", "line"),
    [
        (ALL, {}, "Good morning."),
        (ALL, {"timestamps": True}, "[0:00:01.000 --> 0:00:02.500] Good morning."),
        (ALL, {"labels": True}, "[en, happy, speaker 1] Good morning."),
        (
            ALL,
            {"timestamps": True, "labels": True},
            "[0:00:01.000 --> 0:00:02.500] [en, happy, speaker 1] Good morning.",
        ),
        (Sentence(1, "Okay", 3_723_004), {"timestamps": True, "labels": True}, "[1:02:03.004] Okay"),
        (Sentence(1, "Okay", language="zh"), {"labels": True}, "[zh] Okay"),
        (Sentence(1, "Okay", speaker="0"), {"labels": True}, "[speaker 0] Okay"),
        (Sentence(1, "Okay", emotion="  "), {"labels": True}, "Okay"),
        (TWO, {"labels": True}, "[speaker 1, speaker 2] You and I."),
        (Sentence(1, " \n", 0, 1, language="en"), {"timestamps": True, "labels": True}, ""),
    ],
)
def test_what_stands_before_a_sentence_is_asked_for_and_known(sentence, marks, line):
    assert sentence_line(sentence, **marks) == line


HOSTILE = "a\x1b[2J\nb\u202e"


@pytest.mark.parametrize(
    "sentence",
    [Sentence(1, "Okay", language=HOSTILE), Sentence(1, "Okay", emotion=HOSTILE), Sentence(1, "Okay", speaker=HOSTILE)],
)
def test_labels_drive_no_terminal(sentence):
    line = sentence_line(sentence, labels=True)
    assert line.endswith("a\\x1b[2J b\\u202e] Okay")


@pytest.mark.parametrize(
    ("error", "source", "kind"),
    [
        (UsageError("no such file: a/b/one.wav"), "a/b/one.wav", "no such file"),
        (UsageError("cannot read a/one.wav: Input/output error"), "a/one.wav", "cannot read: Input/output error"),
        (UsageError("one.wav holds no audio"), "deep/one.wav", "holds no audio"),
        (UsageError("standard input: holds\x1bno audio"), "-", "holds\\x1bno audio"),
        (
            ServiceError("InvalidParameter", "task 123: no", request_id="r-1"),
            "a",
            "the service answered InvalidParameter",
        ),
        (LinkError("a link was lost"), "a", "a link was lost"),
        (UsageError("one.wav"), "one.wav", "UsageError"),
    ],
)
def test_what_failed_alike_has_the_same_words(error: AsrcliError, source: str, kind: str) -> None:
    assert kind_of_failure(error, source) == kind
