"""Two sources and a folder for their results, as runs of --output-dir find them."""

from __future__ import annotations

from pathlib import Path

from asrcli.output.places.folder import Folder
from asrcli.output.places.result_file import Result


class Place:
    """Two sources and a folder for their results, which may be asked again and again as a rerun does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sources = [path / "a.wav", path / "b.mp3"]
        for source in self.sources:
            source.write_bytes(source.name.encode() * 10)
        self.out = path / "out"
        self.said: list[str] = []
        self.warned: list[str] = []

    def folder(self, options: str = "o", *, force: bool = False, suffix: str = ".txt") -> Folder:
        return Folder(self.out, {suffix: options}, force=force, say=self.said.append)

    def results(self, options: str = "o", *, force: bool = False) -> list[Result | None]:
        self.said.clear()
        self.warned.clear()
        folder = self.folder(options, force=force)
        names = list(map(str, self.sources))
        folder.check(names)
        found = folder.results(names, self.warned.append)
        folder.make()
        return [result for [result] in found]

    def run(self, options: str = "o", *, force: bool = False, text: str = "text") -> list[bool]:
        """Do what is to be done; which of the sources that was."""
        found = self.results(options, force=force)
        for result in found:
            if result is not None:
                result.write(f"{text}\n")
                result.keep()
        return [result is not None for result in found]

    def run_forms(self, forms: dict[str, str], *, force: bool = False, text: str = "text") -> list[list[str]]:
        """Do what is to be done of several forms, suffix → options; which files were made of each source."""
        self.said.clear()
        folder = Folder(self.out, forms, force=force, say=self.said.append)
        names = list(map(str, self.sources))
        folder.check(names)
        found = folder.results(names, self.warned.append)
        folder.make()
        for results in found:
            for result in results:
                if result is not None:
                    result.write(f"{text}\n")
                    result.keep()
        folder.tell_written(found)
        return [[result.path.name for result in results if result is not None] for results in found]

    def texts(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(self.out.iterdir()) if not path.name.startswith(".")}
