#!/usr/bin/env python3
"""Embeddings that PyTorch computes with networks written from their descriptions, for tests/backbone_forward.rs.

    python benches/backbone_golden.py > tests/golden/backbone_golden.json

Needs PyTorch (any version; the CPU is enough). Nothing of another project is used: names, layers and strides are those
that arcface_torch, face.evoLVe, AdaFace and InsightFace_Pytorch publish. Weights and images are made by a formula of
their names and positions, which the Rust test repeats, and the sums are in 64 bits, so that what is compared is the
network and not the rounding. All maps are about 0.01 and the running variances about 0.0001: that makes the 0.00001
which a normalisation adds to the variance a tenth of it.
"""

import functools
import json

import numpy as np
import torch
from torch import nn

SCALE = 0.01
IMAGES = 2
DIM = 16
WIDTHS = [64, 128, 256, 512]


def noise(name, count):
    """Numbers in [-1, 1): a hash (FNV-1a, then lowbias32) of the name and of the position."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 % 2**32
    with np.errstate(over="ignore"):
        x = np.uint32(seed) ^ np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9)
        for shift, factor in [(16, 0x7FEB352D), (15, 0x846CA68B)]:
            x = (x ^ x >> np.uint32(shift)) * np.uint32(factor)
        x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float64) / 2**23 - 1


def values(name, shape, names):
    """What a weight is filled with: it depends on what kind of weight the name says it is."""
    v = noise(name, int(np.prod(shape)))
    part, kind = name.rsplit(".", 1)
    if len(shape) > 1:
        # Keeps the size of the maps; the gates of squeeze and excitation get numbers at which their sigmoid bends.
        gain = 20 if part.endswith((".fc1", ".fc2")) else 1
        filled = v * (gain * np.sqrt(3 / (v.size / shape[0])))
    elif kind == "running_var":
        filled = SCALE * SCALE * (1 + 0.5 * v)
    elif kind in ("running_mean", "bias"):
        filled = 0.2 * SCALE * v
    elif f"{part}.running_mean" in names:
        filled = SCALE * (1 + 0.5 * v)
    else:
        # The slopes of a PReLU.
        filled = 0.3 + 0.2 * v
    return torch.from_numpy(filled.astype(np.float32).reshape(shape))


def conv(c_in, c_out, side, stride=1, groups=1, pad=None):
    return nn.Conv2d(c_in, c_out, side, stride, side // 2 if pad is None else pad, groups=groups, bias=False)


def stages(units):
    """(channels in, channels out, stride) of every unit, stage by stage; the first of every stage halves the maps."""
    channels = [64, *WIDTHS]
    return [
        [(channels[i] if unit == 0 else WIDTHS[i], WIDTHS[i], 2 if unit == 0 else 1) for unit in range(units[i])]
        for i in range(4)
    ]


# --- arcface_torch: iresnet ------------------------------------------------------------------------------------------


class IResUnit(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(c_in), conv(c_in, c_out, 3)
        self.bn2, self.prelu = nn.BatchNorm2d(c_out), nn.PReLU(c_out)
        self.conv2, self.bn3 = conv(c_out, c_out, 3, stride), nn.BatchNorm2d(c_out)
        self.downsample = None
        if stride != 1 or c_in != c_out:
            self.downsample = nn.Sequential(conv(c_in, c_out, 1, stride), nn.BatchNorm2d(c_out))

    def forward(self, x):
        y = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(y)) + (x if self.downsample is None else self.downsample(x))


class Global(nn.Module):
    """Our name for the head GDC on networks whose projects do not have it."""

    def __init__(self, px):
        super().__init__()
        self.conv, self.bn = conv(512, 512, px, groups=512, pad=0), nn.BatchNorm2d(512)

    def forward(self, x):
        return self.bn(self.conv(x))


class IResNet(nn.Module):
    """Heads: E takes every position, GAP averages behind a PReLU, GDC weighs the positions of each map."""

    def __init__(self, px, units, head):
        super().__init__()
        self.conv1, self.bn1, self.prelu = conv(3, 64, 3), nn.BatchNorm2d(64), nn.PReLU(64)
        for i, rows in enumerate(stages(units), 1):
            setattr(self, f"layer{i}", nn.Sequential(*(IResUnit(*row) for row in rows)))
        self.bn2, self.head = nn.BatchNorm2d(512), head
        if head == "GAP":
            self.prelu2 = nn.PReLU(512)
        if head == "GDC":
            setattr(self, "global", Global(px // 16))
        self.fc = nn.Linear(512 * (px // 16) ** 2 if head == "E" else 512, DIM)
        self.features = nn.BatchNorm1d(DIM)

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.bn2(self.layer4(self.layer3(self.layer2(self.layer1(x)))))
        if self.head == "GAP":
            x = self.prelu2(x).mean((2, 3))
        if self.head == "GDC":
            x = getattr(self, "global")(x)
        return self.features(self.fc(x.flatten(1)))


# --- arcface_torch: MobileFaceNet ------------------------------------------------------------------------------------


class Layers(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class AddedLayers(Layers):
    def forward(self, x):
        return x + self.layers(x)


def conv_block(*args, **kwargs):
    layer = conv(*args, **kwargs)
    return Layers(layer, nn.BatchNorm2d(layer.out_channels), nn.PReLU(layer.out_channels))


def linear_block(*args, **kwargs):
    layer = conv(*args, **kwargs)
    return Layers(layer, nn.BatchNorm2d(layer.out_channels))


def depth_wise(c_in, c_out, between, stride=2, kind=Layers):
    return kind(
        conv_block(c_in, between, 1), conv_block(between, between, 3, stride, between), linear_block(between, c_out, 1)
    )


def residual(count, width, between):
    return Layers(*(depth_wise(width, width, between, 1, AddedLayers) for _ in range(count)))


class MobileFaceNet(nn.Module):
    def __init__(self, px, scale, blocks):
        super().__init__()
        narrow, wide = 64 * scale, 128 * scale
        # The groups are 64 whatever the width.
        second = conv_block(narrow, narrow, 3, 1, 64) if blocks[0] == 1 else residual(blocks[0], narrow, 128)
        self.layers = nn.ModuleList(
            [
                conv_block(3, narrow, 3, 2),
                second,
                depth_wise(narrow, narrow, 128),
                residual(blocks[1], narrow, 128),
                depth_wise(narrow, wide, 256),
                residual(blocks[2], wide, 256),
                depth_wise(wide, wide, 512),
                residual(blocks[3], wide, 256),
            ]
        )
        self.conv_sep = conv_block(wide, 512, 1)
        everywhere = linear_block(512, 512, px // 16, 1, 512, pad=0)
        self.features = Layers(everywhere, nn.Flatten(), nn.Linear(512, DIM, bias=False), nn.BatchNorm1d(DIM))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.features(self.conv_sep(x))


# --- InsightFace_Pytorch: the classic MobileFaceNet ------------------------------------------------------------------


class Classic(nn.Module):
    """Convolution, normalisation and, unless it is linear, PReLU."""

    def __init__(self, *args, linear=False, **kwargs):
        super().__init__()
        self.conv = conv(*args, **kwargs)
        self.bn = nn.BatchNorm2d(self.conv.out_channels)
        self.prelu = None if linear else nn.PReLU(self.conv.out_channels)

    def forward(self, x):
        x = self.bn(self.conv(x))
        return x if self.prelu is None else self.prelu(x)


class ClassicBottleneck(nn.Module):
    def __init__(self, c_in, c_out, between, adds=False):
        super().__init__()
        self.conv, self.adds = Classic(c_in, between, 1), adds
        self.conv_dw = Classic(between, between, 3, 1 if adds else 2, between)
        self.project = Classic(between, c_out, 1, linear=True)

    def forward(self, x):
        y = self.project(self.conv_dw(self.conv(x)))
        return x + y if self.adds else y


class ClassicRow(nn.Module):
    def __init__(self, count, width, between):
        super().__init__()
        self.model = nn.Sequential(*(ClassicBottleneck(width, width, between, adds=True) for _ in range(count)))

    def forward(self, x):
        return self.model(x)


class MobileFaceNetClassic(nn.Module):
    def __init__(self, px):
        super().__init__()
        self.conv1, self.conv2_dw = Classic(3, 64, 3, 2), Classic(64, 64, 3, 1, 64)
        self.conv_23, self.conv_3 = ClassicBottleneck(64, 64, 128), ClassicRow(4, 64, 128)
        self.conv_34, self.conv_4 = ClassicBottleneck(64, 128, 256), ClassicRow(6, 128, 256)
        self.conv_45, self.conv_5 = ClassicBottleneck(128, 128, 512), ClassicRow(2, 128, 256)
        self.conv_6_sep = Classic(128, 512, 1)
        self.conv_6_dw = Classic(512, 512, px // 16, 1, 512, pad=0, linear=True)
        self.linear, self.bn = nn.Linear(512, DIM, bias=False), nn.BatchNorm1d(DIM)

    def forward(self, x):
        x = self.conv2_dw(self.conv1(x))
        x = self.conv_4(self.conv_34(self.conv_3(self.conv_23(x))))
        x = self.conv_6_dw(self.conv_6_sep(self.conv_5(self.conv_45(x))))
        return self.bn(self.linear(x.flatten(1)))


# --- face.evoLVe and AdaFace -----------------------------------------------------------------------------------------


class Gate(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc1, self.fc2 = conv(channels, channels // 16, 1), conv(channels // 16, channels, 1)

    def forward(self, x):
        few = torch.relu(self.fc1(x.mean((2, 3), keepdim=True)))
        return x * torch.sigmoid(self.fc2(few))


class IrUnit(nn.Module):
    """`kind` is adaface (a normalisation in front of the PReLU), evolve, or evolve_se (a gate at the end)."""

    def __init__(self, kind, c_in, c_out, stride):
        super().__init__()
        if c_in == c_out:
            self.shortcut_layer = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Sequential(conv(c_in, c_out, 1, stride), nn.BatchNorm2d(c_out))
        between = [nn.BatchNorm2d(c_out)] if kind == "adaface" else []
        after = [Gate(c_out)] if kind == "evolve_se" else []
        front = [nn.BatchNorm2d(c_in), conv(c_in, c_out, 3), *between, nn.PReLU(c_out)]
        self.res_layer = nn.Sequential(*front, conv(c_out, c_out, 3, stride), nn.BatchNorm2d(c_out), *after)

    def forward(self, x):
        return self.res_layer(x) + self.shortcut_layer(x)


class Ir(nn.Module):
    """Without the division by the length that AdaFace's has at its end."""

    def __init__(self, px, units, kind):
        super().__init__()
        self.input_layer = nn.Sequential(conv(3, 64, 3), nn.BatchNorm2d(64), nn.PReLU(64))
        self.body = nn.Sequential(*(IrUnit(kind, *row) for rows in stages(units) for row in rows))
        features = nn.Linear(512 * (px // 16) ** 2, DIM)
        last = nn.BatchNorm1d(DIM, affine=kind != "adaface")
        self.output_layer = nn.Sequential(nn.BatchNorm2d(512), nn.Dropout(), nn.Flatten(), features, last)

    def forward(self, x):
        return self.output_layer(self.body(self.input_layer(x)))


# --- for images of any kind ------------------------------------------------------------------------------------------


class Block(nn.Module):
    def __init__(self, c_in, inner, c_out, stride):
        super().__init__()
        bottleneck = inner != c_out
        self.conv1 = conv(c_in, inner, 1) if bottleneck else conv(c_in, inner, 3, stride)
        self.conv2 = conv(inner, inner, 3, stride) if bottleneck else conv(inner, inner, 3)
        self.bn1, self.bn2 = nn.BatchNorm2d(inner), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = (conv(inner, c_out, 1), nn.BatchNorm2d(c_out)) if bottleneck else (None, None)
        self.downsample = None
        if stride != 1 or c_in != c_out:
            self.downsample = nn.Sequential(conv(c_in, c_out, 1, stride), nn.BatchNorm2d(c_out))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.conv3 is not None:
            y = self.bn3(self.conv3(torch.relu(y)))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """3×3 stem, no max-pool; `expansion` is 4 for bottlenecks. Stem and first stage keep the size of small images."""

    def __init__(self, _px, units, expansion):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 64, 3), nn.BatchNorm2d(64)
        width = 64
        for i, inner in enumerate(WIDTHS):
            blocks = []
            for unit in range(units[i]):
                blocks.append(Block(width, inner, inner * expansion, 2 if i > 0 and unit == 0 else 1))
                width = inner * expansion
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc, self.features = nn.Linear(width, DIM), nn.BatchNorm1d(DIM)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(x.mean((2, 3))))


class Vgg16(nn.Module):
    """Max-pool behind every stage whose maps have more than one pixel, average at the end."""

    def __init__(self, _px):
        super().__init__()
        width, self.stages = 3, nn.ModuleList()
        for channels, count in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]:
            widths = [width, *[channels] * count]
            self.stages.append(nn.Sequential(*(Classic(*pair, 3, linear=True) for pair in zip(widths, widths[1:]))))
            width = channels
        self.fc, self.features = nn.Linear(512, DIM), nn.BatchNorm1d(DIM)

    def forward(self, x):
        for stage in self.stages:
            for layer in stage:
                x = torch.relu(layer(x))
            if x.shape[2] > 1:
                x = nn.functional.max_pool2d(x, 2)
        return self.features(self.fc(x.mean((2, 3))))


# (side of the images, network)
NETS = {
    "iresnet18_e": (48, functools.partial(IResNet, units=[2, 2, 2, 2], head="E")),
    "iresnet18_gap": (48, functools.partial(IResNet, units=[2, 2, 2, 2], head="GAP")),
    "iresnet18_gdc": (48, functools.partial(IResNet, units=[2, 2, 2, 2], head="GDC")),
    "mobilefacenet": (48, functools.partial(MobileFaceNet, scale=2, blocks=[1, 4, 6, 2])),
    "mobilefacenet_large": (48, functools.partial(MobileFaceNet, scale=4, blocks=[2, 8, 12, 4])),
    "mobilefacenet_classic": (48, MobileFaceNetClassic),
    "evolve_ir50": (32, functools.partial(Ir, units=[3, 4, 14, 3], kind="evolve")),
    "evolve_ir_se50": (32, functools.partial(Ir, units=[3, 4, 14, 3], kind="evolve_se")),
    "adaface_ir18": (48, functools.partial(Ir, units=[2, 2, 2, 2], kind="adaface")),
    # Odd maps on the way: 40, 20, 10, 5, 3 pixels.
    "resnet18": (40, functools.partial(ResNet, units=[2, 2, 2, 2], expansion=1)),
    "resnet50": (40, functools.partial(ResNet, units=[3, 4, 6, 3], expansion=4)),
    "vgg16": (40, Vgg16),
}


def filled(net):
    """The network with the formula's weights, in evaluation mode."""
    state = net.state_dict()
    names = set(state)
    own = {name: values(name, tuple(old.shape), names) for name, old in state.items() if old.is_floating_point()}
    net.load_state_dict(own, strict=False)
    return net.double().eval()


def embeddings(net, px):
    shape = (IMAGES, 3, px, px)
    images = (2 * SCALE * noise("images", int(np.prod(shape)))).astype(np.float32)
    with torch.no_grad():
        return net(torch.from_numpy(images.reshape(shape)).double()).numpy()


def described(row):
    """The first numbers of an embedding, its length, and the sum of its numbers, each with a weight of its own."""
    number = lambda value: float(f"{value:.8g}")
    weighted = number(row @ noise("sum", DIM))
    return {"first": [number(value) for value in row[:8]], "length": number(np.linalg.norm(row)), "weighted": weighted}


def main():
    lines = []
    for name, (px, build) in NETS.items():
        rows = embeddings(filled(build(px)), px)
        net = {"image_px": px, "images": [described(row) for row in rows]}
        lines.append(f"{json.dumps(name)}: {json.dumps(net)}")
    made_with = json.dumps(f"benches/backbone_golden.py, PyTorch {torch.__version__}, 64 bits")
    print("{", f'"made_with": {made_with},', '"nets": {', ",\n".join(lines), "}}", sep="\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
