"""The subcommands: one file and one line here for each. A file is loaded when its command runs or is asked about."""

SUMMARIES = {
    "file": "Transcribe audio files, folders, or standard input (-).",
    "mic": "Transcribe what the microphone hears, until Ctrl-C.",
    "qwen": "Transcribe with Qwen-ASR-Realtime, which hears emotions too.",
    "render": "Make text, subtitles or a document of saved JSON lines.",
    "reuse-bench": "Measure how much a kept connection saves: tasks on new and on kept ones, by turns.",
    "devices": "List the microphones that `asrcli mic --device` takes, by number, name or a part of the name.",
    "models": "List the known models: where they are, what they take and what they can do.",
    "vocab": "Make, list, show, change and delete hotword lists, which the service keeps for a model.",
    "serve": "Run a local stand-in for the recognition service, with a real recogniser inside.",
}
"""Command → its one line of help, the first of its docstring. In its module it has that name, and may be a group."""
