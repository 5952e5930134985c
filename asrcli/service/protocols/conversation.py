"""One connection of the local service: carries messages and results to the protocol half and its actions out.

It is called by the loop's thread alone, and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from asrcli.service.hearing.recognition import Hearing, Hearings
from asrcli.service.protocols.base import (
    Action,
    ChangeContext,
    EndUtterance,
    Feed,
    FinishRecognition,
    Hangup,
    OpenRecognition,
    Reply,
    ServerHalf,
)
from asrcli.service.recognizers.base import Failed, RecognitionEnded, RecognitionError, RecognitionSettings, Result
from asrcli.service.wire.fair_loop import Share
from asrcli.system.moments import Alarm, Timer


class Connection(Protocol):
    """What a conversation does to its connection."""

    def send(self, text: str) -> None: ...

    def close(self, code: int, reason: str) -> None: ...

    def hold(self) -> None: ...

    def go_on(self) -> None: ...

    def show_life(self) -> None: ...

    def read_once(self) -> None: ...


class Conversation:
    """Lives as long as its connection. For its hearing it is the one to hold back."""

    def __init__(
        self,
        connection: Connection,
        half: ServerHalf,
        hearings: Hearings,
        loop: Share,
        note: Callable[[str], None] = lambda said: None,
        *,
        alive_s: float,
    ) -> None:
        """`alive_s` is how often a client that is held back is shown that the service lives.

        `note` is told what the client asks for and does not get.
        """
        self._connection = connection
        self._half = half
        self._hearings = hearings
        self._loop = loop
        self._note = note
        self._alive_s = alive_s
        self._over = False
        self._hearing: Hearing | None = None
        self._patience = Alarm(loop, self._look)
        self._held: Timer | None = None

    def opened(self) -> None:
        self._handle(self._half.connected())
        self._wait()

    def received(self, message: str | bytes) -> None:
        fits = len(message) <= self._half.largest_message_bytes
        self._handle(self._half.receive(message) if fits else _too_big())
        self._wait()

    def closed(self) -> None:
        self.silence()
        self._drop_hearing()

    def fail(self, code: str, message: str) -> None:
        """End the recognition as if it had failed."""
        self._drop_hearing()
        self._handle(self._half.result(Failed(code, message)))

    def silence(self) -> None:
        """Say nothing any more, whatever the client and the recogniser still bring."""
        self._over = True
        self._patience.cancel()

    # --- the client's patience, and ours ----------------------------------------------------------------------------

    def _wait(self) -> None:
        """Be there at the half's deadline, which moves away all the time."""
        if not self._over and (deadline := self._half.deadline()) is not None:
            self._patience.set(deadline)

    def _look(self) -> None:
        deadline = self._half.deadline()
        if deadline is not None and deadline <= self._loop.now():
            self._handle(self._half.idle() if self._held is None else self._half.busy())
        self._wait()

    # --- a recogniser that is behind --------------------------------------------------------------------------------

    def hold(self) -> None:
        """Have the client wait; its pings wait behind its audio, so it is shown unasked that nothing has broken."""
        self._connection.hold()
        self._held = self._loop.at(self._loop.now() + self._alive_s, self._while_held)

    def go_on(self) -> None:
        if self._held is not None:
            self._held.cancel()
            self._held = None
            self._connection.go_on()

    def _while_held(self) -> None:
        self._held = self._loop.at(self._loop.now() + self._alive_s, self._while_held)
        self._connection.show_life()
        self._handle(self._half.busy())
        if self._hearing is not None and self._hearing.bears_more():
            # Whoever watches how its sound leaves sees that it does, however slowly.
            self._connection.read_once()

    # --- actions ----------------------------------------------------------------------------------------------------

    def _handle(self, actions: Iterable[Action]) -> None:
        """Carry out what the half answers: its words at once and in order, then the recogniser's part."""
        if self._over:
            # After the last word the client's messages are still read, and dropped: a socket that is closed with
            # unread data is reset, and the reset would overtake that word.
            return
        driving: list[Action] = []
        for action in actions:
            match action:
                case Reply(text, failure):
                    self._connection.send(text)
                    if failure:
                        self._note(f"is answered {failure}")
                case Hangup(code, reason):
                    self.silence()
                    if reason:
                        self._note(f"is closed with {code}: {reason}")
                    self._connection.close(code, reason)
                case _:
                    driving.append(action)
        for action in driving:
            self._drive(action)

    def _drive(self, action: Action) -> None:
        match action:
            case Feed(audio) if self._hearing is not None:
                self._hearing.feed(audio)
            case OpenRecognition(settings, model):
                self._note(f"asks for {model}, {settings.audio_format} at {settings.sample_rate_hz} Hz")
                self._open_hearing(settings)
            case ChangeContext(context) if self._hearing is not None:
                self._hearing.change_context(context)
            case EndUtterance() if self._hearing is not None:
                self._hearing.end_utterance()
            case FinishRecognition() if self._hearing is not None:
                self._hearing.finish()

    def _open_hearing(self, settings: RecognitionSettings) -> None:
        self._drop_hearing()
        try:
            self._hearings.take_place()
        except RecognitionError as error:
            self.fail(error.code, str(error))
            return
        hearing: Hearing
        tell = self._loop.guarded(lambda result: self._result(hearing, result))
        hearing = self._hearing = self._hearings.new(settings, tell, self)
        hearing.begin()

    def _result(self, hearing: Hearing, result: Result) -> None:
        if hearing is not self._hearing:
            return  # It was dropped while this was under way.
        if isinstance(result, RecognitionEnded | Failed):
            # Before the client hears of it: its place is free for the next one.
            self._drop_hearing()
        self._handle(self._half.result(result))

    def _drop_hearing(self) -> None:
        hearing, self._hearing = self._hearing, None
        if hearing is not None:
            hearing.close()
            self._hearings.free_place()


def _too_big() -> Iterable[Action]:
    yield Hangup(1009, "message too big")
