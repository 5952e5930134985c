"""Options that say in which encoding the sound is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from asrcli.cli.flags import completions as values
from asrcli.runs.request import Sending
from asrcli.settings.sending import AS_IS, AUTO, ONLY_AS_IS, WAYS
from asrcli.values.sound import OPUS


@dataclass(frozen=True)
class SendFlags:
    """What the sound is sent as."""

    section: ClassVar[str] = "Connection"

    send: Annotated[
        str,
        typer.Option(
            metavar="|".join(WAYS),
            help="What the sound is sent as: opus has a tenth of the bytes; as-is: what a file has, where the service"
            " takes that; as-is!: nothing else; auto: pcm, or opus if the network is slow.",
            autocompletion=values.choices(*WAYS),
        ),
    ] = WAYS[0]
    opus_bitrate: Annotated[
        str | None, typer.Option(metavar="N", help="Of Opus while somebody speaks: 24k, or 24000 bit/s [28k].")
    ] = None

    def fields(self) -> dict[str, object]:
        """The neutral option fields that the user set, by name."""
        return {"encoding": OPUS} if self.send == OPUS else {}

    def shaping(self) -> dict[str, object]:
        """What else of them shapes a result: it may be heard otherwise where others decode it."""
        return {"encoded": True} if self.send in (AS_IS, ONLY_AS_IS) else {}

    def sending(self) -> Sending:
        """What they come down to. Raises UsageError for values that are not known, and for those that contradict."""
        from asrcli.settings.sending import parse_bitrate, parse_way
        from asrcli.values.errors import UsageError

        way = parse_way(self.send)
        if self.opus_bitrate is None:
            return Sending(way)
        if way not in (OPUS, AUTO):
            raise UsageError(f"--opus-bitrate has no meaning with --send {way}", hint="--send opus, or auto")
        return Sending(way, parse_bitrate(self.opus_bitrate))
