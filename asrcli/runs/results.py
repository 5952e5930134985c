"""--output-dir in a run: which sources are done already, and which results are to be made."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from asrcli.output.formats import REGISTRY
from asrcli.output.places import sidecar
from asrcli.output.places.folder import Folder
from asrcli.output.places.result_file import Result
from asrcli.runs.choose_output import format_name, shape_of

if TYPE_CHECKING:
    from asrcli.output.output import Output
    from asrcli.runs.choose_spec import Choice
    from asrcli.runs.request import Request
    from asrcli.runs.sources import Prepared


class Results:
    """The result files of one run; none without --output-dir. Raises UsageError for names that cannot work."""

    def __init__(self, request: Request, choice: Choice, output: Output) -> None:
        self._output = output
        self._folder = _folder_of(request, choice, output)
        if self._folder is not None:
            self._folder.check(request.names)
        self.files: list[Result] = []
        """Those that are to be made, one for each source that is to be done."""

    def to_do(self, sources: Sequence[Prepared], stack: ExitStack) -> list[Prepared]:
        """Those of `sources` that are not done already; at the end of each it is looked at once more.

        What was not kept by the end of `stack` is dropped. Raises UsageError where an existing file stands in the way.
        """
        if self._folder is None:
            return list(sources)
        wanted = []
        found = self._folder.results([item.name for item in sources], self._output.notice)
        for item, result in zip(sources, found, strict=True):
            if result is None:
                item.close()
                continue
            stack.callback(result.drop)
            item.check_again = result.check_source
            wanted.append(item)
            self.files.append(result)
        return wanted

    def begin(self, stack: ExitStack) -> None:
        """Make the folder; at the end of `stack` say how many results are there now. Raises UsageError."""
        if self._folder is not None:
            self._folder.make()
            stack.callback(self._folder.tell_written, self.files)


_LATER = {"timestamps", "labels"}


def _folder_of(request: Request, choice: Choice, output: Output) -> Folder | None:
    path, options = request.many.output_dir, request.output
    if path is None:
        return None
    form = format_name(options)
    also: dict[str, object] = {"format": form, "protocol": choice.protocol, "region": choice.region, **request.shaping}
    shape = shape_of(options)
    also |= {
        name: value
        for name in REGISTRY[form].shaped_by
        # What came later and is not asked for changes nothing: texts of before are done.
        if (value := getattr(shape, name)) or name not in _LATER
    }
    digest = sidecar.options_sha256(choice.options, also)
    return Folder(
        path, REGISTRY[form].suffixes[0], digest, force=options.force, say=_silent if options.quiet else output.say
    )


def _silent(text: str) -> None:
    """Says nothing."""
