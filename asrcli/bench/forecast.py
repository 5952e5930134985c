"""What a bench will send and cost, said before anything is sent, and asked about where it is much."""

from __future__ import annotations

from urllib.parse import urlsplit

from asrcli.bench.options import BenchOptions
from asrcli.bench.plan import Plan
from asrcli.bench.report import Setup
from asrcli.output.output import Output
from asrcli.runs.asking import asked_yes, can_ask
from asrcli.values.addresses import is_loopback
from asrcli.values.clock_time import in_words
from asrcli.values.errors import UsageError

# More audio than this is not sent without being asked for.
_ASK_ABOVE_S = 600
# Services close a connection that idled for 60 s; a kept one idles while a cold task runs.
_LONGEST_IDLE_S = 50.0


def forecast(setup: Setup, url: str, options: BenchOptions, output: Output, *, quiet: bool) -> None:
    """Say what will be sent and billed, and ask where it is much. Raises UsageError where nobody can be asked."""
    plan = setup.plan
    free = is_loopback(urlsplit(url).hostname or "")
    amount = f"up to {in_words(plan.sent_s)} of audio in {_tasks(plan)}"
    if not quiet:
        output.say(f"sends {amount}; nothing is billed, the service is local" if free else f"{amount} will be billed")
    idle_s = plan.clip_ms / 1000 / setup.speed if setup.speed is not None else 0.0
    if idle_s > _LONGEST_IDLE_S and plan.tasks:
        output.notice(
            f"a kept connection idles {idle_s:.0f} s here while a cold task runs, and services close it after 60 s",
            "choose a shorter --clip",
        )
    if free or options.yes or plan.sent_s <= _ASK_ABOVE_S:
        return
    if not can_ask():
        raise UsageError(
            f"{amount} would be billed, and nobody can be asked", hint="--yes allows it; --clip S sends less"
        )
    if not asked_yes(f"{amount} will be billed" if quiet else "", "Go on?", output):
        raise UsageError("not confirmed: nothing was sent", hint="--clip S or --tasks N sends less")


def _tasks(plan: Plan) -> str:
    """ "4 tasks and 2 to warm up": those that --tasks asks for, and what comes besides."""
    parts = [f"{plan.tasks} tasks", f"{plan.warm_up_tasks} to warm up"] if plan.tasks else []
    if plan.pause_tasks:
        parts.append(f"{plan.pause_tasks} for --idle" if parts else f"{plan.pause_tasks} tasks for --idle")
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
