//! Files of torch.save from end to end: the same weights are the same network in any of them, and code in them is told and
//! never run.

use super::{embedding, refusal, request, spec, weights, write};
use crate::config::Net;
use crate::model::Form;
use crate::model::weights::testing::{Pickler, Saved, legacy_of, zip_of};
use crate::model::weights::{Weight, Weights};
use crate::train::import::import;

/// A checkpoint of Lightning: the network is one part of what its trainer keeps, and what a callback remembers goes by the
/// callback's class.
fn lightning(network: &Saved<'_>, legacy: bool) -> Vec<u8> {
    let open = Pickler::new().raw(b"}(").text("epoch").int(3).text("pytorch-lightning_version").text("1.2.8");
    let network = network.pickled(open.text("state_dict"), legacy);
    let callback = network.text("callbacks").raw(b"}(").global("pytorch_lightning.callbacks", "ModelCheckpoint");
    callback.text("epoch=3.ckpt").raw(b"u").text("optimizer_states").raw(b"]u").done()
}

#[test]
fn the_same_weights_are_the_same_network_whatever_file_they_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut own = weights(&spec(Net::MobileFaceNetClassic, Form::Usual));
    write(&at("net.safetensors"), &own);
    let safetensors = import(&request(&at("net.safetensors"), &at("safetensors"))).unwrap();
    let wanted = embedding(&at("safetensors"));

    own.tensors.insert("bn.num_batches_tracked".to_owned(), Weight { shape: Vec::new(), data: vec![9.0] });
    let tensors = own.tensors.iter().map(|(name, weight)| (format!("model.{name}"), weight.clone())).collect();
    let mut trainers = Weights { tensors, ..Weights::default() };
    trainers.tensors.insert("head.kernel".to_owned(), Weight { shape: vec![16, 3], data: vec![0.5; 48] });
    let (own, trainers) = (Saved::new(&own), Saved::new(&trainers));
    for (file, bytes, is_trainers) in [
        ("net.pth", own.zip(&own.pickled(Pickler::new(), false).done()), false),
        ("net.pt", own.legacy(&own.pickled(Pickler::new(), true).done()), false),
        ("pytorch_model.bin", own.legacy(&own.pickled(Pickler::new(), true).done()), false),
        ("epoch=3.ckpt", trainers.zip(&lightning(&trainers, false)), true),
        ("old.ckpt", trainers.legacy(&lightning(&trainers, true)), true),
    ] {
        std::fs::write(at(file), bytes).unwrap();
        let run = at(&format!("run of {file}"));
        let done = import(&request(&at(file), &run)).unwrap();
        assert_eq!((&done.flavour, &done.info), (&safetensors.flavour, &safetensors.info), "{file}");
        let left_out: &[&str] = if is_trainers { &["head.kernel"] } else { &[] };
        let foreign: &[&str] = if is_trainers { &["pytorch_lightning.callbacks.ModelCheckpoint"] } else { &[] };
        assert_eq!((done.left_out, done.foreign), (owned(left_out), owned(foreign)), "{file}");
        assert_eq!(embedding(&run), wanted, "{file}");
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A call that would leave a file behind.
fn call(pickler: Pickler, (module, name): (&str, &str), command: &str) -> Pickler {
    pickler.global(module, name).raw(b"(").text(command).raw(b"tR")
}

#[test]
fn code_in_a_file_without_weights_is_told_by_name_and_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let command = format!("touch '{}'", at("was run").display());
    for code in [("os", "system"), ("posix", "system"), ("builtins", "eval"), ("subprocess", "Popen")] {
        let name = format!("{}.{}", code.0, code.1);
        let whole = call(Pickler::new(), code, &command).done();
        let inside = call(Pickler::new().raw(b"}(").text("fc.weight"), code, &command).raw(b"u").done();
        for object in [whole, inside] {
            for (file, bytes) in [
                ("net.pth", zip_of(&object, &[])),
                ("net.pt", legacy_of(&object, &[])),
                ("zipped.bin", zip_of(&object, &[])),
                ("older.bin", legacy_of(&object, &[])),
            ] {
                std::fs::write(at(file), bytes).unwrap();
                let text = refusal(&at(file), &at("run"));
                assert!(text.contains(&name) && text.contains("state_dict()"), "{file}: {text}");
            }
            // A pickle by itself is no file of torch.save.
            std::fs::write(at("bare.bin"), object).unwrap();
            assert!(refusal(&at("bare.bin"), &at("run")).contains("neither a PyTorch file"));
        }
    }
    assert!(!at("was run").exists());
}

#[test]
fn code_beside_weights_is_told_by_name_and_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let own = weights(&spec(Net::MobileFaceNetClassic, Form::Usual));
    let saved = Saved::new(&own);
    let command = format!("touch '{}'", at("was run").display());
    let hidden = call(Pickler::new().raw(b"}(").text("callbacks"), ("posix", "system"), &command);
    let pickle = saved.pickled(hidden.text("state_dict"), false).raw(b"u").done();
    std::fs::write(at("net.ckpt"), saved.zip(&pickle)).unwrap();
    let done = import(&request(&at("net.ckpt"), &at("run"))).unwrap();
    assert_eq!(done.foreign, ["posix.system"]);
    assert!(!at("was run").exists());
}
