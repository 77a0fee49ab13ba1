//! Hostile, broken and odd input, end to end: folders and files as people really have them, built here byte by byte.
//!
//! Every test says what a person is told, because for this kind of input the message is the feature.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop, and says why it skips"
)]

mod common;
#[path = "data_faults/idx.rs"]
mod idx;
#[path = "common/packed.rs"]
mod packed;

use arclens::data::{
    Catalog, DataError, ImageProblem, ImageStore, Layout, MIN_SIDE_PX, PairList, Preprocess, WarningKind, decode_file,
    fit, read_pairs, resolve_pairs,
};
use common::{fails, folder, open, put};
use image::{DynamicImage, ImageEncoder as _, ImageFormat, RgbImage};
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

/// A picture that differs for every `seed`.
fn picture(width: u32, height: u32, seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 9 + seed) as u8, (y * 5) as u8, (seed * 31) as u8]))
}

fn encode(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Two classes `a` and `b` of `n` sound images.
fn sound(root: &Path, n: u32) {
    for (class, offset) in [("a", 0), ("b", 100)] {
        for i in 0..n {
            put(root, &format!("{class}/{i}.png"), &encode(&picture(16, 16, offset + i), ImageFormat::Png));
        }
    }
}

fn store(catalog: Catalog) -> Result<(ImageStore, arclens::data::Warnings), DataError> {
    let items: Vec<u32> = (0..catalog.items.len() as u32).collect();
    ImageStore::build(Arc::new(catalog), &items, Preprocess::new(8, 3), 1 << 20, &|_| (), &|| false)
}

#[test]
fn a_path_that_does_not_exist_says_what_to_open() {
    let message = fails(&folder().path().join("nowhere"));
    assert!(message.contains("one sub-folder of images per class") && message.contains("nowhere"), "{message}");
}

#[test]
fn files_that_are_no_data_set_are_called_what_they_are() {
    let dir = folder();
    put(dir.path(), "one.png", &encode(&picture(9, 9, 1), ImageFormat::Png));
    put(dir.path(), "set.zip", b"PK\x03\x04");
    put(dir.path(), "letter.txt", b"hello");
    put(dir.path(), "set.7z", b"7z\xBC\xAF\x27\x1C");
    assert!(fails(&dir.path().join("one.png")).contains("a single image"));
    assert!(fails(&dir.path().join("set.zip")).contains("copied to the end"));
    assert!(fails(&dir.path().join("set.7z")).contains("unpack"));
    assert!(fails(&dir.path().join("letter.txt")).contains("expected a folder"));
}

#[test]
fn an_empty_folder_a_folder_of_loose_images_and_empty_classes_are_told_apart() {
    let dir = folder();
    assert!(fails(dir.path()).contains("no sub-folders"));
    put(dir.path(), "x.png", &encode(&picture(9, 9, 1), ImageFormat::Png));
    assert!(fails(dir.path()).contains("1 image lies directly"));
    fs::create_dir(dir.path().join("a")).unwrap();
    fs::create_dir(dir.path().join("b")).unwrap();
    put(dir.path(), "b/empty.jpg", b"");
    let message = fails(dir.path());
    assert!(message.contains("2 sub-folders") && message.contains("1 file is empty"), "{message}");
}

#[test]
fn broken_images_among_sound_ones_are_warnings_and_the_rest_opens() {
    let dir = folder();
    sound(dir.path(), 3);
    let jpeg = encode(&picture(64, 64, 5), ImageFormat::Jpeg);
    let png = encode(&picture(16, 16, 77), ImageFormat::Png);
    put(dir.path(), "a/zero.png", b"");
    put(dir.path(), "a/dot.png", &encode(&picture(1, 1, 0), ImageFormat::Png));
    put(dir.path(), "a/wide.png", &encode(&picture(20_000, 4, 0), ImageFormat::Png));
    put(dir.path(), "a/text.jpg", b"this is not an image at all");
    put(dir.path(), "a/lies.png", &jpeg);
    put(dir.path(), "a/phone.heic", b"\0\0\0\x18ftypheic");
    put(dir.path(), "b/cut.jpg", &jpeg[..jpeg.len() - 40]);
    put(dir.path(), "b/cut.png", &png[..png.len() / 2]);
    put(dir.path(), "b/README.txt", b"about these images");
    put(dir.path(), "b/.DS_Store", b"x");
    put(dir.path(), "b/Thumbs.db", b"x");
    // Smaller copies that a network drive makes, and what was deleted.
    put(dir.path(), "b/@eaDir/0.png/SYNOFILE_THUMB_M.jpg", &jpeg);
    put(dir.path(), "$RECYCLE.BIN/0.png", &png);
    fs::create_dir(dir.path().join("c")).unwrap();
    let catalog = open(dir.path()).unwrap();
    assert_eq!(catalog.classes, ["a", "b"]);
    let counts = |kind| catalog.warnings.count(kind);
    assert_eq!(counts(WarningKind::Empty), 1);
    assert_eq!(counts(WarningKind::TooSmall), 1);
    assert_eq!(counts(WarningKind::TooLarge), 1);
    assert_eq!(counts(WarningKind::NotAnImage), 1);
    assert_eq!(counts(WarningKind::Unsupported), 1);
    assert_eq!(counts(WarningKind::WrongExtension), 1);
    assert_eq!(counts(WarningKind::EmptyClass), 1);
    assert_eq!(catalog.warnings.total(), 7, "{:?}", catalog.warnings.groups());
    // The mislabelled one and the two cut ones are in; only decoding finds the cut.
    assert_eq!(catalog.items.len(), 9);
    let cut: Vec<u32> = (0..9).filter(|&item| catalog.name(item as usize).contains("cut")).collect();
    let (store, warnings) = store(catalog).unwrap();
    assert_eq!(store.failed(), cut);
    assert_eq!(warnings.count(WarningKind::Truncated), 2, "{warnings:?}");
    assert!(matches!(store.read(cut[0], &mut Vec::new()), Err(DataError::NoSuchItem { .. })));
}

#[test]
fn folders_that_lie_too_deep_are_told_and_are_no_circle() {
    let dir = folder();
    sound(dir.path(), 2);
    for (name, seed) in [("a/1/2/3/4/5/6/7/8/in.png", 40), ("a/1/2/3/4/5/6/7/8/9/out.png", 41)] {
        put(dir.path(), name, &encode(&picture(16, 16, seed), ImageFormat::Png));
    }
    let catalog = open(dir.path()).unwrap();
    let counts = [WarningKind::Unreadable, WarningKind::SymlinkLoop].map(|kind| catalog.warnings.count(kind));
    assert_eq!((catalog.items.len(), counts), (5, [1, 0]));
    assert!(catalog.warnings.stored().iter().any(|warning| warning.detail.contains("8 deep")));
}

#[test]
fn when_no_image_can_be_decoded_the_error_names_the_first() {
    let dir = folder();
    let jpeg = encode(&picture(64, 64, 5), ImageFormat::Jpeg);
    put(dir.path(), "a/cut.jpg", &jpeg[..jpeg.len() - 40]);
    let error = store(open(dir.path()).unwrap()).unwrap_err().to_string();
    assert!(error.contains("a/cut.jpg") && error.contains("cut off"), "{error}");
}

#[test]
fn a_folder_that_vanishes_after_opening_is_an_error_that_says_so() {
    let dir = folder();
    sound(dir.path(), 2);
    let catalog = open(dir.path()).unwrap();
    fs::remove_dir_all(dir.path().join("a")).unwrap();
    assert!(matches!(catalog.load(0), Err(DataError::Vanished(_))));
    let (store, warnings) = store(catalog).unwrap();
    assert_eq!((store.failed(), warnings.count(WarningKind::Vanished)), ([0, 1].as_slice(), 2));
}

#[test]
fn opening_stops_when_it_is_cancelled() {
    let dir = folder();
    sound(dir.path(), 2);
    assert!(matches!(Catalog::open(dir.path(), &|_| (), &|| true), Err(DataError::Cancelled)));
}

#[test]
fn the_same_image_under_two_names_is_found() {
    let dir = folder();
    sound(dir.path(), 2);
    let bytes = fs::read(dir.path().join("a/0.png")).unwrap();
    put(dir.path(), "b/copy.png", &bytes);
    put(dir.path(), "a/again.png", &bytes);
    put(dir.path(), "A/other.png", &encode(&picture(16, 16, 200), ImageFormat::Png));
    let warnings = open(dir.path()).unwrap().warnings;
    assert_eq!(warnings.count(WarningKind::DuplicateOtherClass), 1);
    assert_eq!(warnings.count(WarningKind::DuplicateSameClass), 1);
    // "A" beside "a", where the file system tells them apart.
    if fs::read_dir(dir.path()).unwrap().count() == 3 {
        assert_eq!(warnings.count(WarningKind::DuplicateName), 1);
        assert_eq!(warnings.count(WarningKind::TinyClass), 1);
    }
}

#[test]
fn a_wrapper_folder_is_stepped_through_and_nested_folders_count_to_their_class() {
    let dir = folder();
    sound(&dir.path().join("set/set"), 2);
    put(dir.path(), "set/set/a/deep/x.png", &encode(&picture(16, 16, 9), ImageFormat::Png));
    let catalog = open(dir.path()).unwrap();
    assert_eq!((catalog.classes.len(), catalog.class_counts()), (2, vec![3, 2]));
    assert_eq!(catalog.name(2), "a/deep/x.png");
    assert_eq!(catalog.warnings.count(WarningKind::NestedFolder), 1);
}

#[test]
fn classes_in_train_beside_a_test_folder_of_unlabelled_images_are_found() {
    let dir = folder();
    sound(&dir.path().join("train"), 2);
    put(dir.path(), "test/1.png", &encode(&picture(16, 16, 9), ImageFormat::Png));
    let catalog = open(dir.path()).unwrap();
    assert_eq!((catalog.classes.len(), catalog.items.len(), catalog.has_parts()), (2, 4, false));
}

#[test]
fn train_and_validation_folders_are_one_data_set_and_a_third_folder_is_named() {
    let dir = folder();
    for part in ["Train", "val", "test"] {
        sound(&dir.path().join(part), 2);
    }
    let catalog = open(dir.path()).unwrap();
    assert_eq!(catalog.layout, Layout::TrainAndHeldOut { held_out_name: "val".to_owned() });
    assert_eq!((catalog.classes.len(), catalog.items.len(), catalog.has_parts()), (2, 8, true));
    assert_eq!(catalog.warnings.count(WarningKind::IgnoredFolder), 1);
}

#[test]
fn the_fingerprint_is_the_same_elsewhere_and_changes_with_a_file() {
    let (one, two) = (folder(), folder());
    sound(one.path(), 2);
    sound(two.path(), 2);
    let print = open(one.path()).unwrap().fingerprint;
    assert_eq!(print, open(two.path()).unwrap().fingerprint);
    assert_eq!(print.len(), 64);
    fs::rename(two.path().join("b/1.png"), two.path().join("b/2.png")).unwrap();
    assert_ne!(print, open(two.path()).unwrap().fingerprint);
}

// ---- kinds of image ----

#[test]
fn a_photo_taken_sideways_is_turned_upright() {
    // Stored 32 × 16, red on the left; orientation 6 means: turn by a quarter clockwise, so red comes to the top.
    let image =
        RgbImage::from_fn(32, 16, |x, _| if x < 16 { image::Rgb([255, 0, 0]) } else { image::Rgb([0, 0, 255]) });
    let plain = encode(&image, ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]);
    let mut bytes = plain[..2].to_vec();
    bytes.extend([0xFF, 0xE1]);
    bytes.extend((exif.len() as u16 + 2).to_be_bytes());
    bytes.extend(&exif);
    bytes.extend(&plain[2..]);
    let dir = folder();
    put(dir.path(), "a/turned.jpg", &bytes);
    let catalog = open(dir.path()).unwrap();
    assert_eq!((catalog.items[0].width, catalog.items[0].height), (16, 32));
    let upright = catalog.load(0).unwrap().into_rgb8();
    assert_eq!(upright.dimensions(), (16, 32));
    assert!(upright.get_pixel(8, 4).0[0] > 200 && upright.get_pixel(8, 28).0[2] > 200);
}

/// A baseline JPEG of one 8 × 8 block of one colour per component: quantisation 1, so DC = 8 · (value − 128).
fn solid_jpeg(values: &[u8], adobe_transform: Option<u8>) -> Vec<u8> {
    use std::fmt::Write as _;
    let n = values.len() as u8;
    let mut bytes = vec![0xFF, 0xD8];
    let mut segment = |marker: u8, body: &[u8]| {
        bytes.extend([0xFF, marker]);
        bytes.extend((body.len() as u16 + 2).to_be_bytes());
        bytes.extend(body);
    };
    if let Some(transform) = adobe_transform {
        segment(0xEE, &[b"Adobe\0\x64\0\0\0\0".as_slice(), &[transform]].concat());
    }
    segment(0xDB, &[[0].as_slice(), &[1; 64]].concat());
    let per = |f: &dyn Fn(u8) -> Vec<u8>| (1..=n).flat_map(f).collect::<Vec<u8>>();
    segment(0xC0, &[[8, 0, 8, 0, 8, n].as_slice(), &per(&|id| vec![id, 0x11, 0])].concat());
    // DC: the categories 0 to 11 as codes of 4 bits. AC: "end of block" as the single bit 0.
    let mut dc = vec![0x00];
    dc.extend((1..=16).map(|length| if length == 4 { 12 } else { 0 }));
    dc.extend(0..12);
    segment(0xC4, &dc);
    let mut ac = vec![0x10];
    ac.extend((1..=16).map(|length| u8::from(length == 1)));
    ac.push(0);
    segment(0xC4, &ac);
    segment(0xDA, &[[n].as_slice(), &per(&|id| vec![id, 0]), &[0, 63, 0]].concat());
    let mut bits = String::new();
    for &value in values {
        let level = 8 * (i32::from(value) - 128);
        let size = 32 - level.unsigned_abs().leading_zeros();
        write!(bits, "{size:04b}").unwrap();
        if size > 0 {
            let code = if level < 0 { level + (1 << size) - 1 } else { level };
            write!(bits, "{code:0width$b}", width = size as usize).unwrap();
        }
        bits.push('0');
    }
    while !bits.len().is_multiple_of(8) {
        bits.push('1');
    }
    for byte in bits.as_bytes().chunks(8) {
        let byte = byte.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0'));
        bytes.push(byte);
        if byte == 0xFF {
            bytes.push(0);
        }
    }
    bytes.extend([0xFF, 0xD9]);
    bytes
}

#[test]
fn a_cmyk_jpeg_of_a_printer_is_read_as_colours() {
    let dir = folder();
    put(dir.path(), "grey.jpg", &solid_jpeg(&[77], None));
    assert_eq!(decode_file(&dir.path().join("grey.jpg")).unwrap().into_luma8().get_pixel(3, 3).0, [77]);
    // Adobe stores ink inverted: 255 is no ink. No ink at all is white; only cyan's ink is cyan.
    put(dir.path(), "white.jpg", &solid_jpeg(&[255, 255, 255, 255], Some(0)));
    put(dir.path(), "cyan.jpg", &solid_jpeg(&[0, 255, 255, 255], Some(0)));
    let pixel = |name: &str| decode_file(&dir.path().join(name)).unwrap().into_rgb8().get_pixel(3, 3).0;
    assert!(pixel("white.jpg").iter().all(|&v| v > 250), "{:?}", pixel("white.jpg"));
    let [r, g, b] = pixel("cyan.jpg");
    assert!(r < 60 && g > 200 && b > 200, "{r} {g} {b}");
}

#[test]
fn sixteen_bit_transparent_and_animated_images_are_read() {
    let dir = folder();
    let encoder = |name: &str| {
        fs::create_dir_all(dir.path().join("a")).unwrap();
        image::codecs::png::PngEncoder::new(fs::File::create(dir.path().join("a").join(name)).unwrap())
    };
    let deep: Vec<u8> = (0..16_u16).flat_map(|i| (i * 4369).to_ne_bytes()).collect();
    encoder("deep.png").write_image(&deep, 4, 4, image::ExtendedColorType::L16).unwrap();
    encoder("ghost.png").write_image(&[0; 64], 4, 4, image::ExtendedColorType::Rgba8).unwrap();
    let mut gif = Vec::new();
    let mut frames = image::codecs::gif::GifEncoder::new(&mut gif);
    for value in [200, 10] {
        let frame = image::RgbaImage::from_pixel(8, 8, image::Rgba([value, value, value, 255]));
        frames.encode_frame(image::Frame::new(frame)).unwrap();
    }
    drop(frames);
    put(dir.path(), "a/moving.gif", &gif);
    let catalog = open(dir.path()).unwrap();
    assert_eq!(catalog.warnings.count(WarningKind::Animated), 1);
    let load = |name: &str| {
        let item = (0..3).find(|&item| catalog.name(item).ends_with(name)).unwrap();
        catalog.load(item).unwrap()
    };
    assert_eq!(load("deep.png").into_luma8().get_pixel(1, 0).0, [17]);
    assert_eq!(load("ghost.png").into_rgb8().get_pixel(0, 0).0, [255; 3]);
    assert!(load("moving.gif").into_rgb8().get_pixel(0, 0).0[0] > 190, "the first frame");
    let grey: Vec<bool> = catalog.items.iter().map(|item| item.mode.is_grey()).collect();
    assert_eq!(grey, [true, false, false]);
}

#[test]
fn how_colours_are_stored_is_known_from_the_first_bytes() {
    let dir = folder();
    let save = |name: &str, image: DynamicImage, format: ImageFormat| {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        put(dir.path(), &format!("a/{name}"), bytes.get_ref());
    };
    let image = DynamicImage::ImageRgb8(picture(8, 8, 3));
    save("alpha.png", image.to_rgba8().into(), ImageFormat::Png);
    save("alpha.webp", image.to_rgba8().into(), ImageFormat::WebP);
    save("deep.png", image.to_rgb16().into(), ImageFormat::Png);
    save("deep.tiff", image.to_luma16().into(), ImageFormat::Tiff);
    save("grey.jpg", image.to_luma8().into(), ImageFormat::Jpeg);
    save("grey-alpha.png", image.to_luma_alpha8().into(), ImageFormat::Png);
    save("plain.bmp", image.clone(), ImageFormat::Bmp);
    save("plain.jpg", image.clone(), ImageFormat::Jpeg);
    // Written with a table of greys, which a reader cannot tell from one of colours.
    save("table.bmp", image.to_luma8().into(), ImageFormat::Bmp);
    save("table.gif", image, ImageFormat::Gif);
    put(dir.path(), "a/ink.jpg", &solid_jpeg(&[255, 0, 255, 255], Some(0)));
    let mut table = Vec::new();
    let mut encoder = png::Encoder::new(&mut table, 8, 8);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(vec![200_u8, 10, 10, 10, 200, 10]);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[1; 64]).unwrap();
    writer.finish().unwrap();
    put(dir.path(), "a/table.png", &table);
    let catalog = open(dir.path()).unwrap();
    let modes: Vec<String> =
        (0..catalog.items.len()).map(|item| format!("{} {}", catalog.name(item), catalog.items[item].mode)).collect();
    let expected = [
        "a/alpha.png colour with transparency",
        "a/alpha.webp colour with transparency",
        "a/deep.png colour of more than 8 bits",
        "a/deep.tiff grey of more than 8 bits",
        "a/grey-alpha.png grey with transparency",
        "a/grey.jpg grey",
        "a/ink.jpg CMYK",
        "a/plain.bmp colour",
        "a/plain.jpg colour",
        "a/table.bmp palette",
        "a/table.gif palette",
        "a/table.png palette",
    ];
    assert_eq!(modes, expected);
}

#[test]
fn a_long_thin_image_becomes_a_square_of_the_right_size() {
    let dir = folder();
    put(dir.path(), "thin.png", &encode(&picture(16_000, MIN_SIDE_PX, 0), ImageFormat::Png));
    let image = decode_file(&dir.path().join("thin.png")).unwrap();
    assert_eq!(fit(&image, &Preprocess::new(32, 3)).len(), 32 * 32 * 3);
    put(dir.path(), "tiny.png", &encode(&picture(16_000, MIN_SIDE_PX - 1, 0), ImageFormat::Png));
    let error = decode_file(&dir.path().join("tiny.png")).unwrap_err();
    assert!(matches!(error, DataError::Image { problem: ImageProblem::TooSmall { .. }, .. }), "{error}");
}

// ---- names and links ----

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    #[test]
    fn names_that_are_not_unicode_are_opened_and_stay_apart() {
        let dir = folder();
        sound(dir.path(), 2);
        for (number, raw) in [b"caf\xe9".as_slice(), b"caf\xe8", b"x\xff"].iter().enumerate() {
            let class = dir.path().join(std::ffi::OsStr::from_bytes(raw));
            if fs::create_dir(&class).is_err() {
                println!("skipped: this file system has only Unicode names");
                return;
            }
            let image = encode(&picture(16, 16, 300 + number as u32), ImageFormat::Png);
            fs::write(class.join(std::ffi::OsStr::from_bytes(b"\xe9.png")), image).unwrap();
        }
        let catalog = open(dir.path()).unwrap();
        assert_eq!(catalog.classes, ["a", "b", "caf\\xe8", "caf\\xe9", "x\\xff"]);
        assert_eq!(catalog.warnings.count(WarningKind::NotUtf8Name), 6);
        assert_eq!(catalog.name(4), "caf\\xe8/\\xe9.png");
        assert!((0..catalog.items.len()).all(|item| catalog.load(item).is_ok()));
    }

    #[test]
    fn links_in_a_circle_and_links_to_nowhere_end_the_search_there() {
        let dir = folder();
        sound(dir.path(), 2);
        symlink(dir.path(), dir.path().join("a/up")).unwrap();
        symlink(dir.path().join("b"), dir.path().join("a/over")).unwrap();
        symlink(dir.path().join("a"), dir.path().join("b/back")).unwrap();
        symlink("itself", dir.path().join("b/itself")).unwrap();
        symlink("gone.png", dir.path().join("b/dangling.png")).unwrap();
        let catalog = open(dir.path()).unwrap();
        assert_eq!(catalog.classes, ["a", "b"]);
        // Each class sees its own two and, through one link, the other's two.
        assert_eq!(catalog.class_counts(), [4, 4]);
        assert!(catalog.warnings.count(WarningKind::SymlinkLoop) >= 4, "{:?}", catalog.warnings.groups());
    }

    #[test]
    fn a_pipe_among_the_images_does_not_stop_the_program() {
        let dir = folder();
        sound(dir.path(), 2);
        let made = std::process::Command::new("mkfifo").arg(dir.path().join("a/pipe.png")).status();
        if !made.is_ok_and(|status| status.success()) {
            println!("skipped: no mkfifo here");
            return;
        }
        assert_eq!(open(dir.path()).unwrap().items.len(), 4);
        assert!(decode_file(&dir.path().join("a/pipe.png")).is_err());
        assert!(read_pairs(&dir.path().join("a/pipe.png")).is_err());
    }
}

// ---- pair lists ----

#[test]
fn images_of_a_pair_list_are_found_whatever_their_case_and_extension() {
    let dir = folder();
    put(dir.path(), "test/al_gore/Al_Gore_0001.PNG", b"x");
    put(dir.path(), "test/al_gore/Al_Gore_0002.jpeg", b"x");
    put(dir.path(), "Bo/bo.jpg", b"x");
    put(
        dir.path(),
        "pairs.txt",
        b"Al_Gore 1 2\nAl_Gore 1 Bo 4\nAl_Gore/Al_Gore_0002.jpg Bo/bo.jpg 0\n../x.jpg Bo/bo.jpg 1\n",
    );
    let list = read_pairs(&dir.path().join("pairs.txt")).unwrap();
    let (images, pairs, warnings) = resolve_pairs(&list, dir.path()).unwrap();
    assert_eq!(images.len(), 3, "{images:?}");
    assert_eq!(pairs, [(0, 1, true), (1, 2, false)]);
    assert_eq!(warnings.count(WarningKind::MissingPair), 2, "{warnings:?}");
}

#[test]
fn a_pair_list_beside_the_wrong_folder_says_which_image_is_missing() {
    let dir = folder();
    let list = PairList { pairs: vec![("a/1.jpg".into(), "b/2.jpg".into(), true)], folds: None, fields: 3 };
    let message = resolve_pairs(&list, dir.path()).unwrap_err().to_string();
    assert!(message.contains("a/1.jpg") && message.contains("choose the folder"), "{message}");
    assert!(matches!(resolve_pairs(&list, &dir.path().join("gone")), Err(DataError::NoImagesFolder(_))));
    assert!(matches!(read_pairs(&dir.path().join("gone.txt")), Err(DataError::NoFile(_))));
}
