"""The process that holds the pocketsphinx model, and the processes that decode. Run by recognizer.py, not imported.

Run with `-m` and a descriptor FD, it loads the model once. For each byte on the control socket FD there comes the
socket of one task, and a process is forked for it: it shares the model's memory, and holds the interpreter's lock of
nobody but itself while it decodes (up to 100 ms at a time).

On a task's socket come one line of JSON with the settings and then, until its end, pieces of 16 kHz mono s16le, each
after its length in bytes (four of them, big-endian); the length 0 ends an utterance. Back go JSON lines
`{"kind": "opened" | "hypothesis" | "ended", ...}`. When the control socket ends, everything here ends.
"""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any

from pocketsphinx import Decoder, Vad

from asrcli.service.recognizers.base import HeardWord, Hypothesis, RecognitionSettings
from asrcli.service.recognizers.endpointing import (
    SAMPLE_RATE_HZ,
    Mark,
    SentenceAudio,
    SentenceBegan,
    SentenceEnded,
    SentenceSplitter,
)
from asrcli.service.recognizers.sphinx import wording

# The parent tells the user where there is no fork.
assert sys.platform != "win32"

# One 100 ms chunk at a time: a partial result is due after each.
_READ_BYTES = SAMPLE_RATE_HZ // 10 * 2
_LENGTH_BYTES = 4
_FRAME_MS = 10
# Where the client ends utterances, silence does not; a sentence as long as this is ended anyway.
_NO_SILENCE_MS = 60_000
_VAD_MODES = (Vad.LOOSE, Vad.MEDIUM_LOOSE, Vad.MEDIUM_STRICT, Vad.STRICT)


def main(control_fd: int) -> None:
    """Load the model, then fork a decoder for every socket that arrives, until the control socket ends."""
    # Ctrl-C reaches the whole group of a terminal; the service ends us in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Ended decoders are reaped by the kernel.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Not os.setsid() in the caller: killpg below must reach our decoders and nobody else.
    os.setpgid(0, 0)
    decoder = Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL")
    # What is frozen is not moved between generations, so that the pages stay shared with the decoders.
    gc.freeze()
    with socket.socket(fileno=control_fd) as control:
        while True:
            request, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not request:
                break
            for descriptor in descriptors:
                _fork(decoder, control, descriptor)
    _end_decoders()


def _fork(decoder: Decoder, control: socket.socket, descriptor: int) -> None:
    try:
        child = os.fork()
    except OSError as error:
        # Its socket is closed, and so the task fails; the next one may find room.
        print(f"no decoder could be started: {error.strerror}", file=sys.stderr)
        child = -1
    if child:
        os.close(descriptor)
        return
    # The decoder must not keep the control socket alive, nor ever return into the loop above.
    control.close()
    status = 1
    try:
        with socket.socket(fileno=descriptor) as task:
            serve_task(decoder, task)
        status = 0
    except (BrokenPipeError, ConnectionResetError):
        status = 0  # The client is gone, and with it the interest in this task.
    finally:
        sys.stderr.flush()
        os._exit(status)


def _end_decoders() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return  # With SIGCHLD ignored, wait() returns only when no child is left.


def serve_task(decoder: Decoder, task: socket.socket) -> None:
    """Decode one task from its settings to its end."""
    incoming = task.makefile("rb")
    settings = RecognitionSettings(**json.loads(incoming.readline()))
    _say(task, {"kind": "opened"})
    dictation = Dictation(decoder, settings)
    heard_bytes = 0
    for pcm in _pieces(incoming):
        heard_bytes += len(pcm)
        for hypothesis in dictation.feed(pcm) if pcm else dictation.end_utterance():
            _say(task, {"kind": "hypothesis", **asdict(hypothesis)})
    for hypothesis in dictation.finish():
        _say(task, {"kind": "hypothesis", **asdict(hypothesis)})
    _say(task, {"kind": "ended", "heard_ms": heard_bytes // 2 * 1000 // SAMPLE_RATE_HZ})


def _pieces(incoming: io.BufferedReader) -> Iterator[bytes]:
    """The audio in pieces of a chunk at most, as soon as they are there; an empty one ends the utterance."""
    while len(length := incoming.read(_LENGTH_BYTES)) == _LENGTH_BYTES:
        left = int.from_bytes(length, "big")
        if not left:
            yield b""
        while left and (pcm := incoming.read1(min(left, _READ_BYTES))):
            left -= len(pcm)
            yield pcm


def _say(task: socket.socket, document: dict[str, Any]) -> None:
    task.sendall(json.dumps(document).encode() + b"\n")


class Dictation:
    """Turns 16 kHz mono s16le into hypotheses: the decoder, fed sentence by sentence.

    Where the client ends utterances, a sentence only parts speech from the silence around it: its words wait for the
    utterance to end.
    """

    def __init__(self, decoder: Decoder, settings: RecognitionSettings) -> None:
        self._decoder = decoder
        self._settings = settings
        self._manual = settings.max_sentence_silence_ms is None
        self._vad = Vad(_vad_mode(settings.noise_threshold), SAMPLE_RATE_HZ)
        self._splitter = SentenceSplitter(
            self._vad.is_speech,
            settings.max_sentence_silence_ms or _NO_SILENCE_MS,
            multi_threshold=settings.multi_threshold,
        )
        self._heard_bytes = 0
        self._began = SentenceBegan(0, 0)
        self._last_words: tuple[HeardWord, ...] = ()
        # Of the utterance that is open, where the client ends them: the sentences that have ended.
        self._said: tuple[HeardWord, ...] = ()
        # The cepstral mean as loaded: what was heard in one sentence adapts it for the next, within this task only.
        decoder.set_cmn(decoder.get_cmn(False))

    def feed(self, pcm: bytes) -> Iterable[Hypothesis]:
        """What is known after `pcm`: each ended sentence, and the open one where it has changed."""
        self._heard_bytes += len(pcm)
        yield from self._follow(self._splitter.feed(pcm))
        if self._splitter.in_sentence:
            words = self._words()
            if words and words != self._last_words:
                self._last_words = words
                yield self._hypothesis(self._said + words)

    def end_utterance(self) -> Iterable[Hypothesis]:
        """Where the client ends utterances: the final hypothesis for what was fed since the last time."""
        yield from self._follow(self._splitter.finish())
        heard_ms = self._heard_ms()
        yield self._hypothesis(self._said, self._said[-1].end_ms if self._said else heard_ms)
        self._began, self._said = SentenceBegan(heard_ms, heard_ms), ()

    def finish(self) -> Iterable[Hypothesis]:
        if not self._manual:
            yield from self._follow(self._splitter.finish())

    def _follow(self, marks: Iterable[Mark]) -> Iterable[Hypothesis]:
        for mark in marks:
            match mark:
                case SentenceBegan():
                    self._began = mark
                    self._last_words = ()
                    self._decoder.start_utt()
                    if not self._manual:
                        yield self._hypothesis(())
                case SentenceAudio(pcm):
                    self._decoder.process_raw(pcm, False, False)
                case SentenceEnded(end_ms):
                    self._decoder.end_utt()
                    # The last pass may find nothing where the first one did; what was shown must not vanish.
                    words = _cut(self._words() or self._last_words, end_ms)
                    if self._manual:
                        self._said += words
                    else:
                        yield self._hypothesis(words, end_ms)

    def _hypothesis(self, words: tuple[HeardWord, ...], end_ms: int | None = None) -> Hypothesis:
        final = end_ms is not None
        if self._settings.punctuation:
            words = wording.written(words, final=final)
        return Hypothesis(
            text=wording.joined(words),
            begin_ms=self._said[0].begin_ms if self._said else self._began.begin_ms,
            end_ms=end_ms,
            words=words,
            final=final,
            heard_ms=self._heard_ms(),
        )

    def _heard_ms(self) -> int:
        return self._heard_bytes // 2 * 1000 // SAMPLE_RATE_HZ

    def _words(self) -> tuple[HeardWord, ...]:
        offset_ms = self._began.audio_from_ms
        words = []
        # Without a hypothesis yet there are no segments at all.
        for segment in self._decoder.seg() or ():
            text = wording.plain_word(segment.word)
            if text is not None:
                begin_ms = max(offset_ms + segment.start_frame * _FRAME_MS, self._began.begin_ms)
                end_ms = max(offset_ms + (segment.end_frame + 1) * _FRAME_MS, begin_ms)
                words.append(HeardWord(text, begin_ms, end_ms))
        return wording.without_fillers(words) if self._settings.disfluency_removal else tuple(words)


def _cut(words: tuple[HeardWord, ...], end_ms: int) -> tuple[HeardWord, ...]:
    """The words up to `end_ms`: the decoder hears a little of the silence too, and gives it to the last word."""
    return tuple(replace(word, begin_ms=min(word.begin_ms, end_ms), end_ms=min(word.end_ms, end_ms)) for word in words)


def _vad_mode(noise_threshold: float) -> int:
    """LOOSE, the most sensitive, up to 0; then stricter in three steps up to 1."""
    step = 0 if noise_threshold <= 0 else min(3, 1 + int(noise_threshold * 3))
    return int(_VAD_MODES[step])


if __name__ == "__main__":
    main(int(sys.argv[1]))
