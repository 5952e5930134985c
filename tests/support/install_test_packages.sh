#!/bin/sh
# What the tests of the microphone, of shell completion, of clients in other languages, of system calls that fail, of
# Chinese subtitles, of the page, of the guides and of man pages need from the system. Without it those tests are
# skipped, and say so.
set -eu
packages="pulseaudio pulseaudio-utils libasound2-plugins libportaudio2 zsh fish"
packages="$packages node-ws golang-go golang-github-gorilla-websocket-dev gcc libc6-dev"
packages="$packages fontconfig fonts-noto-cjk chromium jq groff mandoc"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Some tests need $packages (on Debian and Ubuntu: sudo apt-get install $packages)" >&2
    exit 0
fi
# shellcheck disable=SC2086
if ! dpkg -s $packages >/dev/null 2>&1; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
fi
