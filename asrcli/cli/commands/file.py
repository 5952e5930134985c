"""`asrcli file`: files, folders or standard input, to text."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, cast

import typer

from asrcli.cli.flags.context import LiveContextFlags
from asrcli.cli.flags.corpus import CorpusFlags
from asrcli.cli.flags.many import ManyFlags
from asrcli.cli.flags.options import FileAudioFlags, OutputFlags, Pace, RawAudioFlags, RecognitionFlags, grouped
from asrcli.cli.flags.sending import SendFlags
from asrcli.cli.flags.service import ServiceFlags

if TYPE_CHECKING:
    from asrcli.audio.opening import Files
    from asrcli.audio.source import RawFormat
    from asrcli.runs.request import Request


@grouped
def file(
    recognition: RecognitionFlags,
    context: LiveContextFlags,
    service: ServiceFlags,
    send: SendFlags,
    audio: FileAudioFlags,
    output: OutputFlags,
    many: ManyFlags,
    corpus: CorpusFlags,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...", help="Audio files or folders; - is standard input.", rich_help_panel="Sources"
        ),
    ] = None,
    pace: Pace = "realtime",
) -> int:
    """Transcribe audio files, folders, or standard input (-).

    \b
    asrcli file talk.wav --region local           no key, no network
    asrcli file talk.mp4 -o talk.srt              subtitles
    asrcli file talks/ --output-dir texts         again: does the rest
    """
    from asrcli.runs.run import run

    named = files or []

    def prepare() -> Request:
        _check_sources(named, corpus)
        fields = {**recognition.fields(), **context.fields()}
        asked = dataclasses.replace(corpus.options(), rate=audio.starts())
        request = file_request(named, recognition.model, fields, service, send, audio.raw(), output, many, pace)
        request = dataclasses.replace(request, corpus=asked, make_list=recognition.make_list)
        if not request.is_corpus:
            return request
        return dataclasses.replace(request, input=dataclasses.replace(cast("Files", request.input), have_ends=True))

    return run(output.options(), prepare, opening=what(named) if named else "the manifest", folder=many.output_dir)


def _check_sources(files: list[str], corpus: CorpusFlags) -> None:
    """Raise UsageError where no source is named, or two ways say which there are."""
    from asrcli.values.errors import UsageError

    if files and corpus.manifest is not None:
        raise UsageError(
            "--manifest and FILE exclude each other", hint="put the files into the manifest, or leave one out"
        )
    if not files and corpus.manifest is None:
        raise UsageError("nothing to transcribe", hint="name a file, - for standard input, or --manifest FILE")


def what(files: list[str]) -> str:
    """How the sources are called before they are known to be any."""
    return ("standard input" if files[0] == "-" else files[0]) if len(files) == 1 else f"{len(files)} sources"


def file_request(
    files: list[str],
    model: str,
    fields: Mapping[str, object],
    service: ServiceFlags,
    send: SendFlags,
    raw: RawAudioFlags,
    output: OutputFlags,
    many: ManyFlags,
    pace: str,
) -> Request:
    """What `file` and its kin ask for. Raises UsageError for a name, a pace or a raw format that cannot work."""
    from asrcli.audio.chunks.pacing import parse_pace
    from asrcli.audio.opening import Files
    from asrcli.remote.base import Way
    from asrcli.runs.inputs import expand
    from asrcli.runs.request import Request

    raw_format = _raw_format(raw)
    to_service = service.options()
    way = Way(to_service.proxy, to_service.ca_bundle, to_service.retries)
    shaping: dict[str, object] = {} if raw_format is None else {"raw": dataclasses.asdict(raw_format)}
    return Request(
        names=tuple(expand(files, way)),
        input=Files(raw_format, way=way),
        model=model,
        fields={**fields, **send.fields()},
        service=to_service,
        output=output.options(),
        speed=parse_pace(pace),
        many=many.options(),
        sending=send.sending(),
        shaping=shaping | send.shaping() | ({"split": many.split} if many.split > 1 else {}),
    )


def _raw_format(flags: RawAudioFlags) -> RawFormat | None:
    """None when no option speaks of raw audio: a header on standard input is looked for first anyway."""
    from asrcli.audio.source import RawFormat

    if flags.rate is None and flags.channels is None and flags.encoding is None:
        return None
    default = RawFormat()
    return RawFormat(
        default.rate_hz if flags.rate is None else flags.rate,
        default.channels if flags.channels is None else flags.channels,
        flags.encoding or default.encoding,
    )
