"""Defaults from files: who outranks whom, and what a file may not say."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import typer

from asrcli.cli import config_files
from asrcli.cli.app import app
from asrcli.cli.config.reading import Reading
from asrcli.output.wording import words
from asrcli.settings.files import OWN, PROJECT, read
from asrcli.values.errors import UsageError
from tests.support.service import TALK_TEXT, TALK_WAV
from tests.support.wording import says


def commands(**options: set[str]) -> dict[str, Any]:
    """The program's own commands, with no options but these."""
    found = {}
    for name, known in options.items():
        found[name] = copy.copy(typer.main.get_command(app).commands[name].loaded)  # type: ignore[attr-defined]
        found[name].params = [each for each in found[name].params if each.name in known]
        assert len(found[name].params) == len(known)
    return found


OPTIONS = commands(
    file={"model", "pace", "endpoint", "api_key", "api_key_file", "max_sentence_silence", "language"},
    mic={"model", "device"},
)


def defaults(known, project: Path, user: Path, environ: dict[str, str], typed: Any = ()) -> dict[str, dict[str, Any]]:
    """Raises what is wrong."""
    found = config_files.resolve(known, (read(project, PROJECT), read(user, OWN)), environ, typed)
    if found.error is not None:
        raise found.error
    return config_files.default_map(known, found.layer)


@pytest.fixture
def files(tmp_path: Path):
    """Reads the two files with these contents; "" is no file."""

    def read(project: str = "", user: str = "", environ: dict[str, str] | None = None):
        paths = []
        for name, text in (("asrcli.toml", project), ("config.toml", user)):
            paths.append(tmp_path / name)
            if text:
                paths[-1].write_text(text, encoding="utf-8")
        return defaults(OPTIONS, *paths, environ or {})  # type: ignore[arg-type, call-arg]

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
        ("model = " + "[" * 9999, "", "mend the file"),
        ('endpoint = "wss://evil"', "", "your own config.toml"),
        ('force = true\noutput = "../.profile"', "", "your own config.toml"),
        ("[file]\nforce = true", "", "your own config.toml"),
        ("[mic]\nyes = true", "", "your own config.toml"),
        ('log = "notes.txt"', "", "your own config.toml"),
        ("", 'api_key = "sk-1"', "~/.dashscope/api_key"),
    ],
)
def test_what_a_file_may_not_say_is_named_with_the_file(files, project, user, said):
    with pytest.raises(UsageError, check=says(said)) as caught:
        files(project=project, user=user)
    assert "asrcli.toml" in words(caught.value) if project else "config.toml" in words(caught.value)
    assert "sk-1" not in words(caught.value)


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
    assert done.err == "asrcli: error: asrcli.toml:1: modle is no option (did you mean model?)\n"


def test_further_mistakes_are_counted(files):
    with pytest.raises(UsageError, check=says(r"did you mean model\?; 2 more: `asrcli config check`")):
        files(project="modle = 1\nfoo = 3\nbar = 4")


def test_a_typed_flag_silences_what_it_contradicts(tmp_path: Path):
    """--region goes where the region is, whatever endpoint the file names."""
    path = tmp_path / "config.toml"
    path.write_text('endpoint = "wss://mine"')
    missing = tmp_path / "none.toml"
    assert defaults(OPTIONS, missing, path, {}, ["talk.wav", "--region=cn"])["file"] == {}
    assert defaults(OPTIONS, missing, path, {}, ["talk.wav"])["file"] == {"endpoint": "wss://mine"}


def test_the_common_model_is_not_for_qwen_and_common_options_are_not_for_other_commands(tmp_path: Path):
    options = {**OPTIONS, **commands(qwen={"model", "pace"}, models={"region"})}
    path = tmp_path / "asrcli.toml"
    path.write_text('model = "a"\npace = "fast"\n[qwen]\nmodel = "q"')
    found = defaults(options, path, tmp_path / "none.toml", {})
    assert found["qwen"] == {"model": "q", "pace": "fast"}
    assert found["models"] == {}
    path.write_text('model = "a"')
    assert defaults(options, path, tmp_path / "none.toml", {})["qwen"] == {}


def test_a_table_bears_the_commands_own_name_hyphen_and_all(tmp_path: Path):
    options = {**OPTIONS, **commands(**{"reuse-bench": {"tasks", "region"}})}
    path = tmp_path / "asrcli.toml"
    path.write_text('region = "local"\n[reuse-bench]\ntasks = "4"')
    assert defaults(options, path, tmp_path / "none.toml", {})["reuse-bench"] == {"region": "local", "tasks": "4"}


@pytest.mark.parametrize("default", ['format = "json"', 'format = ["json", "vtt"]', "json = true"])
def test_a_form_in_a_file_yields_to_what_the_typed_names_say(asrcli, talk_service, tmp_path, monkeypatch, default):
    (tmp_path / "asrcli.toml").write_text(default)
    monkeypatch.chdir(tmp_path)
    run = ("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast")
    assert asrcli(*run, "-o", "a.srt", "--output=b.txt", "-oc.ass").err == ""
    assert {path.name for path in tmp_path.iterdir()} == {"asrcli.toml", "a.srt", "b.txt", "c.ass"}
    assert (tmp_path / "a.srt").read_text().startswith("1\n00:00:")


def test_a_form_in_a_file_is_that_of_names_that_say_none(asrcli, talk_service, tmp_path, monkeypatch):
    (tmp_path / "asrcli.toml").write_text("json = true")
    monkeypatch.chdir(tmp_path)
    run = ("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast")
    done = asrcli(*run, "-o", "-", "-o", "a.srt")
    assert done.events[0]["type"] == "begin"
    # Typed for all of it: then the file's word does not count.
    assert asrcli(*run, "-f", "text").out == TALK_TEXT.read_text()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('retries = "many"', 'retries = "many": a whole number from 0 to 100 is wanted'),
        ("retries = 1000", "retries = 1000: a whole number from 0 to 100 is wanted"),
        ('stats = "perhaps"', 'stats = "perhaps": true or false is wanted'),
        ("model = true", "model = true: it takes a text or a number"),
        ('model = ["a"]', 'model = ["a"]: it takes one value, not several'),
        ("pace = 1979-05-27", 'pace = "1979-05-27": it takes a text or a number'),
        ("language = [1, true]", "language = [1, true]: it takes a list of texts"),
        ('region = "mars"', 'region = "mars": it is not known (choose one of intl, cn, qwen-intl, qwen-cn, local)'),
        ('format = "texd"', "choose one of text, json"),
        ('format = ["srt", "texd"]', "choose one of text, json"),
        ('output = ["a.txt", ""]', 'output = ["a.txt", ""]: it is empty'),
        ('model = ""', 'model = "": it is empty'),
        ('color = "blue"', "choose one of auto, always, never"),
        ('encoding = "s17"', "choose one of s16le"),
        ('protocol = "http"', "choose one of run-task, realtime"),
        ('pace = "quick"', "pace = \"quick\": --pace 'quick' is not known"),
        ('param = ["a"]', "KEY=VALUE"),
        ('hotwords = "ALSA:9,x"', "has the weight 9"),
        ("max-sentence-silence = 5", "max_sentence_silence = 5: --max-sentence-silence 5 is out of range"),
        ("noise_threshold = 3", "-1.0 to 1.0"),
        ("[qwen]\nwire-rate = 11025", "choose one of 8000, 16000"),
        ("[mic]\nmodel = { a = 1 }", "it takes a text or a number"),
        ("[file]\nfiles = 'x'", "files is no option of file"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_file_and_the_key(asrcli, tmp_path, monkeypatch, line, said):
    (tmp_path / "asrcli.toml").write_text(line)
    monkeypatch.chdir(tmp_path)
    done = asrcli("models")
    assert (done.code, done.out) == (2, "")
    # A table's line is before the one that is wrong.
    assert done.err.startswith(f"asrcli: error: asrcli.toml:{line.count(chr(10)) + 1}: ")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_a_wrong_address_in_the_users_own_file_names_that_file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('endpoint = "http://x"')
    with pytest.raises(
        UsageError, match=r"config.toml:1: endpoint = \"http://x\": --endpoint .* not a WebSocket address"
    ):
        defaults(OPTIONS, tmp_path / "none.toml", path, {})


def test_one_text_stands_for_a_list_of_one_and_a_number_for_its_text(files):
    found = files(project='language = "zh"\npace = 4\n[mic]\ndevice = 5')
    assert found == {"file": {"language": ["zh"], "pace": 4}, "mic": {"device": 5}}


def test_a_broken_file_stops_no_help(asrcli, tmp_path, monkeypatch):
    (tmp_path / "asrcli.toml").write_text("not toml")
    monkeypatch.chdir(tmp_path)
    for line in ("--help", "--version", "file --help", "vocab create -h"):
        done = asrcli(*line.split())
        assert (done.code, done.err) == (0, ""), line
    done = asrcli("vocab", "check", "names.txt")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("asrcli: error: asrcli.toml:1: it is not TOML: Expected '=' after a key")


def test_a_file_takes_no_name_of_help_away(asrcli, tmp_path, monkeypatch):
    (tmp_path / "asrcli.toml").write_text('language = "zh"\n[file]\npace = 4\n[vocab]\nprefix = "a"\n')
    monkeypatch.chdir(tmp_path)
    for line in ("file -h", "mic -h", "vocab create -h", "qwen --help"):
        done = asrcli(*line.split())
        assert (done.code, done.err, done.out[:6]) == (0, "", "Usage:"), line


@pytest.mark.parametrize(
    "line", ['manifest = "a"', 'file.results = "a"', "dry-run = true", '[profile.x.file]\nshard = "1/2"']
)
def test_what_one_run_does_stands_in_no_file(tmp_path, monkeypatch, line):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asrcli").mkdir()
    (tmp_path / "asrcli" / "config.toml").write_text(f"{line}\n")
    [problem] = config_files.problems()
    assert problem.message.endswith(" cannot stand here")
    assert problem.hint == "it is for one run: type it"


def test_a_project_does_not_say_where_the_work_is_done(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asrcli").mkdir()
    for place in ("asrcli/config.toml", "asrcli.toml"):
        (tmp_path / place).write_text('cluster = "local:2"\nslots = 4\n')
    [problem] = config_files.problems()
    assert (problem.where, problem.message) == ("asrcli.toml:1", "cluster cannot stand here")


def test_all_that_is_wrong_is_listed_in_the_order_of_the_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "asrcli").mkdir()
    (tmp_path / "asrcli" / "config.toml").write_text("[mic]\ndevise = 'usb'\n")
    (tmp_path / "asrcli.toml").write_text("# ours\nretries = 1000\nproxy = 'x'\n\n[fiel]\nmodel = 'a'\n")
    told = [(each.where, each.message.partition(":")[0], each.hint) for each in config_files.problems()]
    assert told == [
        ("asrcli.toml:2", "retries = 1000", ""),
        ("asrcli.toml:3", "proxy cannot stand here", "put it into your own config.toml"),
        ("asrcli.toml:5", "fiel is no command", "did you mean file?"),
        (f"{tmp_path}/asrcli/config.toml:2", "devise is no option of mic", "did you mean device?"),
    ]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a file, a link that leads out of it, and a file outside."""
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "names.txt").write_text("Ada")
    (tmp_path / "ours" / "link").symlink_to(tmp_path)
    return tmp_path / "ours"


def wrong_in(folder: Path, text: str, whose=PROJECT) -> list[str]:
    (folder / "asrcli.toml").write_text(text)
    reading = Reading(read(folder / "asrcli.toml", whose), config_files.all_commands())
    return [f"{each.line}: {each.message} ({each.hint})" for each in reading.problems]


@pytest.mark.parametrize(
    "line",
    [
        'output = "../talk.txt"',
        'output = ["talk.txt", "/tmp/talk.txt"]',
        'save_audio = "link/talk.wav"',
        'context = "@/etc/passwd"',
        'context = "../secret.txt"',
        'hotwords = "@link/secret.txt"',
        'mask_words = "/etc/passwd"',
        'context_from = "/tmp/pipe"',
        '[file]\noutput_dir = "../.."',
        '[qwen]\ncorpus = "@../secret.txt"',
        '[render]\naudio = "/etc/passwd"',
        '[serve]\nrecognizer = "script:/etc/passwd"',
    ],
)
def test_a_projects_file_reads_and_writes_nothing_outside_its_folder(project, line):
    reason = "it leads out of the project's folder (put it into your own config.toml)"
    wrong = wrong_in(project, line)
    assert len(wrong) == 1
    assert wrong[0].startswith(f"{line.count(chr(10)) + 1}: ")
    assert wrong[0].endswith(reason)
    assert wrong_in(project, line, OWN) == []


@pytest.mark.parametrize(
    "line",
    [
        'output = ["-", "texts/talk.srt"]',
        'context = "names.txt"',
        'context = "@names.txt"',
        'context = "either/or, and 1.5 / 2"',
        'context = "a\\u0000b"',
        f'context = "{"long " * 2000}"',
        'hotwords = "Ada:5,Bob"',
        'model = "/etc/passwd"',
        '[serve]\nrecognizer = "sphinx"',
    ],
)
def test_a_projects_file_may_name_its_own_files(project, line):
    assert wrong_in(project, line) == []


def test_what_is_good_for_some_commands_only_is_told_with_the_others(project):
    assert wrong_in(project, 'language = ["en", "zh"]') == [
        '1: language = ["en", "zh"]: for qwen: it takes one value, not several'
        " (put it into [file] or [mic] or [reuse-bench])"
    ]
    assert wrong_in(project, '[profile.a]\nlanguage = ["en", "zh"]')[0].endswith(
        " (put it into [profile.a.file] or [profile.a.mic] or [profile.a.reuse-bench])"
    )
    assert wrong_in(project, '[file]\nlanguage = ["en", "zh"]') == []
