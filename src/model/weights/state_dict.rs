//! Finds the tensors of a PyTorch state dictionary in its pickle: names, shapes and where their numbers lie.

use super::element::Element;
use super::pickle::{Node, Pickle, Ref};
use super::{Problem, check_name, told};
use std::collections::BTreeMap;

/// A tensor whose numbers have not been read yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    /// Type of the numbers.
    pub element: Element,
    /// Name of the storage.
    pub key: String,
    /// Numbers of the storage.
    pub storage_len: usize,
    /// First number.
    pub offset: usize,
    pub shape: Vec<usize>,
    /// Numbers from one index to the next, per axis.
    pub strides: Vec<usize>,
}

impl Stored {
    /// How many numbers it has.
    pub fn len(&self) -> usize {
        // Checked when it was made.
        self.shape.iter().product()
    }

    /// Takes its numbers out of those of its storage.
    pub fn pick(&self, storage: &[f32]) -> Vec<f32> {
        let mut positions = vec![self.offset];
        for (count, stride) in self.shape.iter().zip(&self.strides) {
            positions = positions.iter().flat_map(|first| (0..*count).map(move |i| first + i * stride)).collect();
        }
        positions.iter().map(|position| storage.get(*position).copied().unwrap_or(f32::NAN)).collect()
    }

    /// Its numbers lie one after the other.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(count, stride)| {
            let fits = *count == 1 || *stride == expected;
            expected *= count;
            fits
        })
    }
}

/// Where trainers put the network's dictionary inside a larger one.
const NESTED: [&str; 8] =
    ["state_dict", "model_state_dict", "state_dict_backbone", "backbone", "model", "net", "network", "params"];
/// A tensor in a parameter in a buffer, at most.
const MAX_WRAPPERS: usize = 4;
/// Axes of a convolution's weight, and one to spare.
const MAX_AXES: usize = 5;
/// More tensors than any network has with all that trainers put beside it.
const MAX_TENSORS: usize = 100_000;
/// Names that are told of a file without weights, of each kind.
const SHOWN: usize = 10;
/// Bytes of a storage's name, which is its number or its address in digits.
const MAX_KEY: usize = 64;

/// The tensors of the file's state dictionary, each name once.
///
/// # Errors
/// [`Problem::Empty`] when there are none, [`Problem::Damaged`] when one reaches beyond its storage.
pub(super) fn tensors(pickle: &Pickle) -> Result<Vec<(String, Stored)>, Problem> {
    let own = entries(pickle, pickle.root())?;
    let parts: Vec<(&str, Ref)> = named(pickle, pickle.root()).collect();
    for wanted in NESTED {
        // A file may name one part a million times; as in Python the last one counts.
        let Some((_, value)) = parts.iter().rev().find(|(name, _)| *name == wanted) else { continue };
        let found = entries(pickle, *value)?;
        // Trainers put tensors of their own beside it, such as the best accuracy.
        if found.len() > own.len() {
            return Ok(owned(found));
        }
    }
    if !own.is_empty() {
        return Ok(owned(own));
    }
    let found: Vec<String> = parts.iter().map(|(name, _)| told(name)).take(SHOWN).collect();
    let held = match (pickle.call(pickle.root()), found.is_empty()) {
        (Some((module, name, _)), true) => {
            return Err(Problem::Empty(format!("it holds a whole Python object, {}.{}", told(module), told(name))));
        }
        (_, true) => "it holds no dictionary".to_owned(),
        (_, false) => format!("it holds {}", found.join(", ")),
    };
    Err(Problem::Empty(held + &code_in(pickle)))
}

/// The code that a file without weights names, as the end of a sentence: what should be a weight may be a call of it.
fn code_in(pickle: &Pickle) -> String {
    let names = foreign_names(pickle);
    if names.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = names.into_iter().take(SHOWN).collect();
    format!(", and names Python code, none of which was run: {}", shown.join(", "))
}

/// Names of code in the pickle beside those that every state dictionary has; none of it is run.
pub(super) fn foreign_names(pickle: &Pickle) -> Vec<String> {
    let mut names: Vec<String> = pickle
        .nodes()
        .iter()
        .filter_map(|node| if let Node::Global(module, name) = node { Some((module, name)) } else { None })
        .filter(|(module, name)| !is_plain(module, name))
        .map(|(module, name)| told(&format!("{module}.{name}")))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_plain(module: &str, name: &str) -> bool {
    match module {
        "collections" => name == "OrderedDict",
        "torch._utils" => name.starts_with("_rebuild_"),
        "torch" | "torch.cuda" => name.ends_with("Storage") || ["Size", "device"].contains(&name),
        _ => false,
    }
}

fn named(pickle: &Pickle, value: Ref) -> impl Iterator<Item = (&str, Ref)> {
    pickle.entries(value).iter().filter_map(|(key, value)| Some((pickle.text(*key)?, *value)))
}

/// Names are borrowed until the dictionary is chosen: a file may repeat a name more often than copies of it fit into memory.
fn entries(pickle: &Pickle, value: Ref) -> Result<BTreeMap<&str, Stored>, Problem> {
    let mut found = BTreeMap::new();
    for (name, value) in named(pickle, value) {
        let Some(tensor) = tensor(pickle, value).map_err(|problem| at(name, problem))? else { continue };
        check_name(name)?;
        found.insert(name, tensor);
        if found.len() > MAX_TENSORS {
            return Err(Problem::damaged("it has more tensors than any network"));
        }
    }
    Ok(found)
}

fn owned(found: BTreeMap<&str, Stored>) -> Vec<(String, Stored)> {
    found.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect()
}

fn at(name: &str, problem: Problem) -> Problem {
    match problem {
        Problem::Damaged(reason) => Problem::Damaged(format!("{}: {reason}", told(name))),
        Problem::Unsupported(what) => Problem::Unsupported(format!("{what} ({})", told(name))),
        other => other,
    }
}

/// The tensor behind a value, or nothing where it is something else.
fn tensor(pickle: &Pickle, mut value: Ref) -> Result<Option<Stored>, Problem> {
    for _ in 0..MAX_WRAPPERS {
        let Some(("torch._utils", name, arguments)) = pickle.call(value) else { return Ok(None) };
        match (name, arguments) {
            ("_rebuild_parameter" | "_rebuild_parameter_with_state", [data, ..]) => value = *data,
            ("_rebuild_tensor" | "_rebuild_tensor_v2", [storage, offset, shape, strides, ..]) => {
                return stored(pickle, *storage, *offset, [*shape, *strides]).map(Some);
            }
            _ => return Err(Problem::Unsupported(format!("tensors made by {}", told(name)))),
        }
    }
    Ok(None)
}

fn stored(pickle: &Pickle, storage: Ref, offset: Ref, [shape, strides]: [Ref; 2]) -> Result<Stored, Problem> {
    let (element, key, storage_len) = storage_of(pickle, storage)?;
    let sizes = |value: Ref| -> Result<Vec<usize>, Problem> {
        let sizes: Option<Vec<usize>> = pickle.members(value).iter().map(|size| whole(pickle, *size)).collect();
        sizes.filter(|sizes| sizes.len() <= MAX_AXES).ok_or_else(|| Problem::damaged("its shape cannot be read"))
    };
    let (shape, strides) = (sizes(shape)?, sizes(strides)?);
    let offset = whole(pickle, offset).ok_or_else(|| Problem::damaged("its place cannot be read"))?;
    let tensor = Stored { element, key, storage_len, offset, shape, strides };
    // No expansion: a tensor has at most as many numbers as its storage, and its last one lies in it.
    let count = tensor.shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
    let reach = tensor.shape.iter().zip(&tensor.strides).try_fold(offset, |end, (size, stride)| {
        size.saturating_sub(1).checked_mul(*stride).and_then(|step| end.checked_add(step))
    });
    let fits = tensor.shape.len() == tensor.strides.len()
        && count.is_some_and(|count| count <= storage_len)
        && (count == Some(0) || reach.is_some_and(|reach| reach < storage_len));
    if fits {
        Ok(tensor)
    } else {
        Err(Problem::damaged(format!("shape {:?} reaches beyond its {storage_len} numbers", tensor.shape)))
    }
}

/// `('storage', class, key, device, count)`; older files add `None`, or of what it is a view.
fn storage_of(pickle: &Pickle, value: Ref) -> Result<(Element, String, usize), Problem> {
    let bad = || Problem::damaged("its storage cannot be read");
    let Node::Persistent(name) = pickle.get(value) else { return Err(bad()) };
    let [tag, class, key, _, count, view @ ..] = pickle.members(*name) else { return Err(bad()) };
    if pickle.text(*tag) != Some("storage") {
        return Err(bad());
    }
    if view.first().is_some_and(|view| *pickle.get(*view) != Node::None) {
        return Err(Problem::Unsupported("a view of a storage".to_owned()));
    }
    let Node::Global(_, class) = pickle.get(*class) else { return Err(bad()) };
    let element =
        Element::of_storage(class).ok_or_else(|| Problem::Unsupported(format!("numbers of type {}", told(class))))?;
    let key = storage_key(pickle, *key).ok_or_else(bad)?.to_owned();
    Ok((element, key, whole(pickle, *count).ok_or_else(bad)?))
}

/// The name of a storage, where it is one that torch.save gives: all tensors may have the same, and each copies it.
pub(super) fn storage_key(pickle: &Pickle, value: Ref) -> Option<&str> {
    pickle.text(value).filter(|key| key.len() <= MAX_KEY && key.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn whole(pickle: &Pickle, value: Ref) -> Option<usize> {
    if let Node::Int(number) = pickle.get(value) { usize::try_from(*number).ok() } else { None }
}
