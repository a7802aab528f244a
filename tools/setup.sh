#!/usr/bin/env bash
# Makes .venv exactly as requirements.lock says and installs Tieout into it, editable. Does nothing when up to date.
# Needs Python 3.11 or later; on a bare Debian or Ubuntu as root it installs python3 and python3-venv first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stamp=.venv/.tieout-setup
wanted=$(cat requirements.lock pyproject.toml tools/setup.sh | sha256sum | cut -d' ' -f1)-$(pwd -P)

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local name
    for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do
        # A stand-in of a version manager may be on the path for a version that is not installed: ask it, not `which`.
        if is_new_enough "$name" && "$name" -c 'import ensurepip, venv' 2>/dev/null; then
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

install_python() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "setup: Tieout needs Python 3.11 or later with its venv module." >&2
        echo "setup: install it (Debian: apt-get install python3 python3-venv), then run make again;" >&2
        echo "setup: PYTHON=/path/to/python make setup names one that is not on the PATH." >&2
        exit 1
    fi
    echo "setup: installing python3 and python3-venv"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv ca-certificates
}

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && .venv/bin/python -c 'import tieout' 2>/dev/null; then
    exit 0
fi

exec 9>.setup.lock
flock 9
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

# The script of a moved environment names an interpreter that is not there: then it is made again.
if ! .venv/bin/pip --version >/dev/null 2>&1; then
    python=$(find_python) || { install_python; python=$(find_python); }
    echo "setup: making .venv with $python"
    rm -rf .venv
    "$python" -m venv .venv
fi
rm -f "$stamp"
pip() { .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }
echo "setup: installing what requirements.lock names"
pip install --quiet --require-hashes --only-binary :all: --requirement requirements.lock
pip install --quiet --no-deps --no-index --no-build-isolation --editable .
echo "$wanted" >"$stamp"
echo "setup: done"
