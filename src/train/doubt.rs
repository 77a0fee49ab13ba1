//! What makes measured error rates doubtful: pairs of two images whose embeddings are one. Either an image lies there twice,
//! which in one class makes the network look better than it is, and in two classes worse, or the network tells nothing apart.

use super::EvaluationResult;
use crate::eval::ErrorRates;

/// Between the rounding of a cosine of 512 numbers and images that merely look alike.
const ONE: f32 = 1.0 - 5e-7;
/// On a circle or a sphere many images come to lie at one place.
const FEW_DIMENSIONS: usize = 3;

/// Why error rates should not be trusted as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Most images have the same embedding.
    Collapsed,
    /// The two images of so many pairs have the same embedding, enough of them to change the rates.
    Copies { genuine: usize, impostor: usize },
}

impl Doubt {
    /// What is doubtful about the rates of embeddings with `dim` numbers.
    pub fn of(rates: &ErrorRates, dim: usize) -> Option<Self> {
        let (missed, impostor) = rates.errors_at(ONE);
        let genuine = rates.n_genuine() - missed;
        if dim <= FEW_DIMENSIONS || (impostor == 0 && genuine * 100 < rates.n_genuine()) {
            return None;
        }
        let is_collapsed = impostor * 2 > rates.n_impostor();
        Some(if is_collapsed { Self::Collapsed } else { Self::Copies { genuine, impostor } })
    }

    /// The sentence, without its stop and without what to do, each number with its noun as `counted` writes it.
    pub fn words(self, counted: impl Fn(usize, &str) -> String) -> String {
        let Self::Copies { genuine, impostor } = self else {
            return "most images have the same embedding: this network tells nothing apart, and its threshold means nothing"
                .to_owned();
        };
        let kinds = [(genuine, "genuine pair"), (impostor, "impostor pair")];
        let found: Vec<String> = kinds.iter().filter(|kind| kind.0 > 0).map(|&(n, kind)| counted(n, kind)).collect();
        let found = found.join(" and of ");
        format!("the two images of {found} have the same embedding; copies of one image count as if they were two")
    }
}

impl EvaluationResult {
    /// What is doubtful about its rates.
    pub fn doubt(&self) -> Option<Doubt> {
        Doubt::of(&self.rates, self.table.dim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::counted;

    #[test]
    fn copies_among_the_pairs_are_told_where_they_change_the_rates() {
        let doubt =
            |genuine: &[f32], impostor: &[f32], dim| Doubt::of(&ErrorRates::new(genuine, impostor).unwrap(), dim);
        let apart: Vec<f32> = (0..200_u8).map(|pair| f32::from(pair) / 250.0).collect();
        assert_eq!(doubt(&apart, &apart, 128), None);
        let copied = [&apart[..], &[1.0, 0.999_999_9, 1.0]].concat();
        assert_eq!(doubt(&copied, &apart, 128), Some(Doubt::Copies { genuine: 3, impostor: 0 }));
        assert_eq!(doubt(&copied, &apart, 2), None, "many lie at one place there");
        assert_eq!(doubt(&[&apart.repeat(3)[..], &[1.0]].concat(), &apart, 128), None, "one of 601 changes nothing");
        let both = doubt(&copied, &[&apart[..], &[1.0]].concat(), 128);
        assert_eq!(both, Some(Doubt::Copies { genuine: 3, impostor: 1 }));
        assert_eq!(doubt(&[1.0; 4], &[1.0; 24], 128), Some(Doubt::Collapsed));
    }

    #[test]
    fn only_the_kinds_of_pairs_that_have_copies_are_named() {
        let told = |genuine, impostor| Doubt::Copies { genuine, impostor }.words(counted);
        assert!(told(3, 0).contains("of 3 genuine pairs have"), "{}", told(3, 0));
        assert!(told(0, 1).contains("of 1 impostor pair have"), "{}", told(0, 1));
        assert!(told(3, 1).contains("of 3 genuine pairs and of 1 impostor pair have"), "{}", told(3, 1));
        assert!(Doubt::Collapsed.words(counted).contains("tells nothing apart"));
    }
}
