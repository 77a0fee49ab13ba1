mod outside;
mod torch_files;

use super::{ImportRequest, PreprocessChange, PreprocessPreset, Refusal, WeightsLook, import, look_at_weights};
use crate::config::{Net, Pooling};
use crate::data::Preprocess;
use crate::model::weights::{Weights, weights_from_bytes};
use crate::model::{EmbedderSpec, Form, save_weights};
use crate::train::{Control, Device, ExportFormat, ModelInfo, Network, TrainError, TrainedModel, export, list_runs};
use burn::backend::Flex;
use image::{DynamicImage, Rgb, RgbImage};
use std::collections::BTreeMap;
use std::path::Path;

fn spec(net: Net, form: Form) -> EmbedderSpec {
    EmbedderSpec { net, form, pooling: Pooling::Auto, channels: 3, image_px: 32, embedding_dim: 16, dropout: 0.0 }
}

/// What this program says of such a network.
fn described(spec: &EmbedderSpec, add_mirror: bool) -> ModelInfo {
    let preprocess = Preprocess::new(spec.image_px as u32, spec.channels as u32);
    super::model_info(Network { embedder: spec.clone(), preprocess, add_mirror })
}

fn weights(spec: &EmbedderSpec) -> Weights {
    let bytes = save_weights(&spec.init_seeded::<Flex>(&Default::default(), 5), &BTreeMap::new()).unwrap();
    weights_from_bytes(&bytes).unwrap()
}

fn write(path: &Path, weights: &Weights) {
    std::fs::write(path, weights.to_safetensors().unwrap()).unwrap();
}

fn request<'a>(weights: &'a Path, out: &'a Path) -> ImportRequest<'a> {
    ImportRequest { weights, out, preprocess: PreprocessChange::default(), control: Control::default() }
}

fn picture() -> DynamicImage {
    DynamicImage::ImageRgb8(RgbImage::from_fn(32, 32, |x, y| Rgb([x as u8 * 7, y as u8 * 5, 90])))
}

fn embedding(run: &Path) -> Vec<f32> {
    TrainedModel::open(run, Device::Cpu).unwrap().embed_image(&picture()).unwrap().0
}

#[test]
fn imported_weights_are_a_run_that_embeds_and_survives_export_and_import() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let spec = spec(Net::MobileFaceNetClassic, Form::Relu6);
    write(&at("net.safetensors"), &weights(&spec));
    let done = import(&request(&at("net.safetensors"), &at("first"))).unwrap();
    assert_eq!(done.info.network.embedder, spec);
    assert!(done.info.classes.is_empty() && done.left_out.is_empty());
    assert!((done.info.network.preprocess.mean[0] - 0.485).abs() < 1e-6, "the project's own preprocessing");
    let first = embedding(&at("first"));
    assert!(first.len() == 16 && first.iter().all(|value| value.is_finite()));
    let runs = list_runs(folder.path()).unwrap();
    assert!(runs.len() == 1 && runs[0].has_model && runs[0].is_imported() && !runs[0].is_unfinished());

    let change = PreprocessChange { mean: Some([0.1; 3]), blue_first: Some(true), ..PreprocessChange::default() };
    let (file, out) = (at("net.safetensors"), at("changed"));
    import(&ImportRequest { preprocess: change, ..request(&file, &out) }).unwrap();
    assert_ne!(embedding(&at("changed")), first);

    export(&at("changed"), ExportFormat::Safetensors, &at("again.safetensors"), false).unwrap();
    let again = import(&request(&at("again.safetensors"), &at("again"))).unwrap();
    assert_eq!(again.flavour, "ArcLens");
    assert!(again.info.network.preprocess.blue_first);
    assert_eq!(embedding(&at("again")), embedding(&at("changed")));
}

#[test]
fn an_exported_file_has_the_published_names_and_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/golden/backbone_shapes.json")).unwrap();
    let spec = EmbedderSpec { image_px: 112, embedding_dim: 512, ..spec(Net::MobileFaceNet, Form::Usual) };
    write(&at("net.safetensors"), &weights(&spec));
    import(&request(&at("net.safetensors"), &at("run"))).unwrap();
    export(&at("run"), ExportFormat::Safetensors, &at("out.safetensors"), false).unwrap();
    let out = weights_from_bytes(&std::fs::read(at("out.safetensors")).unwrap()).unwrap();
    let wanted = golden["nets"]["mbf"]["keys"].as_object().unwrap().iter();
    let wanted: BTreeMap<&str, Vec<u64>> = wanted
        .filter(|(name, _)| !name.ends_with("num_batches_tracked"))
        .map(|(name, shape)| (name.as_str(), serde_json::from_value(shape.clone()).unwrap()))
        .collect();
    let found = out
        .tensors
        .iter()
        .map(|(name, weight)| (name.as_str(), weight.shape.iter().map(|size| *size as u64).collect::<Vec<_>>()));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), wanted);
    assert_eq!((out.metadata["colour_order"].as_str(), out.metadata["classes"].as_str()), ("RGB", "[]"));
    let length = export(&at("run"), ExportFormat::Onnx, &at("out.onnx"), false).unwrap().bytes;
    assert_eq!(std::fs::metadata(at("out.onnx")).unwrap().len(), length);
    assert!(length > 4 * spec.parameter_count() as u64);
}

fn refusal(weights: &Path, out: &Path) -> String {
    let error = import(&request(weights, out)).unwrap_err();
    assert!(!out.exists(), "nothing is left behind");
    error.to_string()
}

#[test]
fn what_does_not_fit_is_refused_with_names_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("net.safetensors"), folder.path().join("run"));
    let good = weights(&spec(Net::MobileFaceNetClassic, Form::Usual));
    let mut bad = good.clone();
    bad.tensors.retain(|name, _| !name.contains("conv_3.model.1"));
    let odd = bad.tensors["bn.bias"].clone();
    bad.tensors.insert("surplus.bias".to_owned(), odd);
    bad.tensors.insert("conv2_dw.bn.bias".to_owned(), good.tensors["bn.bias"].clone());
    write(&file, &bad);
    let text = refusal(&file, &out);
    for part in [
        "17 missing: conv_3.model.1.conv.bn.bias",
        "and 7 more",
        "1 different: conv2_dw.bn.bias (expected [64], found [16])",
        "1 unexpected: surplus.bias",
        "the names are those of MobileFaceNet",
        "perhaps it was changed",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("of the run"), "there is none yet: {text}");
    let mut surplus = good.clone();
    surplus.tensors.insert("surplus.bias".to_owned(), good.tensors["bn.bias"].clone());
    write(&file, &surplus);
    assert!(refusal(&file, &out).contains("1 unexpected: surplus.bias"));
    let mut broken = good.clone();
    broken.tensors.get_mut("bn.bias").unwrap().data[3] = f32::NAN;
    write(&file, &broken);
    let text = refusal(&file, &out);
    assert!(text.contains("bn.bias") && !text.contains("checkpoint"), "it has no other: {text}");
    let mut rootless = good;
    rootless.tensors.get_mut("conv_3.model.1.conv.bn.running_var").unwrap().data[0] = -1e-5;
    write(&file, &rootless);
    let text = refusal(&file, &out);
    assert!(text.contains("conv_3.model.1.conv.bn.running_var") && text.contains("too far below 0"), "{text}");
    std::fs::write(&file, b"a text").unwrap();
    assert!(refusal(&file, &out).contains("neither a PyTorch file"));
    assert!(refusal(&folder.path().join("absent.pth"), &out).contains("cannot be read"));
}

#[test]
fn weights_that_are_finite_and_too_large_to_compute_with_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("net.safetensors"), folder.path().join("run"));
    let mut huge = weights(&spec(Net::MobileFaceNetClassic, Form::Usual));
    for weight in huge.tensors.values_mut().filter(|weight| weight.shape.len() == 4) {
        weight.data.iter_mut().for_each(|number| *number *= 1e10);
    }
    assert_eq!(huge.first_not_finite(), None);
    write(&file, &huge);
    let text = refusal(&file, &out);
    assert!(text.contains("grey image") && text.contains("far too large"), "{text}");
}

fn look(weights: &Path) -> WeightsLook {
    look_at_weights(weights, &Control::default()).unwrap()
}

#[test]
fn a_look_tells_what_an_import_would_do_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("net.safetensors"), folder.path().join("run"));
    let spec = spec(Net::MobileFaceNetClassic, Form::Usual);
    let good = weights(&spec);
    let mut trained = good.clone();
    let odd = good.tensors["bn.bias"].clone();
    for number in 0..12 {
        trained.tensors.insert(format!("head.{number}.weight"), odd.clone());
    }
    write(&file, &trained);
    let found = look(&file);
    let network = found.usable().unwrap();
    assert_eq!((found.tensors, &network.info.network.embedder), (trained.tensors.len(), &spec));
    assert_eq!(network.left_out.len(), 12, "all of them, not the first ten");
    assert_eq!(network.flavour, import(&request(&file, &out)).unwrap().flavour);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "the file and the run of the import");
}

#[test]
fn a_look_names_every_weight_that_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.safetensors");
    let good = weights(&spec(Net::MobileFaceNetClassic, Form::Usual));
    let mut bad = good.clone();
    bad.tensors.retain(|name, _| !name.contains("conv_3.model.1"));
    bad.tensors.insert("surplus.bias".to_owned(), good.tensors["bn.bias"].clone());
    bad.tensors.insert("conv2_dw.bn.bias".to_owned(), good.tensors["bn.bias"].clone());
    write(&file, &bad);
    let found = look(&file);
    assert!(found.usable().is_none() && found.network.is_some());
    let Refusal { reason, advice, misfit, .. } = found.refusal.unwrap();
    assert_eq!((misfit.missing.len(), misfit.misshaped.len(), misfit.unexpected.len()), (17, 1, 1));
    assert!(reason.contains("17 missing") && advice.contains("state_dict"), "{reason}. {advice}");
    let mut broken = good.clone();
    broken.tensors.get_mut("bn.bias").unwrap().data[3] = f32::NAN;
    write(&file, &broken);
    let refusal = look(&file).refusal.unwrap();
    assert!(refusal.reason.contains("bn.bias") && refusal.misfit.is_none(), "{}", refusal.reason);
    let mut foreign = Weights::default();
    for number in 0..15 {
        foreign.tensors.insert(format!("blocks.{number:02}.bias"), good.tensors["bn.bias"].clone());
    }
    write(&file, &foreign);
    let found = look(&file);
    let refusal = found.refusal.unwrap();
    assert!(found.network.is_none() && refusal.reason.contains("15 names"), "{}", refusal.reason);
    assert_eq!((refusal.names.len(), refusal.names[14].as_str()), (15, "blocks.14.bias [16]"));
    std::fs::write(&file, b"a text").unwrap();
    assert!(look_at_weights(&file, &Control::default()).is_err());
}

#[test]
fn a_stopped_look_or_import_ends_before_a_folder_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("net.safetensors"), folder.path().join("run"));
    write(&file, &weights(&spec(Net::MobileFaceNetClassic, Form::Usual)));
    let stopped = request(&file, &out);
    stopped.control.cancel();
    assert!(matches!(import(&stopped), Err(TrainError::Cancelled)) && !out.exists());
    assert!(matches!(look_at_weights(&file, &stopped.control), Err(TrainError::Cancelled)));
}

#[test]
fn a_run_that_is_not_wanted_any_more_when_it_is_written_goes_again() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("net.safetensors"), folder.path().join("run"));
    let spec = spec(Net::MobileFaceNetClassic, Form::Usual);
    let model = weights(&spec).to_safetensors().unwrap();
    let info = described(&spec, false);
    let config = super::config(&info, &file, "somebody's").unwrap();
    let request = request(&file, &out);
    let late = ImportRequest { control: Control::default(), ..request.clone() };
    late.control.cancel();
    let written = super::write_run(&late, &config, model.clone(), &info);
    assert!(matches!(written, Err(TrainError::Cancelled)), "{written:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    super::write_run(&request, &config, model, &info).unwrap();
    assert!(list_runs(folder.path()).unwrap().iter().any(|found| found.has_model && found.name == "run"));
}

#[test]
fn numbers_of_ones_own_are_checked_one_by_one() {
    for good in [0.0, -1.0, 0.485, 2.0] {
        assert!(PreprocessChange::check_mean(good).is_ok(), "{good}");
    }
    // Those of bytes from 0 to 255, which most trainers write down, are in another unit.
    for bad in [f32::NAN, f32::INFINITY, -2.1, 127.5, 3e38] {
        assert!(PreprocessChange::check_mean(bad).unwrap_err().contains("the mean"), "{bad}");
        assert!(PreprocessChange::check_std(bad).unwrap_err().contains("the deviation"), "{bad}");
    }
    assert!(PreprocessChange::check_mean(127.5).unwrap_err().contains("0.5 stands for 127.5"));
    assert!(PreprocessChange::check_std(1.0 / 255.0).is_ok(), "bytes as they are");
    assert!(PreprocessChange::check_std(1e-4).is_ok() && PreprocessChange::check_std(0.0).is_err());
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("net.safetensors"), folder.path().join("run"));
    write(&file, &weights(&spec(Net::MobileFaceNetClassic, Form::Usual)));
    let preprocess = PreprocessChange { std: Some([0.5, 0.0, 0.5]), ..PreprocessChange::default() };
    let error = import(&ImportRequest { preprocess, ..request(&file, &out) }).unwrap_err();
    assert!(error.to_string().contains("the deviation must be") && !out.exists(), "{error}");
    let change = PreprocessPreset::Imagenet.change();
    assert_eq!((change.mean, change.blue_first), (Some([0.485, 0.456, 0.406]), None));
}

#[test]
fn a_description_that_does_not_fit_the_weights_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("net.safetensors"), folder.path().join("run"));
    let spec = EmbedderSpec { pooling: Pooling::Flatten, ..spec(Net::Small, Form::Usual) };
    let mut own = weights(&spec);
    let info = described(&spec, true);
    let describe = |own: &mut Weights, info: &ModelInfo| {
        own.metadata.insert(super::INFO_KEY.to_owned(), serde_json::to_string(info).unwrap());
        write(&file, own);
    };
    describe(&mut own, &info);
    assert!(import(&request(&file, &folder.path().join("good"))).unwrap().info.network.add_mirror);
    let huge = EmbedderSpec { image_px: 4096, embedding_dim: 4096, ..spec.clone() };
    describe(&mut own, &described(&huge, false));
    assert!(refusal(&file, &out).contains("does not fit its weights"));
    own.metadata.insert(super::INFO_KEY.to_owned(), "{}".to_owned());
    write(&file, &own);
    assert!(refusal(&file, &out).contains("damaged"));
}

#[test]
fn a_taken_folder_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("net.safetensors"), folder.path().join("run"));
    write(&file, &weights(&spec(Net::MobileFaceNetClassic, Form::Usual)));
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("mine.txt"), "kept").unwrap();
    assert!(matches!(import(&request(&file, &out)), Err(TrainError::ImportExists(_))));
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1);
}
