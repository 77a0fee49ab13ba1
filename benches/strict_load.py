#!/usr/bin/env python3
"""Networks that PyTorch saves, through `arclens import` and `arclens export` and back into PyTorch, strictly.

    python benches/strict_load.py --arclens target/release/arclens

Every network of benches/backbone_golden.py is saved by `torch.save`, in the zip container and in the older one, imported,
exported as safetensors, and loaded with `load_state_dict(…, strict=True)`: every name has to be there, none besides, and
every number the same. Networks that others know under no names, or under other ones, are told and left out. Ends with 1 where one differs.
Needs PyTorch and safetensors.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import backbone_golden as golden
import torch
from safetensors.torch import load_file

OWN = {"iresnet18_gdc", "resnet18", "resnet50", "vgg16"}


def arclens(program, *words):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"arclens {words[0]}: {done.stderr.strip()}")


def through(program, state, is_zip, folder):
    """What comes back of the weights."""
    saved, run, out = folder / "net.pth", folder / "run", folder / "net.safetensors"
    torch.save(state, saved, _use_new_zipfile_serialization=is_zip)
    arclens(program, "import", saved, "--out", run)
    arclens(program, "export", run, "--out", out)
    return load_file(out)


def check(program, px, build, is_zip):
    """Weights of the network, all of them the same in a second one that loaded what came back."""
    net, other = golden.filled(build(px)).float(), build(px)
    state = net.state_dict()
    with tempfile.TemporaryDirectory() as folder:
        back = through(program, state, is_zip, pathlib.Path(folder))
    other.load_state_dict(back, strict=True)
    floats = {name: weights for name, weights in state.items() if weights.is_floating_point()}
    different = [name for name, weights in floats.items() if not torch.equal(weights, other.state_dict()[name])]
    if different:
        raise RuntimeError(f"other numbers in {', '.join(different)}")
    return len(floats)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arclens", default="target/release/arclens")
    program = parser.parse_args().arclens
    failed = False
    for name, (px, build) in golden.NETS.items():
        if name in OWN:
            print(f"{name}: left out, its names are ArcLens's own")
            continue
        for is_zip in (True, False):
            form = "zip" if is_zip else "older"
            try:
                print(f"{name}, {form}: {check(program, px, build, is_zip)} weights, all the same")
            except RuntimeError as error:
                failed = True
                print(f"{name}, {form}: {error}")
    return int(failed)


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
