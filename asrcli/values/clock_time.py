"""Times as people read them, cut to what has passed: 75:03, 1:15:03, 1:15:03.250; and amounts of time: 1 h 15 min."""

from __future__ import annotations

_UNITS = (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))


def in_minutes(seconds: float) -> str:
    """m:ss, with as many minutes as there are."""
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes}:{second:02d}"


def clock_time(seconds: float) -> str:
    """m:ss or h:mm:ss."""
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else in_minutes(seconds)


def exact_time(ms: int) -> str:
    """h:mm:ss.mmm."""
    second, ms = divmod(ms, 1000)
    return f"{second // 3600}:{second // 60 % 60:02d}:{second % 60:02d}.{ms:03d}"


def in_words(seconds: float) -> str:
    """An amount of time in its two largest units: 95 s, 2 min 5 s, 3 h 20 min, 12 d 4 h; rounded to the second."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s" if whole or not seconds else "less than a second"
    name, size, part_name, part_size = next(unit for unit in _UNITS if whole >= unit[1])
    amount, rest = divmod(whole, size)
    part = rest // part_size
    return f"{amount:,} {name} {part} {part_name}" if part else f"{amount:,} {name}"
