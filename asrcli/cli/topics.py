"""The guides: which topics there are and their texts, Markdown files within the package."""

from __future__ import annotations

import difflib
from pathlib import Path

import asrcli
from asrcli.values.errors import UsageError

FOLDER = Path(asrcli.__file__).parent / "guide"
# Topic → other words for it.
_MEANT = {
    "audio": "file files noise pace speed pipe pipes stdin ffmpeg mp3 m4a raw",
    "cluster": """
        clusters dask slurm shard shards corpus manifest results machines nodes workers worker scheduler docker
        container kubernetes s3 https url urls dry-run plan merge distributed
    """,
    "changelog": "changes history news version versions",
    "developing": "develop development contribute contributing",
    "doctor": "troubleshooting trouble problems install installation help",
    "documents": """
        document output format formats subtitles subtitle captions caption srt vtt ass html page markdown md clips
        karaoke render
    """,
    "exit-codes": "exit exit-code code codes error errors signal signals complete",
    "faults": "fault",
    "hotwords": "hotword vocab vocabulary phrases names terms context",
    "json-lines": "json jsonl json-line events event",
    "local-service": "local serve server service offline test",
    "many-sources": "many sources folder folders batch batches jobs split output-dir",
    "microphone": "mic microphones device devices record recording listen",
    "models": "model language languages dialects price prices cost options recognition",
    "network": "proxy proxies socks certificate certificates tls ssl endpoint address",
    "qwen": "emotion emotions sentiment",
    "recipes": "recipe example examples howto how-to tutorial minutes meeting dictation",
    "reconnecting": "reconnect connection retry retries drop drops resume",
    "reuse-bench": "bench benchmark reuse",
    "sending": "send opus compression compressed slow upload",
    "settings": """
        setting key keys api-key login auth region regions workspace config configuration profile profiles preferences
        completion
    """,
}
TOPIC_OF = {word: topic for topic, words in _MEANT.items() for word in words.split()}
"""Another word for a topic → the topic."""
# Less alike is a guess, which leads astray.
_LIKENESS = 0.7


def topics() -> dict[str, str]:
    """Topic → its heading, in the order of the alphabet."""
    found = {}
    for path in sorted(FOLDER.glob("*.md")):
        with path.open(encoding="utf-8") as file:
            found[path.stem] = file.readline().removeprefix("# ").strip()
    return found


def text(topic: str) -> str:
    """The Markdown of a topic, or of the one that the word means. Raises UsageError for none, with the nearest."""
    known = topics()
    meant = topic if topic in known else _meant(topic)
    if meant not in known:
        nearest = _nearest(topic.casefold(), known)
        raise UsageError(
            f"there is no guide {topic!r}",
            hint=f"did you mean `asrcli guide {nearest}`?" if nearest else "`asrcli guide` lists them",
        )
    return (FOLDER / f"{meant}.md").read_text(encoding="utf-8")


def _meant(word: str) -> str:
    plain = word.casefold().replace("_", "-")
    return TOPIC_OF.get(plain, plain)


def _nearest(word: str, known: dict[str, str]) -> str | None:
    """The topic that begins so, is written much like it, or has the word in its heading."""
    begun = [topic for topic in known if word and topic.startswith(word)]
    alike = [
        TOPIC_OF.get(each, each) for each in difflib.get_close_matches(word, [*known, *TOPIC_OF], 1, cutoff=_LIKENESS)
    ]
    about = [topic for topic, heading in known.items() if word and word in heading.casefold()]
    return next(iter([*begun, *about, *alike]), None)
