"""Words that other tools have for what asrcli does: their commands and options, and what they are called here.

Nothing of it is carried out unasked: a person is told our word. The tools are Whisper and its kin, the vendors' own
programs, ffmpeg, and what people try first.
"""

from __future__ import annotations

from collections.abc import Container

# Ours → theirs. What follows a `|` is for a person who has named nothing to transcribe.
_COMMANDS = {
    "file|talk.wav": """
        transcribe transcription transcript recognize recognise stt asr speech-to-text whisper audio video convert run
        upload files batch folder
    """,
    "mic": "listen record live stream realtime microphone dictate dictation captions rec",
    "file|talk.wav -o talk.srt": "subtitles subtitle subs srt vtt caption",
    "serve": "server start-server daemon local mock fake",
    "devices": "microphones mics inputs list-devices list-microphones device",
    "models": "model list-models languages list-languages engines prices pricing cost",
    "vocab": "vocabulary hotwords hotword glossary phrases dictionary",
    "render": "export reformat",
    "merge": "join combine concat concatenate cat",
    "reuse-bench": "bench benchmark measure",
    "doctor": "diagnose diagnostics selftest self-test self-check selfcheck check test status info",
    "config": "configure configuration settings preferences options setup init set",
    "guide": "docs doc documentation manual man tutorial examples readme topics",
    "--version": "version",
    "--install-completion bash": "completion completions autocomplete",
}
COMMANDS = {word: ours for ours, words in _COMMANDS.items() for word in words.split()}
"""Their command → ours, with what might follow it."""

CANNOT = {
    "translate": "asrcli writes what is said in the language in which it is said; it cannot translate",
    "diarize": "asrcli cannot tell speakers apart in real time",
    "download": "asrcli needs no model on this machine",
}
"""What asrcli does not do, under the name that it mostly has."""
_ALSO_CANNOT = {
    "translate": "translation task target-language translate-to",
    "diarize": """
        diarise diarization diarisation speakers speaker-labels speaker-diarization num-speakers min-speakers
        max-speakers speaker hf-token tinydiarize
    """,
    "download": """
        pull install-model download-model threads gpu no-gpu fp16 compute-type beam-size best-of temperature cpu cuda
        model-dir processors
    """,
}
CANNOT_BY_WORD = {word: said for name, said in CANNOT.items() for word in (name, *_ALSO_CANNOT[name].split())}
_NO_COMMANDS = {
    "`asrcli models`, `devices`, `vocab list` and `config show` list something": "list ls",
    "what has installed asrcli updates it: uv, pipx or pip": "update upgrade self-update",
    "the key is in DASHSCOPE_API_KEY, or in a file: `asrcli config set api_key_file FILE`": """
        login logout auth authenticate signin sign-in signup key keys api-key apikey
    """,
}
_NO_COMMAND = {word: said for said, words in _NO_COMMANDS.items() for word in words.split()}

# Ours → theirs, without the dashes.
OPTIONS = {
    "-f srt": "srt output-srt subtitles subtitle subs",
    "-f vtt": "vtt output-vtt webvtt",
    "-f ass": "ass ssa",
    "-f text": "txt text output-txt plain",
    "-f json": "json-lines jsonl ndjson output-json output-jsonl word-timestamps words word-times",
    "-f html": "html page",
    "-f md": "md markdown",
    "--json": "json-output",
    "-o -": "stdout to-stdout",
    "--labels": "sentiment emotion emotions label",
    "--output": "out outfile out-file output-file save write dest destination",
    "--format": "output-type response-format fmt type",
    "--output-dir": "out-dir outdir output-folder directory",
    "--language": "languages language-code language-hints locale source-language spoken-language",
    "--model": "model-name engine model-id",
    "--device": "input-device audio-device source",
    "--hotwords": "vocabulary vocab vocabulary-id keywords keyterms phrases boost hot-words glossary phrase-hints",
    "--context": "prompt initial-prompt instructions",
    "--corpus": "context prompt initial-prompt",
    "--manual": "push-to-talk ptt no-vad",
    "--endpoint": "url server host base-url api-base websocket-url address",
    "--api-key-file": "key token apikey api-token key-file",
    "--region": "location",
    "--region local": "local offline",
    "--cluster local:N, or --jobs N for sources at once": "workers num-workers worker processes num-processes nprocs",
    "--cluster tcp://HOST:8786": """
        dask nodes node hosts host machines machine scheduler scheduler-address scheduler-file cluster-address ray
    """,
    "--slots": "max-concurrency max-concurrent max-inflight max-in-flight concurrent-requests quota",
    "--shard K/N": """
        shards num-shards n-shards shard-id shard-index shard-count array partition partitions num-partitions chunk-id
    """,
    "--manifest": """
        manifest-file manifest-path manifest-filepath input-manifest dataset-manifest file-list filelist list
        input-list files-from from-file input-file-list
    """,
    "--results": "output-manifest results-file checkpoint resume state-file journal ledger",
    "--dry-run": "dryrun plan estimate preview simulate just-print what-if n",
    "--jobs": "parallel workers concurrency batch-size parallelism num-workers",
    "--rate N/s": "rate-limit requests-per-second rps qps starts-per-second max-rate",
    "--pace": "speed realtime real-time fast",
    "--max-line": "max-len max-line-width max-chars line-length",
    "--max-lines": "max-line-count",
    "--karaoke": "highlight-words",
    "--timestamps": "times with-timestamps timestamp",
    "--partials": "interim-results partial-results partial enable-intermediate-results",
    "--punctuation": "punctuate enable-punctuation smart-format",
    "--numbers": "itn numerals enable-inverse-text-normalization",
    "--max-sentence-silence": "vad-silence endpointing silence-threshold min-silence silence-ms",
    "--silence-ms": "max-sentence-silence silence min-silence",
    "--max-silence": "silence idle-timeout",
    "--duration": "time seconds limit length",
    "--force": "overwrite replace yes y",
    "--quiet": "silent no-prints",
    "--verbose": "debug",
    "--retries": "retry max-retries reconnect attempts",
    "--param": "parameter option extra set",
    "--rate": "sample-rate-hertz samplerate hz frequency",
    "--encoding": "codec sample-format",
    "--clips": "split-audio segments",
    "--no-partials": "final-only finals no-interim-results",
    "--save-audio": "record keep-audio recording",
}

# Their option → our command that does it, where it is no option of the command in question.
_ELSEWHERE = {
    "asrcli mic": "mic microphone device list-devices",
    "asrcli file FILE": "i input file audio infile input-file in filename audio-file pace jobs split output-dir",
    "asrcli render TALK.jsonl --clips DIR": "clips clip-format",
    "asrcli models": "list-models",
    "asrcli devices": "list-devices list-audio-devices",
    "asrcli --version": "version V",
    "asrcli --install-completion bash": "install-completion",
}


def command_for(word: str) -> str | None:
    """Ours for their command `word`, with `|` before what might follow it."""
    return COMMANDS.get(word.lower().replace("_", "-"))


def cannot(word: str) -> str | None:
    """Why there is nothing for `word`, with dashes in front or not, where that is known."""
    return CANNOT_BY_WORD.get(_bare(word))


def instead(word: str) -> str | None:
    """What is done in place of their command `word`, where no command of ours does it."""
    return cannot(word) or _NO_COMMAND.get(_bare(word))


def option_for(option: str, known: Container[str]) -> str | None:
    """Ours for their `option`, where it is among the `known` ones of a command; else the command that does it."""
    bare = _bare(option)
    if (same := f"--{bare}") in known and same != option:
        return same
    for ours, theirs in OPTIONS.items():
        if bare in theirs.split() and ours.partition(" ")[0] in known:
            return ours
    for ours, theirs in _ELSEWHERE.items():
        if bare in theirs.split():
            return f"`{ours}`"
    return None


def _bare(word: str) -> str:
    return word.lstrip("-").replace("_", "-").lower()
