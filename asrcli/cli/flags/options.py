"""Options that several commands share, in groups.

Nothing heavy is imported here: the help of a command and shell completion read this file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from asrcli.cli.flags import completions as values
from asrcli.cli.flags.context import ContextText, ContextTurns, context_of
from asrcli.cli.flags.grouping import grouped as grouped
from asrcli.cli.flags.knobs import Knobs, fields
from asrcli.runs.request import OutputOptions
from asrcli.settings.catalogue import DEFAULT_MODEL

RawChannels = Annotated[int | None, typer.Option(metavar="N", help="Channels of raw audio [1].")]
RawEncoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Samples of raw audio: s16le s24le f32le u8 mulaw … [s16le].",
        autocompletion=values.encodings,
    ),
]
# A sample rate has four digits at least; fewer are starts without their unit.
_HZ = re.compile(r"-[0-9]{1,9}|0|[0-9]{4,9}", re.ASCII)

Pace = Annotated[
    str,
    typer.Option(
        metavar="realtime|fast|N",
        help="How fast the sound is sent; N is a factor.",
        autocompletion=values.choices("realtime", "fast"),
        rich_help_panel="Sources",
    ),
]
Color = Annotated[
    str,
    typer.Option(
        metavar="WHEN",
        help="Colours: auto, always or never.",
        autocompletion=values.choices("auto", "always", "never"),
        rich_help_panel="Output",
    ),
]


@dataclass(frozen=True)
class RecognitionFlags:
    """How to recognise."""

    section: ClassVar[str] = "Recognition"

    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", metavar="NAME", help="The model; see `asrcli models`.", autocompletion=values.models
        ),
    ] = DEFAULT_MODEL
    language: Annotated[
        list[str],
        typer.Option(
            "--language",
            "--lang",
            "-l",
            metavar="CODE",
            help="The language spoken, such as zh or en; repeat for more.",
            autocompletion=values.languages,
        ),
    ] = field(default_factory=list)
    hotwords: Annotated[
        str | None,
        typer.Option(
            "--hotwords",
            "--hotword",
            metavar='ID|FILE|"a,b:5"',
            help="Phrases to favour: the ID of a list, a FILE with one a line, or the phrases themselves; :5 is a"
            " weight, 1 to 5 [4].",
        ),
    ] = None
    make_list: Annotated[
        bool,
        typer.Option(
            "--make-list", help="Make the hotword list that a model wants without asking, where there is none."
        ),
    ] = False
    context: ContextText = None
    context_turns: ContextTurns = None
    knobs: Knobs = field(default_factory=dict)
    param: Annotated[
        list[str],
        typer.Option("--param", metavar="KEY=VALUE", help="Any further parameter of the service; repeatable."),
    ] = field(default_factory=list)

    def fields(self) -> dict[str, object]:
        """The neutral option fields that the user set, by name."""
        from asrcli.settings.phrases import parse_parameters

        named = {
            "languages": tuple(self.language),
            "context": context_of(self.context, self.context_turns),
            "extra": parse_parameters(self.param),
            **fields(self.knobs),
            **(_hotwords(self.hotwords, make_list=self.make_list) if self.hotwords is not None else {}),
        }
        return {name: value for name, value in named.items() if value not in (None, (), {})}


def _hotwords(given: str, *, make_list: bool) -> dict[str, object]:
    from asrcli.cli.flags.textfiles import hotwords_of

    return {"hotwords": hotwords_of(given, make_list=make_list)}


@dataclass(frozen=True)
class RawAudioFlags:
    """What raw audio on standard input is."""

    section: ClassVar[str] = "Raw audio"

    rate: Annotated[
        int | None, typer.Option("--rate", "--sample-rate", metavar="HZ", help="Sample rate of raw audio [16000].")
    ] = None
    channels: RawChannels = None
    encoding: RawEncoding = None


@dataclass(frozen=True)
class FileAudioFlags:
    """What raw audio on standard input is, or how fast recognitions may start."""

    section: ClassVar[str] = "Raw audio"

    rate: Annotated[
        str | None,
        typer.Option(
            "--rate",
            "--sample-rate",
            metavar="HZ|N/s",
            help="Sample rate of raw audio [16000]; or so many starts at most, on all workers together, further tries"
            " too: 20/s, 600/min.",
        ),
    ] = None
    channels: RawChannels = None
    encoding: RawEncoding = None

    def starts(self) -> str | None:
        """How many recognitions may start in a second or minute; None where the rate is not about that.

        Raises UsageError for what is neither.
        """
        if self.rate is None or _HZ.fullmatch(self.rate):
            return None
        from asrcli.engine.allowance import parse_rate

        return str(parse_rate(self.rate))

    def raw(self) -> RawAudioFlags:
        """What raw audio is."""
        hz = int(self.rate) if self.rate is not None and _HZ.fullmatch(self.rate) else None
        return RawAudioFlags(hz, self.channels, self.encoding)


@dataclass(frozen=True)
class MicFlags:
    """Which microphone, and for how long."""

    section: ClassVar[str] = "Microphone"

    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "--microphone",
            "-d",
            metavar="NAME|N",
            help="Microphone: its name, a part of it, or its number; monitor is the system's own sound.",
            autocompletion=values.devices,
        ),
    ] = None
    duration: Annotated[float | None, typer.Option(metavar="S", help="End after S seconds.")] = None
    max_silence: Annotated[
        float | None, typer.Option(metavar="S", help="End when nobody has spoken for S seconds.")
    ] = None
    device_wait: Annotated[
        float, typer.Option(metavar="S", help="Wait S seconds for one that was unplugged.", show_default=False)
    ] = 0.0


@dataclass(frozen=True)
class MicSetupFlags:
    """How the microphone is opened and tried out."""

    section: ClassVar[str] = "Microphone"

    list_devices: Annotated[bool, typer.Option("--list-devices", help="List the microphones and leave.")] = False
    test: Annotated[bool, typer.Option("--test", help="Listen for two seconds, say what is wrong, and leave.")] = False
    rate: Annotated[
        int | None, typer.Option("--rate", metavar="HZ", help="Sample rate to ask the microphone for [its own].")
    ] = None
    channels: Annotated[
        int | None, typer.Option("--channels", metavar="N", help="Channels to ask it for [its own if 1 or 2].")
    ] = None


@dataclass(frozen=True)
class DocumentFlags:
    """What is written where, and in which form."""

    section: ClassVar[str] = "Output"

    format: Annotated[
        list[str],
        typer.Option(
            "--format",
            "--output-format",
            "-f",
            metavar="FORM",
            help="text, json, srt, vtt, ass, md or html, where the name of -o says none [text]; json is lines; repeat.",
            autocompletion=values.formats,
        ),
    ] = field(default_factory=list)
    json: Annotated[bool, typer.Option("--json", "-j", help="JSON lines, the same as -f json.")] = False
    output: Annotated[
        list[Path],
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the results here, such as talk.srt; - is standard output; repeat for more.",
        ),
    ] = field(default_factory=list)
    timestamps: Annotated[bool, typer.Option("--timestamps", help="Text: the times of each sentence before it.")] = (
        False
    )
    labels: Annotated[
        bool, typer.Option("--labels", help="Text: language, emotion and speaker, where the service says them.")
    ] = False
    max_line: Annotated[
        int | None,
        typer.Option(metavar="N", min=8, max=1000, help="Subtitles: cells in a line [42; zh, ko 32; ja 26]."),
    ] = None
    max_lines: Annotated[int, typer.Option(metavar="N", min=1, max=10, help="Subtitles: lines in a cue.")] = 2
    max_cue: Annotated[
        float, typer.Option(metavar="S", min=1, max=60, help="Subtitles: the longest time of a cue.")
    ] = 7.0
    karaoke: Annotated[bool, typer.Option("--karaoke", help="Subtitles (vtt, ass): light up each word.")] = False
    embed: Annotated[bool, typer.Option("--embed", help="Page (html): put the sound into it.")] = False
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace existing results; `file` does all again with --output-dir or --results."),
    ] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Errors only on standard error.")] = False

    def options(self) -> OutputOptions:
        return OutputOptions(**{**vars(self), "format": tuple(self.format), "output": tuple(self.output)})


@dataclass(frozen=True)
class OutputFlags(DocumentFlags):
    """What a run writes where."""

    section: ClassVar[str] = "Output"

    save_audio: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the sound that is sent: .wav .mp3 .flac .opus .ogg .m4a.")
    ] = None
    partials: Annotated[
        bool | None,
        typer.Option("--partials/--no-partials", "--interim/--no-interim", help="Show what may still change."),
    ] = None
    fail_empty: Annotated[bool, typer.Option("--fail-empty", help="Exit code 1 where no speech was heard.")] = False
    stats: Annotated[bool, typer.Option("--stats", help="Delays, amounts and task ids on standard error.")] = False
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, metavar="", show_default=False, help="Say more; -vv shows the messages."
        ),
    ] = 0
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all messages here, with times, without keys and sound.")
    ] = None
    color: Color = "auto"
