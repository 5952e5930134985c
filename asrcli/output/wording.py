"""What people read of sentences, errors, warnings and further tries: here alone are their fields put into words.

Each is one line, safe for a terminal. Knows no view and no stream.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from asrcli.output.sanitize import sentence_text
from asrcli.values.clock_time import exact_time, in_minutes
from asrcli.values.errors import AsrcliError, AuthError, Interrupted, LinkError, OutputError, ServiceError, SoundLost
from asrcli.values.events import Reconnecting, Sentence, WorkersChanged
from asrcli.values.source_name import label

ERROR_PREFIX = "asrcli: error: "
"""How the line of an error begins."""

_LOOKS_FURTHER = "`asrcli doctor` looks further"
# So many stretches that were given up are named one by one.
_NAMED = 3
# No name of a file, with its suffix, is shorter.
_NO_WORD = 4
# A shorter wait is over before it is read.
_WORTH_TELLING_S = 5.0


def sentence_line(sentence: Sentence, *, timestamps: bool = False, labels: bool = False, seen: bool = True) -> str:
    """`sentence` as one line, "" where it has no text; `seen`: as in `sentence_text`.

    `timestamps` puts its times in front, `labels` its language, its emotion and who speaks, as far as they are known:
    "[0:00:01.000 --> 0:00:02.500] [en, happy, speaker 1] Good morning."
    """
    text = sentence_text(sentence.text, seen=seen).strip()
    if not text:
        return ""
    marks = [*(_times(sentence) if timestamps else ()), *(_labels(sentence, seen=seen) if labels else ())]
    return " ".join([*marks, text])


def words(error: AsrcliError) -> str:
    """All that a person should know of `error`: what was said, what is known beside it, what to do. Not yet safe."""
    return _with_hint(_told(error), error.hint)


def error_line(error: AsrcliError, source: str | None = None) -> str:
    """ "asrcli: error: …" with its hint, and the self-check where that knows more; with its source, if told."""
    hint = f"{error.hint}; {_LOOKS_FURTHER}" if _is_to_be_looked_into(error) else error.hint
    text = _with_hint(_told(error), hint)
    return sentence_text(ERROR_PREFIX + (text if source is None else about(text, source)))


def warning_line(message: str, hint: str) -> str:
    """ "asrcli: warning: message (hint)"."""
    return sentence_text(f"asrcli: warning: {_with_hint(message, hint)}")


def reconnecting(event: Reconnecting) -> str:
    """Why another try is made, and when, if that is not at once. Not yet safe."""
    when = f" in {event.wait_s:.0f} s" if event.wait_s >= _WORTH_TELLING_S else ""
    return f"{event.reason.rstrip('.')}; reconnecting{when}"


def in_seconds(ms: int) -> str:
    """An amount of sound: 0.4 s, 12 s."""
    return f"{ms / 1000:.1f} s" if ms < 10_000 else f"{ms / 1000:.0f} s"


def sent_twice(workers: WorkersChanged) -> str:
    """What the workers that were lost have cost, at the end of a run."""
    lost = "1 worker was" if workers.lost == 1 else f"{workers.lost} workers were"
    return f"{in_seconds(workers.resent_ms)} of sound went over twice, since {lost} lost"


def about(message: str, source: str) -> str:
    """`message` with the name of its source in front, unless it says that itself."""
    is_named = re.search(rf"(?<!\w){re.escape(source)}(?!\w)", message) is not None
    return message if is_named else f"{source}: {message}"


def kind_of_failure(error: AsrcliError, source: str) -> str:
    """What failed, in words that are the same for all that failed alike: without the names of sources and sessions."""
    if isinstance(error, ServiceError):
        return f"the service answered {error.code}"
    said = error.reason
    # The longest one first, which holds the others; what is as short as a word may be one.
    for each in (label(source), source, PurePath(source).name):
        said = said.replace(each, "") if len(each) >= _NO_WORD else said
    return " ".join(sentence_text(said).split()).replace(" :", ":").strip(" :") or error.code


def _times(sentence: Sentence) -> list[str]:
    if sentence.begin_ms is None:
        return []
    known = [sentence.begin_ms] if sentence.end_ms is None else [sentence.begin_ms, sentence.end_ms]
    return [f"[{' --> '.join(map(exact_time, known))}]"]


def _labels(sentence: Sentence, *, seen: bool) -> list[str]:
    speakers = [sentence.speaker] if sentence.speaker is not None else [word.speaker for word in sentence.words]
    said = [sentence.language, sentence.emotion, *(f"speaker {who}" for who in dict.fromkeys(speakers) if who)]
    known = [text for label in said if label and (text := sentence_text(label, seen=seen).strip())]
    return [f"[{', '.join(known)}]"] if known else []


def _is_to_be_looked_into(error: AsrcliError) -> bool:
    """Whether something about the key or the way to the service is to be put right, which the self-check tries."""
    return bool(error.hint) and (
        isinstance(error, AuthError) or (isinstance(error, LinkError) and error.hint.startswith("check "))
    )


def _with_hint(text: str, hint: str) -> str:
    return f"{text} ({hint})" if hint else text


def _told(error: AsrcliError) -> str:
    """Everything but the hint."""
    told = [_said(error)]
    if error.tries:
        told.append(f"gave up after {error.tries} {'try' if error.tries == 1 else 'tries'}")
    if error.missing and not isinstance(error, SoundLost):
        told.append(f"nothing was recognised {_stretches(error.missing)}")
    if isinstance(error, Interrupted) and error.total is not None:
        told.append(f"{error.done} of {error.total} sources are done")
    text = "; ".join(told)
    if isinstance(error, OutputError) and error.after is not None:
        return f"{_told(error.after).rstrip('.')}; and {text}"
    return text


def _said(error: AsrcliError) -> str:
    """What failed, and who says so."""
    match error:
        case ServiceError():
            named = f", {error.id_of} ID {error.request_id}" if error.request_id else ""
            return f"the service answered {error.code}{named}: {_utterances(error)}{error.message}"
        case AuthError() if error.refused_by:
            status = f"HTTP {error.http_status}" if error.http_status is not None else ""
            by = ", ".join(filter(None, (status, error.service_code)))
            what = "access" if error.http_status == 403 else "the key"
            return f"{error.refused_by} refused {what}: {by}: {error.message}"
        case SoundLost() if error.missing:
            more = len(error.missing) - _NAMED
            rest = f" and in {more} more places" if more > 0 else ""
            return f"nothing was recognised {_stretches(error.missing[:_NAMED])}{rest}"
    return error.reason


def _utterances(error: ServiceError) -> str:
    if not error.utterances:
        return ""
    more = f" (and {error.utterances - 1} more)" if error.utterances > 1 else ""
    return f"an utterance was not recognised{more}: "


def _stretches(missing: Sequence[tuple[int, int | None]]) -> str:
    return " and ".join(_stretch(*each) for each in missing)


def _stretch(begin_ms: int, end_ms: int | None) -> str:
    begin = in_minutes(begin_ms / 1000)
    return f"after {begin}" if end_ms is None else f"from {begin} to {in_minutes(end_ms / 1000)}"
