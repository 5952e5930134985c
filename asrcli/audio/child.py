"""A child process as a stream: bytes out of it, bytes into it if need be, and its last words.

What the child does is not known here. Threads, all of which end with the child: "child-log" keeps what it prints to
standard error, "child-feed" writes to its standard input.
"""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO

from asrcli.audio.descriptor import Descriptor
from asrcli.errors import DecodeError

# A decoder can print thousands of lines about one damaged file; the reason is in the last ones.
KEPT_LINES = 20


class Child:
    """A running child. `feed` is written to its standard input as it comes; whoever gives one must be able to end it.

    Raises OSError where the command cannot be started.
    """

    def __init__(self, command: list[str], label: str, feed: Iterator[bytes] | None = None) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if feed is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl-C in the terminal is for us to handle: the child ends when it is closed.
            process_group=0,
        )
        self._said: deque[bytes] = deque(maxlen=KEPT_LINES)
        self._feed_error: DecodeError | None = None
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        assert stdout is not None
        assert stderr is not None
        self._pipes = (stdout, stderr)
        self._output = Descriptor(stdout.fileno(), label)
        self._threads = [threading.Thread(target=self._listen, args=(stderr,), name="child-log", daemon=True)]
        if feed is not None:
            self._threads.append(
                threading.Thread(target=self._write, args=(stdin, feed), name="child-feed", daemon=True)
            )
        for thread in self._threads:
            thread.start()

    @property
    def stopped(self) -> bool:
        return self._output.stopped

    def read(self) -> bytes:
        """What the child has written, as soon as it is there; b"" at the end or after `stop`."""
        return self._output.read()

    def stop(self) -> None:
        """End a `read` that waits. For any thread."""
        self._output.stop()

    def wait(self) -> int:
        """Wait until the child has ended, and return its code. Raises what broke the feed, if something did."""
        code = self._process.wait()
        for thread in self._threads:
            thread.join()
        if self._feed_error is not None:
            raise self._feed_error
        return code

    def said(self) -> str:
        """The last lines on its standard error. Complete after `wait`."""
        return b"".join(self._said).decode("utf-8", "replace")

    def close(self) -> None:
        """Kill the child if it still runs, and free what it used. The feed must have ended; may be called again."""
        self._process.kill()
        with suppress(DecodeError):
            self.wait()
        self._output.close()
        for pipe in self._pipes:
            pipe.close()

    def _listen(self, pipe: IO[bytes]) -> None:
        self._said.extend(pipe)

    def _write(self, pipe: IO[bytes], feed: Iterable[bytes]) -> None:
        # A broken pipe means that the child has ended; why is what it says.
        with suppress(BrokenPipeError), pipe:
            try:
                for data in feed:
                    pipe.write(data)
                    pipe.flush()
            except DecodeError as error:
                self._feed_error = error
