//! The colours of runs, for the window's plots and for figures: a run keeps its colour wherever it is drawn.
//!
//! As plain numbers, `0xRRGGBB`, because the window and a file want them in forms of their own.

/// Colours of runs on a white page, by their position; they stay apart for colour-blind eyes. The last two, blue and orange,
/// are those of genuine and impostor pairs in the window, where both are drawn on one page: they come when all others are
/// taken.
pub const RUN_COLOURS_LIGHT: [u32; 8] =
    [0x00_7A_58, 0xA2_3F_7C, 0x7D_66_00, 0xC2_3B_22, 0x4F_4B_C4, 0x5B_63_70, 0x00_6A_AB, 0xA6_4A_00];
/// The same on a dark page: Okabe and Ito's colours, brightened where the originals sink into a dark background.
pub const RUN_COLOURS_DARK: [u32; 8] =
    [0x2F_C4_9A, 0xE0_8A_C0, 0xEC_DF_4E, 0xF0_77_3F, 0x96_9C_FF, 0xB6_BE_C9, 0x5A_B8_EE, 0xF0_A0_3C];

/// The colours and the line style of a figure for paper or screen.
#[derive(Debug)]
pub(super) struct Look {
    /// Behind everything.
    pub page: &'static str,
    /// Text and the frame.
    pub ink: &'static str,
    /// Less important text and lines.
    pub dim: &'static str,
    /// Grid lines.
    pub grid: &'static str,
    runs: [u32; 8],
}

static LIGHT: Look = Look { page: "#ffffff", ink: "#1a1f28", dim: "#566070", grid: "#d9dde4", runs: RUN_COLOURS_LIGHT };
static DARK: Look = Look { page: "#1e232c", ink: "#e8ecf2", dim: "#a0abba", grid: "#3a4250", runs: RUN_COLOURS_DARK };

/// Lengths of dashes and gaps in points. Seven to eight colours: the two repeat together only after 56 runs, and runs stay
/// apart where a page is printed in grey.
const DASHES: [&str; 7] = ["", "6 2", "1.5 1.8", "7 2 1.5 2", "3 1.5", "10 2.5", "5 1.5 1.5 1.5 1.5 1.5"];

impl Look {
    /// For a dark or a white page.
    pub fn of(dark: bool) -> &'static Self {
        if dark { &DARK } else { &LIGHT }
    }

    /// The attributes of a run's line: colour, and dashes where it has some.
    pub fn stroke(&self, series: usize) -> String {
        let dashes = DASHES.get(series % DASHES.len()).copied().unwrap_or_default();
        let stroke = format!(r#" stroke="{}""#, self.colour(series));
        if dashes.is_empty() { stroke } else { format!(r#"{stroke} stroke-dasharray="{dashes}""#) }
    }

    /// A run's colour.
    pub fn colour(&self, series: usize) -> String {
        format!("#{:06x}", self.runs.get(series % self.runs.len()).copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn runs_differ_in_colour_and_without_colour() {
        for dark in [false, true] {
            let look = Look::of(dark);
            let colours: BTreeSet<String> = (0..8).map(|run| look.colour(run)).collect();
            let lines: BTreeSet<String> = (0..56).map(|run| look.stroke(run)).collect();
            assert_eq!((colours.len(), lines.len()), (8, 56));
        }
        assert_eq!(DASHES.into_iter().collect::<BTreeSet<_>>().len(), DASHES.len());
        assert_eq!(Look::of(false).stroke(0), r##" stroke="#007a58""##);
        assert_eq!(Look::of(false).stroke(8), r##" stroke="#007a58" stroke-dasharray="6 2""##);
    }
}
