"""Where one cue ends and the next begins, and where its lines end: each the cheapest way through a sentence.

A cue's end may be wherever something may begin a line. What a way costs is the sum of what its cues cost; a way that
breaks a rule without need costs more than any that does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from asrcli.output.formats.cues.pieces import Piece
from asrcli.output.formats.cues.rules import GAP_MS, LEAST_MS, LONG_PAUSE_MS, PAUSE_MS, Rules, Script

# Costs, on the scale of those of `places`: a further cue; one that is too short; a pause within one; the whole of a cue
# empty; a millisecond too little to read it.
_CUE = 100.0
_TOO_SHORT = 1e6
_PAUSE_INSIDE = 200.0
_UNEVEN = 30.0
_TOO_FAST = 0.02
_LEAST_TIME_MS = LEAST_MS + GAP_MS

Lines = tuple[tuple[Piece, ...], ...]


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

    `starts` and `stops`: the sentence's cells before and after each. `read`: its characters before each, and all.
    `breaks`: a cue has to end before it.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces: list[Sequence[Piece]] = []
        self.begins: list[int] = []
        self.ends: list[int] = []
        self.starts: list[int] = []
        self.stops: list[int] = []
        self.read: list[int] = [0]
        self.dislikes: list[int] = []
        self.breaks: list[bool] = []
        firsts = [at for at, piece in enumerate(pieces) if piece.dislike is not None or not at]
        stop = characters = 0
        for first, past in zip(firsts, [*firsts[1:], len(pieces)], strict=True):
            group = pieces[first:past]
            head, before = group[0], pieces[first - 1] if first else group[0]
            self.pieces.append(group)
            self.begins.append(head.begin_ms)
            self.ends.append(group[-1].end_ms)
            self.starts.append(stop + head.blank)
            for piece in group:
                stop += piece.cells + piece.blank
                characters += len(piece.text) + piece.blank
            self.stops.append(stop)
            self.read.append(characters)
            self.dislikes.append(head.dislike or 0)
            self.breaks.append(head.begin_ms - before.end_ms >= LONG_PAUSE_MS or head.speaker != before.speaker)

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
        return not any(self.breaks) and all(
            begin - end < PAUSE_MS for begin, end in zip(self.begins[1:], self.ends, strict=False)
        )


def _cheapest(
    units: _Units, reach: list[int], room: int, ms_per_character: float, rules: Rules
) -> list[tuple[int, int]]:
    """The first unit of each cue, and the one after its last. `room`: the cells of a full one."""
    begins, ends, stops, read = units.begins, units.ends, units.stops, units.read
    count = len(begins)
    if _far(reach, 0, rules) == count and ends[-1] - begins[0] <= rules.max_ms and units.goes_on():
        return [(0, count)]
    dislikes, breaks, nexts = [*units.dislikes, 0], [*units.breaks, True], [*begins[1:], ends[-1]]
    best, came_from = [0.0, *[float("inf")] * count], [0] * (count + 1)
    per_cell = _UNEVEN / (room * room)
    for first in range(count):
        begin, full, before = begins[first], units.starts[first] + room, read[first]
        cost = best[first] + _CUE
        for at in range(first, _far(reach, first, rules)):
            said, time = ends[at] - begin, nexts[at] - begin
            if said > rules.max_ms and at > first:
                break
            empty = full - stops[at]
            way = cost + per_cell * empty * empty + dislikes[at + 1]
            if said < LEAST_MS or time < _LEAST_TIME_MS:
                way += _TOO_SHORT
            missing = (read[at + 1] - before) * ms_per_character - time
            if missing > 0:
                way += _TOO_FAST * missing
            if way < best[at + 1]:
                best[at + 1], came_from[at + 1] = way, first
            if breaks[at + 1]:
                break
            if time - said >= PAUSE_MS:
                if said >= LEAST_MS:
                    break
                cost += _PAUSE_INSIDE
    cues, past = [], count
    while past:
        cues.append((came_from[past], past))
        past = came_from[past]
    return cues[::-1]


def _far(reach: list[int], first: int, rules: Rules) -> int:
    """What does not fit any more into a cue that begins with `first`."""
    for _ in range(rules.max_lines):
        first = reach[first]
    return first


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
    return tuple(
        tuple(piece for group in units.pieces[start:stop] for piece in group)
        for start, stop in zip((first, *breaks), breaks, strict=False)
    )
