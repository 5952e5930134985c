"""`python -m asrcli` and the `asrcli` command."""

import os
import signal
import sys


def _leave(number: int, frame: object, leave=os._exit, is_terminal=os.isatty, write=os.write) -> None:  # type: ignore[no-untyped-def]
    # Whatever is being imported or taken apart, and with nothing looked up that may be gone already.
    if is_terminal(2):
        # The line that says what is being opened.
        write(2, b"\r\x1b[K")
    leave(128 + number)


# First of all: from here on a signal ends the program quietly, until whoever has something to end takes it over.
if sys.platform == "win32":
    _ENDING = (signal.SIGINT, signal.SIGTERM)
else:
    _ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
for _number in _ENDING:
    # nohup and scripts' background jobs ignore some signals on purpose.
    if signal.getsignal(_number) != signal.SIG_IGN:
        signal.signal(_number, _leave)

from asrcli.cli.app import main  # noqa: E402

if __name__ == "__main__":
    main()
