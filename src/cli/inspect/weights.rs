//! What is inspected besides data sets: files of weights. Whose network they are of, and whether they are all of it.

use crate::cli::import::images_line;
use crate::cli::output;
use crate::config::counted;
use crate::model::weights::read_weights;
use crate::train::{FoundNetwork, Refusal, WeightsLook, look_into};
use serde_json::{Value, json};
use std::path::Path;

/// Says what an import would say, and every name that is in its way; no run is made.
pub(super) fn weights(path: &Path) -> anyhow::Result<Value> {
    let weights = read_weights(path)?;
    let numbers: usize = weights.tensors.values().map(|weight| weight.data.len()).sum();
    let look = look_into(weights, path);
    for line in lines(&look, numbers) {
        output::line(line);
    }
    Ok(object(&look, numbers))
}

fn lines(look: &WeightsLook, numbers: usize) -> Vec<String> {
    let mut lines = vec![format!("weights  {}, {}", counted(look.tensors, "tensor"), counted(numbers, "number"))];
    if !look.foreign.is_empty() {
        lines.push(format!("code     named in the file, not run: {}", look.foreign.join(", ")));
    }
    if let Some(FoundNetwork { flavour, doubt, info, left_out }) = &look.network {
        let spec = &info.network.embedder;
        lines.push(format!(
            "network  {}, {} numbers per embedding, {} parameters, as in {flavour}",
            spec.net.label(),
            spec.embedding_dim,
            spec.parameter_count()
        ));
        lines.push(images_line(&info.network.preprocess));
        lines.extend(doubt.map(|doubt| format!("but      {doubt}")));
        lines.extend(left_out.iter().map(|name| format!("beside   {name}: not of the network, left out")));
    }
    match &look.refusal {
        None => {
            lines.push("fits     every weight of the network is there in its shape; arclens import takes it".to_owned())
        }
        Some(refusal) => lines.extend(refusal_lines(refusal)),
    }
    lines
}

/// The reason, what to do, and every name, one a line.
fn refusal_lines(refusal: &Refusal) -> Vec<String> {
    let Refusal { reason, advice, misfit, names } = refusal;
    let mut lines = vec![format!("fits     no: {reason}"), format!("         {advice}")];
    lines.extend(misfit.missing.iter().map(|name| format!("missing  {name}")));
    lines.extend(misfit.misshaped.iter().map(|weight| format!("shape    {weight}")));
    lines.extend(misfit.unexpected.iter().map(|name| format!("surplus  {name}")));
    lines.extend(names.iter().map(|name| format!("name     {name}")));
    lines
}

fn object(look: &WeightsLook, numbers: usize) -> Value {
    let network = look.network.as_ref();
    let spec = network.map(|network| &network.info.network.embedder);
    let misfit = look.refusal.as_ref().map(|refusal| &refusal.misfit).cloned().unwrap_or_default();
    json!({
        "kind": "weights", "tensors": look.tensors, "numbers": numbers, "flavour": network.map(|network| &network.flavour),
        "net": spec.map(|spec| spec.net.word()), "form": spec.map(|spec| spec.form),
        "embedding_dim": spec.map(|spec| spec.embedding_dim), "image_px": spec.map(|spec| spec.image_px),
        "preprocess": network.map(|network| output::as_meant(&network.info.network.preprocess)),
        "left_out": network.map(|network| &network.left_out), "foreign": look.foreign, "fits": look.refusal.is_none(),
        "problem": look.refusal.as_ref().map(|refusal| &refusal.reason),
        "advice": look.refusal.as_ref().map(|refusal| refusal.advice),
        "missing": misfit.missing, "misshaped": misfit.misshaped, "unexpected": misfit.unexpected,
        "names": look.refusal.as_ref().map(|refusal| &refusal.names),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Net, Pooling};
    use crate::model::weights::{Weight, Weights};
    use crate::model::{EmbedderSpec, Form};

    /// The classic MobileFaceNet with zeros for weights, and a head beside it.
    fn classic() -> Weights {
        let (net, form, pooling) = (Net::MobileFaceNetClassic, Form::Usual, Pooling::Auto);
        let spec = EmbedderSpec { net, form, pooling, channels: 3, image_px: 32, embedding_dim: 16, dropout: 0.0 };
        let mut shapes = spec.weight_shapes();
        shapes.insert("head.kernel".to_owned(), vec![16, 2]);
        let zeros = |shape: Vec<usize>| Weight { data: vec![0.0; shape.iter().product()], shape };
        let tensors = shapes.into_iter().map(|(name, shape)| (name, zeros(shape))).collect();
        Weights { tensors, ..Weights::default() }
    }

    fn told(weights: Weights) -> (Vec<String>, Value) {
        let look = look_into(weights, Path::new("net.pth"));
        (lines(&look, 7), object(&look, 7))
    }

    #[test]
    fn a_whole_network_fits() {
        let (lines, object) = told(classic());
        assert!(lines.iter().any(|line| line.starts_with("fits     every weight")), "{lines:?}");
        assert!(lines.contains(&"beside   head.kernel: not of the network, left out".to_owned()), "{lines:?}");
        let images = "images   32 px, blue, green, red, mean [0.5, 0.5, 0.5], deviation [0.5, 0.5, 0.5]";
        assert!(lines.contains(&images.to_owned()), "{lines:?}");
        assert_eq!(
            (&object["preprocess"]["blue_first"], &object["preprocess"]["mean"][0]),
            (&json!(true), &json!(0.5))
        );
        assert_eq!((&object["fits"], &object["net"]), (&json!(true), &json!("mobilefacenet_classic")));
        assert_eq!((&object["left_out"], &object["missing"]), (&json!(["head.kernel"]), &json!([])));
    }

    #[test]
    fn every_weight_that_does_not_fit_has_a_line_and_an_entry() {
        let mut weights = classic();
        weights.tensors.retain(|name, _| !name.starts_with("conv_3.model.1."));
        let other = weights.tensors["bn.bias"].clone();
        weights.tensors.insert("conv2_dw.bn.bias".to_owned(), other.clone());
        for i in 0..12 {
            weights.tensors.insert(format!("surplus.{i:02}"), other.clone());
        }
        let (lines, object) = told(weights);
        let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!((count("missing "), count("shape "), count("surplus ")), (17, 1, 12), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("fits     no: ")), "{lines:?}");
        assert!(lines.contains(&"shape    conv2_dw.bn.bias (expected [64], found [16])".to_owned()), "{lines:?}");
        let length = |key: &str| object[key].as_array().map(Vec::len);
        assert_eq!((length("missing"), length("unexpected")), (Some(17), Some(12)));
        let misshaped = json!([{ "name": "conv2_dw.bn.bias", "expected": [64], "found": [16] }]);
        assert_eq!((&object["misshaped"], &object["fits"]), (&misshaped, &json!(false)));
    }

    #[test]
    fn a_number_that_is_none_is_named() {
        let mut weights = classic();
        weights.tensors.get_mut("bn.bias").unwrap().data[3] = f32::NAN;
        let (lines, object) = told(weights);
        assert!(lines.iter().any(|line| line.starts_with("fits     no: ") && line.contains("bn.bias")), "{lines:?}");
        assert_eq!(object["fits"], false);
    }

    #[test]
    fn of_another_network_every_name_is_told() {
        let weight = Weight { shape: vec![1], data: vec![0.0] };
        let tensors = (0..20).map(|i| (format!("transformer.{i:02}.weight"), weight.clone())).collect();
        let (lines, object) = told(Weights { tensors, ..Weights::default() });
        assert!(lines.iter().any(|line| line.starts_with("name     transformer.19.weight")), "{lines:?}");
        assert_eq!((object["names"].as_array().map(Vec::len), &object["net"]), (Some(20), &Value::Null));
    }
}
