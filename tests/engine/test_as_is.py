"""Files that go to the service as they are: what it hears, and what becomes of that when links break."""

from __future__ import annotations

import contextlib
import itertools
import random
import wave
from pathlib import Path

import pytest

from asrcli.audio.encoded.source import EncodedInput
from asrcli.audio.opening import Files, open_input
from asrcli.audio.source import AsIs
from asrcli.engine.build import build
from asrcli.engine.control import Control
from asrcli.engine.spec import Spec
from asrcli.engine.splitting import Split, plan_split, transcribe_split
from asrcli.engine.stages import Timeouts
from asrcli.engine.wiring import Engine
from asrcli.service.faults.kinds import parse_fault
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.wire.retry import Retry
from tests.support.coded_talk import CodedTalk, a_sentence_every
from tests.support.compressed import compressed, tone
from tests.support.recovery import MODELS, TROUBLES, Outcome, delivered
from tests.support.service import running_service
from tests.support.transcribing import transcribe

ALL = AsIs(("pcm", "wav", "mp3", "opus", "speex", "aac", "amr"))
FORMATS = ("mp3", "opus", "aac", "amr", "wav")
# Of where a sentence is: the service hears tones to within 10 ms. ADTS does not tell how late its encoder is, 64 ms.
NEAR_MS = 30
LATE_MS = {"aac": 64}


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> CodedTalk:
    return a_sentence_every(tmp_path_factory.mktemp("talk"), 4, 15, timeline="tones")


@pytest.fixture(scope="module")
def file_of(talk: CodedTalk, tmp_path_factory: pytest.TempPathFactory):
    """Gives the talk in a format, as a file."""
    folder = tmp_path_factory.mktemp("files")
    wav = talk.write_wav(folder / "talk.wav")

    def get(audio_format: str) -> Path:
        path = folder / f"talk.{audio_format}"
        if not path.exists():
            with wave.open(str(wav)) as file:
                path.write_bytes(compressed(audio_format, file.readframes(file.getnframes())))
        return path

    return get


def opened(path: Path, control: Control) -> EncodedInput:
    source = open_input(Files(as_is=ALL), str(path), control.notice, control.level)
    assert isinstance(source, EncodedInput)
    return source


def engine(url: str, protocol: str = "run-task", speed: float | None = None) -> Engine:
    return build(
        Spec(
            protocol,
            RecognitionOptions(model=MODELS[protocol]),
            Endpoint(url, "k"),
            speed=speed,
            timeouts=Timeouts(finish_s=0.4, grace_s=0.4),
            retry=Retry(first_s=0.01, longest_s=0.3),
        )
    )


def heard(talk: CodedTalk, path: Path, protocol: str = "run-task", *faults: str, speed: float | None = None) -> Outcome:
    with running_service(talk.recognizer, faults=tuple(map(parse_fault, faults))) as service:
        control = Control()
        return delivered(transcribe(opened(path, control), engine(service.url, protocol, speed), control))


def near(outcome: Outcome, talk: CodedTalk, late_ms: int = 0) -> list[tuple[object, ...]]:
    """Every sentence that is not what and where it should be."""
    said: list[tuple[object, ...]] = [(each.index, each.text, each.begin_ms, each.end_ms) for each in outcome.sentences]
    if [each[:2] for each in said] != [each[:2] for each in talk.told()]:
        return said
    return [
        (*each, *right[2:])
        for each, right in zip(said, talk.told(), strict=True)
        if max(abs(each[2] - right[2] - late_ms), abs(each[3] - right[3] - late_ms)) > NEAR_MS
    ]


@pytest.mark.parametrize("audio_format", FORMATS)
def test_an_undisturbed_run_is_the_script(talk, file_of, audio_format):
    outcome = heard(talk, file_of(audio_format))
    assert outcome.error is None
    assert near(outcome, talk, LATE_MS.get(audio_format, 0)) == []


@pytest.mark.parametrize("audio_format", FORMATS[:-1])
def test_a_link_cut_anywhere_changes_nothing(talk, file_of, audio_format):
    chance = random.Random(f"as is {audio_format}")
    at = f"{chance.uniform(0.05, talk.seconds - 0.5):.3f}"
    faults = [fault.format(at=at) for fault in chance.choice(TROUBLES[:8])]
    outcome = heard(talk, file_of(audio_format), "run-task", *faults, speed=50.0)
    assert outcome.error is None, faults
    assert outcome.reconnects > 0, faults
    assert near(outcome, talk, LATE_MS.get(audio_format, 0)) == [], faults


@pytest.mark.parametrize("audio_format", ["mp3", "opus"])
def test_parts_at_the_same_time_are_the_script(talk, file_of, audio_format):
    path = file_of(audio_format)
    told = [(int(str(each["begin_ms"])), int(str(each["end_ms"]))) for each in talk.sentences]
    # In the middle of pauses that are long enough for what a decoder needs of them.
    pauses = [(end, begin) for (_, end), (begin, _) in itertools.pairwise(told) if begin - end > 500]
    cuts = tuple((end + begin) // 2 for end, begin in pauses)
    assert len(cuts) == 2
    split = Split(cuts, int(talk.seconds * 1000))
    with running_service(talk.recognizer) as service:
        control = Control()
        outcome = delivered(
            transcribe_split(lambda control: opened(path, control), split, engine(service.url), control)
        )
    assert outcome.error is None
    assert near(outcome, talk, LATE_MS.get(audio_format, 0)) == []


def test_cuts_are_looked_for_in_what_a_decoder_makes_of_a_file(talk, file_of, tmp_path):
    quiet = tmp_path / "quiet.mp3"
    quiet.write_bytes(compressed("mp3", tone(4.0) + bytes(32_000) + tone(6.0)))
    control = Control()
    with contextlib.closing(opened(quiet, control)) as source:
        split = plan_split(source, 2, control)
    assert split.duration_ms == pytest.approx(11_000, abs=100)
    assert len(split.cuts_ms) == 1
    assert 4000 < split.cuts_ms[0] < 5000
