"""Profiles that are on board, as a configuration file would have them. A profile of the same name in one replaces them.

What a model does not know of them is left out, so they hold for every model.
"""

from __future__ import annotations

import functools
from pathlib import Path

from asrcli.settings.files import PRESET, ConfigFile, parse

_TEXT = """\
# Read while somebody speaks: soon, and in pieces that fit on a screen.
[profile.captions]
semantic_punctuation = false    # sentences by meaning are surer, and come seconds later
max_sentence_silence = 500      # most pauses within a phrase are shorter; the service waits for 1300 ms
multi_threshold = true          # who speaks without a pause gets captions all the same
[profile.captions.qwen]
silence_ms = 500                # as above; the service waits for 800 ms

# One person who speaks to get a text.
[profile.dictation]
max_sentence_silence = 800      # room to think within a sentence, and no long wait at its end
disfluency_removal = true       # nobody means to dictate "um"
[profile.dictation.mic]
max_silence = 30.0              # a microphone that was forgotten does not go on listening, and costing
[profile.dictation.qwen]
silence_ms = 800

# Several people, for an hour or more, whom nobody can ask to say it again.
[profile.meeting]
semantic_punctuation = true     # people pause within sentences and talk into those of others; nobody waits for the text
heartbeat = true                # the task outlives a break
timestamps = true               # what was said is looked up later
labels = true                   # who said it, where the service tells
max_outage = 1800.0             # half an hour of sound is kept while there is no connection
retries = 80                    # and it is tried for as long: every 15 to 30 s
drain_timeout = 60.0            # the last sentence is worth a minute
[profile.meeting.mic]
device_wait = 120.0             # a microphone that somebody unplugs is plugged in again
"""


@functools.cache
def presets() -> ConfigFile:
    """The file that they would stand in."""
    return parse(Path("presets"), PRESET, _TEXT)
