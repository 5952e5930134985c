"""A service that does next to nothing and notes when: both clients are measured against it in the same run."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve


@dataclass
class Recorder:
    """What one connection saw. Moments are seconds of the system-wide monotonic clock; audio is s16le at 16 kHz."""

    url: str = ""
    audio_at: list[float] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    """Those that carried sound."""
    ends_ms: list[float] = field(default_factory=list)
    """Where each chunk ends in the audio."""
    done: threading.Event = field(default_factory=threading.Event)
    _at_first: Callable[[], None] | None = None

    def when_heard(self, act: Callable[[], None]) -> None:
        """Have `act` called when the first audio arrives."""
        self._at_first = act

    def drift_ms(self) -> float:
        """How far the last chunk came behind the first, against where they begin in the audio."""
        return (self.audio_at[-1] - self.audio_at[0]) * 1000 - self.ends_ms[-2]

    def handle(self, connection: ServerConnection, results_every_ms: int) -> None:
        task_id, number, heard_ms = "", 0, 0.0

        def say(event: str, payload: object) -> None:
            connection.send(json.dumps({"header": {"task_id": task_id, "event": event}, "payload": payload}))

        for message in connection:
            if isinstance(message, bytes):
                self.audio_at.append(time.monotonic())
                self.messages.append(message)
                if self._at_first is not None:
                    act, self._at_first = self._at_first, None
                    act()
                heard_ms += len(message) / 32
                self.ends_ms.append(heard_ms)
                if results_every_ms and heard_ms >= (number + 1) * results_every_ms:
                    number += 1
                    sentence = {
                        "sentence_id": number, "sentence_end": True, "begin_time": 0, "end_time": number, "words": [],
                        # The text is the moment at which it was sent, so that whoever shows it tells the delay.
                        "text": f"{time.monotonic():.6f}",
                    }  # fmt: skip
                    say("result-generated", {"output": {"sentence": sentence}, "usage": {"duration": number}})
                continue
            header = json.loads(message)["header"]
            task_id = header["task_id"]
            if header["action"] == "run-task":
                say("task-started", {})
            elif header["action"] == "finish-task":
                say("task-finished", {"output": {}, "usage": None})
        self.done.set()


@contextlib.contextmanager
def recorder(results_every_ms: int = 0) -> Iterator[Recorder]:
    """Serve one client on a free port. `results_every_ms`: a final after so much audio, again and again."""
    record = Recorder()

    def handle(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            record.handle(connection, results_every_ms)
        record.done.set()

    with serve(handle, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        record.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        try:
            yield record
        finally:
            server.shutdown()
            thread.join()
