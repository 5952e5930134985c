"""What head and crews say to each other, as plain values; on their way they are bytes of pickle, which are made here.

The head is the process that the user started, a crew is what works for it in one worker. A grant, the leave to begin a
source, has a ticket of its own, which all that is said of this attempt names. No key, no header and no password is in
any of these.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from asrcli.fleet.manifest import Row
from asrcli.fleet.portable import Portable
from asrcli.system.file_state import FileState
from asrcli.values.errors import AsrcliError
from asrcli.values.events import Event
from asrcli.values.sound import SoundFormat


@dataclass(slots=True)
class Opened:
    """What is known of a source that another process has opened: a Heard, without its sound.

    `state`: of a file, as that process saw it; `sha256` of its bytes, where that is wanted.
    """

    name: str
    rate_hz: int
    channels: int
    duration_ms: int | None = None
    captured_at: str | None = None
    sound_format: SoundFormat | None = None
    sound: str | None = None
    state: FileState | None = None
    live: bool = False
    can_wait: bool = True
    waits: bool = False
    sha256: str | None = None

    @property
    def hashed(self) -> tuple[FileState, str] | None:
        """The hash of what was heard, and of which state of its file."""
        return None if self.state is None or self.sha256 is None else (self.state, self.sha256)


# --- from the head ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opening:
    """The first word to a crew: `run` names this run of the head, `journal` the results that it is for.

    `is_kept`: they outlive the run, so that another one may want what is left in the journal. `variants` are the ways
    in which sources are opened and recognised, `key_file` is where the key is, if that was said. `tick_s`: how often
    progress is told. With `hashes` it is also told what the bytes of files are.
    """

    run: str
    journal: str
    is_kept: bool
    variants: tuple[Portable, ...]
    key_file: Path | None = None
    tick_s: float = 1.0
    hashes: bool = False


@dataclass(frozen=True, slots=True)
class Granted:
    """`row` may begin, and connect. `mark` says what its result is good for, also for another run."""

    ticket: int
    row: Row
    variant: int
    mark: str


@dataclass(frozen=True, slots=True)
class MayConnect:
    """A further session may begin: the answer to Wants."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Stop:
    """The user wants to come to an end: what was said so far is delivered."""

    tickets: tuple[int, ...]
    signal_number: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It is not wanted any more; nothing more is told of it."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Kept:
    """The head has the results with these marks for good."""

    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandOver:
    """Another crew of this machine has died: tell what it had finished."""


@dataclass(frozen=True, slots=True)
class End:
    """The head needs the crew no more: what runs is cancelled."""


# --- from a crew -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """The crew is there, on `machine`, with room for `most` sources at once; or `problem` says why it cannot work."""

    machine: str
    most: int = 0
    has_ffmpeg: bool = False
    problem: AsrcliError | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """The source is open."""

    ticket: int
    opened: Opened


@dataclass(frozen=True, slots=True)
class Told:
    """What happens meanwhile: nothing that has to be taken back if this attempt comes to nothing."""

    ticket: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Wants:
    """A further session waits for its leave to begin."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """The start of its session has reached the service, or never will: at the latest `in_s` after this was told."""

    ticket: int
    in_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """What a source has come to, as a whole. `live` is what was told while it lasted, `results` everything else."""

    mark: str
    opened: Opened | None
    live: tuple[Event, ...]
    results: tuple[Event, ...]
    error: AsrcliError | None = None


@dataclass(frozen=True, slots=True)
class Over:
    """It is over. `finished` is without `live`, which was told; where it is complete, all of it is in the journal."""

    ticket: int
    finished: Finished


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What a crew that has died had finished: the pickle of a Finished."""

    finished: bytes


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The answer to HandOver, after all that was left behind; also follows Hello."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that the user should know of this worker, and that does not end its work."""

    message: str
    hint: str = ""


FromHead = Granted | MayConnect | Stop | GiveUp | Kept | HandOver | End
FromCrew = Hello | Begun | Told | Wants | Arrived | Over | LeftBehind | HandedOver | Trouble


def pack(said: object) -> bytes:
    """The bytes of a message, of several, or of what is kept."""
    packed = io.BytesIO()
    pickler = pickle.Pickler(packed, protocol=5)
    # By the classes themselves: what Dask registers for all errors would have their causes go along, which may not be
    # able to.
    pickler.dispatch_table = {}
    pickler.dump(said)
    return packed.getvalue()


def opening_of(data: bytes) -> Opening:
    """What `pack` made of an Opening."""
    found = pickle.loads(data)
    assert isinstance(found, Opening)
    return found


def from_head(data: bytes) -> Sequence[FromHead]:
    """What `pack` made of several."""
    return pickle.loads(data)  # type: ignore[no-any-return]


def from_crew(data: bytes) -> Sequence[FromCrew]:
    """What `pack` made of several."""
    return pickle.loads(data)  # type: ignore[no-any-return]


def finished_of(data: bytes) -> Finished:
    """What `pack` made of a Finished."""
    found = pickle.loads(data)
    assert isinstance(found, Finished)
    for each in fields(Opened) if found.opened is not None else ():
        # What was kept by a version that had less to say.
        if not hasattr(found.opened, each.name):
            setattr(found.opened, each.name, each.default)
    return found
