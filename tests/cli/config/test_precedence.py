"""Profiles, and who outranks whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asrcli.cli import config_files
from asrcli.cli.config.reading import Reading
from asrcli.cli.config.values import options_of
from asrcli.settings.files import OWN, PROJECT, read
from asrcli.settings.presets import presets
from asrcli.values.errors import UsageError
from tests.support.service import TALK_WAV

Defaults = Callable[..., dict[str, Any]]


@pytest.fixture
def of(tmp_path: Path) -> Defaults:
    """The defaults of a command, by a command line, the two files and the environment. Raises what is wrong."""

    def defaults(line: str, project: str = "", own: str = "", **environ: str) -> dict[str, Any]:
        (tmp_path / "asrcli.toml").write_text(project)
        (tmp_path / "config.toml").write_text(own)
        files = (read(tmp_path / "asrcli.toml", PROJECT), read(tmp_path / "config.toml", OWN))
        words = line.split()
        found = config_files.resolve(config_files.all_commands(), files, environ, words)
        if found.error is not None:
            raise found.error
        return config_files.default_map(config_files.all_commands(), found.layer)[words[0]]

    return defaults


PROFILE = """
model = "top"
[mic]
device = "usb"
[profile.late]
model = "late"
region = "cn"
[profile.late.mic]
retries = 80
"""


def test_a_profile_holds_where_it_is_asked_for(of):
    assert of("mic", own=PROFILE) == {"model": "top", "device": "usb"}
    expected = {"model": "late", "region": "cn", "retries": 80, "device": "usb"}
    assert of("mic --profile late", own=PROFILE) == expected
    assert of("mic --profile=late", own=PROFILE) == expected
    assert of("mic", own=PROFILE, ASRCLI_PROFILE="late") == expected
    assert of("file --profile late", own=PROFILE) == {"model": "late", "region": "cn"}
    # Its model is not one for qwen, as it is at the top of a file.
    assert of("qwen --profile late", own=PROFILE) == {"region": "cn"}


def test_the_flag_outranks_the_variable_and_none_is_no_profile(of):
    assert of("mic --profile none", own=PROFILE, ASRCLI_PROFILE="late") == {"model": "top", "device": "usb"}
    assert of("mic --profile captions", own=PROFILE, ASRCLI_PROFILE="late")["model"] == "top"


def test_a_profile_outranks_the_environment_and_the_files(of):
    variables = {"DASHSCOPE_WEBSOCKET_BASE_URL": "wss://x", "DASHSCOPE_API_KEY": "k"}
    own = 'region = "intl"\n[profile.work]\nregion = "cn"\napi_key_file = "/k"'
    assert of("file", own=own, **variables) == {}
    assert of("file --profile work", 'model = "a"', own, **variables) == {
        "model": "a",
        "region": "cn",
        "api_key_file": "/k",
    }


def test_the_environment_outranks_a_profile_that_came_with_a_folder(of):
    project = '[profile.work]\nregion = "cn"\nmodel = "a"'
    assert of("file --profile work", project) == {"region": "cn", "model": "a"}
    assert of("file --profile work", project, DASHSCOPE_WEBSOCKET_BASE_URL="wss://x") == {"model": "a"}


def test_a_profile_in_both_files_is_that_of_both_and_the_projects_outranks_the_users(of):
    found = of("file --profile a", '[profile.a]\nmodel = "p"', '[profile.a]\nmodel = "o"\nretries = 3')
    assert found == {"model": "p", "retries": 3}


def test_what_a_profile_says_silences_what_would_contradict_it(of):
    own = 'endpoint = "wss://mine"\njson = true\n[profile.a]\nregion = "cn"\nformat = "srt"'
    assert of("file --profile a", own=own) == {"region": "cn", "format": ["srt"]}
    # But a project does not decide where the sound goes.
    project = '[profile.a]\nregion = "cn"'
    assert of("file --profile a", project, 'endpoint = "wss://mine"')["endpoint"] == "wss://mine"
    assert of("file", 'region = "cn"', 'endpoint = "wss://mine"')["endpoint"] == "wss://mine"


def test_a_typed_flag_silences_what_it_contradicts_in_a_profile_too(of):
    own = '[profile.a]\nendpoint = "wss://mine"'
    assert of("file --profile a --region cn", own=own) == {}


def test_a_profile_of_the_users_replaces_the_one_on_board(of):
    assert of("file --profile meeting", own="[profile.meeting]\nretries = 3") == {"retries": 3}
    assert of("file --profile meeting")["semantic_punctuation"] is True


@pytest.mark.parametrize(
    ("line", "environ", "said", "hint"),
    [
        ("file --profile meating", {}, "--profile 'meating': there is no such profile", "did you mean meeting?"),
        ("mic", {"ASRCLI_PROFILE": "lat"}, "ASRCLI_PROFILE 'lat': there is no such profile", "did you mean late?"),
        ("mic --profile=", {}, "--profile '': ", "choose one of captions, dictation, late, meeting"),
    ],
)
def test_an_unknown_profile_is_refused_with_the_nearest(of, line, environ, said, hint):
    with pytest.raises(UsageError) as caught:
        of(line, own=PROFILE, **environ)
    assert caught.value.message.startswith(said)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('profile = "late"', 1, "profile is no option"),
        ("[profile]\nlate = 1", 2, "late is no profile"),
        ("[profile.none]", 1, "no profile can be called none"),
        ("[profile.a]\nmodle = 1", 2, "modle is no option"),
        ("[profile.a.fiel]\nmodel = 1", 1, "fiel is no command"),
        ("[profile.a]\n[profile.a.mic]\npace = 'fast'", 3, "pace is no option of mic"),
        ("[profile.a]\nretries = 'many'", 2, 'retries = "many"'),
        ("[profile.a]\nendpoint = 'wss://x'", 2, "endpoint cannot stand here"),
        ("[profile.a.profile.b]\nmodel = 'a'", 1, "profile is no command"),
        ("[profile.a]\nprofile = 'b'", 2, "profile is no option"),
    ],
)
def test_what_a_profile_may_not_say_is_named_with_its_line(tmp_path, text, line, message):
    (tmp_path / "asrcli.toml").write_text(text)
    reading = Reading(read(tmp_path / "asrcli.toml", PROJECT), config_files.all_commands())
    assert [(each.line, each.message.partition(": ")[0]) for each in reading.problems] == [(line, message)]


def test_the_profiles_on_board_say_nothing_wrong_and_change_something():
    reading = Reading(presets(), config_files.all_commands())
    assert reading.problems == []
    assert {*reading.profiles} == {"captions", "dictation", "meeting"}
    options = {command: options_of(loaded) for command, loaded in config_files.all_commands().items()}
    for layer in reading.profiles.values():
        for command, settings in layer.items():
            for key, setting in settings.items():
                # The option of the service's is unsaid unless it is asked for.
                assert setting.value != options[command][key].default, (command, key)


def test_what_a_model_does_not_know_of_a_profile_on_board_is_left_out(of):
    assert of("file --profile meeting")["semantic_punctuation"] is True
    for line in (
        "file -m paraformer-realtime-v1",
        "file --model=paraformer-realtime-v1",
        "file -mparaformer-realtime-v1",
    ):
        assert not {"semantic_punctuation", "heartbeat"} & of(f"{line} --profile meeting").keys(), line
    own = 'model = "paraformer-realtime-v1"'
    assert of("file --profile dictation", own=own) == {"model": "paraformer-realtime-v1", "disfluency_removal": True}
    # One that nobody knows may know everything; and who writes a profile means what they write.
    assert of("file -m new-one --profile meeting")["heartbeat"] is True
    written = "[profile.meeting]\nheartbeat = true"
    assert of("file -m paraformer-realtime-v1 --profile meeting", own=written) == {"heartbeat": True}


def test_a_run_takes_a_profile(asrcli, talk_service, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asrcli.toml").write_text("[profile.quick]\npace = 'fast'\njson = true")
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--profile", "quick")
    assert (done.code, done.events[0]["type"]) == (0, "begin")
    done = asrcli("file", "--profile", "quikc", "x.wav")
    assert (done.code, done.err) == (
        2,
        "asrcli: error: --profile 'quikc': there is no such profile (did you mean quick?)\n",
    )
    assert asrcli("file", "--profile", "quikc", "--help").code == 0
