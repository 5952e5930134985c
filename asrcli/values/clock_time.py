"""Times as people read them, cut to what has passed: 75:03, 1:15:03, 1:15:03.250."""

from __future__ import annotations


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
