//! The plan of a backbone: a 3×3 stem and four stages of residual blocks. Both networks are this plan with other numbers.

use crate::config::Net;

/// One stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    /// Output channels.
    pub channels: usize,
    /// Residual blocks.
    pub blocks: usize,
    /// Stride of the first block.
    pub stride: usize,
}

/// A whole backbone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Output channels of the stem.
    pub stem: usize,
    /// Stride of the stem.
    pub stem_stride: usize,
    /// The four stages.
    pub stages: [Stage; 4],
}

/// One convolution of a plan, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConvCount {
    pub c_in: usize,
    pub c_out: usize,
    pub side: usize,
    /// Side of the output in pixels.
    pub out_px: usize,
}

impl Plan {
    pub(super) fn of(net: Net, image_px: usize) -> Self {
        match net {
            Net::Small => super::small::plan(image_px),
            Net::Resnet18 => super::resnet18::plan(),
        }
    }

    /// Channels after the last stage.
    pub(super) fn features(&self) -> usize {
        self.stages[3].channels
    }

    /// Side of the last maps in pixels.
    pub(super) fn last_px(&self, image_px: usize) -> usize {
        let strides = self.stages.iter().map(|stage| stage.stride);
        strides.fold(image_px.div_ceil(self.stem_stride), |px, stride| px.div_ceil(stride))
    }

    /// (channels in, channels out, stride) of every block of a stage.
    pub(super) fn blocks(&self, stage: usize) -> impl Iterator<Item = ([usize; 2], usize)> {
        let before = if stage == 0 { self.stem } else { self.stages[stage - 1].channels };
        let Stage { channels, blocks, stride } = self.stages[stage];
        (0..blocks).map(move |i| if i == 0 { ([before, channels], stride) } else { ([channels, channels], 1) })
    }

    /// Every convolution in the order it runs, for images of a size; each is followed by a batch normalisation.
    pub(super) fn convolutions(&self, image_channels: usize, image_px: usize) -> Vec<ConvCount> {
        let mut px = image_px.div_ceil(self.stem_stride);
        let mut list = vec![ConvCount { c_in: image_channels, c_out: self.stem, side: 3, out_px: px }];
        for stage in 0..self.stages.len() {
            for ([c_in, c_out], stride) in self.blocks(stage) {
                px = px.div_ceil(stride);
                if stride != 1 || c_in != c_out {
                    list.push(ConvCount { c_in, c_out, side: 1, out_px: px });
                }
                list.push(ConvCount { c_in, c_out, side: 3, out_px: px });
                list.push(ConvCount { c_in: c_out, c_out, side: 3, out_px: px });
            }
        }
        list
    }
}
