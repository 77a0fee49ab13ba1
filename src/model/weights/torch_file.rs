//! The two containers of torch.save: a zip archive (PyTorch 1.6 and later), and before that pickles in a row with the
//! numbers behind them.

use super::pickle::{Node, Pickle};
use super::state_dict::{Stored, foreign_names, storage_key, tensors};
use super::{Problem, Weight, Weights, told};
use crate::data::endings::{TORCH_INDEX, are_of_torch};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Cursor, Read as _};
use std::ops::Range;
use zip::ZipArchive;

/// First bytes of a zip archive.
pub(super) const ZIP: &[u8] = b"PK\x03\x04";
/// First bytes of the older form: the pickle of its magic number.
pub(super) const LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// Whether a zip archive is one of torch.save.
pub(super) fn is_of_torch(file: File) -> bool {
    ZipArchive::new(BufReader::new(file)).is_ok_and(|archive| are_of_torch(archive.file_names()))
}

/// Reads a zip archive; none when it was cancelled between two tensors.
///
/// # Errors
/// When it is damaged or holds no weights.
pub(super) fn read_zip(bytes: &[u8], cancelled: &dyn Fn() -> bool) -> Result<Option<Weights>, Problem> {
    let most = bytes.len();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(zip_problem)?;
    let index = archive.file_names().find(|name| name.ends_with(TORCH_INDEX)).map(str::to_owned);
    let index = index.ok_or_else(|| Problem::Empty("it is a zip archive without data.pkl".to_owned()))?;
    let folder = index.trim_end_matches("data.pkl");
    if let Ok(order) = entry(&mut archive, &format!("{folder}byteorder"), most)
        && order != b"little"
    {
        return Err(Problem::Unsupported("numbers with the highest byte first".to_owned()));
    }
    let pickle = Pickle::read(&entry(&mut archive, &index, most)?)?;
    let read = |stored: &Stored| entry(&mut archive, &format!("{folder}data/{}", stored.key), most);
    gather(&pickle, bytes.len(), cancelled, read)
}

/// torch.save stores entries as they are, so none is larger than the file (`most`).
fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, most: usize) -> Result<Vec<u8>, Problem> {
    let file = archive.by_name(name).map_err(zip_problem)?;
    let mut bytes = Vec::with_capacity(usize::try_from(file.size()).unwrap_or(usize::MAX).min(most));
    file.take(most as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| Problem::damaged(format!("{}: {error}", told(name))))?;
    Ok(bytes)
}

fn zip_problem(error: zip::result::ZipError) -> Problem {
    match error {
        zip::result::ZipError::UnsupportedArchive(what) => Problem::Unsupported(format!("a zip feature ({what})")),
        other => Problem::damaged(other.to_string()),
    }
}

/// Reads the older form; none when it was cancelled between two tensors.
///
/// # Errors
/// When it is damaged or holds no weights.
pub(super) fn read_legacy(bytes: &[u8], cancelled: &dyn Fn() -> bool) -> Result<Option<Weights>, Problem> {
    let mut at = 0;
    let mut next = || -> Result<(Pickle, usize), Problem> {
        let pickle = Pickle::read(bytes.get(at..).unwrap_or_default())?;
        at += pickle.length;
        Ok((pickle, at))
    };
    // Magic number, version, machine; then the object and the keys of its storages in the order of their numbers.
    let [_, _, (machine, _), (object, _), (keys, start)] = [next()?, next()?, next()?, next()?, next()?];
    let big = machine
        .entries(machine.root())
        .iter()
        .any(|(key, value)| machine.text(*key) == Some("little_endian") && *machine.get(*value) == Node::Bool(false));
    if big {
        return Err(Problem::Unsupported("numbers with the highest byte first".to_owned()));
    }
    let keys: Vec<&str> = keys.members(keys.root()).iter().filter_map(|key| storage_key(&keys, *key)).collect();
    let ranges = legacy_storages(bytes, start, &keys, &sizes(&object))?;
    gather(&object, bytes.len(), cancelled, |stored| {
        let range = ranges.get(&stored.key).cloned();
        let found = range.and_then(|range| bytes.get(range));
        found.map(<[u8]>::to_vec).ok_or_else(|| Problem::damaged(format!("storage {} is missing", stored.key)))
    })
}

/// Bytes per number of every storage the pickle mentions, also of those that no tensor of the network uses.
fn sizes(object: &Pickle) -> HashMap<&str, usize> {
    let mentioned = object.nodes().iter().filter_map(|node| {
        let Node::Persistent(name) = node else { return None };
        let [_, class, key, ..] = object.members(*name) else { return None };
        let Node::Global(_, class) = object.get(*class) else { return None };
        Some((storage_key(object, *key)?, super::element::Element::of_storage(class)?.size()))
    });
    mentioned.collect()
}

/// Where the numbers of each storage lie: a count of eight bytes, then the numbers.
fn legacy_storages(
    bytes: &[u8],
    mut at: usize,
    keys: &[&str],
    sizes: &HashMap<&str, usize>,
) -> Result<HashMap<String, Range<usize>>, Problem> {
    let mut ranges = HashMap::new();
    for key in keys {
        let cut = || Problem::damaged(format!("storage {key} is cut off"));
        let count = bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|count| u64::from_le_bytes(*count));
        let count = count.and_then(|count| usize::try_from(count).ok()).ok_or_else(cut)?;
        let size = sizes.get(key).ok_or_else(|| Problem::Unsupported(format!("the type of storage {key}")))?;
        let end = count.checked_mul(*size).and_then(|length| length.checked_add(at + 8));
        let end = end.filter(|end| *end <= bytes.len()).ok_or_else(cut)?;
        ranges.insert((*key).to_owned(), at + 8..end);
        at = end;
    }
    Ok(ranges)
}

/// Reads the numbers of every tensor; none when it was cancelled between two. `read` gives the bytes of a tensor's storage.
fn gather(
    pickle: &Pickle,
    file_len: usize,
    cancelled: &dyn Fn() -> bool,
    mut read: impl FnMut(&Stored) -> Result<Vec<u8>, Problem>,
) -> Result<Option<Weights>, Problem> {
    let mut wanted = tensors(pickle)?;
    // Tensors may share a storage, but a file that grows when it is read is an attack.
    let total = wanted.iter().try_fold(0usize, |sum, (_, tensor)| sum.checked_add(tensor.len()));
    if total.is_none_or(|total| total > file_len) {
        return Err(Problem::damaged("its tensors have more numbers than the file has bytes"));
    }
    wanted.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
    let mut tensors = BTreeMap::new();
    let mut storage: (Option<String>, Vec<f32>) = (None, Vec::new());
    for (name, tensor) in wanted {
        if cancelled() {
            return Ok(None);
        }
        if storage.0.as_ref() != Some(&tensor.key) {
            storage = (Some(tensor.key.clone()), tensor.element.floats(&read(&tensor)?));
        }
        if storage.1.len() != tensor.storage_len {
            let reason =
                format!("{name}: its storage has {} numbers instead of {}", storage.1.len(), tensor.storage_len);
            return Err(Problem::damaged(reason));
        }
        let data = if tensor.is_contiguous() {
            storage.1[tensor.offset..tensor.offset + tensor.len()].to_vec()
        } else {
            tensor.pick(&storage.1)
        };
        tensors.insert(name, Weight { shape: tensor.shape, data });
    }
    Ok(Some(Weights { tensors, metadata: BTreeMap::new(), foreign: foreign_names(pickle) }))
}
