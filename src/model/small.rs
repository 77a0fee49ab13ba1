//! The small net: about 360,000 weights and 30 million multiply-adds per image, made to learn a few thousand images on
//! two CPU cores while a person watches.
//!
//! Its strides follow the image: 64-pixel images are halved by the stem, 32-pixel ones are not, so both reach the
//! blocks at about the same size and cost about the same.

use super::backbone::{Plan, Stage};

pub(super) fn plan(image_px: usize) -> Plan {
    let stage = |channels, stride| Stage { channels, blocks: 1, stride };
    Plan {
        stem: 24,
        stem_stride: if image_px < 48 { 1 } else { 2 },
        bottleneck: false,
        stages: [stage(24, if image_px < 96 { 1 } else { 2 }), stage(48, 2), stage(96, 2), stage(96, 2)],
    }
}
