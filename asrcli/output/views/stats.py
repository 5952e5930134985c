"""The lines of --stats."""

from __future__ import annotations

from collections.abc import Sequence

from asrcli.values.summary import RunSummary, Summary


def stats_lines(summary: Summary) -> str:
    """The block of `--stats`: a heading, then one aligned line for each number that is known; ends in a newline."""
    rows = [
        ("audio", _text(summary.audio_ms, "{:.1f} s", 1000)),
        ("sent", _text(summary.sent_bytes, "{:.1f} kB", 1000)),
        ("for each second", _text(summary.kbit_s, "{:.1f} kbit")),
        ("sent twice", _text(summary.resent_ms or None, "{:.1f} s", 1000)),
        ("wall time", _text(summary.wall_s, "{:.1f} s")),
        ("real-time factor", _text(summary.real_time_factor, "{:.2f}")),
        ("sentences", str(summary.sentences)),
        ("connected after", _text(summary.connect_ms, "{:.0f} ms")),
        ("ready after", _text(summary.ready_ms, "{:.0f} ms")),
        ("first partial after", _text(summary.first_partial_ms, "{:.0f} ms")),
        ("last final after", _text(summary.last_final_ms, "{:.0f} ms")),
        ("billed", _text(summary.billed_s, "{} s")),
        ("input tokens", _text(summary.input_tokens, "{}")),
        ("output tokens", _text(summary.output_tokens, "{}")),
        ("reconnects", str(summary.reconnects)),
        ("complete", "yes" if summary.complete else "no"),
        *(("task", task_id) for task_id in summary.task_ids),
    ]
    return _block(summary.source, rows)


def run_lines(summary: RunSummary) -> str:
    """The same of all sources together."""
    real_time = summary.audio_ms / 1000 / summary.wall_s if summary.wall_s > 0 else None
    rows = [
        ("done", str(summary.done)),
        ("failed", str(summary.failed)),
        ("interrupted", str(summary.interrupted) if summary.interrupted else None),
        ("done before", str(summary.skipped) if summary.skipped else None),
        ("not begun", str(summary.not_begun) if summary.not_begun else None),
        ("audio", _text(summary.audio_ms, "{:.1f} s", 1000)),
        ("billed", _text(summary.billed_s, "{} s")),
        ("sent twice", _text(summary.resent_ms or None, "{:.1f} s", 1000)),
        ("workers lost", _text(summary.workers_lost, "{}")),
        ("wall time", _text(summary.wall_s, "{:.1f} s")),
        ("times real time", _text(real_time, "{:.2f}")),
    ]
    return _block("all sources", rows)


def _block(heading: str, rows: Sequence[tuple[str, str | None]]) -> str:
    body = "".join(f"  {label:<20}{_printable(value)}\n" for label, value in rows if value is not None)
    return f"{_printable(heading)}\n{body}"


def _text(value: float | None, form: str, divisor: int = 1) -> str | None:
    if value is None:
        return None
    return form.format(value / divisor if divisor != 1 else value)


def _printable(text: str) -> str:
    """Ids come from the service and names from anywhere: what could drive a terminal is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
