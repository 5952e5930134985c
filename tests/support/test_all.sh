#!/bin/sh
# Run `make test` with each supported Python on this machine, each in a virtual environment of its own.
set -u
ran=0 failed=0
for version in 3.11 3.12 3.13 3.14; do
    found=""
    for python in "python$version" "$HOME"/.pyenv/versions/"$version".*/bin/python; do
        if "$python" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
            found=$python
            break
        fi
    done
    if [ -z "$found" ]; then
        echo "Python $version: not installed, skipped"
        continue
    fi
    echo "Python $version: $found"
    ran=$((ran + 1))
    make test PYTHON="$found" VENV=".venv-$version" || failed=$((failed + 1))
done
echo "$ran versions tested, $failed failed"
[ "$ran" -gt 0 ] && [ "$failed" = 0 ]
