"""A transcript of ten hours in every form, as subtitles while somebody speaks, and as a page in a browser."""

from __future__ import annotations

import os
import random
import shutil
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from asrcli.output.base import Begin
from asrcli.output.formats import REGISTRY
from asrcli.output.formats.jsonl import JsonLines
from asrcli.values.events import FinalResult, Sentence, Word
from asrcli.values.summary import Summary
from tests.benchmarks.clients import asrcli, python, run
from tests.benchmarks.rows import Row

_PROMISE = "the promise"
_WORDS = ["the", "weather", "morning", "people", "walking", "river", "strong", "tomorrow", "a", "wonderful", "because"]
# In a process of its own: so many hours of a microphone, of which nothing but the format is kept.
_LIVE = """
import statistics, sys, time
from asrcli.output.base import Begin, Shape
from asrcli.output.formats import REGISTRY
from asrcli.values.events import AudioSent, FinalResult, PartialResult
from asrcli.values.summary import Summary
from tests.benchmarks.documents import spoken
made = REGISTRY["srt"].of(Shape())
made.begin(Begin("microphone", "m", "intl", "run-task", 16000, live=True))
each = []
for sentence in spoken(float(sys.argv[1])):
    for words in range(1, len(sentence.words)):
        heard = sentence.words[words - 1].end_ms
        made.event(AudioSent(heard))
        made.event(PartialResult(type(sentence)(sentence.index, sentence.text[: 8 * words], sentence.begin_ms)))
    began = time.perf_counter()
    made.event(FinalResult(sentence))
    each.append(time.perf_counter() - began)
    del each[:-1000]
made.end(Summary("microphone", True, 1.0))
[peak] = (line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(statistics.median(each) * 1000, int(peak.split()[1]) / 1024)
"""
# A process counts in its peak the memory of the one that started it, so this small one does.
_MEASURED = """
import os, subprocess, sys, time
began = time.monotonic()
_, status, usage = os.wait4(subprocess.Popen(sys.argv[1:]).pid, 0)
print(time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""
# From the order to open a page until a click on its first word has moved the sound there.
_CLICK = """() => {
    const range = document.createRange(), text = document.querySelector("main span").firstChild;
    range.setStart(text, 0);
    range.setEnd(text, 1);
    const box = range.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
}"""
_MOVED = """new Promise(done => {
    const look = () => document.querySelector("audio").currentTime >= 2 ? done() : setTimeout(look, 5);
    look();
})"""


def documents(folder: Path) -> list[Row]:
    """Whole processes; the yardsticks are what was promised."""
    saved = folder / "talk.jsonl"
    _write(saved, 10.0)
    rows = []
    for form in REGISTRY.keys() - {"text", "json"}:
        made = folder / f"talk.{form}"
        done = run(python(_MEASURED, *asrcli("render", str(saved), "-f", form, "-o", str(made))))
        wall_s, cpu_s, peak_mb = map(float, done.lines[-1][1].split())
        rows += [
            Row(f"10 hours to {form}, process", wall_s, "s", 2.0, _PROMISE, aim=1.0, noise=0.2),
            Row(f"10 hours to {form}, CPU", cpu_s, "s", 2.0, _PROMISE, noise=0.2),
            Row(f"10 hours to {form}, peak memory", peak_mb, "MB", 150.0, _PROMISE, aim=1.0),
        ]
    return [*sorted(rows, key=lambda row: row.name), *_live(), *_page(folder)]


def _live() -> list[Row]:
    done = [run(python(_LIVE, str(hours))) for hours in (2, 20)]
    (_, short_mb), (sentence_ms, long_mb) = (map(float, each.lines[-1][1].split()) for each in done)
    return [
        Row("live srt, one more sentence, median", sentence_ms, "ms", 2.0, _PROMISE, aim=1.0, noise=0.2),
        Row("live srt, peak memory of 20 hours", long_mb, "MB", short_mb, "2 hours", aim=1.05),
    ]


def _page(folder: Path) -> list[Row]:
    """Ten hours as a page with a sound of ten hours; a row that says so where there is no browser."""
    names = ("10 hours as a page, to the first click", "10 hours as a page, memory beside an empty one")
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        return [Row(name, None, note="skipped: playwright or Chromium is not here") for name in names]
    _write_silence(folder / "talk.wav", 10 * 3600)
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page()
        page.wait_for_timeout(500)
        empty_mb = _browser_mb()
        began = time.monotonic()
        page.goto((folder / "talk.html").as_uri(), wait_until="commit")
        page.wait_for_selector("main span")
        page.mouse.click(*page.evaluate(_CLICK))
        page.evaluate(_MOVED)
        took_s = time.monotonic() - began
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(500)
        memory_mb = _browser_mb() - empty_mb
        browser.close()
    return [
        Row(names[0], took_s, "s", 2.0, _PROMISE, aim=1.0, noise=0.3),
        Row(names[1], memory_mb, "MB", 400.0, _PROMISE, aim=1.0, noise=0.2),
    ]


def spoken(hours: float) -> Iterator[Sentence]:
    """So many hours of speech, 10,000 words in each, with their times; the first word begins after two seconds."""
    chance = random.Random(1)
    now = 2000
    for index in range(1, round(hours * 500) + 1):
        words = []
        for number in range(20):
            begin, now = now, now + chance.randint(120, 370)
            words.append(Word(chance.choice(_WORDS), begin, now, {6: ",", 19: "."}.get(number, "")))
            now += chance.choice((0, 0, 0, 50, 400))
        text = " ".join(word.text + word.punctuation for word in words)
        yield Sentence(index, text, words[0].begin_ms, now, tuple(words))
        now += 500


def _write(path: Path, hours: float) -> None:
    """The JSON lines of such a run; the sound lies beside them."""
    form = JsonLines()
    source = str(path.with_suffix(".wav"))
    with path.open("w", encoding="utf-8") as file:
        file.write(form.begin(Begin(source, "m", "intl", "run-task", 16000, round(hours * 3_600_000))))
        file.writelines(form.event(FinalResult(sentence)) for sentence in spoken(hours))
        file.write(form.end(Summary(source, True, 1.0)))


def _write_silence(path: Path, seconds: int) -> None:
    """A wav that takes no room where the system knows holes."""
    size = seconds * 16000
    form = (b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", size)
    with path.open("wb") as file:
        file.write(struct.pack("<4sI4s4sIHHIIHH4sI", *form))
        file.truncate(44 + size)


def _browser_mb() -> float:
    return sum(map(_own_mb, _descendants(os.getpid())))


def _descendants(pid: int) -> Iterator[int]:
    """Processes below `pid` that run Chromium."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            if b"chrom" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0]:
                yield child
            yield from _descendants(child)


def _own_mb(pid: int) -> float:
    """Memory of a process, with its share of what it has in common with others."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
