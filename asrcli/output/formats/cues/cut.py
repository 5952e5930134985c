"""Where one cue ends and the next begins, and where its lines end: each the cheapest way through a sentence.

A cue's end may be wherever something may begin a line. What a way costs is the sum of what its cues cost; a way that
breaks a rule without need costs more than any that does not.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import NamedTuple

from asrcli.output.formats.cues.pieces import Piece
from asrcli.output.formats.cues.rules import GAP_MS, LEAST_MS, LONG_PAUSE_MS, PAUSE_MS, Rules, Script

# Costs, on the scale of those of `places`: a further cue; one that is too short; a pause within one; the whole of a cue
# empty; a millisecond too little to read it.
_CUE = 100.0
_TOO_SHORT = 1e6
_PAUSE_INSIDE = 200.0
_UNEVEN = 30.0
_TOO_FAST = 0.02
_NO_WAY = float("inf")


class Line(NamedTuple):
    """One line of a cue: its text, and the pieces that it is of."""

    text: str
    pieces: tuple[Piece, ...]


Lines = tuple[Line, ...]


def cut(pieces: Sequence[Piece], script: Script, rules: Rules) -> list[Lines]:
    """The cues that `pieces` of one sentence make, as their lines."""
    units = _Units(pieces)
    most = rules.line_cells(script)
    reach = units.reach(most)
    return [
        _lines(units, reach, first, past, most)
        for first, past in _cheapest(units, reach, most * rules.max_lines, 1000 / script.characters_s, rules)
    ]


class _Units:
    """The pieces of a sentence in groups that nothing may part; one list for each of their properties.

    `firsts`: each one's first piece, and how many there are. `starts`, `stops`: the sentence's cells before and after
    each. `read`, `known`: its characters before and after it. `nexts`, `pauses`: when the next one begins, and how long
    after it that is: where another one speaks, so long that a cue has to end there. `dislikes`: what a break before it
    costs, and one more. `said`: the text of each piece, with the blank before it.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        texts, blanks, begins, ends, widths, dislikes, _, speakers = zip(*pieces, strict=True)
        cells = [0, *itertools.accumulate(map(operator.add, widths, blanks))]
        read = [0, *itertools.accumulate(map(operator.add, map(len, texts), blanks))]
        self.pieces = pieces
        self.said = [f" {text}" if blank else text for text, blank in zip(texts, blanks, strict=True)]
        self.firsts = [0, *(at for at, dislike in enumerate(dislikes) if at and dislike is not None), len(pieces)]
        firsts, pasts = self.firsts[:-1], self.firsts[1:]
        self.begins = [begins[first] for first in firsts]
        self.ends = [ends[past - 1] for past in pasts]
        self.starts = [cells[first] + blanks[first] for first in firsts]
        self.stops = [cells[past] for past in pasts]
        self.read = [read[first] for first in firsts]
        self.known = [*self.read[1:], read[-1]]
        self.dislikes = [0, *(dislikes[first] for first in firsts[1:]), 0]
        self.nexts = [*self.begins[1:], self.ends[-1]]
        self.pauses: list[int] = list(map(operator.sub, self.nexts, self.ends))
        if len(set(speakers)) > 1:
            for at, past in enumerate(pasts[:-1]):
                if speakers[past] != speakers[past - 1]:
                    self.pauses[at] = LONG_PAUSE_MS

    def reach(self, most: int) -> list[int]:
        """For each the one that does not fit any more on a line of `most` cells which begins with it; one always fits.

        One more at the end, which reaches no further.
        """
        stops, past = self.stops, 0
        reach: list[int] = []
        for first, start in enumerate(self.starts):
            past = max(past, first + 1)
            while past < len(stops) and stops[past] - start <= most:
                past += 1
            reach.append(past)
        return [*reach, len(stops)]

    def goes_on(self) -> bool:
        """Whether nothing inside asks for a break."""
        return max(self.pauses) < PAUSE_MS


def _cheapest(
    units: _Units, reach: list[int], room: int, ms_per_character: float, rules: Rules
) -> list[tuple[int, int]]:
    """The first unit of each cue, and the one after its last. `room`: the cells of a full one."""
    count = len(units.begins)
    far = list(range(count + 1))
    for _ in range(rules.max_lines):
        far = [reach[past] for past in far]
    if far[0] == count and units.ends[-1] - units.begins[0] <= rules.max_ms and units.goes_on():
        return [(0, count)]
    # Where there is a way without one that is too short, those are not even looked at.
    return _way(units, far, room, ms_per_character, rules, False) or _way(
        units, far, room, ms_per_character, rules, True
    )


def _way(
    units: _Units, far: list[int], room: int, ms_per_character: float, rules: Rules, with_short: bool
) -> list[tuple[int, int]]:
    """The cheapest way, [] where there is none. `far`: what does not fit any more into a cue that begins with each.

    A cue is late where more of the sentence is to be read by then than time has passed.
    """
    count = len(units.begins)
    late = [known * ms_per_character - then for known, then in zip(units.known, units.nexts, strict=True)]
    gone = [min(end, then - GAP_MS) for end, then in zip(units.ends, units.nexts, strict=True)]
    rows = list(zip(units.ends, gone, units.stops, units.dislikes[1:], late, units.pauses, strict=True))
    best, came_from = [0.0, *[_NO_WAY] * count], [0] * (count + 1)
    per_cell = _UNEVEN / (room * room)
    for first, begin in enumerate(units.begins):
        cost = best[first] + _CUE
        if cost >= best[count]:
            # No way leads here, or none that could still be the cheapest.
            continue
        full, on_time = units.starts[first] + room, units.read[first] * ms_per_character - begin
        least, most = begin + LEAST_MS, begin + rules.max_ms
        for past, (end, gone_ms, stop, dislike, late_ms, pause) in enumerate(rows[first : far[first]], first + 1):
            if end > most and past > first + 1:
                break
            is_short = gone_ms < least
            # Nothing makes it cheaper than it is here.
            if cost < best[past] and (with_short or not is_short):
                empty = full - stop
                way = cost + per_cell * empty * empty + dislike
                if late_ms > on_time:
                    way += _TOO_FAST * (late_ms - on_time)
                if is_short:
                    way += _TOO_SHORT
                if way < best[past]:
                    best[past], came_from[past] = way, first
            if pause >= PAUSE_MS:
                if pause >= LONG_PAUSE_MS or end >= least:
                    break
                cost += _PAUSE_INSIDE
    return _cues(came_from, count) if best[count] < _NO_WAY else []


def _cues(came_from: list[int], past: int) -> list[tuple[int, int]]:
    cues = []
    while past:
        cues.append((came_from[past], past))
        past = came_from[past]
    return cues[::-1]


def _lines(units: _Units, reach: list[int], first: int, past: int, most: int) -> Lines:
    """Units from `first` to before `past` on as few lines as they need, even, and broken where it is liked best."""
    starts, stops, dislikes = units.starts, units.stops, units.dislikes
    needed, at = 1, reach[first]
    while at < past:
        needed, at = needed + 1, reach[at]
    even = (stops[past - 1] - starts[first]) / needed
    ways: dict[int, tuple[float, tuple[int, ...]]] = {first: (0.0, ())}
    for left in range(needed - 1, 0, -1):
        further: dict[int, tuple[float, tuple[int, ...]]] = {}
        for start, (cost, breaks) in ways.items():
            # What is left has to fit on the lines that are left.
            for stop in range(start + 1, min(reach[start], past - 1) + 1):
                way = cost + abs(stops[stop - 1] - starts[start] - even) + dislikes[stop]
                fits = left > 1 or reach[stop] >= past
                if fits and (stop not in further or way < further[stop][0]):
                    further[stop] = (way, (*breaks, stop))
        ways = further
    breaks = (*min(ways.values())[1], past) if needed > 1 else (past,)
    places = [units.firsts[at] for at in (first, *breaks)]
    return tuple(
        Line("".join(units.said[start:stop]).lstrip(" "), tuple(units.pieces[start:stop]))
        for start, stop in itertools.pairwise(places)
    )
