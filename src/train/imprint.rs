//! The first class weights of classes that the network to start from does not know.
//!
//! Weight imprinting (Qi, Brown & Lowe, CVPR 2018, arXiv:1712.07136, section 3): the row of a class is the mean of the unit
//! embeddings of its images, made one long again. Rows in random directions would pull a good network away from where it is
//! before they have found their places.
//!
//! A function of the images and the seed: a run that was killed before its first checkpoint computes the same rows again.

use super::origin::StartRow;
use super::session::Session;
use super::validate::for_batches;
use super::{Control, TrainError};
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

/// The images that a run learns from.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrainingPart<'a> {
    /// The images.
    pub store: &'a ImageStore,
    /// Which of them are trained on, and the labels of their classes.
    pub split: &'a Split,
    /// Seed of the run.
    pub seed: u64,
    /// Ends the work early.
    pub control: &'a Control,
}

/// The rows of the classes that are not `known` (by label), one long: so do fresh rows begin, whatever the loss. Classes none
/// of whose images can be used get none. `session` has the network to start from; the images that could not be read come
/// back as warnings.
///
/// # Errors
/// When no image at all can be read, or the device fails; [`TrainError::Cancelled`] when asked to stop.
pub(super) fn rows(
    session: &dyn Session,
    part: &TrainingPart<'_>,
    head: &HeadSpec,
    known: &[bool],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Vec<StartRow>, Warnings), TrainError> {
    let items = first_images(part, known);
    let mut means = Means::new(head, part.seed);
    let left_out = for_batches(part.store, &items, part.control, progress, &mut |batch| {
        let embeddings = session.embed(batch)?;
        for (class, embedding) in batch.labels.iter().zip(embeddings.chunks_exact(head.embedding_dim.max(1))) {
            if let Some(label) = part.split.label(*class) {
                means.add(label as usize, embedding);
            }
        }
        Ok(())
    })?;
    Ok((means.finish(), left_out))
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
    rows: Vec<StartRow>,
}

impl<'a> Means<'a> {
    fn new(head: &'a HeadSpec, seed: u64) -> Self {
        Self { head, draw: Draw::new(seed, "sub-centres"), now: None, rows: Vec::new() }
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

    fn finish(mut self) -> Vec<StartRow> {
        self.close();
        self.rows
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
        let rows = means.finish();
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
        assert!(means.finish().is_empty());
    }

    #[test]
    fn the_centres_of_a_class_begin_near_its_mean_and_differ_the_same_with_the_same_seed() {
        let head = head(3);
        let rows = |seed| {
            let mut means = Means::new(&head, seed);
            means.add(1, &[0.6, 0.8]);
            means.finish()
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
