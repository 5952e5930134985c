"""A child process as a stream: bytes out of it, bytes into it if need be, and its last words.

What the child does is not known here. Threads, all of which end with the child, and the child with them if a bug ends
one: "child-log" keeps what it prints to standard error, "child-feed" writes to its standard input.
"""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import IO

from asrcli.system.descriptor import Descriptor
from asrcli.system.threads import Thread
from asrcli.values.errors import AsrcliError

# A decoder can print thousands of lines about one damaged file; the reason is in the last ones.
KEPT_LINES = 20


class Child:
    """A running child. `feed` is written to its standard input as it comes; whoever gives one must be able to end it.

    Raises OSError where the command cannot be started, and Shortage where a thread cannot.
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
        # What has ended a thread early.
        self._broken: BaseException | None = None
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        assert stdout is not None
        assert stderr is not None
        self._pipes = [pipe for pipe in (stdin, stdout, stderr) if pipe is not None]
        self._threads: list[Thread] = []
        with ExitStack() as undo:
            for pipe in self._pipes:
                undo.callback(pipe.close)
            undo.callback(self._end)
            self._output = Descriptor(stdout.fileno(), label)
            undo.callback(self._output.close)
            self._begin("child-log", lambda: self._said.extend(stderr))
            if feed is not None:
                assert stdin is not None
                self._begin("child-feed", lambda: self._write(stdin, feed))
            undo.pop_all()

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
        """Wait until the child has ended, and return its code. Raises what broke the feed or a thread, if it did."""
        code = self._process.wait()
        for thread in self._threads:
            thread.join()
        if self._broken is not None:
            raise self._broken
        return code

    def said(self) -> str:
        """The last lines on its standard error. Complete after `wait`."""
        return b"".join(self._said).decode("utf-8", "replace")

    def close(self) -> None:
        """Kill the child if it still runs, and free what it used. The feed must have ended; may be called again."""
        self._end()
        self._output.close()
        for pipe in self._pipes:
            pipe.close()

    def _end(self) -> None:
        self._process.kill()
        with suppress(Exception):
            # What broke something was of interest while there was something to read.
            self.wait()

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        thread = Thread(name, work, self._died)
        thread.start()
        self._threads.append(thread)

    def _died(self, bug: BaseException) -> None:
        # Else it would go on as if it had been given all there is, or wait for somebody to listen.
        self._broken = bug
        self._process.kill()

    def _write(self, pipe: IO[bytes], feed: Iterable[bytes]) -> None:
        # A broken pipe means that the child has ended; why is what it says.
        with suppress(BrokenPipeError), pipe:
            try:
                for data in feed:
                    pipe.write(data)
                    pipe.flush()
            except AsrcliError as error:
                # What came before it is decoded all the same.
                self._broken = error
