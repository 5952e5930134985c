"""`asrcli qwen`: Qwen-ASR-Realtime with the knobs that only it has."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from asrcli.cli.flags.many import ManyFlags
from asrcli.cli.flags.options import MicFlags, MicSetupFlags, OutputFlags, Pace, RawAudioFlags, grouped
from asrcli.cli.flags.qwen import QwenFlags
from asrcli.cli.flags.sending import SendFlags
from asrcli.cli.flags.service import ServiceFlags
from asrcli.values.sound import OPUS

if TYPE_CHECKING:
    from asrcli.engine.spec import Cutting
    from asrcli.runs.request import Request


@grouped
def qwen(
    knobs: QwenFlags,
    microphone: MicFlags,
    service: ServiceFlags,
    send: SendFlags,
    raw: RawAudioFlags,
    output: OutputFlags,
    many: ManyFlags,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...", help="Audio files or folders; - is standard input.", rich_help_panel="Sources"
        ),
    ] = None,
    mic: Annotated[
        bool, typer.Option("--mic", help="The microphone, instead of files.", rich_help_panel="Sources")
    ] = False,
    pace: Pace = "realtime",
) -> int:
    """Transcribe with Qwen-ASR-Realtime, which hears emotions too.

    \b
    asrcli qwen talk.wav --region local    no key, no network
    asrcli qwen talk.wav --manual          utterances cut at pauses on this side
    asrcli qwen --mic --manual             Enter ends an utterance
    """
    from asrcli.cli.commands.file import file_request, what
    from asrcli.cli.commands.mic import mic_request
    from asrcli.runs.run import run

    def prepare() -> Request:
        """Raises UsageError for options that do not go together."""
        _check(knobs, bool(files), mic, many, microphone)
        check_protocol(knobs.model, service.protocol)
        sent = replace(send, send=OPUS) if knobs.opus else send
        if mic:
            setup = MicSetupFlags(rate=raw.rate, channels=raw.channels)
            request = mic_request(microphone, setup, knobs.model, knobs.fields(), service, sent, output)
        else:
            request = file_request(files or [], knobs.model, knobs.fields(), service, sent, raw, output, many, pace)
        if not knobs.is_manual:
            return request
        cut = {"one_utterance": True} if knobs.one_utterance else {"cut_ms": knobs.silence_ms}
        return replace(request, cutting=_cutting(knobs, by_enter=asked is not None), shaping={**request.shaping, **cut})

    with _enter_key(wanted=mic and knobs.is_manual and not knobs.one_utterance, quiet=output.quiet) as asked:
        opening = what(files) if files else "the microphone"
        return run(output.options(), prepare, opening=opening, folder=many.output_dir, asked=asked)


def _check(knobs: QwenFlags, has_files: bool, mic: bool, many: ManyFlags, microphone: MicFlags) -> None:
    """Raise UsageError for options that exclude each other."""
    from asrcli.values.errors import UsageError

    if knobs.one_utterance and knobs.silence_ms is not None:
        raise UsageError("--one-utterance ends at no silence, whatever --silence-ms says", hint="leave one of them out")
    if knobs.is_manual and knobs.threshold is not None:
        raise UsageError(
            "--threshold is for the service's VAD, which --manual turns off",
            hint=f"leave --threshold or {'--one-utterance' if knobs.one_utterance else '--manual'} out",
        )
    if has_files == mic:
        reason = "--mic and files exclude each other" if mic else "nothing to transcribe"
        raise UsageError(reason, hint="name a file, - for standard input, or --mic")
    if mic and many != ManyFlags():
        raise UsageError("--jobs, --unordered and --output-dir are for files, not for --mic", hint="leave them out")
    if not mic and microphone != MicFlags():
        raise UsageError("--device, --duration and their kin are for the microphone", hint="use --mic")


def check_protocol(model: str, override: str | None) -> None:
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
    """Nowhere, at pauses, or where Enter was pressed and not at pauses."""
    from asrcli.audio.chunks.utterances import DEFAULT_SILENCE_MS
    from asrcli.engine.spec import Cutting

    if knobs.one_utterance:
        return Cutting(None, one=True)
    return Cutting(None if by_enter else knobs.silence_ms or DEFAULT_SILENCE_MS)
