//! What a file may be by the ending of its name, before anything of it is read. All endings are in lower case.

use image::ImageFormat;
use std::path::Path;

const FORMATS: [(&str, ImageFormat); 17] = [
    ("jpg", ImageFormat::Jpeg),
    ("jpeg", ImageFormat::Jpeg),
    ("jpe", ImageFormat::Jpeg),
    ("jfif", ImageFormat::Jpeg),
    ("png", ImageFormat::Png),
    ("apng", ImageFormat::Png),
    ("bmp", ImageFormat::Bmp),
    ("dib", ImageFormat::Bmp),
    ("gif", ImageFormat::Gif),
    ("tif", ImageFormat::Tiff),
    ("tiff", ImageFormat::Tiff),
    ("webp", ImageFormat::WebP),
    ("pbm", ImageFormat::Pnm),
    ("pgm", ImageFormat::Pnm),
    ("ppm", ImageFormat::Pnm),
    ("pnm", ImageFormat::Pnm),
    ("pam", ImageFormat::Pnm),
];

/// Endings of images.
pub const IMAGE_ENDINGS: [&str; FORMATS.len()] = {
    let mut endings = [""; FORMATS.len()];
    let mut index = 0;
    while index < endings.len() {
        endings[index] = FORMATS[index].0;
        index += 1;
    }
    endings
};

/// Endings of lists, of images as of pairs; those of mxnet's own lists of images are not among them.
pub const LIST_ENDINGS: [&str; 4] = ["txt", "csv", "tsv", "list"];

/// The ending of verification sets.
pub const SET_ENDING: &str = "bin";

/// Whether the name has one of the endings.
pub fn ends_with(path: &Path, endings: &[&str]) -> bool {
    endings.iter().any(|known| known.eq_ignore_ascii_case(ending_of(path)))
}

/// Whether the name says that it is about pairs (`pairsDevTest.txt`, `cplfw_pairs.csv`), which a list of repairs is not.
pub fn names_pairs(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.replace("repair", "").contains("pair")
}

/// The format that the name promises.
pub(super) fn format_of_extension(path: &Path) -> Option<ImageFormat> {
    FORMATS.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending_of(path))).map(|(_, format)| *format)
}

/// Extensions of image formats that are not read here; worth a word, where other files are passed over in silence.
pub(super) fn is_unsupported_image(path: &Path) -> bool {
    const NAMES: [&str; 14] =
        ["heic", "heif", "avif", "jxl", "jp2", "svg", "psd", "tga", "exr", "ico", "cr2", "nef", "dng", "arw"];
    ends_with(path, &NAMES)
}

fn ending_of(path: &Path) -> &str {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_count_in_any_case_and_only_at_the_end() {
        assert_eq!(format_of_extension(Path::new("a/B.JPeG")), Some(ImageFormat::Jpeg));
        assert_eq!(format_of_extension(Path::new("jpg")), None);
        assert_eq!(format_of_extension(Path::new("a.jpg.txt")), None);
        assert!(ends_with(Path::new("pairs.CSV"), &LIST_ENDINGS) && !ends_with(Path::new("x.lst"), &LIST_ENDINGS));
        assert!(names_pairs(Path::new("CPLFW_Pairs.csv")) && !names_pairs(Path::new("repairs.csv")));
        assert!(is_unsupported_image(Path::new("x.HEIC")) && !IMAGE_ENDINGS.contains(&"heic"));
    }
}
