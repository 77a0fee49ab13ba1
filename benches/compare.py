#!/usr/bin/env python3
"""ArcLens beside PyTorch, the two run alternately (A B A B ...) so that other work on the machine meets both.

    python benches/compare.py --arclens target/release/arclens --pytorch pytorch_step.py --threads 2
    python benches/compare.py ... --case resnet18,28,1,32 --case resnet18,32,3,64 --forward-only
    python benches/compare.py --arclens target/release/arclens --input FOLDER --torchvision torchvision_input.py

The PyTorch side is any script that takes --net --image --channels --batch --dim --classes --steps --threads --device
[--forward-only] and prints one JSON line with images_per_second and peak_mib. A case is net,image,channels,batch.
With --input the input pipeline is compared instead, one thread against one worker, on a folder of images; the other side
is any script that takes FOLDER --image --batch --workers and prints images_per_second.
Prints a Markdown table: medians over the rounds, and the ratio ArcLens / PyTorch as median [smallest to largest] of
the rounds' own ratios, which is the figure to trust. Needs only the standard library.
"""

import argparse
import json
import statistics
import subprocess
import sys

CASES = ["resnet18,28,1,32", "resnet18,32,3,64"]


def measure(command):
    """The JSON object a command prints as its last line."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def flags(case, options):
    net, image, channels, batch = case.split(",")
    words = ["--net", net, "--image", image, "--channels", channels, "--batch", batch, "--device", options.device]
    words += ["--dim", str(options.dim), "--classes", str(options.classes), "--steps", str(options.steps)]
    if options.threads:
        words += ["--threads", str(options.threads)]
    return words + (["--forward-only"] if options.forward_only else [])


def compare(case, options):
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(measure([options.arclens, "bench", "step", "--json", *flags(case, options)]))
        theirs.append(measure([sys.executable, options.pytorch, *flags(case, options)]))
    peak = lambda runs: max(run["peak_mib"] or 0 for run in runs)
    return f"| {case.replace(',', ' ')} | {rates(ours, theirs)} | {peak(ours)} | {peak(theirs)} |"


def compare_input(options):
    ours, theirs = [], []
    size = ["--image", "112", "--batch", "64"]
    for _ in range(options.rounds):
        ours.append(measure([options.arclens, "bench", "input", options.input, *size, "--threads", "1", "--json"]))
        theirs.append(measure([sys.executable, options.torchvision, options.input, *size, "--workers", "1"]))
    return f"| {rates(ours, theirs)} |"


def rates(ours, theirs):
    """Median rates of both and the ratio of each round's two."""
    ours, theirs = ([run["images_per_second"] for run in runs] for runs in (ours, theirs))
    ratios = [a / b for a, b in zip(ours, theirs)]
    return (
        f"{statistics.median(ours):.1f} | {statistics.median(theirs):.1f} "
        f"| **{statistics.median(ratios):.2f}** [{min(ratios):.2f} to {max(ratios):.2f}]"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arclens", required=True, help="the arclens binary")
    parser.add_argument("--pytorch", help="the PyTorch script")
    parser.add_argument("--input", help="a folder of images: compare the input pipeline on it")
    parser.add_argument("--torchvision", help="the torchvision script, with --input")
    parser.add_argument("--case", action="append", help=f"net,image,channels,batch (default: {' '.join(CASES)})")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--forward-only", action="store_true")
    options = parser.parse_args()
    if options.input:
        if not options.torchvision:
            parser.error("--input needs --torchvision")
        print("| ArcLens images/s | torchvision images/s | ratio |\n|---|---|---|")
        print(compare_input(options))
        return
    if not options.pytorch:
        parser.error("--pytorch is needed")
    print("| net, px, channels, batch | ArcLens images/s | PyTorch images/s | ratio | ArcLens MiB | PyTorch MiB |")
    print("|---|---|---|---|---|---|")
    for case in options.case or CASES:
        print(compare(case, options), flush=True)


if __name__ == "__main__":
    main()
