"""The report as a picture for a document: every task as a point, the speed-ups with their spread, the pauses.

The only place that knows matplotlib, which is an optional extra and is loaded when a picture is drawn.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.bench.figures import Figures, SpeedUp
from asrcli.bench.report import COMPARED, Report, phase_ms, verdict
from asrcli.bench.timings import KINDS, PHASES, Kind
from asrcli.system.extras import how_to_add
from asrcli.values.errors import OutputError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "png")
# Vermilion and blue of the Okabe-Ito palette: told apart by colour-blind eyes and in grey print.
COLORS: dict[Kind, str] = {"cold": "#0072b2", "warm": "#d55e00"}
_GREY = "#555555"
_DPI = 160
# A narrower axis of ratios shows more numbers when it is not logarithmic.
_LINEAR_SPAN = 5.0
_WIDTH_INCHES = 9.0
_OUTCOMES = {"kept": ("o", "#009e73"), "dropped": ("X", "#d55e00"), "failed": ("s", _GREY)}


def check_format(path: Path) -> str:
    """The picture's format by the end of its name. Raises UsageError for another one, and without matplotlib."""
    name = path.suffix.lower().removeprefix(".")
    if name not in FORMATS:
        known = " or ".join(f".{known}" for known in FORMATS)
        raise UsageError(f"--plot {path}: no picture format is known by that name", hint=f"let it end in {known}")
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib, which is not installed", hint=how_to_add("plot"))
    return name


def save_plot(report: Report, path: Path) -> None:
    """Draw `report` and write the picture to `path`, in the format of its name. Raises OutputError."""
    import matplotlib

    # Drawn in memory, so that no half of a picture is left where drawing fails.
    picture = io.BytesIO()
    with matplotlib.rc_context({"font.size": 9, "svg.hashsalt": "asrcli"}):
        draw(report).savefig(picture, format=check_format(path), dpi=_DPI)
    try:
        path.write_bytes(picture.getvalue())
    except OSError as error:
        raise OutputError(f"cannot write to {path}: {error.strerror or error}") from error


def draw(report: Report) -> Figure:
    """The whole picture; without its upper half where no tasks were compared, without its lower one without pauses."""
    from matplotlib.figure import Figure

    compared = report.setup.plan.tasks > 0
    heights = [4.2] * compared + [2.4] * bool(report.findings)
    figure = Figure(figsize=(_WIDTH_INCHES, sum(heights) + 0.6), layout="constrained")
    figure.suptitle("\n".join(filter(None, (verdict(report), _title(report)))), fontsize=10, parse_math=False)
    rows = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    if compared:
        left, right = rows[0].subplots(1, 2, width_ratios=(4, 3))
        _draw_tasks(left, report)
        _draw_speed_ups(right, report.speed_ups)
    if report.findings:
        _draw_pauses(rows[-1].subplots(), report)
    return figure


def _title(report: Report) -> str:
    setup, plan = report.setup, report.setup.plan
    # The fonts that come along have no Chinese, and a picture of boxes helps nobody.
    model = setup.model.encode("ascii", "backslashreplace").decode()
    parts = [model, setup.region, f"{plan.clip_ms / 1000:g} s of audio a task"]
    if plan.tasks:
        parts.append(f"{report.counted('cold')} cold, {report.counted('warm')} warm")
    if setup.at_once is not None:
        parts.append(f"{setup.at_once} at once")
    if report.failures:
        parts.append(f"{len(report.failures)} failed")
    return " · ".join(parts)


def _draw_tasks(axes: Axes, report: Report) -> None:
    """A row for each phase: cold above, warm below, a point for each task and a bar at the median."""
    phases = [phase for phase in PHASES if any(report.figures[kind][phase] for kind in KINDS)]
    for row, phase in enumerate(phases):
        for kind, offset in zip(KINDS, (-0.18, 0.18), strict=True):
            _draw_strip(axes, row + offset, kind, phase_ms(report.tasks, kind, phase), report.figures[kind][phase])
    axes.set_yticks(range(len(phases)), [PHASES[phase] for phase in phases])
    axes.set_ylim(max(len(phases), 1) - 0.5, -0.5)
    _logarithmic(axes, steps=(1,))
    axes.set_xlabel("ms; a point is a task, a bar and its number the median")
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    _without_frame(axes)
    for kind in KINDS:
        axes.scatter([], [], s=14, color=COLORS[kind], label=f"{kind}: {_meaning(kind)} connection")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)


def _meaning(kind: Kind) -> str:
    return {"cold": "new", "warm": "kept"}[kind]


def _draw_strip(axes: Axes, height: float, kind: Kind, numbers: Sequence[float], of: Figures | None) -> None:
    # A kept connection takes 0 ms, which a logarithm does not have; a dash in the table, nothing here.
    shown = [number for number in numbers if number > 0]
    if not shown or of is None:
        return
    axes.scatter(shown, [height] * len(shown), s=14, color=COLORS[kind], alpha=0.45, linewidths=0)
    axes.plot([of.median] * 2, [height - 0.16, height + 0.16], color=COLORS[kind], linewidth=2.2)
    # Behind the last point, so that none is hidden.
    number = f"{of.median:.1f}" if of.median < 10 else f"{of.median:,.0f}"
    axes.annotate(number, (max(shown), height), (5, 0), textcoords="offset points", va="center", fontsize=7)


def _draw_speed_ups(axes: Axes, speed_ups: dict[str, SpeedUp | None]) -> None:
    for row, phase in enumerate(COMPARED):
        found = speed_ups[phase]
        if found is None or found.ratio is None:
            axes.text(1, row, " – ", va="center", color=_GREY)
            continue
        ratio = found.ratio
        if ratio.low is not None and ratio.high is not None:
            axes.plot([ratio.low, ratio.high], [row, row], color=_GREY, linewidth=1.6)
        axes.scatter([ratio.value], [row], s=28, color="black", zorder=3)
        axes.annotate(
            f"{ratio.value:.2f} ×", (ratio.value, row), (0, 7), textcoords="offset points", ha="center", fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
    axes.axvline(1, color=_GREY, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(COMPARED)), [PHASES[phase] for phase in COMPARED])
    axes.set_ylim(len(COMPARED) - 0.5, -0.6)
    low, high = axes.get_xlim()
    if low <= 0 or high / low > _LINEAR_SPAN:
        _logarithmic(axes, steps=(1, 2, 5))
    has_interval = any(found and found.ratio and found.ratio.low is not None for found in speed_ups.values())
    interval = ", a line the 95 % interval" if has_interval else ""
    axes.set_xlabel(f"cold ÷ warm{interval};\nright of 1 the kept connection is faster")
    axes.margins(x=0.15)
    _without_frame(axes)


def _draw_pauses(axes: Axes, report: Report) -> None:
    for outcome, (marker, color) in _OUTCOMES.items():
        for found in (finding for finding in report.findings if finding.outcome == outcome):
            # A task that never was ready has no time; its mark stands on the axis.
            height, scale = (
                (0.0, axes.get_xaxis_transform()) if found.ready_ms is None else (found.ready_ms, axes.transData)
            )
            axes.scatter(
                [found.pause_s], [height], marker=marker, color=color, s=40, zorder=3, clip_on=False, transform=scale
            )
        axes.scatter([], [], marker=marker, color=color, s=40, label=outcome)
    axes.set_xlabel("pause on the connection, s")
    axes.set_ylabel("ready for audio after, ms")
    longest_s = max(finding.pause_s for finding in report.findings) or 1.0
    axes.set_xlim(-0.04 * longest_s, 1.04 * longest_s)
    axes.margins(y=0.15)
    axes.set_ylim(bottom=0)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    _without_frame(axes)


def _logarithmic(axes: Axes, steps: tuple[int, ...]) -> None:
    """A logarithmic axis with numbers as people write them, at the `steps` of each power of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _without_frame(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
