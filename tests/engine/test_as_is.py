"""Files that go to the service as they are: what it hears, and what becomes of that when links break."""

from __future__ import annotations

import random
import wave
from pathlib import Path

import pytest

from asrcli.audio.encoded.source import EncodedInput
from asrcli.audio.opening import Files, open_input
from asrcli.audio.source import AsIs
from asrcli.engine.build import build
from asrcli.engine.control import Control
from asrcli.engine.retry import Retry
from asrcli.engine.spec import Spec
from asrcli.engine.stages import Timeouts
from asrcli.service.faults.kinds import parse_fault
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.support.coded_talk import CodedTalk, twelve_sentences
from tests.support.compressed import compressed
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
    return twelve_sentences(tmp_path_factory.mktemp("talk"), timeline="tones")


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


def heard(talk: CodedTalk, path: Path, protocol: str = "run-task", *faults: str, speed: float | None = None) -> Outcome:
    source = open_input(Files(as_is=ALL), str(path), lambda *_: None, lambda *_: None)
    assert isinstance(source, EncodedInput)
    with running_service(talk.recognizer, faults=tuple(map(parse_fault, faults))) as service:
        spec = Spec(
            protocol,
            RecognitionOptions(model=MODELS[protocol]),
            Endpoint(service.url, "k"),
            speed=speed,
            timeouts=Timeouts(finish_s=0.4, grace_s=0.4),
            retry=Retry(first_s=0.01, longest_s=0.3),
        )
        return delivered(transcribe(source, build(spec), Control()))


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


@pytest.mark.parametrize("audio_format", FORMATS)
def test_a_link_cut_anywhere_changes_nothing(talk, file_of, audio_format):
    chance = random.Random(f"as is {audio_format}")
    for number in range(2):
        at = f"{chance.uniform(0.05, talk.seconds - 0.5):.3f}"
        faults = [fault.format(at=at) for fault in TROUBLES[number]]
        outcome = heard(talk, file_of(audio_format), "run-task", *faults, speed=chance.choice((None, 25.0, 50.0)))
        assert outcome.error is None, faults
        assert outcome.reconnects > 0, faults
        assert near(outcome, talk, LATE_MS.get(audio_format, 0)) == [], faults
