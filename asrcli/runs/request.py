"""What one command asks for, in plain values: nothing here opens, sends or shows anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.values.sound import OPUS_BITRATE, PCM

if TYPE_CHECKING:
    from asrcli.audio.opening import Input
    from asrcli.engine.spec import Cutting


# One core sends and receives so much audio in real time; the accounts of the service allow far less.
MOST_JOBS = 1000


@dataclass(frozen=True)
class ServiceOptions:
    """Which service to ask, with what key, by which way, and how patiently. None: not said."""

    region: str | None = None
    workspace: str | None = None
    endpoint: str | None = None
    protocol: str | None = None
    api_key: str | None = field(default=None, repr=False)
    api_key_file: Path | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    proxy: str | None = None
    ca_bundle: Path | None = None
    retries: int = 12
    max_outage: float = 300.0
    keepalive: bool = True
    drain_timeout: float = 10.0
    starts_per_minute: int | None = None


@dataclass(frozen=True)
class OutputOptions:
    """What is written where. `output`: files, - for standard output; none: all goes there.

    `partials` is None where the user did not say. `max_line`: cells; `max_cue`: seconds. `fail_empty`:
    it is a failure where no speech was heard. `embed`: the sound is put into the page.
    """

    format: tuple[str, ...] = ()
    json: bool = False
    output: tuple[Path, ...] = ()
    save_audio: Path | None = None
    log: Path | None = None
    force: bool = False
    partials: bool | None = None
    stats: bool = False
    fail_empty: bool = False
    quiet: bool = False
    verbose: int = 0
    color: str = "auto"
    timestamps: bool = False
    labels: bool = False
    max_line: int | None = None
    max_lines: int = 2
    max_cue: float = 7.0
    karaoke: bool = False
    embed: bool = False


@dataclass(frozen=True)
class ManyOptions:
    """What becomes of several sources: how many at once, in which order, in how many parts, and into which folder.

    `jobs` is None where the user did not say.
    """

    jobs: int | None = None
    unordered: bool = False
    split: int = 1
    output_dir: Path | None = None


CLUSTER_SLOTS = 20
"""How many recognitions all workers together have at once, where the user does not say: what an account begins with."""


@dataclass(frozen=True)
class CorpusOptions:
    """More sources than one machine or one run does. None: not said.

    `manifest` and `results` are paths or addresses, `shard` is "K/N", `cluster` where its scheduler is, `rate` "N/s".
    `slots` and `rate` hold for all workers together. `dry_run`: only say what would be done.
    """

    manifest: str | None = None
    results: str | None = None
    shard: str | None = None
    cluster: str | None = None
    slots: int | None = None
    rate: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Sending:
    """What the sound is sent as: `way` is one of --send, `opus_bitrate` that of Opus, in bit/s."""

    way: str = PCM
    opus_bitrate: int = OPUS_BITRATE


@dataclass(frozen=True)
class Request:
    """One command. `names` are its sources, and `input` is how they are opened.

    `fields` are those of RecognitionOptions that the user set; `shaping` is what else makes a result what it is.
    `speed`: the pace of the audio, None as fast as it goes. `open_ended`: the sources have no end of their own, so that
    the user's Ctrl-C is the regular one. `make_list`: a hotword list that a row's model wants is made unasked.
    """

    names: tuple[str, ...]
    input: Input
    model: str
    fields: Mapping[str, object]
    service: ServiceOptions = field(default_factory=ServiceOptions)
    output: OutputOptions = field(default_factory=OutputOptions)
    speed: float | None = 1.0
    open_ended: bool = False
    cutting: Cutting | None = None
    many: ManyOptions = field(default_factory=ManyOptions)
    corpus: CorpusOptions = field(default_factory=CorpusOptions)
    sending: Sending = field(default_factory=Sending)
    shaping: Mapping[str, object] = field(default_factory=dict)
    make_list: bool = False

    @property
    def is_corpus(self) -> bool:
        """Whether its sources are opened when their turn comes, and what is wrong with one is that one's failure.

        There may be a hundred thousand of them, and not on this machine.
        """
        return self.corpus.manifest is not None or self.corpus.cluster is not None

    def at_once(self, sources: int) -> int:
        """How many of so many sources are under way at the same time."""
        if self.corpus.cluster is not None:
            return min(self.corpus.slots or CLUSTER_SLOTS, sources)
        said = [most for most in (self.many.jobs, self.corpus.slots) if most is not None]
        return min(*said, sources, MOST_JOBS) if said else 1
