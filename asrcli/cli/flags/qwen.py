"""Options that only Qwen-ASR-Realtime has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import typer

from asrcli.cli.flags import completions as values

DEFAULT_MODEL = "qwen3-asr-flash-realtime"
# The service takes 10,000 tokens of background text; a token is rarely shorter than a character.
_MOST_CORPUS_CHARACTERS = 10_000
_WIRE_RATES = ("8000", "16000")


@dataclass(frozen=True)
class QwenFlags:
    """What only this family of models knows."""

    section: ClassVar[str] = "Recognition"

    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="The model; see `asrcli models`.",
            autocompletion=values.realtime_models,
        ),
    ] = DEFAULT_MODEL
    manual: Annotated[
        bool,
        typer.Option("--manual/--vad", help="We say where utterances end, at pauses or at Enter; or the service does."),
    ] = False
    one_utterance: Annotated[
        bool,
        typer.Option("--one-utterance", help="All of a source as one utterance, of 53 s at most; implies --manual."),
    ] = False
    threshold: Annotated[
        float | None, typer.Option(metavar="N", min=-1, max=1, help="VAD: lower hears more [0.2].")
    ] = None
    silence_ms: Annotated[
        int | None,
        typer.Option(
            metavar="MS", min=200, max=6000, help="Milliseconds of silence that end an utterance [800; talks 400]."
        ),
    ] = None
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            "--lang",
            "-l",
            metavar="CODE",
            help="The language spoken, such as zh or en [detected].",
            autocompletion=values.languages,
        ),
    ] = None
    corpus: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT|FILE", help="Background text in which names and terms occur; @FILE is always a file."
        ),
    ] = None
    wire_rate: Annotated[
        str | None,
        typer.Option(
            metavar="8000|16000", help="Sample rate to send [16000].", autocompletion=values.choices(*_WIRE_RATES)
        ),
    ] = None
    opus: Annotated[bool, typer.Option("--opus", hidden=True, help="The same as --send opus.")] = False
    param: Annotated[
        list[str], typer.Option("--param", metavar="KEY=VALUE", help="Any further session field; repeatable.")
    ] = field(default_factory=list)

    @property
    def is_manual(self) -> bool:
        return self.manual or self.one_utterance

    def fields(self) -> dict[str, object]:
        """The neutral option fields that the user set, by name. In manual mode the pause is our own affair."""
        from asrcli.settings.phrases import parse_parameters
        from asrcli.values.context import of_text

        named = {
            "manual": self.is_manual or None,
            "languages": (_known_language(self.model, self.language),) if self.language else None,
            "context": of_text(_corpus_text(self.corpus)) if self.corpus else None,
            "noise_threshold": self.threshold,
            "max_sentence_silence_ms": None if self.is_manual else self.silence_ms,
            "wire_rate": self._wire_rate_hz(),
            "extra": parse_parameters(self.param) or None,
        }
        return {name: value for name, value in named.items() if value is not None}

    def _wire_rate_hz(self) -> int | None:
        """Raises UsageError for a rate that the service does not take."""
        from asrcli.values.errors import UsageError

        if self.wire_rate not in (None, *_WIRE_RATES):
            raise UsageError(f"--wire-rate {self.wire_rate} is not known", hint=f"choose {' or '.join(_WIRE_RATES)}")
        return int(self.wire_rate) if self.wire_rate else None


def _known_language(model: str, code: str) -> str:
    """`code`, if the model is documented for it or not known at all. Raises UsageError."""
    import difflib

    from asrcli.settings import catalogue as models
    from asrcli.settings.languages import near_code, refuse_names
    from asrcli.values.errors import UsageError

    refuse_names([code])
    known = models.find(model)
    if known is None or code in known.languages:
        return code
    near = near_code(code, known.languages) or next(iter(difflib.get_close_matches(code, known.languages, n=1)), "")
    advice = f"did you mean {near}? " if near else ""
    raise UsageError(f"--language {code!r} is not known", hint=f"{advice}known: {' '.join(known.languages)}")


def _corpus_text(given: str) -> str:
    """The text itself, or what the file of that name holds. Raises UsageError."""
    from asrcli.cli.flags.textfiles import text_of
    from asrcli.values.errors import UsageError

    text = text_of(given, "--corpus")
    text = given if text is None else text
    if len(text) > _MOST_CORPUS_CHARACTERS:
        raise UsageError(
            f"--corpus holds {len(text)} characters, more than {_MOST_CORPUS_CHARACTERS}",
            hint="the names and terms alone will do",
        )
    return text
