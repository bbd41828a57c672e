#!/usr/bin/python3
"""Whether two builds of ganvas train the same: a few small steps of every recipe, then model.safetensors byte by byte.

Usage: tools/dev/same_bytes.py BEFORE/build/ganvas AFTER/build/ganvas PHOTOS [RECIPE ...]

Weights and all metadata must be the same; of the recipe in the metadata AFTER may know further keys, whose values are
then printed. Networks and crops are made small, so that all recipes together take a few minutes of two cores. Pairs
and two sets of pictures are made of PHOTOS. Recipes that want models which aren't there (VGG-19) take the shipped
feature network instead; SqueezeNet and its heads must be where `ganvas model fetch` puts them, or in $GANVAS_MODELS.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

QUICK = ["train.steps=3", "train.batch=2", "train.log_every=1", "train.validate_every=3", "train.sample_every=1000",
         "train.precision=fp32"]
SMALL = {
    "super-resolution": ["data.crop=16"],
    "pix2pix": ["data.load=72", "data.crop=64", "generator.downs=6"],
    "cyclegan": ["data.load=72", "data.crop=64", "generator.blocks=2", "validate.pictures=4"],
    "cut": ["data.load=72", "data.crop=64", "validate.pictures=4", "nce.patches=32"],
    "distill": ["data.crop=12"],
    "mixture": [],
}


def resolved(program, recipe):
    """The recipe with all defaults, as {key: value}."""
    text = subprocess.run([program, "train", recipe, "--dry-run"], check=True, capture_output=True, text=True).stdout
    return keys_of(text)


def keys_of(text):
    keys, table = {}, ""
    for line in text.splitlines():
        if line.startswith("["):
            table = line.strip("[]") + "."
        elif " = " in line:
            key, value = line.split(" = ", 1)
            keys[table + key] = value
    return keys


def overrides(keys):
    task = keys["task"].strip('"')
    sets = QUICK + SMALL[task] + (["data.hold_out=2"] if "data.hold_out" in keys else [])
    # Times that are meant for the whole run.
    for key in keys:
        if key.endswith(".decay_from") or (key == "adversarial.start" and keys[key] != "0"):
            sets = sets + [key + "=1"]
    if keys.get("perceptual.network") == '"vgg19"':
        layers = ["relu1", "block3", "block5", "block7", "block9"][-keys["perceptual.layers"].count('"') // 2:]
        sets = sets + ["perceptual.network=features", "perceptual.layers=" + ",".join(layers)]
    return sets


def data_of(task, photos):
    if task == "mixture":
        return []
    places = {"pix2pix": ["pairs"], "cyclegan": ["A", "B"], "cut": ["A", "B"]}.get(task, ["photos"])
    return [word for place in places for word in ("--data", str(photos / place))]


def prepare(program, source, folder):
    """Small photographs, the same as pairs with their edges, and as two sets."""
    files = sorted(file for file in pathlib.Path(source).rglob("*") if file.suffix.lower() in (".png", ".jpg"))[:12]
    if len(files) < 6:
        sys.exit(f"{source}: 6 pictures are needed")
    for name, chosen in (("photos", files), ("A", files[::2]), ("B", files[1::2])):
        (folder / name).mkdir()
        for file in chosen:
            (folder / name / file.name).symlink_to(file.resolve())
    subprocess.run([program, "-q", "data", "edges", folder / "photos", "-o", folder / "pairs", "--pair"], check=True,
                   stdout=subprocess.DEVNULL)


def train(program, recipe, sets, data, out):
    words = [program, "-q", "train", recipe, "-o", out, "--threads", "1", *data]
    for assignment in sets:
        words += ["--set", assignment]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return done.stderr.strip() if done.returncode else None


def read_model(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    return header.pop("__metadata__", {}), header, data[8 + length:]


def differences(before, after):
    (facts, tensors, values), (new_facts, new_tensors, new_values) = read_model(before), read_model(after)
    if tensors != new_tensors:
        yield "other tensors"
    elif values != new_values:
        yield "other weights"
    old, new = keys_of(facts.pop("ganvas.recipe", "")), keys_of(new_facts.pop("ganvas.recipe", ""))
    yield from (f"{key}: {old[key]} before, {new.get(key)} after" for key in old if new.get(key) != old[key])
    if facts != new_facts:
        yield f"other metadata: {facts} and {new_facts}"


def new_keys(before, after):
    old, new = (keys_of(read_model(file)[0].get("ganvas.recipe", "")) for file in (before, after))
    return ", ".join(f"{key} = {value}" for key, value in new.items() if key not in old)


def main():
    before, after, source = sys.argv[1:4]
    recipes = sys.argv[4:] or sorted(
        file.stem for file in (pathlib.Path(__file__).parents[2] / "models/recipes").glob("*.toml"))
    failed = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prepare(before, source, folder)
        for recipe in recipes:
            keys = resolved(before, recipe)
            sets, data = overrides(keys), data_of(keys["task"].strip('"'), folder)
            outs = [folder / f"{recipe}-{which}" for which in ("before", "after")]
            errors = [train(program, recipe, sets, data, out) for program, out in zip((before, after), outs)]
            if any(errors):
                failed.append(recipe)
                print(f"{recipe}: {errors}", flush=True)
                continue
            files = sorted(file.name for file in outs[0].glob("*.safetensors"))
            found = [f"{file}: {text}" for file in files for text in differences(*(out / file for out in outs))]
            print(f"{recipe}: {'; '.join(found) or 'the same (' + ', '.join(files) + ')'}", flush=True)
            if found:
                failed.append(recipe)
            if fresh := new_keys(*(out / "model.safetensors" for out in outs)):
                print(f"    new keys: {fresh}", flush=True)
    sys.exit(f"{len(failed)} of {len(recipes)} differ or fail: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
