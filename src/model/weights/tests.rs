use super::pickle::{Node, Pickle};
use super::testing::{Pickler, Tensor, dictionary, floats, legacy_of, tensor, zip_of};
use super::{
    PART_BYTES, Problem, Weight, Weights, WeightsError, in_order, looks_like_weights, read_weights_unless,
    weights_from_bytes,
};
use crate::config::{Net, Pooling};
use crate::model::{EmbedderSpec, Form, onnx};
use burn::backend::Flex;
use std::collections::BTreeMap;
use std::io::Cursor;

/// A matrix, its transpose as a view of the same storage, and a single whole number.
fn three() -> [Tensor<'static>; 3] {
    let count = Tensor { class: "LongStorage", ..tensor("steps", "1", 1, &[], &[]) };
    [tensor("matrix", "0", 6, &[2, 3], &[3, 1]), tensor("transposed", "0", 6, &[3, 2], &[1, 3]), count]
}

fn check_three(weights: &Weights) {
    let weight = |shape: &[usize], data: &[f32]| Weight { shape: shape.to_vec(), data: data.to_vec() };
    assert_eq!(weights.tensors["matrix"], weight(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    assert_eq!(weights.tensors["transposed"], weight(&[3, 2], &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]));
    assert_eq!(weights.tensors["steps"], weight(&[], &[7.0]));
    assert_eq!((weights.tensors.len(), weights.foreign.len()), (3, 0));
}

const SIX: [f32; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];

#[test]
fn a_zip_of_torch_save_is_read() {
    let pickle = dictionary(Pickler::new(), &three(), false).done();
    let bytes = zip_of(&pickle, &[("0", floats(&SIX)), ("1", 7i64.to_le_bytes().to_vec())]);
    check_three(&weights_from_bytes(&bytes).unwrap());
}

#[test]
fn the_older_form_is_read() {
    let pickle = dictionary(Pickler::new(), &three(), true).done();
    let storages = [("1", 1, 7i64.to_le_bytes().to_vec()), ("0", 6, floats(&SIX))];
    check_three(&weights_from_bytes(&legacy_of(&pickle, &storages)).unwrap());
}

#[test]
fn a_trainers_checkpoint_is_read_and_its_code_is_not_run() {
    let pickle =
        Pickler::new().raw(b"}(").text("callbacks").global("posix", "system").raw(b"(").text("echo no").raw(b"tR");
    let best = Tensor { class: "LongStorage", ..tensor("best", "1", 1, &[], &[]) };
    let pickle = pickle.text("best_acc1").tensor(&best, false).text("epoch").int(3).text("state_dict");
    let pickle = dictionary(pickle, &three(), false).raw(b"u").done();
    let bytes = zip_of(&pickle, &[("0", floats(&SIX)), ("1", 7i64.to_le_bytes().to_vec())]);
    let weights = weights_from_bytes(&bytes).unwrap();
    assert_eq!(weights.foreign, ["posix.system"]);
    check_three(&Weights { foreign: Vec::new(), ..weights });
}

#[test]
fn every_type_of_number_becomes_thirty_two_bits() {
    let cases: [(&'static str, Vec<u8>); 7] = [
        ("DoubleStorage", [1.5f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect()),
        (
            "HalfStorage",
            [half::f16::from_f32(1.5), half::f16::from_f32(-2.0)].iter().flat_map(|x| x.to_le_bytes()).collect(),
        ),
        (
            "BFloat16Storage",
            [half::bf16::from_f32(1.5), half::bf16::from_f32(-2.0)].iter().flat_map(|x| x.to_le_bytes()).collect(),
        ),
        ("IntStorage", [1i32, -2].iter().flat_map(|x| x.to_le_bytes()).collect()),
        ("ShortStorage", [1i16, -2].iter().flat_map(|x| x.to_le_bytes()).collect()),
        ("CharStorage", vec![1, 0xfe]),
        ("ByteStorage", vec![1, 254]),
    ];
    for (class, bytes) in cases {
        let entry = Tensor { class, ..tensor("x", "0", 2, &[2], &[1]) };
        let file = zip_of(&dictionary(Pickler::new(), &[entry], false).done(), &[("0", bytes)]);
        let data = weights_from_bytes(&file).unwrap().tensors["x"].data.clone();
        let wanted = match class {
            "IntStorage" | "ShortStorage" | "CharStorage" => [1.0, -2.0],
            "ByteStorage" => [1.0, 254.0],
            _ => [1.5, -2.0],
        };
        assert_eq!(data, wanted, "{class}");
    }
}

#[test]
fn safetensors_survive_writing_and_reading() {
    let mut weights = Weights::default();
    weights.tensors.insert("a.b".to_owned(), Weight { shape: vec![2, 3], data: SIX.to_vec() });
    weights.metadata.insert("made by".to_owned(), "a test".to_owned());
    let bytes = weights.to_safetensors().unwrap();
    assert_eq!(weights_from_bytes(&bytes).unwrap(), weights);
    for end in [8, 9, 20, bytes.len() - 1] {
        assert!(weights_from_bytes(&bytes[..end]).is_err());
    }
}

#[test]
fn the_same_weights_are_the_same_bytes_whatever_is_said_of_them() {
    let mut weights = Weights::default();
    for (name, size) in [("z", 1), ("fc.weight", 3), ("a", 2)] {
        weights.tensors.insert(name.to_owned(), Weight { shape: vec![size], data: SIX[..size].to_vec() });
    }
    weights.metadata.extend((0..40).map(|number| (format!("key {number}"), format!("\"Åse\" {number}"))));
    let bytes = weights.to_safetensors().unwrap();
    for _ in 0..5 {
        assert!(weights.to_safetensors().unwrap() == bytes);
    }
    assert_eq!(weights_from_bytes(&bytes).unwrap(), weights);
    let (header, _) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header % 8, 0);
    // However it was written before.
    let said = weights.metadata.clone().into_iter().collect();
    let library = safetensors::serialize(&weights.tensors, Some(said)).unwrap();
    assert!(in_order(library).unwrap() == bytes);
    assert!(in_order(bytes[..20].to_vec()).is_err() && in_order(Vec::new()).is_err());
}

#[test]
fn what_holds_no_weights_is_refused_with_what_it_holds() {
    let empty = |pickle: Vec<u8>| weights_from_bytes(&zip_of(&pickle, &[])).unwrap_err().to_string();
    let object = empty(Pickler::new().global("models", "Net").raw(b")\x81}b").done());
    assert!(object.contains("a whole Python object, models.Net") && object.contains("state_dict()"), "{object}");
    let other = empty(Pickler::new().raw(b"}(").text("epoch").int(3).raw(b"u").done());
    assert!(other.contains("epoch"), "{other}");
    assert!(empty(Pickler::new().int(3).done()).contains("no dictionary"));
    assert!(matches!(weights_from_bytes(b"\xff\xd8\xff\xe0 a picture"), Err(Problem::Unknown)));
    assert!(matches!(weights_from_bytes(b""), Err(Problem::Unknown)));
}

/// Sizes that would ask for more memory than the file can back.
#[test]
fn tensors_beyond_their_storage_are_refused() {
    let good = tensor("x", "0", 6, &[2, 3], &[3, 1]);
    let cases = [
        Tensor { shape: vec![1 << 30, 1 << 30], strides: vec![0, 0], ..good.clone() },
        Tensor { shape: vec![1 << 20], strides: vec![0], ..good.clone() },
        Tensor { offset: 1, ..good.clone() },
        Tensor { offset: -1, ..good.clone() },
        Tensor { strides: vec![i32::MAX, 1], ..good.clone() },
        Tensor { strides: vec![1], ..good.clone() },
        Tensor { shape: vec![1; 6], strides: vec![1; 6], ..good.clone() },
        Tensor { count: 1 << 30, shape: vec![1 << 30], strides: vec![1], ..good.clone() },
        Tensor { key: "../../x", ..good.clone() },
        Tensor { class: "QUInt8Storage", ..good.clone() },
    ];
    for entry in cases {
        let pickle = dictionary(Pickler::new(), std::slice::from_ref(&entry), false).done();
        assert!(weights_from_bytes(&zip_of(&pickle, &[("0", floats(&SIX))])).is_err(), "{:?}", entry.shape);
        let pickle = dictionary(Pickler::new(), &[entry], true).done();
        assert!(weights_from_bytes(&legacy_of(&pickle, &[("0", 6, floats(&SIX))])).is_err());
    }
    let many = vec![good; 200];
    let names: Vec<String> = (0..200).map(|i| format!("x{i}")).collect();
    let open = Pickler::new().ordered_dict().raw(b"(");
    let pickle = many.iter().zip(&names).fold(open, |pickler, (entry, name)| pickler.text(name).tensor(entry, false));
    let bytes = zip_of(&pickle.raw(b"u").done(), &[("0", floats(&SIX))]);
    // Two hundred views of one storage are fewer numbers than the names take bytes.
    assert_eq!(weights_from_bytes(&bytes).unwrap().tensors.len(), 200);
}

#[test]
fn no_cut_and_no_changed_byte_makes_it_panic() {
    let pickle = dictionary(Pickler::new(), &three(), true).done();
    let legacy = legacy_of(&pickle, &[("0", 6, floats(&SIX)), ("1", 1, 7i64.to_le_bytes().to_vec())]);
    let pickle = dictionary(Pickler::new(), &three(), false).done();
    let zip = zip_of(&pickle, &[("0", floats(&SIX)), ("1", 7i64.to_le_bytes().to_vec())]);
    for good in [legacy, zip] {
        assert!(weights_from_bytes(&good).is_ok());
        for end in 0..good.len() {
            weights_from_bytes(&good[..end]).ok();
        }
        for at in 0..good.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, b'Q', b'R', b'u'] {
                let mut bytes = good.clone();
                bytes[at] = value;
                weights_from_bytes(&bytes).ok();
            }
        }
    }
}

#[test]
fn a_pickle_that_doubles_itself_stays_small() {
    // Each list holds the one before it twice: as a tree it would have 2⁶⁰ leaves.
    let mut pickler = Pickler::new().raw(b"]");
    for _ in 0..60 {
        pickler = pickler.raw(b"2\x86");
    }
    let pickle = Pickle::read(&pickler.done()).unwrap();
    assert_eq!(pickle.nodes().len(), 61);
    assert_eq!(pickle.members(pickle.root()).len(), 2);
}

#[test]
fn a_pickle_that_is_too_long_is_not_called_damaged() {
    let length = 17_u32 << 20;
    let long = Pickler::new().raw(b"B").raw(&length.to_le_bytes()).raw(&vec![0; length as usize]).done();
    let error = Pickle::read(&long).unwrap_err();
    assert!(matches!(&error, Problem::Unsupported(_)) && error.to_string().contains("state_dict()"), "{error}");
    assert!(matches!(Pickle::read(&long[..1 << 20]), Err(Problem::Damaged(_))));
}

/// A text, remembered as 0, and a tensor of one number, remembered as 1.
fn remembered(text: &str) -> Pickler {
    Pickler::new().text(text).raw(b"q\x000").tensor(&tensor("", "0", 1, &[], &[]), false).raw(b"q\x010")
}

fn read_one(pickler: Pickler) -> Result<Weights, Problem> {
    weights_from_bytes(&zip_of(&pickler.done(), &[("0", floats(&[1.0]))]))
}

/// Every use of a text takes two bytes of the file: what is copied with each would fill the memory.
#[test]
fn what_a_file_repeats_is_not_copied_without_end() {
    let repeated = |text: &str, times: usize| remembered(text).raw(b"}(").raw(&b"h\x00h\x01".repeat(times)).raw(b"u");
    assert_eq!(read_one(repeated("x", 1000)).unwrap().tensors.len(), 1);
    let error = read_one(repeated(&"x".repeat(2000), 2)).unwrap_err().to_string();
    assert!(error.contains("the name of a weight") && error.len() < 600, "{error}");
    let classes = remembered(&"x".repeat(1 << 20)).raw(b"](").raw(&b"h\x00h\x00\x93".repeat(9)).raw(b"e");
    assert!(Pickle::read(&classes.done()).is_err());
    let many = (0..=100_000).fold(remembered("").raw(b"}("), |all, i: u32| all.text(&i.to_string()).raw(b"h\x01"));
    assert!(read_one(many.raw(b"u")).unwrap_err().to_string().contains("more tensors"));
    let key = "0123456789012345678901234567890123456789012345678901234567890123456789";
    let pickle = dictionary(Pickler::new(), &[tensor("x", key, 1, &[], &[])], false).done();
    assert!(weights_from_bytes(&zip_of(&pickle, &[(key, floats(&[1.0]))])).is_err());
}

#[test]
fn of_parts_with_the_same_name_the_last_one_counts() {
    let pickle = dictionary(Pickler::new().raw(b"}(").text("model"), &three(), false).text("model");
    let pickle = dictionary(pickle, &[tensor("last", "0", 6, &[6], &[1])], false).raw(b"u").done();
    let weights = weights_from_bytes(&zip_of(&pickle, &[("0", floats(&SIX))])).unwrap();
    assert!(weights.tensors.keys().eq(["last"]), "{weights:?}");
}

#[test]
fn nothing_that_a_terminal_would_obey_comes_out_of_a_file() {
    let error = read_one(remembered("conv\u{1b}[2J.weight").raw(b"}(h\x00h\x01u")).unwrap_err().to_string();
    assert!(error.contains("conv\\u{1b}[2J.weight") && !error.contains('\u{1b}'), "{error}");
    let tensors = [("conv\u{1b}[2J".to_owned(), Weight { shape: vec![1], data: vec![0.0] })].into_iter().collect();
    let file = Weights { tensors, ..Weights::default() }.to_safetensors().unwrap();
    assert!(matches!(weights_from_bytes(&file), Err(Problem::Damaged(_))));
    let code = Pickler::new().global("posix\u{1b}[8m", "system").raw(b"0");
    let pickle = dictionary(code, &three()[..1], false).done();
    let weights = weights_from_bytes(&zip_of(&pickle, &[("0", floats(&SIX))])).unwrap();
    assert_eq!(weights.foreign, ["posix\\u{1b}[8m.system"]);
}

#[test]
fn whole_numbers_keep_their_sign() {
    let read = |bytes: &[u8]| {
        let pickle = Pickle::read(&Pickler::new().raw(bytes).done()).unwrap();
        pickle.get(pickle.root()).clone()
    };
    for (bytes, number) in [
        (&b"K\xff"[..], 255),
        (b"M\xff\xff", 65_535),
        (b"J\xff\xff\xff\xff", -1),
        (b"\x8a\x01\xff", -1),
        (b"\x8a\x02\xff\x00", 255),
        (b"\x8a\x00", 0),
    ] {
        assert_eq!(read(bytes), Node::Int(number), "{bytes:?}");
    }
    assert_eq!(read(b"\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01"), Node::Other);
}

#[test]
fn an_onnx_network_is_called_one() {
    let (net, form, pooling) = (Net::Small, Form::Usual, Pooling::Average);
    let spec = EmbedderSpec { net, form, pooling, channels: 1, image_px: 32, embedding_dim: 4, dropout: 0.0 };
    let file = tempfile::NamedTempFile::new().unwrap();
    let network = onnx(&spec.init::<Flex>(&Default::default()), &spec, &BTreeMap::new());
    std::fs::write(file.path(), network).unwrap();
    let error = read_weights_unless(file.path(), &|| false).unwrap_err();
    assert!(matches!(&error, WeightsError::Content { problem: Problem::Onnx, .. }), "{error}");
    std::fs::write(file.path(), "text").unwrap();
    let error = read_weights_unless(file.path(), &|| false).unwrap_err();
    assert!(matches!(&error, WeightsError::Content { problem: Problem::Unknown, .. }), "{error}");
}

#[test]
fn reading_a_large_file_is_given_up_between_two_parts_of_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(3 * PART_BYTES).unwrap();
    let looks = std::cell::Cell::new(0);
    let read = |most: usize| {
        looks.set(0);
        read_weights_unless(file.path(), &|| {
            looks.set(looks.get() + 1);
            looks.get() > most
        })
    };
    assert!(matches!(read(1), Err(WeightsError::Cancelled)) && looks.get() == 2, "{}", looks.get());
    assert!(matches!(read(9), Err(WeightsError::Content { problem: Problem::Unknown, .. })));
}

#[test]
fn reading_is_given_up_between_two_tensors_whatever_the_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights");
    let one = 7i64.to_le_bytes().to_vec();
    let zip = zip_of(&dictionary(Pickler::new(), &three(), false).done(), &[("0", floats(&SIX)), ("1", one.clone())]);
    let storages = [("1", 1, one), ("0", 6, floats(&SIX))];
    let legacy = legacy_of(&dictionary(Pickler::new(), &three(), true).done(), &storages);
    let safetensors = weights_from_bytes(&zip).unwrap().to_safetensors().unwrap();
    for bytes in [zip, legacy, safetensors] {
        std::fs::write(&file, bytes).unwrap();
        let looks = std::cell::Cell::new(0);
        let read = |most: usize| {
            looks.set(0);
            read_weights_unless(&file, &|| {
                looks.set(looks.get() + 1);
                looks.get() > most
            })
        };
        // Two before and after the file's one part, and one before each of its tensors.
        for most in 0..5 {
            assert!(matches!(read(most), Err(WeightsError::Cancelled)), "{most}");
        }
        assert_eq!(read(5).unwrap().tensors.len(), 3);
    }
}

#[test]
fn weights_are_known_by_what_is_in_the_file_whatever_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let looks = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        looks_like_weights(&path)
    };
    let pickle = dictionary(Pickler::new(), &three(), false).done();
    let packed = zip_of(&pickle, &[("0", floats(&SIX)), ("1", 7i64.to_le_bytes().to_vec())]);
    assert!(looks("model_best.pth.tar", &packed));
    let pickle = dictionary(Pickler::new(), &three(), true).done();
    let storages = [("1", 1, 7i64.to_le_bytes().to_vec()), ("0", 6, floats(&SIX))];
    assert!(looks("pytorch_model.bin", &legacy_of(&pickle, &storages)));
    let matrix = Weight { shape: vec![2, 3], data: SIX.to_vec() };
    let tensors = [("matrix".to_owned(), matrix)].into_iter().collect();
    assert!(looks("matrix", &Weights { tensors, ..Weights::default() }.to_safetensors().unwrap()));
    let mut images = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["a/data.pkl", "a/1.png"] {
        images.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    }
    assert!(!looks("images.zip", &images.finish().unwrap().into_inner()));
    assert!(!looks("text.json", b"12345678{ is no length of a header\n"));
    assert!(!looks("cut.zip", &packed[..packed.len() / 2]) && !looks("empty", b""));
    assert!(!looks_like_weights(folder.path()) && !looks_like_weights(&folder.path().join("missing")));
}

#[test]
fn only_a_variance_too_far_below_zero_has_no_root() {
    let found = |name: &str, numbers: &[f32]| {
        let weight = Weight { shape: vec![numbers.len()], data: numbers.to_vec() };
        let weights = Weights { tensors: BTreeMap::from([(name.to_owned(), weight)]), ..Weights::default() };
        weights.first_variance_without_root().map(str::to_owned)
    };
    // What rounding left of a channel that is always the same.
    assert_eq!(found("bn.running_var", &[1.0, 0.0, -1e-9, -9e-6]), None);
    assert_eq!(found("bn.running_var", &[1.0, -1e-5]).as_deref(), Some("bn.running_var"));
    assert_eq!(found("bn.running_mean", &[-1.0]), None);
}
