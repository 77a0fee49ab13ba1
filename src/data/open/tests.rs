//! What a person is told of files and folders that are no data sets.

use super::*;
use std::io::{Cursor, Write as _};

/// Why a path is not opened.
fn refusal(path: &Path) -> String {
    Catalog::open(path, &|_| {}, &|| false).unwrap_err().to_string()
}

fn check(name: &str, bytes: &[u8], expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let message = refusal(&path);
    assert!(message.contains(expected), "{name}: {message}");
}

fn zip_of(name: &str) -> Vec<u8> {
    zip_with(&[name], b"0123")
}

/// Members of the same bytes.
fn zip_with(names: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for name in names {
        writer.start_file(*name, stored).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn files_are_called_what_they_are() {
    check("cut.png", b"\x89PNG\r\n\x1a\n", "a single image that cannot be used (the image is cut off");
    check("text.jpg", b"no image at all", "cannot be used (the content is not an image");
    check("phone.heic", b"\0\0\0\x18ftypheic", "convert it to JPEG or PNG");
    check("e.npy", b"\x93NUMPY\x01\0", "laid out by `map`");
    check("arclens-exclude.toml", b"version = 1\nimages = []\n", "what is left out of a data set");
    check("notes.txt", b"Dear Sir or\nMadam of\n", "lists no images (it begins with \"Dear Sir or\")");
    check("list.txt", b"a/1.png 0\nb/1.png 1\n", "none of the 2 images of the list");
    check("bare.txt", b"n01/0001_01 0\nn02/0002_01 1\n", "none of the 2 images of the list");
    check("phones.txt", b"1.heic 0\n2.heic 1\n", "none of the 2 images of the list");
    check("model.pth.tar", &zip_of("archive/data.pkl"), "the weights of a network, as PyTorch packs them");
    check("one.zip", &zip_of("x.png"), "1 image lies directly in the archive");
    check("readme.zip", &zip_of("readme.md"), "in this archive, which has no sub-folders");
}

#[test]
fn images_with_a_pickle_beside_them_are_no_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces.zip");
    let mut png = Cursor::new(Vec::new());
    image::GrayImage::new(32, 32).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let names = ["faces/data.pkl", "faces/ann/1.png", "faces/bob/1.png", "faces/bob/data.pkl"];
    std::fs::write(&path, zip_with(&names, png.get_ref())).unwrap();
    assert_eq!(Catalog::open(&path, &|_| {}, &|| false).unwrap().classes.len(), 2);
}

#[test]
fn files_that_are_not_what_their_name_says_are_said_to_be_damaged() {
    check("empty.zip", b"", "an empty file (0 bytes)");
    check("set.tgz", b"no archive", "named like an archive");
    check("set.tar.gz", b"no archive", "named like an archive");
    check("set.7z", b"7z\xBC\xAF\x27\x1C", "unpack it and open the folder");
    check("lfw.bin", b"no pickle", "named like a verification set");
    check("train.idx", b"0\t8\n", "an index without the .rec file");
    check("train-images-idx3-ubyte.gz", b"no gzip", "named like MNIST's IDX files");
}

#[test]
fn of_idx_files_the_missing_half_is_named() {
    let labels = [0, 0, 8, 1, 0, 0, 0, 1, 7];
    check("t10k-labels-idx1-ubyte", &labels, "IDX labels without their images; put t10k-images-idx3-ubyte beside");
    check("t10k-images-idx3-ubyte", &labels, "IDX images without their labels; put t10k-labels-idx1-ubyte beside");
    check("digits.bin", &labels, "an IDX file whose name does not say what it holds");
}

#[test]
fn a_folder_without_classes_says_what_lies_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let holds = |names: &[&str]| {
        names.iter().for_each(|name| std::fs::write(folder.path().join(name), b"x").unwrap());
        refusal(folder.path())
    };
    assert!(holds(&[]).contains("no sub-folders; it holds no files either"));
    assert!(holds(&["cfp.bin", "lfw.bin"]).contains("no sub-folders; it holds cfp.bin, lfw.bin; expected"));
    assert!(holds(&["a", "b", "c", "d"]).contains("it holds a, b, c, cfp.bin, d and 1 more file;"));
    assert!(holds(&["1.png"]).contains("1 image lies directly in the folder, but no class is known for it"));
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("data");
    std::os::unix::fs::symlink(folder.path().join("gone"), &link).unwrap();
    assert!(refusal(&link).contains("a link that leads nowhere"));
    assert!(refusal(&folder.path().join("gone")).contains("there is nothing at this path"));
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_not_called_another_kind() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.zip");
    std::fs::write(&path, zip_of("a/1.png")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        println!("skipped: the system's administrator may read every file");
        return;
    }
    let message = refusal(&path);
    assert!(message.starts_with("could not read (") && !message.contains("another kind"), "{message}");
}
