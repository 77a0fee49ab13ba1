//! The first class weights of classes that the network to start from does not know.
//!
//! Weight imprinting (Qi, Brown & Lowe, CVPR 2018, arXiv:1712.07136, section 3): the row of a class is the mean of the unit
//! embeddings of its images, made one long again. Rows in random directions would pull a good network away from where it is
//! before they have found their places.
//!
//! A function of the images and the seed: a run that was killed before its first checkpoint computes the same rows again.

use super::origin::StartRow;
use super::session::Session;
use super::validate::{InBatches, at_once, for_batches};
use super::{Control, TrainError};
use crate::config::TrainConfig;
use crate::data::{ImageStore, Split, Warnings};
use crate::kernels::random::Draw;
use crate::loss::HeadSpec;

/// Images of a class that its mean is taken of, at most: the first of them in the training part.
pub(super) const MOST_IMAGES: usize = 16;
/// Length of what the further centres of a class (sub-centre losses) begin away from its first one, in a random direction. Equal
/// rows would stay equal for ever: of two, always the same would be the nearest.
const APART: f64 = 0.1;
/// Below this, a row has no direction.
const SHORTEST: f64 = 1e-12;
/// Numbers of finished rows that are kept until they are set (16 MiB): each time, the class weights are copied as a whole.
const AT_ONCE: usize = 4 << 20;

/// The images that a run learns from.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrainingPart<'a> {
    /// The images.
    pub store: &'a ImageStore,
    /// Which of them are trained on, and the labels of their classes.
    pub split: &'a Split,
    /// Seed of the run.
    pub seed: u64,
    /// How many of them are embedded at once.
    pub at_once: usize,
    /// Ends the work early.
    pub control: &'a Control,
}

impl<'a> TrainingPart<'a> {
    /// As the settings of the run say.
    pub fn of(store: &'a ImageStore, split: &'a Split, train: &TrainConfig, control: &'a Control) -> Self {
        Self { store, split, seed: u64::from(train.seed), at_once: at_once(train), control }
    }
}

/// Sets the rows of the classes that are not `known` (by label), one long: so do fresh rows begin, whatever the loss. Classes
/// none of whose images can be used keep their random ones. `session` has the network to start from. The labels of the classes
/// that got rows come back, and the images that could not be read as warnings.
///
/// # Errors
/// When no image at all can be read, or the device fails; [`TrainError::Cancelled`] when asked to stop.
pub(super) fn set_rows(
    session: &mut dyn Session,
    part: &TrainingPart<'_>,
    head: &HeadSpec,
    known: &[bool],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Vec<usize>, Warnings), TrainError> {
    let items = first_images(part, known);
    let mut means = Means::new(head, part.seed);
    let images = InBatches { store: part.store, items: &items, at_once: part.at_once };
    let left_out = for_batches(images, part.control, progress, &mut |batch| {
        let embeddings = session.embed(batch)?;
        for (class, embedding) in batch.labels.iter().zip(embeddings.chunks_exact(head.embedding_dim.max(1))) {
            if let Some(label) = part.split.label(*class) {
                means.add(label as usize, embedding);
            }
        }
        // All rows of a hundred thousand classes would take as much memory once more as the class weights.
        if means.is_full() { session.set_rows(&means.take()) } else { Ok(()) }
    })?;
    means.close();
    session.set_rows(&means.take())?;
    Ok((means.begun, left_out))
}

/// The first images of every class that is not known, class by class.
fn first_images(part: &TrainingPart<'_>, known: &[bool]) -> Vec<u32> {
    let items = &part.store.catalog().items;
    let mut wanted: Vec<usize> = known.iter().map(|known| if *known { 0 } else { MOST_IMAGES }).collect();
    let mut chosen = Vec::new();
    for &item in &part.split.train {
        let label = items.get(item as usize).and_then(|item| part.split.label(item.class));
        let Some(label) = label else { continue };
        if let Some(wanted) = wanted.get_mut(label as usize).filter(|wanted| **wanted > 0) {
            *wanted -= 1;
            chosen.push((label, item));
        }
    }
    chosen.sort_unstable();
    chosen.into_iter().map(|(_, item)| item).collect()
}

/// The means of one class after the other.
struct Means<'a> {
    head: &'a HeadSpec,
    draw: Draw,
    /// The class whose images come now, and the sum of their unit embeddings.
    now: Option<(usize, Vec<f64>)>,
    /// Rows of finished classes that were not taken yet.
    rows: Vec<StartRow>,
    /// Finished classes that have rows.
    begun: Vec<usize>,
}

impl<'a> Means<'a> {
    fn new(head: &'a HeadSpec, seed: u64) -> Self {
        Self { head, draw: Draw::new(seed, "sub-centres"), now: None, rows: Vec::new(), begun: Vec::new() }
    }

    /// The next image. All of a class come one after the other.
    fn add(&mut self, class: usize, embedding: &[f32]) {
        if self.now.as_ref().is_some_and(|(now, _)| *now != class) {
            self.close();
        }
        let Some(unit) = unit(embedding.iter().map(|value| f64::from(*value)).collect()) else { return };
        match &mut self.now {
            Some((_, sum)) => sum.iter_mut().zip(unit).for_each(|(sum, value)| *sum += value),
            None => self.now = Some((class, unit)),
        }
    }

    /// The class has no more images.
    fn close(&mut self) {
        let Some((class, sum)) = self.now.take() else { return };
        let Some(mean) = unit(sum) else { return };
        self.begun.push(class);
        let centres = self.head.options.subcenters;
        for centre in 0..centres {
            let centre_weight = if centre == 0 { Some(mean.clone()) } else { apart(&mean, &mut self.draw) };
            self.rows.extend(centre_weight.map(|weight| StartRow {
                row: class * centres + centre,
                weight: weight.into_iter().map(|value| value as f32).collect(),
                bias: None,
            }));
        }
    }

    /// So many rows wait that they should be taken.
    fn is_full(&self) -> bool {
        self.rows.len().saturating_mul(self.head.embedding_dim) >= AT_ONCE
    }

    /// The rows of the classes that are finished.
    fn take(&mut self) -> Vec<StartRow> {
        std::mem::take(&mut self.rows)
    }
}

/// A little away from a centre of a class that is one long, and one long itself; `None` where it has no direction.
pub(super) fn apart(centre: &[f64], draw: &mut Draw) -> Option<Vec<f64>> {
    let each = APART / (centre.len() as f64).sqrt();
    unit(centre.iter().map(|value| value + each * draw.standard_normal()).collect())
}

/// The same direction, one long; `None` where there is none.
fn unit(mut row: Vec<f64>) -> Option<Vec<f64>> {
    let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
    if !length.is_finite() || length < SHORTEST {
        return None;
    }
    row.iter_mut().for_each(|value| *value /= length);
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Head, Margins};

    fn head(subcenters: usize) -> HeadSpec {
        let mut head = HeadSpec::plain(Head::ArcFace, [4, 2], 16.0, Margins::NONE);
        head.options.subcenters = subcenters;
        head
    }

    /// The rows after the last image.
    fn finish(mut means: Means<'_>) -> Vec<StartRow> {
        means.close();
        means.take()
    }

    fn length(row: &[f32]) -> f32 {
        row.iter().map(|value| value * value).sum::<f32>().sqrt()
    }

    #[test]
    fn a_row_is_the_mean_of_the_directions_and_not_of_the_lengths() {
        let head = head(1);
        let mut means = Means::new(&head, 1);
        means.add(0, &[2.0, 0.0]);
        means.add(0, &[0.0, 200.0]);
        means.add(2, &[0.0, -3.0]);
        // What has no direction counts for nothing, and a class without any has no row.
        means.add(2, &[0.0, 0.0]);
        means.add(2, &[f32::NAN, 1.0]);
        means.add(3, &[0.0, 0.0]);
        let rows = finish(means);
        assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [0, 2]);
        let half = 0.5_f32.sqrt();
        assert!((rows[0].weight[0] - half).abs() < 1e-6 && (rows[0].weight[1] - half).abs() < 1e-6, "{rows:?}");
        assert_eq!((rows[1].weight.as_slice(), rows[1].bias), (&[0.0, -1.0][..], None));
    }

    #[test]
    fn opposite_images_have_no_mean() {
        let head = head(1);
        let mut means = Means::new(&head, 1);
        means.add(1, &[1.0, 0.0]);
        means.add(1, &[-1.0, 0.0]);
        assert!(finish(means).is_empty());
    }

    #[test]
    fn rows_that_are_taken_in_between_are_the_same_as_all_at_once() {
        let head = head(2);
        let images = [(0, [0.6, 0.8]), (0, [1.0, 0.0]), (1, [0.0, 1.0]), (3, [-1.0, 0.0])];
        let rows = |in_between: bool| {
            let (mut means, mut rows) = (Means::new(&head, 7), Vec::new());
            for (class, embedding) in images {
                means.add(class, &embedding);
                if in_between {
                    rows.extend(means.take());
                }
            }
            means.close();
            rows.extend(means.take());
            (rows, means.begun)
        };
        let (found, begun) = rows(true);
        assert_eq!((found.len(), begun), (6, vec![0, 1, 3]));
        assert_eq!(found, rows(false).0);
    }

    #[test]
    fn rows_are_set_before_they_take_much_memory() {
        let row = StartRow { row: 0, weight: Vec::new(), bias: None };
        let mut head = head(1);
        head.embedding_dim = 512;
        let mut means = Means::new(&head, 1);
        means.rows = vec![row.clone(); AT_ONCE / 512 - 1];
        assert!(!means.is_full());
        means.rows.push(row);
        assert!(means.is_full() && means.take().len() == AT_ONCE / 512 && !means.is_full());
    }

    #[test]
    fn the_centres_of_a_class_begin_near_its_mean_and_differ_the_same_with_the_same_seed() {
        let head = head(3);
        let rows = |seed| {
            let mut means = Means::new(&head, seed);
            means.add(1, &[0.6, 0.8]);
            finish(means)
        };
        let found = rows(7);
        assert_eq!(found.iter().map(|row| row.row).collect::<Vec<_>>(), [3, 4, 5]);
        for row in &found {
            let cosine = row.weight[0] * 0.6 + row.weight[1] * 0.8;
            assert!(cosine > 0.8 && (length(&row.weight) - 1.0).abs() < 1e-6, "{row:?}");
        }
        assert!(found[0].weight != found[1].weight && found[1].weight != found[2].weight, "{found:?}");
        assert_eq!(found, rows(7));
        assert_ne!(found, rows(8));
    }
}
