"""--output-dir and --results in a run: which sources are done already, and what is to be made."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from asrcli.audio.opening import Files
from asrcli.fleet.ledger import Standing
from asrcli.output.places import sidecar
from asrcli.output.places.folder import Folder
from asrcli.output.places.lanes import FilesByNumber
from asrcli.output.places.result_file import Result
from asrcli.output.places.sidecar import Audio
from asrcli.remote.base import Way
from asrcli.remote.places import fetch
from asrcli.runs.adopted import text_in
from asrcli.runs.choose_forms import STANDARD_OUTPUT, Form, forms_of, page_for
from asrcli.runs.choose_output import shape_of
from asrcli.runs.keeping import keeping_of, outcome_of
from asrcli.values.addresses import is_address

if TYPE_CHECKING:
    from asrcli.fleet.result_lines import Outcome
    from asrcli.output.output import Output
    from asrcli.runs.choose_spec import Choice
    from asrcli.runs.request import Request
    from asrcli.runs.sources import Prepared
    from asrcli.values.errors import AsrcliError
    from asrcli.values.summary import Summary


class Results:
    """What one run leaves that another one finds: result files, lines of results, or neither.

    `choices` are those of the variants of the run. Raises UsageError for names that cannot work.
    """

    def __init__(self, request: Request, choices: Sequence[Choice], output: Output) -> None:
        self._request = request
        self._choices = choices
        self._output = output
        self._way = request.input.way if isinstance(request.input, Files) else Way()
        self._say = _silent if request.output.quiet else output.say
        self._folder = folder_of(request, choices[0], output)
        self._check_names()
        self.keeping = keeping_of(request, output)
        """The lines of --results, if that is asked for."""
        self.files: list[list[Result | None]] = []
        """The result files of each source that is to be done, one a form; None for a form that is done already."""
        self._standings: Counter[Standing] = Counter()
        self._digests: dict[tuple[int, int | None], str] = {}
        """The hash of the options of each variant, and of the channel that is heard."""
        self._adopted = self._not_adopted = 0

    @property
    def tick_s(self) -> float | None:
        """How long nothing may happen before it is looked whether lines are still written; None for never."""
        return None if self.keeping is None else _LOOK_S

    def open(self, stack: ExitStack) -> None:
        """Take the file of --results for this run alone, up to the end of `stack`. Raises UsageError."""
        if self.keeping is not None:
            self.keeping.open()
            stack.callback(self.keeping.close)

    def to_do(self, sources: Sequence[Prepared], stack: ExitStack) -> list[Prepared]:
        """Those of `sources` that are not done already; at the end of each it is looked at once more.

        One that has both result files and a line of results is done where both say so. What was not kept by the end of
        `stack` is dropped. Raises UsageError where an existing file stands in the way.
        """
        if self._folder is None and self.keeping is None:
            return list(sources)
        if self.keeping is not None:
            self.keeping.look(sources)
        names = [item.name for item in sources]
        found: list[list[Result | None]] = []
        if self._folder is not None:
            fetched = {item.name: self._fetched(item) for item in sources if is_address(item.name)}
            # Where there are lines as well, they have a say in that; and a plan tells it by itself.
            tells_done = self.keeping is None and not self._request.corpus.dry_run
            found = self._folder.results(names, self._output.notice, fetched, tells_done=tells_done)
        wanted = []
        for number, item in enumerate(sources):
            results = found[number] if found else []
            if self._folder is not None:
                item.sha256 = self._folder.sha256s[number]
            to_make = [result for result in results if result is not None]
            if self._is_done(item, in_folder=not to_make):
                item.close()
                continue
            for result in to_make:
                stack.callback(result.drop)
            if to_make:
                item.check_again = to_make[0].check_source
            wanted.append(item)
            self.files.append(results)
        if not wanted and self.keeping is not None:
            self.keeping.begin(self.outcome)
        self._tell_what_is_to_do(len(names), len(names) - len(wanted))
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

    def of_form(self, at: int) -> FilesByNumber:
        """The files of all sources that are to be done, in the form at that place."""
        return [found[at] for found in self.files]

    def before(self, number: int, item: Prepared) -> None:
        """The turn of a source has come. Raises AlreadyDone where nothing of it is to be done, and UsageError."""

    def planned(self, item: Prepared) -> None:
        """As `before`, where nobody may be asked and nothing is kept."""

    def over(self, number: int) -> None:
        """It is over, however it ended."""

    def _check_names(self) -> None:
        if self._folder is not None:
            self._folder.check(self._request.names)

    def begin(self, stack: ExitStack) -> None:
        """Make the folder; at the end of `stack` say how many results are there now. Raises UsageError."""
        if self.keeping is not None:
            self.keeping.begin(self.outcome)
        if self._folder is not None:
            self._folder.make()
            stack.callback(self._folder.tell_written, self.files)

    def outcome(self, item: Prepared, summary: Summary | None, error: AsrcliError | None) -> Outcome:
        """What became of `item`, for its line of results."""
        paths = [path for path in self._request.output.output if path != STANDARD_OUTPUT]
        if self._folder is not None:
            # They are there only if it is complete.
            paths = [] if error is not None else self._folder.files_of(item.row.stem)
        options = self._choices[item.variant].options
        return outcome_of(item, options, self._digest(item), summary, error, tuple(map(str, paths)))

    def _is_done(self, item: Prepared, *, in_folder: bool) -> bool:
        """Whether nothing of it is to be done, where every file of it is `in_folder`, if there is one, or not."""
        if self.keeping is None:
            return in_folder
        standing = self.keeping.standing(item, self._digest(item))
        self._standings[standing] += 1
        if not in_folder or standing is Standing.DONE:
            return in_folder
        return self._folder is not None and self.is_adopted(item, self._folder)

    def is_adopted(self, item: Prepared, folder: Folder) -> bool:
        """Whether the files of it, which are there, say all that a line does but its costs; then that is noted."""
        assert self.keeping is not None
        forms = forms_of(self._request.output, self._request.many.output_dir)
        text = text_in([*zip(forms, folder.files_of(item.row.stem), strict=True)], self._request.output)
        if text is None:
            self._not_adopted += 1
            return False
        self._adopted += 1
        seconds = None if item.duration_ms is None else item.duration_ms / 1000
        self.keeping.add(item, replace(self.outcome(item, None, None), complete=True, text=text, seconds=seconds))
        return True

    def _digest(self, item: Prepared) -> str:
        key = item.variant, item.row.channel
        if key not in self._digests:
            self._digests[key] = _text_sha256(self._request, self._choices[item.variant], item.row.channel)
        return self._digests[key]

    def _tell_what_is_to_do(self, total: int, done: int) -> None:
        if self.keeping is None:
            return
        if self._folder is None:
            self._tell_what_is_again(total)
        self._tell_done(total, done)
        if self._adopted:
            self._say(f"{self._adopted} of {total} are noted in {self.keeping.label} from their results")
        if self._not_adopted:
            self._say(f"{self._not_adopted} of {total} will be done again, for {self.keeping.label}")

    def _tell_what_is_again(self, total: int) -> None:
        """How many were done otherwise, as lines of results say."""
        if changed := self._standings[Standing.OTHER_SOUND]:
            self._say(f"{changed} of {total} {'has' if changed == 1 else 'have'} changed and will be done again")
        if others := self._standings[Standing.OTHER_OPTIONS]:
            self._say(f"{others} of {total} will be done again, with other options")

    def _tell_done(self, total: int, done: int) -> None:
        """How many are left out; a plan tells that by itself."""
        if done and not self._request.corpus.dry_run:
            self._say(f"{done} of {total} {'is' if done == 1 else 'are'} done already")


_LOOK_S = 1.0
_LATER = {"timestamps", "labels", "page"}


def folder_of(request: Request, choice: Choice, output: Output, channel: int | None = None) -> Folder | None:
    """The folder of --output-dir, if there is one, for what is recognised in that way. Raises UsageError."""
    path, options = request.many.output_dir, request.output
    if path is None:
        return None
    digests = {
        form.format.suffixes[0]: _options_sha256(form, request, choice, channel) for form in forms_of(options, path)
    }
    return Folder(path, digests, force=options.force, say=_silent if options.quiet else output.say)


def _options_sha256(form: Form, request: Request, choice: Choice, channel: int | None) -> str:
    """The hash of all options that are seen in results of that form."""
    also: dict[str, object] = {
        "format": form.name, "protocol": choice.protocol, "region": choice.region, **request.shaping
    }  # fmt: skip
    if channel is not None:
        also["channel"] = channel
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


def _text_sha256(request: Request, choice: Choice, channel: int | None) -> str:
    """The hash of all options that shape what is said, whatever its form."""
    also: dict[str, object] = {"protocol": choice.protocol, "region": choice.region, **request.shaping}
    if channel is not None:
        also["channel"] = channel
    return sidecar.options_sha256(choice.options, also)


def _silent(text: str) -> None:
    """Says nothing."""
