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

/// Ends the name of the member that says what the others are, in what torch.save writes as a zip archive.
pub const TORCH_INDEX: &str = "/data.pkl";

/// Whether the name has one of the endings.
pub fn ends_with(path: &Path, endings: &[&str]) -> bool {
    endings.iter().any(|known| known.eq_ignore_ascii_case(ending_of(path)))
}

/// Whether the name says that it is about pairs: one of its words is "pair", begins with "pairs" or "pairlist"
/// (`pairsdevtest.txt`, `cplfw_pairs.csv`), or ends with "pairs" (`lfwpairs.txt`). Repairs and the like are other words.
pub fn names_pairs(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_about = |word: &str| {
        let ends = word.ends_with("pairs") && !["repairs", "impairs", "despairs"].contains(&word);
        word == "pair" || word.starts_with("pairs") || word.starts_with("pairlist") || ends
    };
    words(&name).iter().any(|word| is_about(word))
}

/// The words of a name, in lower case. One ends at whatever is no letter, and where a capital begins the next (`DevTest`,
/// `LFWPairs`).
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let ends_capitals = || before.is_some_and(|c| c.is_uppercase()) && after.is_some_and(|c| c.is_lowercase());
        let is_next = letter.is_uppercase() && (before.is_some_and(|c| c.is_lowercase()) || ends_capitals());
        if is_next || !letter.is_alphabetic() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphabetic()) {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

/// The format that the name promises.
pub(super) fn format_of_extension(path: &Path) -> Option<ImageFormat> {
    FORMATS.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending_of(path))).map(|(_, format)| *format)
}

/// Whether the name is that of an image, be its format read here or not.
pub fn names_image(path: &Path) -> bool {
    format_of_extension(path).is_some() || is_unsupported_image(path)
}

/// Whether an archive with these members is one of torch.save: it has an index. Images may have a file of that name beside
/// them; weights have no images.
pub fn are_of_torch<'a>(members: impl Iterator<Item = &'a str>) -> bool {
    let mut has_index = false;
    for name in members {
        if names_image(Path::new(name)) {
            return false;
        }
        has_index |= name.ends_with(TORCH_INDEX);
    }
    has_index
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
        assert!(is_unsupported_image(Path::new("x.HEIC")) && !IMAGE_ENDINGS.contains(&"heic"));
        assert_eq!(
            ["x.PNG", "x.heic", "x.txt", "png"].map(|name| names_image(Path::new(name))),
            [true, true, false, false]
        );
    }

    #[test]
    fn an_archive_with_an_index_of_torch_is_one_of_it_unless_it_has_images() {
        let is_one = |names: &[&'static str]| are_of_torch(names.iter().copied());
        assert!(is_one(&["net/data/0", "net/data.pkl", "net/version"]));
        assert!(!is_one(&["net/data/0"]) && !is_one(&["data.pkl"]) && !is_one(&[]));
        assert!(!is_one(&["a/data.pkl", "a/1.jpg"]) && !is_one(&["a/1.HEIC", "a/data.pkl"]));
    }

    #[test]
    fn pairs_are_named_by_a_whole_word_in_any_case() {
        let about = [
            "pairs.txt",
            "PAIRS.TXT",
            "pairsDevTest.txt",
            "pairsdevtest.txt",
            "lfwpairs.txt",
            "LFWpairs.txt",
            "AgeDBpairs.csv",
            "pairlist.txt",
            "CPLFW_Pairs.csv",
            "LFWPairs.txt",
            "lfw_pair.txt",
            "pairs_test.txt",
            "dev.pairs.txt",
            "pair1.txt",
            "view2pairs.list",
            "Pair_list_F.txt",
        ];
        for name in about {
            assert!(names_pairs(Path::new(name)), "{name}");
        }
        let others =
            ["repairs.csv", "repair.txt", "RepairList.csv", "impaired.txt", "spair.txt", "despairs.txt", "pairing.txt"];
        for name in others {
            assert!(!names_pairs(Path::new(name)), "{name}");
        }
        assert!(!names_pairs(Path::new("pairs/train.txt")), "the name of the folder does not count");
        assert!(!names_pairs(Path::new("")));
    }
}
