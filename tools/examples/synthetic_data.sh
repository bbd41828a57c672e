#!/usr/bin/env bash
# From a small folder of pictures with a folder a class to more of them by a trained network, and what these are worth:
#   tools/examples/synthetic_data.sh DATA OUT [--set key=value]...
# Every fourth picture of a class is kept from training (links in OUT/held-out, the others in OUT/training). OUT also gets
# run/ (best.safetensors, report.html) and synthetic/CLASS/. What is printed compares, by `ganvas eval --fid`, the held-out
# pictures with the training pictures (as good as it gets) and with the synthetic ones, together and class by class:
# kid near the training pictures' own says that they look alike, recall how much of the variety of real pictures the
# synthetic ones cover (0: they would teach a classifier nothing), precision how many of them pass for real ones.
# $RECIPE names another recipe than cgan-mini, $COUNT another number a class than 200, $GANVAS another program than
# build/ganvas. Run again after an interruption, it goes on where it was.
set -euo pipefail
if [ $# -lt 2 ]; then
  echo "usage: $0 DATA OUT [--set key=value]..." >&2
  exit 2
fi
data=$(realpath -- "$1") out=$2
shift 2
ganvas=${GANVAS:-$(dirname "$0")/../../build/ganvas} recipe=${RECIPE:-cgan-mini} count=${COUNT:-200}

classes=()
for folder in "$data"/*/; do
  [ -d "$folder" ] || continue
  class=$(basename "$folder") i=0
  classes+=("$class")
  mkdir -p "$out/training/$class" "$out/held-out/$class"
  for picture in "$folder"*; do
    i=$((i + 1))
    part=training
    [ $((i % 4)) -ne 0 ] || part=held-out
    ln -sf "$picture" "$out/$part/$class/"
  done
done
if [ ${#classes[@]} -lt 2 ]; then
  echo "$0: $data: classes are folders with pictures, at least two" >&2
  exit 1
fi

resume=()
[ ! -f "$out/run/checkpoints/latest.safetensors" ] || resume=(--resume)
"$ganvas" train "$recipe" --data "$out/training" --out "$out/run" "${resume[@]}" --set data.classes=true "$@"
network=$out/run/model.safetensors
[ ! -f "$out/run/best.safetensors" ] || network=$out/run/best.safetensors
for class in "${classes[@]}"; do
  "$ganvas" -q generate "$network" -o "$out/synthetic/$class" --class "$class" --seeds "1-$count" --skip-existing > /dev/null
done

echo "held-out against training pictures:"
"$ganvas" -q eval --fid "$out/held-out" "$out/training"
echo "held-out against synthetic pictures:"
"$ganvas" -q eval --fid "$out/held-out" "$out/synthetic"
for class in "${classes[@]}"; do
  echo "$class, held-out against synthetic pictures:"
  "$ganvas" -q eval --fid "$out/held-out/$class" "$out/synthetic/$class"
done
