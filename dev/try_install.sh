#!/usr/bin/env bash
# Install the wheel of dist/ into an empty environment outside the clone, and use it as a newcomer would.
set -euo pipefail
python=${PYTHON:-python3}
wheel=$(realpath dist/*.whl)
constraints=$(realpath constraints.txt)
bytes=$(stat -c %s "$wheel")
if [ "$bytes" -gt 6000000 ]; then
    echo "$wheel has $bytes bytes, more than 6 MB" >&2
    exit 1
fi

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"$python" -m venv env
# torch comes first and by its pinned version: as a mere dependency its newest build would be taken, with gigabytes of CUDA.
env/bin/python -m pip install --quiet --constraint "$constraints" torch
env/bin/python -m pip install --quiet --constraint "$constraints" "$wheel"
PATH="$place/env/bin:$PATH"
unset PYTHONPATH

has_lines() {
    [ "$(wc -l < "$1")" -eq "$2" ] || { echo "$1 does not have $2 lines" >&2; exit 1; }
}

# What an extra's absence says: one line that names it, exit code 2. tests/test_extras.py asks for the others.
lacks() {
    local extra=$1 code=0
    shift
    "$@" > out.txt 2> err.txt || code=$?
    if [ "$code" -ne 2 ] || ! grep -q "seqgan-wgp\[$extra\]" err.txt || grep -q Traceback err.txt; then
        echo "'$*' without the extra $extra ended with $code and said:" >&2
        cat err.txt >&2
        exit 1
    fi
}

cd "$(mktemp -d -p "$place")"
seqgan-wgp --version
TIMEFORMAT='generate words -n 10: %R seconds'
time seqgan-wgp generate words -n 10 | tee ten.txt
has_lines ten.txt 10
seqgan-wgp models
seqgan-wgp generate words -n 400 --unique > lines.txt
has_lines lines.txt 400
seqgan-wgp inspect lines.txt > inspected.txt
seqgan-wgp train lines.txt --steps 10 --out run
seqgan-wgp generate run -n 7 > seven.txt
has_lines seven.txt 7
seqgan-wgp export words --format html -o words.html
lacks onnx seqgan-wgp export words
lacks tensorboard seqgan-wgp train lines.txt --steps 1 --out other --set log.tensorboard=true
[ ! -e other ] || { echo "a refused command left a folder" >&2; exit 1; }
echo "the wheel of $bytes bytes works in an empty environment"
