"""Whether `man asrcli` finds the pages that lie beside the program."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from asrcli.doctor.findings import Finding, Subject
from asrcli.doctor.program import GROUP

MAN_PAGES = Subject("man-pages", GROUP, "man pages", "man asrcli")

_PAGE = "asrcli.1"
_PATIENCE_S = 3.0


def man_pages(prefix: Path) -> Iterator[Finding]:
    """`prefix`: that of the installation, where pip, pipx and uv put them; uv links the program only."""
    folder = prefix / "share" / "man"
    if not (folder / "man1" / _PAGE).is_file():
        yield MAN_PAGES.ok("not with this installation; `asrcli help` and `asrcli guide` show the same")
    elif shutil.which("man") is None:
        yield MAN_PAGES.ok(f"in {folder}; there is no `man` here, and `asrcli help` shows the same")
    elif _PAGE not in _found():
        # Without quotes, so that ~ may stand for the home; what MANPATH lacks then is still looked for.
        fix = f"export MANPATH=$MANPATH:{shlex.quote(str(folder))}"
        yield MAN_PAGES.warn(f"`man` does not look into {folder}", fix)
    else:
        yield MAN_PAGES.ok("`man asrcli` shows them")


def _found() -> str:
    """The path of the page that `man` would show."""
    try:
        done = subprocess.run(
            ["man", "-w", "asrcli"],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
