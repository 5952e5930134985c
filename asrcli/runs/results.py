"""--output-dir in a run: which sources are done already, and which results are to be made."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from asrcli.audio.opening import Files
from asrcli.output.places import sidecar
from asrcli.output.places.folder import Folder
from asrcli.output.places.result_file import Result
from asrcli.output.places.sidecar import Audio
from asrcli.remote.base import Way
from asrcli.remote.places import fetch
from asrcli.runs.choose_forms import Form, forms_of, page_for
from asrcli.runs.choose_output import shape_of
from asrcli.values.addresses import is_address

if TYPE_CHECKING:
    from asrcli.output.output import Output
    from asrcli.runs.choose_spec import Choice
    from asrcli.runs.request import Request
    from asrcli.runs.sources import Prepared


class Results:
    """The result files of one run; none without --output-dir. Raises UsageError for names that cannot work."""

    def __init__(self, request: Request, choice: Choice, output: Output) -> None:
        self._output = output
        self._way = request.input.way if isinstance(request.input, Files) else Way()
        self._folder = _folder_of(request, choice, output)
        if self._folder is not None:
            self._folder.check(request.names)
        self.files: list[list[Result | None]] = []
        """Those of each source that is to be done, one a form; None for a form that is done already."""

    def to_do(self, sources: Sequence[Prepared], stack: ExitStack) -> list[Prepared]:
        """Those of `sources` that are not done already; at the end of each it is looked at once more.

        What was not kept by the end of `stack` is dropped. Raises UsageError where an existing file stands in the way.
        """
        if self._folder is None:
            return list(sources)
        wanted = []
        fetched = {item.name: self._fetched(item) for item in sources if is_address(item.name)}
        found = self._folder.results([item.name for item in sources], self._output.notice, fetched)
        for item, results in zip(sources, found, strict=True):
            to_make = [result for result in results if result is not None]
            if not to_make:
                item.close()
                continue
            for result in to_make:
                stack.callback(result.drop)
            item.check_again = to_make[0].check_source
            wanted.append(item)
            self.files.append(results)
        return wanted

    def _fetched(self, item: Prepared) -> Audio:
        """What identifies the bytes at an address: what its server says, else those bytes. Raises RemoteError."""
        if item.sound is not None:
            return sidecar.fetched_audio(item.name, item.sound)
        digest = hashlib.sha256()
        with contextlib.closing(fetch(item.name, self._way)) as fetched:
            for data in iter(fetched.read, b""):
                digest.update(data)
        return Audio(digest.hexdigest(), None)

    def begin(self, stack: ExitStack) -> None:
        """Make the folder; at the end of `stack` say how many results are there now. Raises UsageError."""
        if self._folder is not None:
            self._folder.make()
            stack.callback(self._folder.tell_written, self.files)


_LATER = {"timestamps", "labels", "page"}


def _folder_of(request: Request, choice: Choice, output: Output) -> Folder | None:
    path, options = request.many.output_dir, request.output
    if path is None:
        return None
    digests = {form.format.suffixes[0]: _options_sha256(form, request, choice) for form in forms_of(options, path)}
    return Folder(path, digests, force=options.force, say=_silent if options.quiet else output.say)


def _options_sha256(form: Form, request: Request, choice: Choice) -> str:
    """The hash of all options that are seen in results of that form."""
    also: dict[str, object] = {
        "format": form.name, "protocol": choice.protocol, "region": choice.region, **request.shaping
    }  # fmt: skip
    shape = shape_of(request.output)
    also |= {
        name: value
        for name in form.format.shaped_by
        # What came later and is not asked for changes nothing: texts of before are done.
        if (value := getattr(shape, name)) or name not in _LATER
    }
    if page_for(form, forms_of(request.output, request.many.output_dir)) is not None:
        also["page"] = True
    if form.name == "html" and request.output.embed:
        also["embed"] = True
    return sidecar.options_sha256(choice.options, also)


def _silent(text: str) -> None:
    """Says nothing."""
