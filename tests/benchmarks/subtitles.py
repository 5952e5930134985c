"""Subtitles of ten hours of speech, and of one more sentence while somebody speaks."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.clients import python, run
from tests.benchmarks.rows import Row

_LONG = """
import random, sys, time
from asrcli.output.base import Begin, Shape
from asrcli.output.formats import REGISTRY
from asrcli.values.events import FinalResult, Sentence, Word
from asrcli.values.summary import Summary
chance = random.Random(1)
vocabulary = "the weather morning people walking and river strong in of tomorrow a wonderful because".split()
def sentences():
    now = 0
    for index in range(1, 5001):
        words = []
        for number in range(20):
            begin, now = now, now + chance.randint(120, 500)
            words.append(Word(chance.choice(vocabulary), begin, now, {6: ",", 19: "."}.get(number, "")))
            now += chance.choice((0, 0, 0, 50, 600))
        text = " ".join(word.text + word.punctuation for word in words)
        yield FinalResult(Sentence(index, text, words[0].begin_ms, now, tuple(words)))
        now += 800
made = REGISTRY[sys.argv[1]].of(Shape())
made.begin(Begin("talk.wav", "m", "intl", "run-task", 16000))
written, each = 0, []
for event in sentences():
    began = time.perf_counter()
    written += len(made.event(event))
    each.append(time.perf_counter() - began)
began = time.perf_counter()
made.end(Summary("talk.wav", True, 1.0))
each.append(time.perf_counter() - began)
print(sum(each), sorted(each)[len(each) // 2] * 1000)
"""


def subtitles(folder: Path) -> list[Row]:
    """Each format in a process of its own; the yardsticks are what was promised."""
    rows = []
    for form in ("srt", "vtt", "ass"):
        done = run(python(_LONG, form))
        whole_s, sentence_ms = map(float, done.lines[-1][1].split())
        rows += [
            Row(f"100,000 words to {form}", whole_s, "s", 2.0, "the promise", aim=1.0, noise=0.2),
            Row(f"one more sentence to {form}, median", sentence_ms, "ms", 2.0, "the promise", aim=1.0, noise=0.2),
            Row(f"peak memory, 100,000 words to {form}", done.peak_mb, "MB", 150.0, "the promise", aim=1.0),
        ]
    return rows
