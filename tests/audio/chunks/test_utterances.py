"""Cutting at pauses: no sample is lost, no word is cut, nothing grows too long."""

from __future__ import annotations

import wave

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asrcli.audio.chunks.utterances import ONE_UTTERANCE, loudness_dbfs, mark_utterances
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import Chunk
from tests.support.service import TALK_WAV
from tests.support.sounds import pcm_chunk

PCM = PcmFormat(16000)


def chunks(samples: np.ndarray, chunk_ms: int = 100) -> list[Chunk]:
    size = PCM.samples(chunk_ms)
    pieces = [samples[start : start + size] for start in range(0, len(samples), size)]
    made, end = [], 0
    for piece in pieces:
        end += len(piece)
        made.append(pcm_chunk(piece.astype("<i2").tobytes(), end))
    return made


def sound(*parts: tuple[str, float]) -> np.ndarray:
    """Parts of ("speech" | "hush", seconds) one after another."""
    noise = np.random.default_rng(1)
    return np.concatenate(
        [noise.normal(0, 3000 if kind == "speech" else 15, round(seconds * 16000)) for kind, seconds in parts]
    )


def cuts_ms(marked: list[Chunk]) -> list[int]:
    return [PCM.ms(chunk.end_sample) for chunk in marked if chunk.ends_utterance]


def test_an_utterance_ends_after_its_pause():
    marked = list(mark_utterances(chunks(sound(("hush", 1), ("speech", 2), ("hush", 1), ("speech", 1))), PCM))
    assert cuts_ms(marked) == [3500, 5000]


def test_short_pauses_do_not_cut():
    marked = list(mark_utterances(chunks(sound(("speech", 2), ("hush", 0.3), ("speech", 2), ("hush", 2))), PCM))
    assert cuts_ms(marked) == [4800]


def test_silence_alone_is_no_utterance():
    assert cuts_ms(list(mark_utterances(chunks(sound(("hush", 5))), PCM))) == []
    assert cuts_ms(list(mark_utterances(chunks(np.zeros(80000)), PCM))) == []


def test_an_endless_utterance_is_cut_at_ever_shorter_pauses():
    breaths = [part for _ in range(20) for part in (("speech", 1.7), ("hush", 0.3))]
    marked = list(mark_utterances(chunks(sound(*breaths)), PCM))
    # Past 15 s a breath of 0.3 s will do.
    assert cuts_ms(marked)[:2] == [16000, 32000]
    solid = list(mark_utterances(chunks(sound(("speech", 60))), PCM))
    assert cuts_ms(solid) == [25000, 50000, 60000]


def test_the_talk_is_cut_between_its_sentences():
    with wave.open(str(TALK_WAV)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    marked = list(mark_utterances(chunks(samples), PCM))
    assert len(cuts_ms(marked)) == 8
    # Every cut lies in silence: nothing is spoken for 0.2 s on either side.
    for cut in cuts_ms(marked):
        around = samples[16 * (cut - 200) : 16 * (cut + 200)]
        assert np.abs(around).max(initial=0) < 500


@given(st.lists(st.tuples(st.sampled_from(["speech", "hush"]), st.floats(0.05, 3)), max_size=6), st.integers(20, 200))
def test_every_sample_is_handed_on_once_and_in_order(parts, chunk_ms):
    given_chunks = chunks(sound(*parts) if parts else np.zeros(0), chunk_ms)
    marked = list(mark_utterances(given_chunks, PCM))
    assert [(chunk.data, chunk.end_sample) for chunk in marked] == [(c.data, c.end_sample) for c in given_chunks]


def test_loudness_is_in_db_below_full_scale():
    [loud] = chunks(np.full(1600, 32767))
    [silent] = chunks(np.zeros(1600))
    assert abs(loudness_dbfs(loud)) < 0.1
    assert loudness_dbfs(silent) == -120


def test_an_utterance_ends_when_somebody_asks_and_not_at_pauses():
    answers = iter([False] * 14 + [True] + [False] * 100)
    given_chunks = chunks(sound(("speech", 2), ("hush", 2), ("speech", 1)))
    marked = list(mark_utterances(given_chunks, PCM, silence_ms=None, asked=lambda: next(answers)))
    assert cuts_ms(marked) == [1500, 5000]


def test_asking_where_nothing_was_said_is_no_utterance():
    assert cuts_ms(list(mark_utterances(chunks(sound(("hush", 2))), PCM, silence_ms=None, asked=lambda: True))) == []


def test_one_utterance_ends_at_its_limit_and_at_no_pause_before():
    def cuts(*parts: tuple[str, float]) -> list[int]:
        return cuts_ms(list(mark_utterances(chunks(sound(*parts)), PCM, None, patience=ONE_UTTERANCE)))

    assert cuts(("speech", 2), ("hush", 30), ("speech", 2), ("hush", 3)) == [37_000]
    # A short pause will do after 53 s, and what is before somebody speaks counts.
    assert cuts(("hush", 20), ("speech", 33.5), ("hush", 0.3), ("speech", 5)) == [53_600, 58_800]
    # Also without a pause a session holds it.
    assert cuts(("speech", 60)) == [54_600, 60_000]
