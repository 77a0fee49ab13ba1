//! ResNet-18 in its small-image form: 3×3 stem with stride 1, no max-pool, stages 64-128-256-512 of two blocks each
//! (He et al. 2016; the form is that of the CIFAR experiments everybody runs).

use super::backbone::{Plan, Stage};

pub(super) fn plan() -> Plan {
    let stage = |channels, stride| Stage { channels, blocks: 2, stride };
    Plan {
        stem: 64,
        stem_stride: 1,
        bottleneck: false,
        stages: [stage(64, 1), stage(128, 2), stage(256, 2), stage(512, 2)],
    }
}
