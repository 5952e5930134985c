"""bash, zsh and fish complete for a person who presses TAB; what the program is then started with is what counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from asrcli.cli.shells import scripts as shells
from tests.support.shell import SHELLS, make_program, microphones, quick_program, ready_to_complete, running_shell
from tests.support.virtual_mic import virtual_mic

USB, YETI = "USB Mic: (hw:1,0)", 'Ann\'s "Yeti" $5'


@pytest.fixture(scope="module")
def completes(tmp_path_factory):
    with ready_to_complete(tmp_path_factory.mktemp("ready"), microphones(USB, YETI, "Blue Snow")) as program:
        yield program


@pytest.fixture(scope="module", params=SHELLS)
def shell(request, tmp_path_factory, completes):
    home = tmp_path_factory.mktemp(request.param)
    (home / "recordings of May").mkdir()
    with running_shell(request.param, home, quick_program(home / "bin", completes)) as running:
        yield running


@pytest.mark.parametrize(
    ("keys", "arguments"),
    [
        ("asrcli fi\t", ["file"]),
        ("asrcli file --reg\tlo\t", ["file", "--region", "local"]),
        ("asrcli file --format=j\t", ["file", "--format=json"]),
        ("asrcli mic -d us\t", ["mic", "-d", USB]),
        ("asrcli mic -d USB\\ Mic:\t", ["mic", "-d", USB]),
        ("asrcli mic -d USB\\ Mic\\:\t", ["mic", "-d", USB]),
        ('asrcli mic -d "USB Mic: (\t', ["mic", "-d", USB]),
        ("asrcli mic -d 'USB M\t", ["mic", "-d", USB]),
        ("asrcli mic --device=us\t", ["mic", f"--device={USB}"]),
        ('asrcli mic --device="US\t', ["mic", f"--device={USB}"]),
        ("asrcli mic -d Ann\t", ["mic", "-d", YETI]),
        ('asrcli mic -d "Ann\t', ["mic", "-d", YETI]),
        ("asrcli mic -d 'Ann\t", ["mic", "-d", YETI]),
        ("asrcli mic -d Blu\t-j", ["mic", "-d", "Blue Snow", "-j"]),
        # What wants more after it gets no space.
        ("asrcli serve --fault clo\t1011", ["serve", "--fault", "close=1011"]),
        ("echo before; X=1 ~/bin/asrcli mic -d us\t", ["mic", "-d", USB]),
    ],
)
def test_what_was_completed_arrives(shell, keys, arguments):
    assert shell.arguments_of(keys) == arguments


@pytest.mark.parametrize("before", ["file ", "file --output ", "file --output=", "serve --recognizer script:"])
def test_files_are_offered_where_files_belong(shell, before):
    *_, last = shell.arguments_of(f"asrcli {before}rec\t")
    assert last.rstrip("/") == before.split()[-1] * (before[-1] != " ") + "recordings of May"


@pytest.mark.parametrize("kind", SHELLS)
def test_several_are_listed(kind, tmp_path):
    with running_shell(kind, tmp_path, make_program(tmp_path / "bin")) as shell:
        shell.type("asrcli file --region \t\t")
        # In whatever order: bash sorts them.
        shell.see(r"(?s)(?=.*\bintl\b)(?=.*\bcn\b).*\blocal\b")


@pytest.mark.parametrize("kind", SHELLS)
def test_an_installed_completion_works_in_a_new_shell(kind, tmp_path):
    program = make_program(tmp_path / "bin", microphones(USB))
    shells.install(kind, {}, tmp_path)
    with running_shell(kind, tmp_path, program, start_files=True) as shell:
        assert shell.arguments_of("asrcli mic -d us\t") == ["mic", "-d", USB]


def test_zsh_takes_it_from_its_function_path_too(tmp_path):
    program = make_program(tmp_path / "bin", microphones(USB))
    functions = tmp_path / "functions"
    functions.mkdir()
    (functions / "_asrcli").write_text(shells.script("zsh"))
    (tmp_path / ".zshrc").write_text(f"fpath=({functions} $fpath); autoload -Uz compinit; compinit -i")
    with running_shell("zsh", tmp_path, program, start_files=True) as shell:
        for _ in range(2):
            assert shell.arguments_of("asrcli mic -d us\t") == ["mic", "-d", USB]


def test_a_real_microphone_is_completed(tmp_path: Path):
    with virtual_mic(tmp_path / "sound") as mic:
        home = tmp_path / "home"
        home.mkdir()
        with running_shell("bash", home, make_program(home / "bin"), environ=mic.variables) as shell:
            assert shell.arguments_of("asrcli mic -d des\t") == ["mic", "-d", "Desk Microphone"]
