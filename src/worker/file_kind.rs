//! What a dropped file is when its name does not tell: a text may list images, pairs, or nothing; an ONNX file may be a face
//! detector; archives and files that are named like verification sets may hold weights.

use super::emit::Emitter;
use super::explain;
use super::protocol::{Event, FileKind, Job, JobError};
use crate::data::endings::{SET_ENDING, ends_with};
use crate::data::{VerificationSet, lists_images, pair_list};
use crate::faces::{Detector, FaceError};
use crate::model::weights::{WEIGHTS_ENDINGS, looks_like_weights};
use std::path::Path;

/// Says what a file is.
///
/// # Errors
/// When it is nothing that is used here; the hint says what is.
pub(super) fn look(job: &Job, file: &Path, emitter: &Emitter) -> Result<(), Box<JobError>> {
    let kind = kind_of(file)?;
    emitter.send(Event::FileLooked { job: job.id, file: file.to_owned(), kind });
    Ok(())
}

fn kind_of(file: &Path) -> Result<FileKind, Box<JobError>> {
    if ends_with(file, &["onnx"]) {
        Detector::open(file).map_err(|error| no_detector(&error))?;
        return Ok(FileKind::Detector);
    }
    // Before verification sets: weights of old are pickles, too.
    if looks_like_weights(file) {
        return Ok(FileKind::Weights);
    }
    if ends_with(file, &[SET_ENDING]) {
        let is_set = file.is_file() && VerificationSet::is_one(file);
        return if is_set { Ok(FileKind::Pairs) } else { Err(no_set(file)) };
    }
    if pair_list(file).is_some() {
        return Ok(FileKind::Pairs);
    }
    // What is wrong with an archive or a table is best said by opening it.
    if lists_images(file) || ends_with(file, &["zip", "tar", "csv"]) {
        return Ok(FileKind::Images);
    }
    Err(no_list(file))
}

fn no_detector(error: &FaceError) -> Box<JobError> {
    // Of a file that cannot be read it is not known whether it is a detector.
    let is_other = matches!(error, FaceError::NotADetector { .. } | FaceError::NotBuilt);
    let hint = is_other.then(|| {
        format!(
            "Of ONNX files only face detectors are read; other networks are exported as ONNX. To import one, take its \
             weights as {}.",
            WEIGHTS_ENDINGS.map(|ending| format!(".{ending}")).join(", ")
        )
    });
    Box::new(explain::from_error(error, hint))
}

fn no_list(file: &Path) -> Box<JobError> {
    let hint = "A list of images has an image and its label in each line (a/1.jpg,anna), a list of pairs two images and \
                whether they are the same.";
    refused(file, "lists neither images nor pairs", hint)
}

fn no_set(file: &Path) -> Box<JobError> {
    let hint = "A verification set is a Python pickle of images and truths, as InsightFace packs it (lfw.bin); weights are \
                what PyTorch or safetensors wrote.";
    refused(file, "holds neither pairs nor weights", hint)
}

fn refused(file: &Path, what: &str, hint: &str) -> Box<JobError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Box::new(JobError { headline: format!("{name} {what}"), hint: Some(hint.to_owned()), ..JobError::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// A zip archive with one empty member.
    fn zip_of(member: &str) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file(member, zip::write::SimpleFileOptions::default()).unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn weights_pairs_and_images_are_told_apart_by_content() {
        let folder = tempfile::tempdir().unwrap();
        let look = |name: &str, bytes: &[u8]| {
            let file = folder.path().join(name);
            std::fs::write(&file, bytes).unwrap();
            kind_of(&file)
        };
        let expect = |kind: FileKind, name: &str, bytes: &[u8]| assert_eq!(look(name, bytes).unwrap(), kind, "{name}");
        let legacy = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
        expect(FileKind::Weights, "pytorch_model.bin", &zip_of("archive/data.pkl"));
        expect(FileKind::Weights, "net.zip", &zip_of("net/data.pkl"));
        expect(FileKind::Weights, "old.bin", legacy);
        expect(FileKind::Weights, "checkpoint.tar", legacy);
        expect(FileKind::Images, "faces.zip", &zip_of("ann/1.png"));
        expect(FileKind::Images, "all.csv", b"path,label\na/1.jpg,anna\n");
        expect(FileKind::Pairs, "lfw.csv", b"a/1.jpg,a/2.jpg,1\na/1.jpg,b/1.jpg,0\n");
        expect(FileKind::Pairs, "lfw.bin", b"\x80\x02]]\x86.");
        let error = look("firmware.bin", b"\x7fELF").unwrap_err();
        assert!(
            error.headline.contains("firmware.bin") && error.hint.as_ref().is_some_and(|hint| hint.contains("lfw.bin")),
            "{}",
            error.headline
        );
    }
}
