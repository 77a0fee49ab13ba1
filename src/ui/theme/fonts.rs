//! The typeface: Inter in two weights, bundled, so that the program looks the same everywhere.
//!
//! Its digits are of one width: live numbers do not jump. egui's own fonts stay behind it for signs Inter lacks.
//! The files are subsets (Latin, Greek, punctuation, mathematics), about 100 kB each; licence beside them.

use eframe::egui::epaint::text::{FontData, FontDefinitions, FontFamily};
use std::sync::Arc;

const REGULAR: &str = "Inter";
const SEMIBOLD: &str = "Inter SemiBold";

/// Titles, numbers that stand for themselves, the primary button.
pub(super) fn semibold() -> FontFamily {
    FontFamily::Name(SEMIBOLD.into())
}

/// egui's fonts with Inter in front.
pub(super) fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let regular = FontData::from_static(include_bytes!("../../../assets/fonts/Inter-Regular.otf"));
    let semibold_data = FontData::from_static(include_bytes!("../../../assets/fonts/Inter-SemiBold.otf"));
    fonts.font_data.insert(REGULAR.to_owned(), Arc::new(regular));
    fonts.font_data.insert(SEMIBOLD.to_owned(), Arc::new(semibold_data));
    let behind = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let with = |first: &str| std::iter::once(first.to_owned()).chain(behind.iter().cloned()).collect::<Vec<_>>();
    fonts.families.insert(FontFamily::Proportional, with(REGULAR));
    fonts.families.insert(semibold(), with(SEMIBOLD));
    fonts
}
