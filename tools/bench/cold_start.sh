#!/usr/bin/env bash
# How long the program takes to start: medians of listings, errors and one picture of 64x64. Usage:
# tools/bench/cold_start.sh [ROUNDS] [BUILD]
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-11}
ganvas=${2:-build}/ganvas
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$ganvas" upscale data/samples/cat.png -o "$work/tiny.png" --width 64 --height 64 --quiet >/dev/null

# median NAME COMMAND...: rounds in turn, seconds of wall time
median() {
  local name=$1 begin end
  shift
  for ((i = 0; i < rounds; ++i)); do
    begin=$EPOCHREALTIME
    "$@" >/dev/null 2>&1 || true
    end=$EPOCHREALTIME
    echo "$((${end/./} - ${begin/./}))"
  done | sort -n | awk -v name="$name" '{t[NR] = $1 / 1000} END {printf "%-42s %7.1f ms (%.1f to %.1f)\n", name, t[int((NR + 1) / 2)], t[1], t[NR]}'
}

grep -m1 "model name" /proc/cpuinfo | sed 's/.*: //'
median "--help" "$ganvas" --help
median "--version" "$ganvas" --version
median "model list" "$ganvas" model list
median "a wrong option" "$ganvas" upscale --no-such-option
median "a model that isn't there" "$ganvas" upscale "$work/tiny.png" -o "$work" --model no-such-model
median "upscale: one picture of 64x64, photo-x4" "$ganvas" upscale "$work/tiny.png" -o "$work/out.png" --force
