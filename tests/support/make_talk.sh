#!/bin/sh
# Makes the sample talk that the tests recognise: eight short sentences, about 30 s, 16 kHz mono s16.
#
#   usage: tests/support/make_talk.sh [OUT_DIRECTORY]     (default: tests/data)
#
# Writes talk.wav, talk.txt (one sentence a line) and talk.script.jsonl (the same with its true times, for
# `asrcli serve --recognizer script:FILE`). Needs flite with the voice rms (2.2) and sox (14.4).
#
# sox runs with -D, without dither, so that the same programs write the same bytes every time. The pauses are longer
# than the 1,300 ms of silence that end a sentence by default. Plain words on purpose: no digits, no names.
set -eu

out=${1:-$(dirname "$0")/../data}
voice=rms
lead_s=0.4
pause_s=1.75

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: > "$out/talk.txt"
: > "$out/talk.script.jsonl"
sox -D -n -r 16000 -c 1 -b 16 "$work/lead.wav" trim 0 "$lead_s"
sox -D -n -r 16000 -c 1 -b 16 "$work/pause.wav" trim 0 "$pause_s"
set -- "$work/lead.wav"
samples=$(soxi -s "$work/lead.wav")
pause_samples=$(soxi -s "$work/pause.wav")
number=0
while IFS= read -r sentence; do
  number=$((number + 1))
  flite -voice "$voice" --setf duration_stretch=1.1 -t "$sentence" -o "$work/raw.wav"
  # Without the silence that flite puts around each sentence, so that the times below are those of the speech.
  sox -D "$work/raw.wav" -r 16000 -c 1 -b 16 "$work/$number.wav" \
    silence 1 0.02 0.5% reverse silence 1 0.02 0.5% reverse norm -3
  begin_ms=$((samples / 16))
  samples=$((samples + $(soxi -s "$work/$number.wav")))
  end_ms=$((samples / 16))
  samples=$((samples + pause_samples))
  printf '%s\n' "$sentence" >> "$out/talk.txt"
  printf '{"begin_ms": %d, "end_ms": %d, "text": "%s"}\n' "$begin_ms" "$end_ms" "$sentence" >> "$out/talk.script.jsonl"
  set -- "$@" "$work/$number.wav" "$work/pause.wav"
done <<'SENTENCES'
Hello and welcome to our radio show.
This morning we will talk about the weather.
The night was dark and the wind was strong.
Now the sun is shining over the river.
Many people are walking in the park.
In the afternoon there may be some rain.
Please remember to take your umbrella.
We wish you a very pleasant day.
SENTENCES
sox -D "$@" "$out/talk.wav"
