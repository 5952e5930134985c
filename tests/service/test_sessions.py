"""Sessions of Qwen-ASR-Realtime on real loopback sockets, with the reciting and the real recogniser."""

from __future__ import annotations

import subprocess
from itertools import pairwise

import jiwer
import numpy as np
import soxr

from asrcli.service.protocols.base import Limits
from asrcli.service.server import Service
from tests.service.session_client import PATH, TRANSCRIPTION, SessionClient, append, commit, finish, update
from tests.support.service import TALK_SCRIPT, TALK_TEXT, running_service
from tests.support.sounds import FFMPEG, needs_ffmpeg

TALK = TALK_TEXT.read_text("utf-8").splitlines()
# Where the first three sentences have ended, with some of the pause: 32 bytes a millisecond.
CUTS = [0, 32 * 4_000, 32 * 8_500, 32 * 13_000]
UTTERANCE = ["speech_stopped", "committed", "created", "completed"]


def plain(sentences: list[str]) -> str:
    return " ".join(sentences).lower().replace(".", "")


def short(kinds: list[str]) -> list[str]:
    return [kind.rpartition(".")[2] for kind in kinds]


def in_ogg(pcm: bytes) -> bytes:
    """16 kHz mono s16le as Opus in Ogg."""
    command = [FFMPEG, "-v", "error", "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "-", "-c:a", "libopus"]
    return subprocess.run([*command, "-f", "ogg", "-"], input=pcm, stdout=subprocess.PIPE, check=True).stdout  # type: ignore[list-item]


def test_a_talk_in_vad_mode_has_all_events_in_order(scripted: Service, talk_pcm: bytes) -> None:
    with SessionClient(scripted.url) as client:
        client.append(talk_pcm)
        client.say(finish())
        client.hear_until("session.finished")
    assert client.transcripts() == TALK
    kinds = short(client.kinds())
    assert (kinds[0], kinds[-1]) == ("created", "finished")
    without_partials = [kind for kind in kinds[1:-1] if kind != "text"]
    assert without_partials == ["speech_started", *UTTERANCE] * len(TALK)
    for place, kind in enumerate(kinds):
        if kind == "text":
            assert kinds[place - 1] in ("speech_started", "text")
    starts = [event["audio_start_ms"] for event in client.seen if event["type"].endswith("speech_started")]
    ends = [event["audio_end_ms"] for event in client.seen if event["type"].endswith("speech_stopped")]
    assert all(start < end for start, end in zip(starts, ends, strict=True))
    for number in range(1, len(TALK) + 1):
        texts = [event for event in client.seen if event.get("item_id") == f"item_{number}" and "stash" in event]
        assert texts[-1]["text"] + texts[-1]["stash"] == TALK[number - 1]


def test_each_commit_is_answered_with_what_lies_in_it(scripted: Service, talk_pcm: bytes) -> None:
    """The first holds one sentence, the second two, the third none."""
    with SessionClient(scripted.url) as client:
        client.say(update(turn_detection=None))
        for begin, end in ((CUTS[0], CUTS[1]), (CUTS[1], CUTS[3]), (CUTS[3], CUTS[3] + 3200)):
            client.append(talk_pcm[begin:end])
            client.say(commit())
        client.append(talk_pcm[CUTS[3] : 32 * 17_000])
        client.say(finish())
        client.hear_until("session.finished")
    assert client.transcripts() == [TALK[0], f"{TALK[1]} {TALK[2]}", ""]
    kinds = short(client.kinds())
    assert "speech_started" not in kinds
    assert [kind for kind in kinds if kind != "text"] == [
        "created", "updated", *["committed", "created", "completed"] * 3, "finished",
    ]  # fmt: skip


def test_the_real_recogniser_hears_each_commit(listening: Service, talk_pcm: bytes) -> None:
    """One text for each, for silence and across a pause too; the sentence that was not committed is dropped."""
    with SessionClient(listening.url) as client:
        client.say(update(turn_detection=None))
        for pcm in (bytes(16_000), talk_pcm[: CUTS[1]], talk_pcm[CUTS[1] : CUTS[3]]):
            client.append(pcm)
            client.say(commit())
        client.append(talk_pcm[CUTS[3] : 32 * 16_000])
        client.say(finish())
        client.hear_until("session.finished")
    silence, one, two = client.transcripts()
    assert silence == ""
    assert jiwer.wer(plain(TALK[:1]), plain([one])) <= 0.10
    assert jiwer.wer(plain(TALK[1:3]), plain([two])) <= 0.10
    assert [text[0].isupper() and text.find(".") == len(text) - 1 for text in (one, two)] == [True, True]
    texts = [event["item_id"] for event in client.seen if event["type"] == f"{TRANSCRIPTION}text"]
    assert set(texts) == {"item_2", "item_3"}


def test_telephone_audio_is_heard_to_the_end_of_its_commit(listening: Service, talk_pcm: bytes) -> None:
    """What the resampler holds back belongs to the commit too."""
    narrow = soxr.resample(np.frombuffer(talk_pcm[: 32 * 3_300], "<i2"), 16000, 8000).astype("<i2").tobytes()
    with SessionClient(listening.url) as client:
        client.say(update(turn_detection=None, sample_rate=8000))
        client.append(narrow, 1600)
        client.say(commit())
        text = client.hear_until(".completed")["transcript"]
    assert jiwer.wer(plain(TALK[:1]), plain([text])) <= 0.25


@needs_ffmpeg
def test_opus_is_heard_in_both_modes(scripted: Service, talk_pcm: bytes) -> None:
    """In manual mode each commit is a stream of its own."""
    for turn_detection in ({"type": "server_vad"}, None):
        with SessionClient(scripted.url) as client:
            client.say(update(input_audio_format="opus", turn_detection=turn_detection))
            for begin, end in [(0, CUTS[2])] if turn_detection else pairwise(CUTS[:3]):
                client.append(in_ogg(talk_pcm[begin:end]), 1000)
                if turn_detection is None:
                    client.say(commit())
            client.say(finish())
            client.hear_until("session.finished")
        assert client.transcripts() == TALK[:2]


def test_what_is_no_opus_fails_and_the_session_ends_well(scripted: Service) -> None:
    with SessionClient(scripted.url) as client:
        client.say(update(input_audio_format="opus", turn_detection=None))
        client.append(b"no opus at all")
        assert client.hear_until("error")["error"]["code"] == "NO_VALID_AUDIO_ERROR"
        client.append(b"no opus at all")
        client.say(commit())
        assert "Ogg" in client.hear_until(".failed")["error"]["message"]
        client.say(finish())
        client.hear_until("session.finished")


def test_fifteen_megabytes_are_one_event(scripted: Service) -> None:
    """The path takes a message that the other one would close with 1009."""
    with SessionClient(scripted.url) as client:
        client.say(append(bytes(15 * 1024 * 1024 + 2)))
        assert "at most" in client.hear_until("error")["error"]["message"]
        client.say(append(bytes(15 * 1024 * 1024)))
        client.say(finish())
        client.hear_until("session.finished")
        # Eight minutes of audio: the whole script has passed.
        assert client.transcripts() == TALK


def test_a_message_beyond_the_bound_closes_with_1009(scripted: Service) -> None:
    with SessionClient(scripted.url) as client:
        client.say(append(bytes(16 * 1024 * 1024)))
        client.hear_out()
        assert client.close_code == 1009


def test_a_model_of_the_other_protocol_is_closed_with_1007(scripted: Service) -> None:
    with SessionClient(scripted.url, path="/api-ws/v1/realtime?model=fun-asr-realtime") as client:
        client.hear_out()
        assert (client.close_code, client.close_reason) == (1007, "Model not found (fun-asr-realtime)!")
        assert client.seen == []


def test_the_handshake_takes_a_trailing_slash(scripted: Service) -> None:
    with SessionClient(scripted.url, path=PATH.replace("?", "/?")) as client:
        assert client.hear_until("session.created")["session"]["model"] in PATH


def test_an_idle_session_is_closed_with_1011() -> None:
    with (
        running_service(TALK_SCRIPT, limits=Limits(session_idle_s=0.05)) as service,
        SessionClient(service.url) as client,
    ):
        client.hear_out()
        assert (client.close_code, client.close_reason) == (1011, "Internal server error")


def test_a_session_takes_its_place_with_its_first_audio() -> None:
    """One place: the second session that speaks is told so and closed; the place is free when the first has ended."""
    with running_service(TALK_SCRIPT, max_tasks=1) as service:
        with SessionClient(service.url) as first, SessionClient(service.url) as second:
            first.append(bytes(3200))
            first.say(update())
            first.hear_until("session.updated")
            second.append(bytes(3200))
            assert second.hear_until("error")["error"]["code"] == "Throttling.RateQuota"
            second.hear_out()
            assert second.close_code == 1011
            first.say(finish())
            first.hear_until("session.finished")
        with SessionClient(service.url) as third:
            third.append(bytes(3200))
            third.say(finish())
            third.hear_until("session.finished")
