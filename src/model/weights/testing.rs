//! What tests of several modules read: files as torch.save writes them, put together instruction by instruction.

use super::Weights;
use crate::model::testing::COUNTER;
use std::io::{Cursor, Write as _};

/// A pickle under construction, of the instructions that torch.save uses.
#[derive(Debug, Default)]
pub struct Pickler(Vec<u8>);

impl Pickler {
    /// Of protocol 2.
    pub fn new() -> Self {
        Self(vec![0x80, 2])
    }

    /// Instructions as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// Text.
    pub fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    /// A whole number.
    pub fn int(self, number: i32) -> Self {
        self.raw(b"J").raw(&number.to_le_bytes())
    }

    /// A class or function of Python.
    pub fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    fn sizes(self, sizes: &[i32]) -> Self {
        sizes.iter().fold(self.raw(b"("), |pickler, size| pickler.int(*size)).raw(b"t")
    }

    /// An empty dictionary as PyTorch's are.
    pub fn ordered_dict(self) -> Self {
        self.global("collections", "OrderedDict").raw(b")R")
    }

    /// A tensor, in the newer or the older form.
    pub fn tensor(self, tensor: &Tensor<'_>, legacy: bool) -> Self {
        let storage = self.global("torch._utils", "_rebuild_tensor_v2").raw(b"((").text("storage");
        let storage = storage.global("torch", tensor.class).text(tensor.key).text("cpu").int(tensor.count);
        let storage = if legacy { storage.raw(b"N") } else { storage };
        let placed = storage.raw(b"tQ").int(tensor.offset).sizes(&tensor.shape).sizes(&tensor.strides).raw(b"\x89");
        placed.ordered_dict().raw(b"tR")
    }

    /// Its bytes.
    pub fn done(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

/// A tensor as a pickle describes it: its numbers lie elsewhere.
#[derive(Clone, Debug)]
pub struct Tensor<'a> {
    /// Its name in the dictionary.
    pub name: &'a str,
    /// Of its storage, which says the type of the numbers.
    pub class: &'a str,
    /// Name of its storage.
    pub key: &'a str,
    /// Numbers of its storage.
    pub count: i32,
    /// Its first number.
    pub offset: i32,
    /// Sizes of its axes.
    pub shape: Vec<i32>,
    /// Numbers from one index to the next, per axis.
    pub strides: Vec<i32>,
}

/// One of 32-bit numbers that begins where its storage does.
pub fn tensor<'a>(name: &'a str, key: &'a str, count: i32, shape: &[i32], strides: &[i32]) -> Tensor<'a> {
    let (shape, strides) = (shape.to_vec(), strides.to_vec());
    Tensor { name, class: "FloatStorage", key, count, offset: 0, shape, strides }
}

/// A state dictionary of these tensors, in the newer or the older form.
pub fn dictionary(pickler: Pickler, tensors: &[Tensor<'_>], legacy: bool) -> Pickler {
    let open = pickler.ordered_dict().raw(b"(");
    tensors.iter().fold(open, |pickler, entry| pickler.text(entry.name).tensor(entry, legacy)).raw(b"u")
}

/// The bytes of 32-bit numbers.
pub fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The archive that torch.save writes since PyTorch 1.6.
pub fn zip_of(pickle: &[u8], storages: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut entry = |name: &str, bytes: &[u8]| {
        writer.start_file(format!("archive/{name}"), stored).unwrap();
        writer.write_all(bytes).unwrap();
    };
    entry("data.pkl", pickle);
    entry("byteorder", b"little");
    storages.iter().for_each(|(key, bytes)| entry(&format!("data/{key}"), bytes));
    writer.finish().unwrap().into_inner()
}

/// The pickles in a row that it wrote before.
pub fn legacy_of(object: &[u8], storages: &[(&str, u64, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = super::torch_file::LEGACY.to_vec();
    bytes.push(b'.');
    bytes.extend(Pickler::new().int(1001).done());
    bytes.extend(Pickler::new().raw(b"}(").text("little_endian").raw(b"\x88u").done());
    bytes.extend(object);
    bytes.extend(storages.iter().fold(Pickler::new().raw(b"]("), |keys, (key, ..)| keys.text(key)).raw(b"e").done());
    for (_, count, numbers) in storages {
        bytes.extend(count.to_le_bytes());
        bytes.extend(numbers);
    }
    bytes
}

/// The dictionary of a network, each tensor in a storage of its own that is called by its number.
#[derive(Debug)]
pub struct Saved<'a> {
    weights: &'a Weights,
    keys: Vec<String>,
}

impl<'a> Saved<'a> {
    /// Of these weights.
    pub fn new(weights: &'a Weights) -> Self {
        Self { weights, keys: (0..weights.tensors.len()).map(|number| number.to_string()).collect() }
    }

    /// Put at the end of a pickle, in the newer or the older form.
    pub fn pickled(&self, pickler: Pickler, legacy: bool) -> Pickler {
        let entries = self.weights.tensors.iter().zip(&self.keys).map(|((name, weight), key)| {
            let shape: Vec<i32> = weight.shape.iter().map(|size| *size as i32).collect();
            let mut strides = vec![1; shape.len()];
            for axis in (1..shape.len()).rev() {
                strides[axis - 1] = strides[axis] * shape[axis];
            }
            let class = if name.ends_with(COUNTER) { "LongStorage" } else { "FloatStorage" };
            Tensor { class, ..tensor(name, key, weight.data.len() as i32, &shape, &strides) }
        });
        dictionary(pickler, &entries.collect::<Vec<_>>(), legacy)
    }

    /// The archive with this pickle in it.
    pub fn zip(&self, pickle: &[u8]) -> Vec<u8> {
        let storages: Vec<(&str, Vec<u8>)> = self.storages().map(|(key, _, bytes)| (key, bytes)).collect();
        zip_of(pickle, &storages)
    }

    /// The older form with this pickle in it.
    pub fn legacy(&self, pickle: &[u8]) -> Vec<u8> {
        legacy_of(pickle, &self.storages().collect::<Vec<_>>())
    }

    /// Name, count and bytes of every storage.
    fn storages(&self) -> impl Iterator<Item = (&str, u64, Vec<u8>)> {
        self.weights.tensors.iter().zip(&self.keys).map(|((name, weight), key)| {
            let bytes: Vec<u8> = if name.ends_with(COUNTER) {
                weight.data.iter().flat_map(|number| (*number as i64).to_le_bytes()).collect()
            } else {
                floats(&weight.data)
            };
            (key.as_str(), weight.data.len() as u64, bytes)
        })
    }
}
