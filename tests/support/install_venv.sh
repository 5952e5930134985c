#!/bin/sh
# Debian ships Python without the part of venv that makes pip. Install it where we may, or say what to install.
set -eu
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv
else
    echo "Python has no venv here. On Debian and Ubuntu: sudo apt-get install python3-venv" >&2
    exit 1
fi
