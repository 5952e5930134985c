"""The subcommands: one file and one line here for each. A file is loaded when its command runs or is asked about."""

SUMMARIES = {
    "file": "Transcribe audio files, folders, or standard input (-).",
    "mic": "Transcribe what the microphone hears, until Ctrl-C.",
    "qwen": "Transcribe with Qwen-ASR-Realtime, which hears emotions too.",
    "render": "Make text, subtitles or a document of saved JSON lines.",
    "merge": "Join the results of several runs or shards.",
    "reuse-bench": "Measure what a kept connection saves.",
    "devices": "List the microphones that `asrcli mic --device` takes.",
    "models": "List the models: what they take, and what they cost.",
    "vocab": "Make, list, change and delete hotword lists at the service.",
    "guide": "Read about one topic: recipes, settings, subtitles …",
    "doctor": "Check what asrcli needs here, and say how to mend it.",
    "config": "Show, set and check settings, and say where each comes from.",
    "serve": "Run a local service to try out and to test with.",
    "help": "Show the help of a command.",
}
"""Command → its one line of help, the first of its docstring. In its module it has that name, and may be a group."""
