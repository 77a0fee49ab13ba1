#!/usr/bin/env python3
"""A run exported as ONNX, computed by onnxruntime, beside what `arclens embed` gives for the same images.

    python benches/onnx_embeddings.py --arclens target/release/arclens RUN IMAGE...

Exports the run, reads from the file's own metadata how it wants its pixels, and compares the embeddings at length 1:
once all images as one batch and once each alone. The images must be squares of the size that the network takes, because
two programs shrink pictures in two ways; PNG is best, because two programs also unpack a JPEG in two ways. Prints the
largest difference of any number and the least cosine, and ends with 1 where a difference is larger than --tolerance.
Needs onnxruntime, numpy and Pillow.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
from PIL import Image


def arclens(options, *words):
    done = subprocess.run([options.arclens, *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"arclens {words[0]} failed:\n{done.stderr.strip()}")


def planes(path, metadata):
    """One image as the metadata says: (value / 255 - mean) / std, channels in the order of the network."""
    px, order = int(metadata["image_px"]), metadata["colour_order"]
    image = Image.open(path).convert("RGB")
    if image.size != (px, px):
        sys.exit(f"{path} has {image.width} x {image.height} pixels; the network takes {px} x {px}")
    pixels = np.asarray(image)
    mean, std = (np.array(json.loads(metadata[key]), np.float32) for key in ("mean", "std"))
    if order == "grey":
        # The metadata's weights, in whole numbers: the network sees bytes.
        pixels = (pixels.astype(int) @ [2126, 7152, 722] // 10000)[:, :, None]
        mean, std = mean[:1], std[:1]
    pixels = (pixels.astype(np.float32) / 255 - mean) / std
    return (pixels[:, :, ::-1] if order == "BGR" else pixels).transpose(2, 0, 1)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def onnx_embeddings(file, images):
    """Embeddings of all images at once and one by one."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    batch = np.stack([planes(path, metadata) for path in images]).astype(np.float32)

    def embed(batch):
        rows = session.run(None, {"images": batch})[0]
        if metadata["add_mirror"] == "true":
            mirrored = np.ascontiguousarray(batch[:, :, :, ::-1])
            rows = rows + session.run(None, {"images": mirrored})[0]
        return rows

    return embed(batch), np.concatenate([embed(batch[i : i + 1]) for i in range(len(batch))])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arclens", required=True, help="the arclens binary")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="largest difference allowed (default: 1e-5)")
    parser.add_argument("run", type=pathlib.Path, help="the run folder")
    parser.add_argument("images", type=pathlib.Path, nargs="+", help="image files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        graph, table = pathlib.Path(folder, "net.onnx"), pathlib.Path(folder, "embeddings.npy")
        arclens(options, "export", options.run, "--out", graph)
        arclens(options, "embed", options.run, *options.images, "--out", table, "--device", "cpu")
        ours = unit(np.load(table))
        theirs = onnx_embeddings(str(graph), options.images)
    print("| onnxruntime | images | largest difference | least cosine |\n|---|---|---|---|")
    largest = 0
    for way, rows in zip(("one batch", "one by one"), map(unit, theirs)):
        difference, cosine = np.abs(rows - ours).max(), (rows * ours).sum(1).min()
        # Not max(): one that is no number has to stay.
        largest = np.maximum(largest, difference)
        print(f"| {way} | {len(ours)} | {difference:.1e} | {cosine:.7f} |")
    sys.exit(0 if largest <= options.tolerance else 1)


if __name__ == "__main__":
    main()
