"""`asrcli qwen`: Qwen-ASR-Realtime with the knobs that only it has."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

import typer

from asrcli.cli.flags import completions as values
from asrcli.cli.flags.many import ManyFlags
from asrcli.cli.flags.options import MicFlags, MicSetupFlags, OutputFlags, RawAudioFlags, ServiceFlags, grouped

if TYPE_CHECKING:
    from asrcli.engine.spec import Cutting
    from asrcli.runs.request import Request
    from asrcli.values.pcm import PcmFormat


DEFAULT_MODEL = "qwen3-asr-flash-realtime"
# The service takes 10,000 tokens of background text; a token is rarely shorter than a character.
_MOST_CORPUS_CHARACTERS = 10_000


_WIRE_RATES = ("8000", "16000")


@dataclass(frozen=True)
class QwenFlags:
    """What only this family of models knows."""

    model: Annotated[
        str,
        typer.Option("--model", "-m", metavar="NAME", help="Model.", autocompletion=values.realtime_models),
    ] = DEFAULT_MODEL
    manual: Annotated[
        bool,
        typer.Option("--manual/--vad", help="We say where utterances end, at pauses or at Enter; or the service does."),
    ] = False
    threshold: Annotated[
        float | None, typer.Option(metavar="N", min=-1, max=1, help="VAD: -1.0 to 1.0, lower hears more [0.2].")
    ] = None
    silence_ms: Annotated[
        int | None, typer.Option(metavar="MS", min=200, max=6000, help="Silence that ends an utterance [800].")
    ] = None
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            "--lang",
            "-l",
            metavar="CODE",
            help="Language spoken [detected].",
            autocompletion=values.languages,
        ),
    ] = None
    corpus: Annotated[
        str | None, typer.Option(metavar="TEXT|FILE", help="Background text in which names and terms occur.")
    ] = None
    wire_rate: Annotated[
        str | None,
        typer.Option(
            metavar="8000|16000", help="Sample rate to send [16000].", autocompletion=values.choices(*_WIRE_RATES)
        ),
    ] = None
    opus: Annotated[bool, typer.Option("--opus", help="Send a tenth of the bytes; results come a second later.")] = (
        False
    )
    param: Annotated[
        list[str], typer.Option("--param", metavar="KEY=VALUE", help="Any further session field; repeatable.")
    ] = field(default_factory=list)

    def fields(self) -> dict[str, object]:
        """The neutral option fields that the user set, by name. In manual mode the pause is our own affair."""
        from asrcli.settings.phrases import parse_parameters
        from asrcli.values.recognition import OPUS

        named = {
            "manual": self.manual or None,
            "languages": (_known_language(self.model, self.language),) if self.language else None,
            "context": _corpus_text(self.corpus) if self.corpus else None,
            "noise_threshold": self.threshold,
            "max_sentence_silence_ms": None if self.manual else self.silence_ms,
            "audio_format": self.pcm() if self.wire_rate else None,
            "encoding": OPUS if self.opus else None,
            "extra": parse_parameters(self.param) or None,
        }
        return {name: value for name, value in named.items() if value is not None}

    def pcm(self) -> PcmFormat:
        """What is sent, before an encoder. Raises UsageError for a rate that the service does not take."""
        from asrcli.settings.recognition import wire_rate_hz
        from asrcli.values.errors import UsageError
        from asrcli.values.pcm import PcmFormat

        if self.wire_rate not in (None, *_WIRE_RATES):
            raise UsageError(f"--wire-rate {self.wire_rate} is not known", hint=f"choose {' or '.join(_WIRE_RATES)}")
        return PcmFormat(int(self.wire_rate) if self.wire_rate else wire_rate_hz(self.model))


@grouped
def qwen(
    knobs: QwenFlags,
    microphone: MicFlags,
    service: ServiceFlags,
    raw: RawAudioFlags,
    output: OutputFlags,
    many: ManyFlags,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE...", help="Audio files or folders; - is standard input.")
    ] = None,
    mic: Annotated[bool, typer.Option("--mic", help="The microphone, instead of files.")] = False,
    pace: Annotated[
        str,
        typer.Option(
            metavar="realtime|fast|N",
            help="How fast the audio is sent; N is a factor.",
            autocompletion=values.choices("realtime", "fast"),
        ),
    ] = "realtime",
) -> int:
    """Transcribe with Qwen-ASR-Realtime, which hears emotions too.

    \b
    asrcli qwen talk.wav
    asrcli qwen talk.wav --manual                utterances cut at pauses on this side
    asrcli qwen --mic --manual                   Enter ends an utterance
    asrcli qwen talk.wav --region local          no key, no network
    """
    from asrcli.cli.commands.file import file_request, what
    from asrcli.cli.commands.mic import mic_request
    from asrcli.runs.run import run

    def prepare() -> Request:
        _check(knobs, bool(files), mic, many, microphone)
        _check_protocol(knobs.model, service.protocol)
        if mic:
            setup = MicSetupFlags(rate=raw.rate, channels=raw.channels)
            request = mic_request(microphone, setup, knobs.model, knobs.fields(), service, output)
        else:
            request = file_request(files or [], knobs.model, knobs.fields(), service, raw, output, many, pace)
        if knobs.manual:
            return replace(
                request,
                cutting=_cutting(knobs, by_enter=asked is not None),
                shaping={**request.shaping, "cut_ms": knobs.silence_ms},
            )
        return request

    with _enter_key(wanted=mic and knobs.manual, quiet=output.quiet) as asked:
        opening = what(files) if files else "the microphone"
        return run(output.options(), prepare, opening=opening, folder=many.output_dir, asked=asked)


def _check(knobs: QwenFlags, has_files: bool, mic: bool, many: ManyFlags, microphone: MicFlags) -> None:
    """Raise UsageError for options that exclude each other."""
    from asrcli.values.errors import UsageError

    if knobs.manual and knobs.threshold is not None:
        raise UsageError(
            "--threshold is for the service's VAD, which --manual turns off",
            hint="leave --threshold or --manual out",
        )
    if has_files == mic:
        reason = "--mic and files exclude each other" if mic else "nothing to transcribe"
        raise UsageError(reason, hint="name a file, - for standard input, or --mic")
    if mic and many != ManyFlags():
        raise UsageError("--jobs, --unordered and --output-dir are for files, not for --mic", hint="leave them out")
    if not mic and microphone != MicFlags():
        raise UsageError("--device, --duration and their kin are for the microphone", hint="use --mic")


def _check_protocol(model: str, override: str | None) -> None:
    """Raise UsageError for a model that is known to speak another protocol than this command's."""
    from asrcli.settings import catalogue as models
    from asrcli.values.errors import UsageError

    if override not in (None, "realtime"):
        raise UsageError(f"asrcli qwen speaks realtime, not {override}", hint="use `asrcli file` or `asrcli mic`")
    known = models.find(model)
    if override is None and known is not None and known.protocol != "realtime":
        raise UsageError(f"{model} is not of the Qwen-ASR-Realtime family", hint="use `asrcli file` or `asrcli mic`")


@contextlib.contextmanager
def _enter_key(*, wanted: bool, quiet: bool) -> Iterator[Callable[[], bool] | None]:
    """Whether Enter was pressed, where it is wanted and there is a terminal to press it on; else None."""
    if not wanted or not sys.stdin.isatty():
        yield None
        return
    from asrcli.system.keyboard import EnterKey

    if not quiet:
        print("Enter ends an utterance, Ctrl-C the transcription.", file=sys.stderr)
    with EnterKey(sys.stdin.fileno()) as key:
        yield key.pressed


def _cutting(knobs: QwenFlags, *, by_enter: bool) -> Cutting:
    """At pauses, or where Enter was pressed and not at pauses."""
    from asrcli.audio.chunks.utterances import DEFAULT_SILENCE_MS
    from asrcli.engine.spec import Cutting

    return Cutting(None if by_enter else knobs.silence_ms or DEFAULT_SILENCE_MS)


def _known_language(model: str, code: str) -> str:
    """`code`, if the model is documented for it or not known at all. Raises UsageError."""
    import difflib

    from asrcli.settings import catalogue as models
    from asrcli.values.errors import UsageError

    known = models.find(model)
    if known is None or code in known.languages:
        return code
    nearest = difflib.get_close_matches(code, known.languages, n=1)
    advice = f"did you mean {nearest[0]}? " if nearest else ""
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
