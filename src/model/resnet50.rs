//! ResNet-50: bottleneck blocks, stages 256-512-1024-2048 of 3, 4, 6 and 3 (He et al. 2016; the stride sits in the 3×3
//! convolution, as torchvision has it).
//!
//! The stem is a 3×3 convolution for images of any size: under 64 pixels it has stride 1 and nothing else, from there on it
//! and the first stage halve the maps, which takes the place of ImageNet's 7×7 stem and max-pool: both end at 4 × 4 for
//! images of 112 pixels.

use super::backbone::{Plan, Stage};

/// Images from this size on are halved twice before the second stage.
const LARGE_PX: usize = 64;

pub(super) fn plan(image_px: usize) -> Plan {
    let stride = if image_px < LARGE_PX { 1 } else { 2 };
    let stage = |channels, blocks, stride| Stage { channels, blocks, stride };
    Plan {
        stem: 64,
        stem_stride: stride,
        bottleneck: true,
        stages: [stage(256, 3, stride), stage(512, 4, 2), stage(1024, 6, 2), stage(2048, 3, 2)],
    }
}
