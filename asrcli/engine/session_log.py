"""What a session says and hears, for whoever logs it: -vv and --log."""

from __future__ import annotations

import itertools
import logging

from asrcli.values.messages import Message

MESSAGES = "asrcli.messages"
"""The logger. Arguments of a record: its mark (> sent, < received, = what became of the connection), and the text."""
WITH_SOUND = 5
"""The level of messages that carry sound, and of what became of the connection; the others have DEBUG."""

# The field of a text message that carries sound.
_SOUND = '"audio":'

_logger = logging.getLogger(MESSAGES)
_numbers = itertools.count(1)


class SessionLog:
    """Of one session; each record bears its number, counted in this process, as `session`."""

    __slots__ = ("_extra", "takes_sound")

    def __init__(self) -> None:
        self._extra = {"session": next(_numbers)}
        self.takes_sound = _logger.isEnabledFor(WITH_SOUND)
        """Whether anybody wants to know of messages that carry sound."""

    def sent(self, message: Message) -> None:
        _logger.debug("%s %s", ">", message, extra=self._extra)

    def received(self, message: Message) -> None:
        _logger.debug("%s %s", "<", message, extra=self._extra)

    def sent_with_chunk(self, message: Message) -> None:
        """The sound of a chunk, or what ends an utterance behind it, which has none."""
        has_sound = isinstance(message, bytes) or _SOUND in message
        _logger.log(WITH_SOUND if has_sound else logging.DEBUG, "%s %s", ">", message, extra=self._extra)

    def became(self, what: str) -> None:
        _logger.log(WITH_SOUND, "%s %s", "=", what, extra=self._extra)
