//! The numbers of a margin.

use serde::{Deserialize, Serialize};

/// The three margins of ArcFace's general form (arXiv:1801.07698, eq. 4): `cos(factor·θ + rad) − cos`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Margins {
    /// Multiplies the angle (m₁).
    pub factor: f64,
    /// Added to the angle, in radians (m₂).
    pub rad: f64,
    /// Taken from the cosine (m₃).
    pub cos: f64,
}

impl Margins {
    /// Changes nothing.
    pub const NONE: Self = Self { factor: 1.0, rad: 0.0, cos: 0.0 };

    /// The margins when a share in [0, 1] of them is in force.
    pub fn share(self, share: f64) -> Self {
        Self { factor: 1.0 + (self.factor - 1.0) * share, rad: self.rad * share, cos: self.cos * share }
    }

    /// The one number that stands for them in a table: the angle if there is one, else the cosine, else what the factor
    /// adds to 1.
    pub fn main(self) -> f64 {
        if self.rad > 0.0 {
            self.rad
        } else if self.cos > 0.0 {
            self.cos
        } else {
            self.factor - 1.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_lies_between_none_and_all() {
        let margins = Margins { factor: 1.5, rad: 0.4, cos: 0.2 };
        assert_eq!(margins.share(0.0), Margins::NONE);
        assert_eq!(margins.share(1.0), margins);
        assert_eq!(margins.share(0.5), Margins { factor: 1.25, rad: 0.2, cos: 0.1 });
        assert_eq!((margins.main(), Margins::NONE.main()), (0.4, 0.0));
    }
}
