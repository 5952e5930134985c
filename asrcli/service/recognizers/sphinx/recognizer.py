"""pocketsphinx as a recogniser, from the service's side: a process that decodes for each task, and its results.

The model is loaded once, by a worker process (worker.py) which starts with the service and forks a decoder for
each task; a decoder gets one end of a socket pair and the other stays here. Closing our end is all it takes to end a
decoder, and closing the control socket ends them all: also when this process is killed. A worker that has died is
started again for the next task.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import os
import socket
import struct
import subprocess
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

from asrcli.service.recognizers.base import (
    Failed,
    HeardWord,
    Hypothesis,
    OnResult,
    Opened,
    Pcm,
    RecognitionEnded,
    RecognitionError,
    RecognitionSettings,
    Result,
)
from asrcli.system.extras import how_to_add
from asrcli.system.posix import unsupported
from asrcli.system.threads import Thread
from asrcli.values.errors import Shortage, UsageError

if TYPE_CHECKING:
    import soxr

_RATE_HZ = 16000
# The form of what a decoder is sent: see worker.py.
_LENGTH_BYTES = 4
# One decoder takes about 0.11 s of CPU for a second of speech, 0.2 and more when it is noisy.
_DECODERS_PER_CORE = 6
# What may wait between us and a decoder: two seconds of sound. The kernel doubles the figure for its own needs.
_BUFFER_BYTES = 32 * 1024
# The decoders end within milliseconds, but a last pass over a long and noisy sentence takes seconds.
_END_WORKER_S = 5.0

_log = logging.getLogger(__name__)


class SphinxRecognizer:
    """Owns the worker process. `stall_s` is how long a decoder may take no audio before its task fails."""

    capacity = _DECODERS_PER_CORE * (os.cpu_count() or 1)

    def __init__(self, stall_s: float) -> None:
        _check_can_run()
        self._stall_s = stall_s
        self._lock = threading.Lock()
        self._closing = False
        self._start()

    def _start(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._worker = subprocess.Popen(
                # -P: what lies in the current folder is not run.
                [sys.executable, "-P", "-m", "asrcli.service.recognizers.sphinx.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                # Our standard output may be a pipe that somebody reads to its end.
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                # The worker finds what we have found, wherever we were started from.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )

    def open(self, settings: RecognitionSettings, on_result: OnResult) -> SphinxRecognition:
        """Opened comes when the decoder runs; the first one waits for the model (0.3 s)."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                with self._lock:
                    self._hand_over(theirs)
            except OSError as error:
                ours.close()
                raise RecognitionError("InternalError", "the recogniser is not running") from error
        return SphinxRecognition(ours, settings, on_result, self._stall_s)

    def close(self) -> None:
        with self._lock:
            self._closing = True
            self._end_worker()

    def _hand_over(self, task: socket.socket) -> None:
        """Give the worker the socket of a task. Raises OSError where there is none, and none can be started."""
        try:
            self._send(task)
        except (BrokenPipeError, ConnectionResetError):
            if self._closing:
                raise
            self._end_worker()
            _log.warning("the recogniser has ended (%s); it is started again", _ending(self._worker.returncode))
            self._start()
            self._send(task)

    def _send(self, task: socket.socket) -> None:
        if sys.platform == "win32":
            raise unsupported("the local recogniser")
        # One byte a task: two of them never arrive as one, because each carries a descriptor.
        socket.send_fds(self._control, [b"t"], [task.fileno()])

    def _end_worker(self) -> None:
        self._control.close()
        try:
            self._worker.wait(_END_WORKER_S)
        except subprocess.TimeoutExpired:
            self._worker.kill()
            self._worker.wait()


class SphinxRecognition:
    """One decoder process. Its results are read by a thread that lives until the decoder ends or `close` is called."""

    def __init__(self, link: socket.socket, settings: RecognitionSettings, on_result: OnResult, stall_s: float) -> None:
        self._link = link
        self._on_result = on_result
        self._stall_s = stall_s
        self._closing = False
        self._resampler: soxr.ResampleStream | None = None
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        # Not settimeout(): that is one for both directions, and the reader waits for as long as nobody speaks.
        whole_s = int(stall_s)
        timeval = struct.pack("@ll", whole_s, int((stall_s - whole_s) * 1_000_000))
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
        self._reader = Thread("recogniser results", self._read, self._died)
        try:
            self._send(json.dumps(asdict(settings)).encode() + b"\n")
            self._reader.start()
        except RecognitionError:
            link.close()
            raise
        except Shortage as error:
            link.close()
            raise RecognitionError("InternalError", error.message) from error

    def feed(self, pcm: Pcm) -> None:
        self._send_audio(self._resampled(pcm))

    def change_context(self, context: str) -> None:
        """Without effect: it knows a fixed vocabulary."""

    def end_utterance(self) -> None:
        self._flush_resampler()
        self._send(bytes(_LENGTH_BYTES))

    def finish(self) -> None:
        self._flush_resampler()
        try:
            self._link.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise _ended_early() from error

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):  # The decoder may have been first.
            self._link.shutdown(socket.SHUT_RDWR)  # Wakes the reader, which closing alone would not.
        self._reader.join()
        self._link.close()

    def _resampled(self, pcm: Pcm) -> bytes:
        if pcm.sample_rate_hz == _RATE_HZ:
            return pcm.data
        # Loaded for those who send another rate only: it would hold up the worker's start by 0.15 s.
        import numpy as np
        import soxr

        if self._resampler is None:
            self._resampler = soxr.ResampleStream(pcm.sample_rate_hz, _RATE_HZ, 1, dtype="int16")
        return bytes(self._resampler.resample_chunk(np.frombuffer(pcm.data, "<i2")).tobytes())

    def _flush_resampler(self) -> None:
        if self._resampler is not None:
            import numpy as np

            self._send_audio(self._resampler.resample_chunk(np.empty(0, np.int16), last=True).tobytes())
            self._resampler = None

    def _send_audio(self, audio: bytes) -> None:
        if audio:
            self._send(len(audio).to_bytes(_LENGTH_BYTES, "big") + audio)

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                # The timeout holds for one piece: a decoder that takes anything at all is alive.
                view = view[self._link.send(view) :]
        except BlockingIOError as error:
            message = f"the recogniser is overloaded: it took no audio for {self._stall_s:g} seconds"
            raise RecognitionError("ModelServingError", message) from error
        except OSError as error:
            raise _ended_early() from error

    def _read(self) -> None:
        last: Result | None = None
        try:
            with self._link.makefile("rb") as lines:
                # A line without an end is what a decoder had said when it died.
                while (line := lines.readline()).endswith(b"\n"):
                    last = _result(line)
                    self._on_result(last)
        except OSError:
            pass  # Said below.
        if not isinstance(last, RecognitionEnded) and not self._closing:
            self._on_result(Failed("InternalError", str(_ended_early())))

    def _died(self, bug: BaseException) -> None:
        _log.error("the results of a recognition broke", exc_info=bug)
        self._on_result(Failed("InternalError", "the recogniser broke"))


def _check_can_run() -> None:
    """Raise UsageError where the worker cannot run."""
    if sys.platform == "win32":
        raise unsupported("the local recogniser")
    if importlib.util.find_spec("pocketsphinx") is None:
        raise UsageError("the local recogniser is not installed", hint=how_to_add("serve"))


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _ended_early() -> RecognitionError:
    return RecognitionError("InternalError", "the recogniser ended unexpectedly")


def _result(line: bytes) -> Result:
    document = json.loads(line)
    kind = document.pop("kind")
    if kind == "opened":
        return Opened()
    if kind == "ended":
        return RecognitionEnded(**document)
    words = tuple(HeardWord(**word) for word in document.pop("words"))
    return Hypothesis(**document, words=words)
