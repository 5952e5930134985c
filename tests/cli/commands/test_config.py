"""`asrcli config`: what is in force and why, and files that are changed by a key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asrcli.cli.shells.completion import answer
from tests.cli.flags.test_completions import ROOT

Rows = Callable[..., list[list[str]]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch) -> Path:
    """The user's, beside the folder of the project, which is the current one."""
    (tmp_path / "home").mkdir()
    (tmp_path / "project").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "home"


@pytest.fixture
def own(home: Path) -> Path:
    path = home / ".config" / "asrcli" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def rows(asrcli) -> Rows:
    """What `config show` prints, as a pipe gets it."""

    def show(*words: str) -> list[list[str]]:
        done = asrcli("config", "show", *words)
        assert (done.code, done.err) == (0, "")
        return [line.split("\t") for line in done.out.splitlines()]

    return show


def test_each_setting_tells_where_it_comes_from(rows, own, monkeypatch):
    own.write_text('# mine\nmodel = "o"\nretries = 3\nkeepalive = false\n[profile.late]\nretries = 80\n')
    Path("asrcli.toml").write_text('\nmodel = "p"\n[mic]\nduration = 5\n')
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy:1")
    found = {row[0]: row[1:] for row in rows("mic", "--profile", "late", "--max-outage", "60", "--lang=zh")}
    assert found["model"] == ["p", "asrcli.toml:2"]
    assert found["duration"] == ["5", "asrcli.toml:4"]
    assert found["keepalive"] == ["false", f"{own}:4"]
    assert found["retries"] == ["80", f"profile late, {own}:6"]
    assert found["max_outage"] == ["60", "flag"]
    assert found["language"] == ["zh", "flag"]
    assert found["proxy"] == ["http://***@proxy:1", "HTTPS_PROXY"]
    assert found["drain_timeout"] == ["10", "default"]
    assert found["device"] == ["-", "default"]


def test_what_is_set_comes_first_and_may_stand_alone(rows):
    Path("asrcli.toml").write_text("stats = true\njobs = 2")
    shown = rows("file")
    assert shown[:2] == [["stats", "true", "asrcli.toml:1"], ["jobs", "2", "asrcli.toml:2"]]
    assert {row[2] for row in shown[2:]} == {"default"}
    assert rows("file", "--set-only") == shown[:2]


def test_what_is_set_for_any_command_is_shown_once(rows, own, monkeypatch):
    own.write_text('model = "a"\n[mic]\ndevice = "usb"\n[models]\nregion = "cn"')
    Path("asrcli.toml").write_text('language = "en"')
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-0123456789abcdef0123")
    assert rows() == [
        ["model", "a", f"{own}:1", "file mic reuse-bench vocab"],
        ["language", "en", "asrcli.toml:1", "file mic qwen reuse-bench"],
        ["api_key", "sk-…", "DASHSCOPE_API_KEY", "file mic qwen reuse-bench vocab"],
        ["device", "usb", f"{own}:3", "mic"],
        ["region", "cn", f"{own}:5", "models"],
    ]


def test_a_word_that_is_no_command_may_be_a_setting(rows, own):
    own.write_text('region = "cn"\n[mic]\nmax-line = 30\n[models]\nregion = "intl"')
    assert rows("region") == [
        ["region", "cn", f"{own}:1", "file mic qwen reuse-bench vocab doctor"],
        ["region", "intl", f"{own}:5", "models"],
    ]
    assert rows("max-line") == [["max_line", "-", "default", "file qwen"], ["max_line", "30", f"{own}:3", "mic"]]
    assert rows("mic.max_line") == [["max_line", "30", f"{own}:3", "mic"]]
    assert rows("mic.max_line", "--max-line", "40") == [["max_line", "40", "flag", "mic"]]
    assert rows("region", "--region", "local") == [["region", "local", "flag", "file mic qwen reuse-bench"]]


def test_profiles_are_listed_and_shown(rows, own):
    own.write_text('[profile.talks]\nmodel = "a"\nheader = ["X-Token=abc"]\n[profile.talks.mic]\ndevice = "usb"')
    Path("asrcli.toml").write_text('[profile.talks]\nmodel = "b"\n[profile.meeting]\nstats = true')
    found = {row[0]: row[1:] for row in rows("profiles")}
    assert found == {row[0]: row[1:] for row in rows("profile")}
    assert list(found) == [f"profile.{name}" for name in ("captions", "dictation", "meeting", "talks")]
    assert found["profile.dictation"] == [
        "max_sentence_silence, disfluency_removal, mic.max_silence, qwen.silence_ms",
        "profile dictation, on board",
    ]
    # A profile of a file takes the place of the one on board.
    assert found["profile.meeting"] == ["stats", "profile meeting, asrcli.toml"]
    assert rows("profile.talks") == [
        ["profile.talks.model", "b", "profile talks, asrcli.toml:2"],
        ["profile.talks.header", "X-Token=***", f"profile talks, {own}:3"],
        ["profile.talks.mic.device", "usb", f"profile talks, {own}:5"],
    ]
    assert [row[0] for row in rows("profile.talks.mic")] == ["profile.talks.mic.device"]
    assert [row[1] for row in rows("profile.captions.max_sentence_silence")] == ["500"]


def test_config_alone_shows_what_is_set(asrcli, own):
    own.write_text("retries = 4")
    done = asrcli("config")
    assert (done.code, done.out) == (0, asrcli("config", "show").out)
    assert "`asrcli config set KEY VALUE`" in done.err


@pytest.mark.parametrize(
    ("word", "ours"), [("list", "show"), ("get", "show"), ("edit", "path"), ("rm", "unset"), ("validate", "check")]
)
def test_words_of_other_tools_lead_to_ours(asrcli, word, ours):
    done = asrcli("config", word)
    assert (done.code, f"did you mean `asrcli config {ours}`?" in done.err) == (2, True)


def test_nothing_set_is_told(asrcli):
    done = asrcli("config", "show")
    assert (done.code, done.out) == (0, "")
    assert done.err == "nothing is set; `asrcli config show file` shows the defaults\n"
    done = asrcli("config", "show", "mic", "--set-only")
    assert (done.code, done.err) == (0, "nothing is set; `asrcli config show mic` shows the defaults\n")


def test_a_variable_shows_where_nothing_outranks_it(rows, own, monkeypatch):
    monkeypatch.setenv("DASHSCOPE_WEBSOCKET_BASE_URL", "wss://mine")
    own.write_text('region = "cn"')
    found = {row[0]: row[1:] for row in rows("file")}
    assert found["endpoint"] == ["wss://mine", "DASHSCOPE_WEBSOCKET_BASE_URL"]
    assert found["region"] == ["-", "default"]
    found = {row[0]: row[1:] for row in rows("file", "--region", "cn")}
    assert (found["endpoint"], found["region"]) == (["-", "default"], ["cn", "flag"])


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        (("--api-key", "sk-0123456789abcdef0123"), "0123456789"),
        (("-k", "short"), "short"),
        (("--header", "X-Token=abc123"), "abc123"),
        (("--proxy", "me:abc123@proxy:80"), "abc123"),
        (("--param", "token=sk-0123456789abcdef0123"), "0123456789"),
    ],
)
def test_secrets_are_masked(asrcli, home, words, secret):
    (home / ".dashscope").mkdir()
    (home / ".dashscope" / "api_key").write_text("sk-aaaaaaaaaaaaaaaaaaaa1234")
    for more in ((), ("--json",)):
        done = asrcli("config", "show", "file", *more, *words)
        assert done.code == 0
        assert secret not in done.out + done.err
        assert "aaaaaaaa" not in done.out + done.err


@pytest.mark.parametrize(
    "line",
    [
        'header = ["abc123"]',
        'header = ["X-Token=abc123"]\nretries = "x"',
        'proxy = "http://me:p@ss/abc123@proxy:80"',
        'endpoint = "http://me:abc123@host"',
        'endpoint = "wss://host:x?token=abc123"',
        'endpoint = "wss://host/?token=abc123"',
        'region = "sk-0123456789abc123def0123"',
    ],
)
def test_no_file_however_wrong_shows_a_secret(asrcli, own, line):
    own.write_text(line)
    for words in (("show",), ("show", "--json"), ("check",), ("check", "--json"), ("set", "stats", "true")):
        done = asrcli("config", *words)
        assert "abc123" not in done.out + done.err
    assert "abc123" not in asrcli("file", "none.wav").err


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("header", "X-Token=abc123", "X-Token=***"),
        ("mic.proxy", "me:abc123@proxy:80", "***@proxy:80"),
        ("profile.a.endpoint", "wss://me:abc123@host", "wss://***@host"),
    ],
)
def test_what_is_set_is_told_without_a_secret(asrcli, own, key, value, shown):
    assert asrcli("config", "set", key, value).err == f'{own}: {key} = "{shown}"\n'
    assert f'"{value}"' in own.read_text()


def test_the_key_in_its_file_is_told_of(rows, home):
    (home / ".dashscope").mkdir()
    (home / ".dashscope" / "api_key").write_text("sk-aaaaaaaaaaaaaaaaaaaa1234")
    assert rows("vocab", "list", "--set-only") == [["api_key", "sk-…", f"{home}/.dashscope/api_key"]]


def test_a_profile_on_board_is_shown(rows):
    found = {row[0]: row[1:] for row in rows("mic", "--profile", "meeting", "--set-only")}
    assert found["semantic_punctuation"] == ["true", "profile meeting, on board"]
    assert found["device_wait"] == ["120", "profile meeting, on board"]


def test_json_is_one_document(asrcli, own):
    Path("asrcli.toml").write_text("modle = 1\nretries = 5")
    done = asrcli("config", "show", "mic", "--json", "--set-only", "-fsrt")
    document: dict[str, Any] = json.loads(done.out)
    assert (document["command"], document["profile"]) == ("mic", None)
    assert [file["exists"] for file in document["files"]] == [True, False]
    assert {each["commands"] == ["mic"] for each in document["settings"]} == {True}
    shown = [[each[key] for key in ("name", "value", "source", "where", "line")] for each in document["settings"]]
    assert shown == [["retries", 5, "project", "asrcli.toml", 2], ["format", ["srt"], "flag", None, None]]
    assert document["problems"] == [
        {"path": "asrcli.toml", "line": 1, "message": "modle is no option", "hint": "did you mean model?"}
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mci",), "there is no command 'mci' (did you mean mic?)"),
        (("modle",), "there is no command 'modle' (did you mean model?)"),
        (("mic.devise",), "there is no setting 'mic.devise' (did you mean mic.device?)"),
        (("a.b.c",), "there is no setting 'a.b.c'"),
        (("profile.meating",), "did you mean meeting?"),
        (("mic", "--retries", "many"), "--retries"),
        (("mic", "--modle", "x"), "--modle"),
        (("mic", "--profile", "meating"), "did you mean meeting?"),
    ],
)
def test_what_show_cannot_show_is_exit_2(asrcli, words, said):
    done = asrcli("config", "show", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("data", [b"not toml", b"\xff", None])
def test_a_broken_file_stops_no_command_that_tells_of_it(asrcli, own, data):
    own.write_text("retries = 3")
    if data is None:
        Path("asrcli.toml").mkdir()
    else:
        Path("asrcli.toml").write_bytes(data)
    shown = asrcli("config", "show", "file", "--set-only")
    assert (shown.code, shown.out) == (0, f"retries\t3\t{own}:1\n")
    assert shown.err.startswith("asrcli: warning: asrcli.toml")
    assert asrcli("config", "path").code == 0
    checked = asrcli("config", "check")
    assert (checked.code, checked.err) == (1, "")
    assert [line.partition(": ")[0] for line in checked.out.splitlines()] == [
        "asrcli.toml" if data is None else "asrcli.toml:1",
        str(own),
    ]
    refused = asrcli("config", "set", "--project", "model", "a")
    assert (refused.code, refused.out) == (2, "")
    assert "nothing is changed" in refused.err
    assert data is None or Path("asrcli.toml").read_bytes() == data


def test_check_tells_all_and_no_file_is_fine(asrcli, monkeypatch):
    done = asrcli("config", "check")
    assert (done.code, done.out) == (0, "there is no configuration file, which is fine\n")
    Path("asrcli.toml").write_text("model = 'fun-asr-realtime'")
    assert asrcli("config", "check").out == "asrcli.toml: fine\n"
    Path("asrcli.toml").write_text("modle = 'a'\n[mic]\nretries = 'x'\n")
    done = asrcli("config", "check")
    assert done.code == 1
    assert done.out.splitlines()[0] == "asrcli.toml:1: modle is no option (did you mean model?)"
    assert done.out.splitlines()[1].startswith('asrcli.toml:3: retries = "x": ')
    monkeypatch.setenv("ASRCLI_PROFILE", "meating")
    Path("asrcli.toml").unlink()
    done = asrcli("config", "check")
    assert (done.code, "did you mean meeting?" in done.err) == (1, True)


def test_path_tells_which_files_there_are(asrcli, own, tmp_path):
    own.touch()
    project = tmp_path / "project" / "asrcli.toml"
    done = asrcli("config", "path")
    assert done.out == f"project\t{project}\tis not there\nown\t{own}\tis there\n"
    assert asrcli("config", "path", "--own").out == f"{own}\n"
    assert asrcli("config", "path", "--project").out == f"{project}\n"
    assert [each["exists"] for each in json.loads(asrcli("config", "path", "--json").out)] == [False, True]


def test_set_writes_into_the_users_own_file_and_keeps_what_is_there(asrcli, home):
    path = home / ".config" / "asrcli" / "config.toml"
    for words in (
        ("model", "fun-asr-realtime"),
        ("mic.device", "usb"),
        ("file.language", "en", "zh"),
        ("max-line", "30"),
        ("noise_threshold", "-0.5"),
        ("keepalive", "no"),
        ("profile.talks.retries", "40"),
        ("profile.talks.mic.duration", "60"),
    ):
        done = asrcli("config", "set", *words)
        assert (done.code, done.out, words[0].replace("-", "_") in done.err) == (0, "", True), words
    text = (
        'model = "fun-asr-realtime"\nmax_line = 30\nnoise_threshold = -0.5\nkeepalive = false\n\n'
        '[mic]\ndevice = "usb"\n\n[file]\nlanguage = ["en", "zh"]\n\n'
        "[profile.talks]\nretries = 40\n\n[profile.talks.mic]\nduration = 60.0\n"
    )
    assert path.read_text() == text
    # Another spelling is the same key.
    path.write_text(f"# mine\n{text.replace('max_line', 'max-line')}")
    assert asrcli("config", "set", "max_line", "40").code == 0
    assert asrcli("config", "unset", "profile.talks").code == 0
    assert asrcli("config", "check").code == 0
    assert path.read_text() == (
        '# mine\nmodel = "fun-asr-realtime"\nmax-line = 40\nnoise_threshold = -0.5\nkeepalive = false\n\n'
        '[mic]\ndevice = "usb"\n\n[file]\nlanguage = ["en", "zh"]\n\n\n'
    )


def test_set_keeps_a_link_and_the_files_mode(asrcli, own, tmp_path):
    (tmp_path / "dotfiles").write_text("retries = 3\n")
    (tmp_path / "dotfiles").chmod(0o600)
    own.symlink_to(tmp_path / "dotfiles")
    assert asrcli("config", "set", "retries", "4").code == 0
    assert own.is_symlink()
    assert (tmp_path / "dotfiles").read_text() == "retries = 4\n"
    assert (tmp_path / "dotfiles").stat().st_mode & 0o777 == 0o600
    assert [each.name for each in own.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("retries", "many"), 'retries = "many": '),
        (("retries", "1000"), "retries = 1000: "),
        (("modle", "a"), "modle is no option (did you mean model?)"),
        (("mci.device", "a"), "mci is no command (did you mean mic?)"),
        (("mic.devise", "a"), "devise is no option of mic (did you mean device?)"),
        (("profile.talks", "a"), "talks is no profile"),
        (("profile.none.model", "a"), "no profile can be called none"),
        (("mic.", "a"), "'mic.' is no key"),
        (("model", "a", "b"), "model takes one value"),
        (("api_key", "sk-1"), "api_key cannot stand here (put it into ~/.dashscope/api_key)"),
        (("--project", "proxy", "http://x"), "proxy cannot stand here (put it into your own config.toml)"),
        (("--project", "output", "../x"), "it leads out of the project's folder"),
        (("stats", "perhaps"), 'stats = "perhaps": '),
        (
            ("profile.a.language", "en", "zh"),
            "one value, not several (`asrcli config set profile.a.file.language en zh`, or mic or reuse-bench instead",
        ),
        (("--project", "language", "en", "zh"), "(`asrcli config set --project file.language en zh`, or "),
        (("mic.device.name", "a"), "it takes a text or a number"),
    ],
)
def test_what_cannot_be_set_is_refused_and_leaves_no_trace(asrcli, home, words, said):
    done = asrcli("config", "set", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert list(home.iterdir()) == list(Path.cwd().iterdir()) == []


def test_a_key_that_is_not_utf8_is_refused(asrcli, home):
    done = asrcli("config", "set", "profile.\udcff.model", "x")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "the key is not valid UTF-8" in done.err
    assert list(home.iterdir()) == []


def test_a_link_out_of_the_projects_folder_is_not_written_through(asrcli, tmp_path):
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text("stats = true\n")
    Path("asrcli.toml").symlink_to(elsewhere)
    for words in (("set", "--project", "stats", "false"), ("unset", "--project", "stats")):
        done = asrcli("config", *words)
        assert done.code == 2
        assert "link out of the project's folder" in done.err
    assert elsewhere.read_text() == "stats = true\n"


@pytest.mark.parametrize("text", [f"{'.'.join('a' * 3000)} = 1", f"[{'.'.join('a' * 3000)}]\nx = 1"])
def test_tables_in_tables_without_end_are_told_and_left_alone(asrcli, own, text):
    own.write_text(text)
    done = asrcli("config", "set", "model", "x")
    assert done.code == 2
    assert "nested too deep" in done.err
    assert own.read_text() == text


def test_set_and_unset_mend_a_file_with_a_wrong_value(asrcli):
    Path("asrcli.toml").write_text("modle = 1\nretries = 'x'\n[fiel]\n")
    assert asrcli("config", "set", "--project", "retries", "4").code == 0
    assert asrcli("config", "unset", "--project", "modle").code == 0
    assert asrcli("config", "unset", "--project", "fiel").code == 0
    assert Path("asrcli.toml").read_text() == "retries = 4\n"


def test_unset_names_the_nearest_that_is_set(asrcli, own):
    assert "there is no such file" in asrcli("config", "unset", "model").err
    own.write_text("retries = 3\n[mic]\ndevice = 'x'\n")
    done = asrcli("config", "unset", "mic.devise")
    assert (done.code, "does not set mic.devise (did you mean mic.device?)" in done.err) == (2, True)


def test_what_the_projects_file_outranks_is_told(asrcli):
    Path("asrcli.toml").write_text("max-line = 30")
    done = asrcli("config", "set", "max_line", "40")
    assert "asrcli.toml:1 sets it too, and outranks it in this folder" in done.err


def test_a_file_that_cannot_be_written_is_told(asrcli, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "/proc/none")
    done = asrcli("config", "set", "model", "a")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("asrcli: error: /proc/none/asrcli/config.toml cannot be written: ")


def test_a_terminal_gets_a_table_or_two_lines_for_each(asrcli, own, monkeypatch):
    own.write_text('[mic]\ndevice = "a very long name of a microphone"')
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("asrcli.output.views.terminal.size", lambda _: (80, 24))
    assert asrcli("config", "show", "mic", "--set-only").out.splitlines() == [
        "setting  value                             from",
        "device   a very long name of a microphone  ~/.config/asrcli/config.toml:2",
    ]
    monkeypatch.setattr("asrcli.output.views.terminal.size", lambda _: (45, 24))
    assert asrcli("config", "show", "mic", "--set-only").out.splitlines() == [
        "device = a very long name of a microphone",
        "    ~/.config/asrcli/config.toml:2",
    ]
    monkeypatch.setattr("asrcli.output.views.terminal.size", lambda _: (30, 24))
    assert asrcli("config", "show", "mic", "--set-only").out.splitlines() == [
        "device = a very long name of a",
        "    microphone",
        "    ~/.config/asrcli/config.to",
        "    ml:2",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("asrcli config set mic.devi", ["mic.device", "mic.device_wait"]),
        ("asrcli config set profile.meeting.max_ou", ["profile.meeting.max_outage"]),
        ("asrcli config set region c", ["cn"]),
        ("asrcli config set prof", ["profile."]),
        ("asrcli config set profile.", [f"profile.{each}." for each in ("captions", "dictation", "meeting", "ours")]),
        ("asrcli config set profile.new.reuse", ["profile.new.reuse-bench."]),
        ("asrcli config set profile.captions.file.api_key", ["profile.captions.file.api_key_file"]),
        ("asrcli config show profile", ["profile.", "profiles"]),
        ("asrcli config show mic.devi", ["mic.device", "mic.device_wait"]),
        ("asrcli config set mic.stats ", ["true", "false"]),
        ("asrcli config show mi", ["mic", "mic."]),
        ("asrcli config show mic --profile me", ["meeting"]),
        ("asrcli file --profile d", ["dictation"]),
        ("asrcli file --profile o", ["ours"]),
    ],
)
def test_keys_values_and_profiles_are_completed(line, expected):
    Path("asrcli.toml").write_text("[profile.ours]\nstats = true")
    assert answer(ROOT, "bash", line) == expected
