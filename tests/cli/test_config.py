"""Defaults from files: who outranks whom, and what a file may not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from asrcli.cli.config import defaults, user_file
from asrcli.errors import UsageError
from tests.support.service import TALK_WAV

OPTIONS = {
    "file": frozenset({"model", "pace", "endpoint", "api_key", "api_key_file", "max_sentence_silence"}),
    "mic": frozenset({"model", "device"}),
}


@pytest.fixture
def files(tmp_path: Path):
    """Reads the two files with these contents; "" is no file."""

    def read(project: str = "", user: str = "", environ: dict[str, str] | None = None):
        paths = []
        for name, text in (("asrcli.toml", project), ("config.toml", user)):
            paths.append(tmp_path / name)
            if text:
                paths[-1].write_text(text, encoding="utf-8")
        return defaults(OPTIONS, *paths, environ or {})

    return read


def test_no_file_is_no_default(files):
    assert files() == {"file": {}, "mic": {}}


def test_the_projects_file_outranks_the_users_and_a_table_the_top(files):
    found = files(
        project='model = "a"\n[mic]\nmodel = "b"',
        user='model = "c"\nmax-sentence-silence = 800\n[mic]\ndevice = "usb"\n',
    )
    assert found == {"file": {"model": "a", "max_sentence_silence": 800}, "mic": {"model": "b", "device": "usb"}}


def test_the_environment_outranks_both(files):
    user = 'endpoint = "wss://mine"\napi_key_file = "/k"'
    assert files(user=user)["file"] == {"endpoint": "wss://mine", "api_key_file": "/k"}
    environ = {"DASHSCOPE_WEBSOCKET_BASE_URL": "wss://x", "DASHSCOPE_API_KEY": "k"}
    assert files(user=user, environ=environ)["file"] == {}


@pytest.mark.parametrize(
    ("project", "user", "said"),
    [
        ("modle = 1", "", "did you mean model"),
        ("[fiel]", "", "did you mean file"),
        ("", "[mic]\npace = 1", "pace is no option of mic"),
        ("not toml", "", "mend the file"),
        ('endpoint = "wss://evil"', "", "your own config.toml"),
        ("", 'api_key = "sk-1"', "~/.dashscope/api_key"),
    ],
)
def test_what_a_file_may_not_say_is_named_with_the_file(files, project, user, said):
    with pytest.raises(UsageError, match=said) as caught:
        files(project=project, user=user)
    assert "asrcli.toml" in str(caught.value) if project else "config.toml" in str(caught.value)
    assert "sk-1" not in str(caught.value)


def test_the_users_file_has_its_standard_place():
    home = Path("/home/me")
    assert user_file({}, home) == home / ".config/asrcli/config.toml"
    assert user_file({"XDG_CONFIG_HOME": "/x"}, home) == Path("/x/asrcli/config.toml")


def test_the_program_takes_its_defaults_from_the_folder_and_flags_outrank_them(
    asrcli, talk_service, tmp_path, monkeypatch
):
    (tmp_path / "asrcli.toml").write_text('pace = "fast"\n[file]\nmodel = "paraformer-realtime-v2"\njson = true')
    monkeypatch.chdir(tmp_path)
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service)
    assert done.code == 0
    assert done.events[0]["model"] == "paraformer-realtime-v2"
    assert (
        asrcli("file", TALK_WAV, "--endpoint", talk_service, "-m", "fun-asr-realtime").events[0]["model"]
        == "fun-asr-realtime"
    )


def test_a_broken_file_is_one_clear_line(asrcli, tmp_path, monkeypatch):
    (tmp_path / "asrcli.toml").write_text("modle = 1")
    monkeypatch.chdir(tmp_path)
    done = asrcli("models")
    assert done.code == 2
    assert done.err == "asrcli: error: asrcli.toml: modle is no option (did you mean model?)\n"


def test_a_typed_flag_silences_what_it_contradicts(tmp_path: Path):
    """--region goes where the region is, whatever endpoint the file names."""
    path = tmp_path / "config.toml"
    path.write_text('endpoint = "wss://mine"')
    missing = tmp_path / "none.toml"
    assert defaults(OPTIONS, missing, path, {}, ["talk.wav", "--region=cn"])["file"] == {}
    assert defaults(OPTIONS, missing, path, {}, ["talk.wav"])["file"] == {"endpoint": "wss://mine"}


def test_the_common_model_is_not_for_qwen_and_common_options_are_not_for_other_commands(tmp_path: Path):
    options = {**OPTIONS, "qwen": frozenset({"model", "pace"}), "models": frozenset({"region"})}
    path = tmp_path / "asrcli.toml"
    path.write_text('model = "a"\npace = "fast"\n[qwen]\nmodel = "q"')
    found = defaults(options, path, tmp_path / "none.toml", {})
    assert found["qwen"] == {"model": "q", "pace": "fast"}
    assert found["models"] == {}
    path.write_text('model = "a"')
    assert defaults(options, path, tmp_path / "none.toml", {})["qwen"] == {}
