//! A batch as plain numbers. Tensors are made from it where the device is, not here.

use super::{DataError, ImageStore, Warning};
use std::borrow::Cow;

/// Some images as the network sees them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostBatch {
    /// Normalised values, shape (N, C, H, W) with H = W = `px`.
    pub images: Vec<f32>,
    /// One per image: the training label, or the catalogue class for evaluation.
    pub labels: Vec<u32>,
    /// One per image: its position in the catalogue.
    pub items: Vec<u32>,
    /// 1 or 3.
    pub channels: usize,
    /// Side in pixels.
    pub px: usize,
}

impl HostBatch {
    /// Images in the batch.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// No image.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The batch in at most `count` parts, in order, the first of which may have one image more than the last; in fewer
    /// where a part would have a single image. None for an empty batch.
    pub fn parts(&self, count: usize) -> impl Iterator<Item = Cow<'_, Self>> {
        let parts = part_count(self.len(), count);
        let (size, longer) = (self.len() / parts.max(1), self.len() % parts.max(1));
        let image = self.images.len() / self.len().max(1);
        (0..parts).map(move |part| {
            let first = part * size + part.min(longer);
            let range = first..first + size + usize::from(part < longer);
            if range.len() == self.len() {
                return Cow::Borrowed(self);
            }
            Cow::Owned(Self {
                images: self.images[range.start * image..range.end * image].to_vec(),
                labels: self.labels[range.clone()].to_vec(),
                items: self.items[range].to_vec(),
                ..*self
            })
        })
    }
}

/// Images in the largest of the parts that a batch of `images` is computed in where `count` are asked for.
pub fn largest_part(images: usize, count: usize) -> usize {
    images.div_ceil(part_count(images, count).max(1))
}

/// A part has two images at least, where the batch has them: the normalisation of one embedding over its batch divides by a
/// deviation of zero, and its gradients are beyond all bounds.
fn part_count(images: usize, asked: usize) -> usize {
    asked.clamp(1, (images / 2).max(1)).min(images)
}

/// Batches of `items` in their order, without augmentation, labelled with the catalogue class; the last may be short.
/// `flip` mirrors every image (for embeddings averaged with their mirror image).
pub fn plain_batches<'a>(store: &'a ImageStore, items: &'a [u32], batch: usize, flip: bool) -> PlainBatches<'a> {
    PlainBatches { store, chunks: items.chunks(batch.max(1)), flip }
}

/// See [`plain_batches`].
#[derive(Debug)]
pub struct PlainBatches<'a> {
    store: &'a ImageStore,
    chunks: std::slice::Chunks<'a, u32>,
    flip: bool,
}

impl Iterator for PlainBatches<'_> {
    /// The images that could be read, and a warning for each that could not.
    type Item = (HostBatch, Vec<Warning>);

    fn next(&mut self) -> Option<Self::Item> {
        let items = self.chunks.next()?;
        Some(self.make(items))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }
}

impl ExactSizeIterator for PlainBatches<'_> {}

impl PlainBatches<'_> {
    fn make(&self, items: &[u32]) -> (HostBatch, Vec<Warning>) {
        let pre = self.store.preprocess();
        let catalog = self.store.catalog();
        let (mut images, failed) = fill_images(self.store, items, |_, pixels, out| {
            if self.flip { pre.normalise_mirrored(pixels, out) } else { pre.normalise(pixels, out) }
        });
        let name = |position: usize| items.get(position).map(|item| catalog.name(*item as usize)).unwrap_or_default();
        let warnings = failed.iter().map(|(position, error)| Warning::from_error(&name(*position), error)).collect();
        let mut items = items.to_vec();
        // From the back, so that the positions in front stay what they are.
        for (position, _) in failed.iter().rev() {
            let len = pre.sample_len();
            images.drain(position * len..(position + 1) * len);
            items.remove(*position);
        }
        let class = |&item: &u32| catalog.items.get(item as usize).map_or(u32::MAX, |item| item.class);
        let labels = items.iter().map(class).collect();
        let batch = HostBatch { images, labels, items, channels: pre.channels as usize, px: pre.image_px as usize };
        (batch, warnings)
    }
}

/// Pixels worth a task of their own: smaller images are done several to a task.
const PIXELS_PER_TASK: usize = 1 << 14;

/// Reads the images in parallel and lets `write` (position in `items`, bytes, destination) turn each into numbers.
/// Images that cannot be read leave zeros and are listed with their positions, ascending.
pub(super) fn fill_images(
    store: &ImageStore,
    items: &[u32],
    write: impl Fn(usize, &[u8], &mut [f32]) + Sync,
) -> (Vec<f32>, Vec<(usize, DataError)>) {
    use rayon::prelude::*;
    let len = store.preprocess().sample_len().max(1);
    let mut images = vec![0.0; items.len() * len];
    // Decoding costs far more than turning bytes into numbers.
    let per_task = if store.is_cached() { (PIXELS_PER_TASK / len).max(1) } else { 1 };
    let failed: Vec<(usize, DataError)> = images
        .par_chunks_exact_mut(len)
        .zip(items)
        .enumerate()
        .with_min_len(per_task)
        .map_init(Vec::new, |pixels, (position, (out, &item))| {
            store.read(item, pixels).map(|()| write(position, pixels, out)).err().map(|error| (position, error))
        })
        .flatten_iter()
        .collect();
    (images, failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images of 2 × 2 grey pixels that hold their place in the batch.
    fn batch(images: u32) -> HostBatch {
        let items: Vec<u32> = (0..images).collect();
        let pixels = items.iter().flat_map(|item| [*item as f32; 4]).collect();
        HostBatch { images: pixels, labels: items.clone(), items, channels: 1, px: 2 }
    }

    #[test]
    fn no_part_of_a_batch_has_a_single_image() {
        for images in 2..40 {
            let whole = batch(images);
            for count in 0..50 {
                let parts: Vec<_> = whole.parts(count).collect();
                let sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
                assert!(parts.len() <= count.max(1) && sizes.iter().all(|size| *size > 1), "{images}: {sizes:?}");
                assert_eq!(sizes.iter().max(), Some(&largest_part(images as usize, count)));
                assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes[0] - sizes[sizes.len() - 1] <= 1, "{sizes:?}");
                let items: Vec<u32> = parts.iter().flat_map(|part| part.items.iter().copied()).collect();
                let labels: Vec<u32> = parts.iter().flat_map(|part| part.labels.iter().copied()).collect();
                assert!(items == whole.items && labels == whole.labels);
                let pixels: Vec<f32> = parts.iter().flat_map(|part| part.images.iter().copied()).collect();
                assert_eq!(pixels, whole.images);
            }
        }
        let sizes = |images: u32, count| batch(images).parts(count).map(|part| part.len()).collect::<Vec<_>>();
        assert_eq!(sizes(32, 4), [8; 4]);
        assert_eq!(sizes(5, 4), [3, 2], "not 2, 2 and 1");
        assert_eq!(sizes(1, 4), [1], "there is no second image");
        assert!(sizes(0, 4).is_empty());
    }
}
