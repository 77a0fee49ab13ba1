//! The CPU version: our own loops where a group has few channels. No network of ours has more; those take burn's way.

use super::loops::{Gather, pack, pack_turned, weight_gradient};
use super::shape::Shape;
use super::{FoldedGrouped, GroupedBackend, Grouping, folded, reference};
use crate::kernels::conv::Finish;
use crate::kernels::flex_tensor::{f32_slice, from_vec, optional_slice};
use burn::backend::Flex;
use burn_flex::FlexTensor;
use pulp::Arch;

fn shape_of(x: &FlexTensor, w: &FlexTensor, grouping: Grouping) -> Option<Shape> {
    Shape::new(x.layout().shape().dims::<4>(), w.layout().shape().dims::<4>(), grouping)
}

impl GroupedBackend for Flex {
    fn grouped(x: FlexTensor, w: FlexTensor, grouping: Grouping) -> FlexTensor {
        let (x, w) = (x.to_contiguous(), w.to_contiguous());
        match (f32_slice(&x), f32_slice(&w), shape_of(&x, &w, grouping)) {
            (Some(xs), Some(ws), Some(shape)) => {
                let weights = pack(ws, &shape);
                let y = Gather::output(xs, &weights, &shape, None).run(Arch::new());
                from_vec(y, shape.output.dims(shape.n))
            }
            _ => reference::forward::<Self>(x, w, grouping),
        }
    }

    fn grouped_backward(
        x: FlexTensor,
        w: FlexTensor,
        dy: FlexTensor,
        grouping: Grouping,
        want: [bool; 2],
    ) -> [Option<FlexTensor>; 2] {
        let (x, w, dy) = (x.to_contiguous(), w.to_contiguous(), dy.to_contiguous());
        let slices = (f32_slice(&x), f32_slice(&w), f32_slice(&dy), shape_of(&x, &w, grouping));
        let (Some(xs), Some(ws), Some(dys), Some(shape)) = slices else {
            return reference::backward::<Self>(x, w, dy, grouping, want);
        };
        let arch = Arch::new();
        let dx = want[0].then(|| {
            let weights = pack_turned(ws, &shape);
            from_vec(Gather::input_gradient(dys, &weights, &shape).run(arch), shape.input.dims(shape.n))
        });
        let dims = [shape.output.channels, shape.per_group, shape.side, shape.side];
        [dx, want[1].then(|| from_vec(weight_gradient(xs, dys, &shape, arch), dims))]
    }

    fn folded_grouped(x: FlexTensor, conv: &FoldedGrouped<Self>) -> FlexTensor {
        let (x, w) = (x.to_contiguous(), conv.weight.to_contiguous());
        let slices = (f32_slice(&x), f32_slice(&w), f32_slice(&conv.offset), optional_slice(conv.slope.as_ref()));
        match (slices, shape_of(&x, &w, conv.grouping)) {
            ((Some(xs), Some(ws), Some(offset), Some(slope)), Some(shape)) => {
                let weights = conv.packed.get_or_init(|| pack(ws, &shape));
                let finish = Finish::prelu(offset, slope);
                let y = Gather::output(xs, weights, &shape, Some(finish)).run(Arch::new());
                from_vec(y, shape.output.dims(shape.n))
            }
            _ => folded::reference::<Self>(x, conv),
        }
    }
}
