"""How bash, zsh and fish are taught to complete: their scripts, and where these are installed.

A script hands the line up to the cursor to `asrcli __complete` and shows what comes back; what that is, is the
business of `completion`. Where nothing comes back, the shell offers files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asrcli.system.folders import user_folder
from asrcli.values.choices import choose_one
from asrcli.values.errors import AsrcliError, UsageError

# The program is called as it was typed, so that one that is not on the PATH completes as well.
_BASH = r"""# Completion of asrcli in bash, made by `asrcli --show-completion bash`.
_asrcli_completion() {
    local answer
    COMPREPLY=()
    while IFS= read -r answer; do
        COMPREPLY+=("$answer")
    done < <("${1/#\~/$HOME}" __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:.] ]]; then
        # More is to follow. Bash 3 has no compopt.
        compopt -o nospace 2>/dev/null
    fi
}
complete -o default -F _asrcli_completion asrcli
"""

_ZSH = r"""#compdef asrcli
# Completion of asrcli in zsh, made by `asrcli --show-completion zsh`.
_asrcli() {
    local program=${~${(Q)words[1]}} line answer value
    local -a whole begun
    line="${(j: :)words[1,CURRENT-1]} $QIPREFIX$IPREFIX$PREFIX"
    for answer in "${(@f)$($program __complete zsh "$line" 2>/dev/null)}"; do
        [[ -n $answer ]] || continue
        value=${answer%%$'\t'*}
        # _describe takes what follows a colon for the help.
        answer=${value//:/\\:}:${answer#*$'\t'}
        if [[ $value == *[=:.] ]]; then begun+=("$answer"); else whole+=("$answer"); fi
    done
    if (( ! $#whole && ! $#begun )); then
        compset -P '--*='
        compset -P 'script:'
        _files
        return
    fi
    local -a anycase=(-M 'm:{[:lower:][:upper:]}={[:upper:][:lower:]}')
    local result=1
    (( $#whole )) && _describe -V asrcli whole $anycase && result=0
    (( $#begun )) && _describe -V asrcli begun $anycase -S '' && result=0
    return result
}
# As a file in $fpath it is run at the first TAB; else it is read at the start.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _asrcli "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef _asrcli asrcli
fi
"""

_FISH = r"""# Completion of asrcli in fish, made by `asrcli --show-completion fish`.
function __asrcli_complete
    set -l program (string replace -r '^~' $HOME -- (commandline -opc)[1])
    set -l answers ($program __complete fish (commandline -cp | string collect) 2>/dev/null)
    if set -q answers[1]
        string join \n -- $answers
    else
        set -l token (commandline -ct)
        set -l head (string match -r '^(?:--[^=]+=)?(?:script:)?' -- $token)
        string replace -r -- '^' $head (__fish_complete_path (string replace -- $head '' $token))
    end
end
complete --command asrcli --no-files --keep-order --arguments '(__asrcli_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
# Where packages of a system put them.
_PACKAGED = {
    "bash": ("/usr/share/bash-completion/completions/asrcli", "/etc/bash_completion.d/asrcli"),
    "zsh": ("/usr/share/zsh/site-functions/_asrcli", "/usr/share/zsh/vendor-completions/_asrcli"),
    "fish": ("/usr/share/fish/vendor_completions.d/asrcli.fish",),
}


def script(shell: str) -> str:
    """The completion script of `shell`. Raises UsageError for a shell that has none."""
    if shell not in SCRIPTS:
        raise UsageError(f"there is no completion for {shell!r}", hint=choose_one(shell, SCRIPTS))
    return SCRIPTS[shell]


def install(shell: str, environ: Mapping[str, str], home: Path) -> Path:
    """Write the script of `shell` where it belongs, have new shells read it, and return where it lies.

    fish looks into a folder of its own; bash and zsh get one line in their start-up file, once. Raises UsageError for
    an unknown shell, AsrcliError where a file cannot be written.
    """
    text = script(shell)
    place = _place(shell, environ, home)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        start = _start_file(shell, environ, home)
        if start is not None:
            _read_at_start(place, start)
    except OSError as error:
        raise AsrcliError(
            f"cannot install the completion: {error.filename}: {error.strerror}",
            hint=f"asrcli --show-completion {shell} prints it",
        ) from error
    return place


@dataclass(frozen=True, slots=True)
class Installed:
    """A script that is there: where, whether it is of this version, and whether a new shell reads it."""

    place: Path
    is_current: bool
    is_read: bool


def installed(shell: str, environ: Mapping[str, str], home: Path) -> Installed | None:
    """The script of `shell` where `install` puts it, or packages do; None where there is none.

    Raises UsageError for an unknown shell, OSError where a file cannot be read.
    """
    place = _place(shell, environ, home)
    if place.exists():
        start = _start_file(shell, environ, home)
        is_read = start is None or _source_line(place) in _text(start).splitlines()
        return Installed(place, _text(place) == script(shell), is_read)
    for packaged in map(Path, _PACKAGED[shell]):
        if packaged.exists():
            return Installed(packaged, _text(packaged) == script(shell), is_read=True)
    return None


def _place(shell: str, environ: Mapping[str, str], home: Path) -> Path:
    if shell == "fish":
        return user_folder("XDG_CONFIG_HOME", environ, home) / "fish" / "completions" / "asrcli.fish"
    return user_folder("XDG_DATA_HOME", environ, home) / "asrcli" / f"completion.{shell}"


def _start_file(shell: str, environ: Mapping[str, str], home: Path) -> Path | None:
    """What is to read the script; None for fish, which looks into a folder of its own."""
    if shell == "fish":
        return None
    return home / ".bashrc" if shell == "bash" else Path(environ.get("ZDOTDIR") or home) / ".zshrc"


def _source_line(place: Path) -> str:
    import shlex

    return f"source {shlex.quote(str(place))}"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""


def _read_at_start(place: Path, start: Path) -> None:
    line, before = _source_line(place), _text(start)
    if line not in before.splitlines():
        with start.open("a", encoding="utf-8") as stream:
            stream.write(f"{'' if before.endswith(chr(10)) or not before else chr(10)}{line}\n")
