//! Every margin head against numbers computed in double precision by PyTorch (`golden/loss_golden.json`): logits, loss
//! per sample, mean loss, and both gradients.
//!
//! The heads run in f32, so tolerances are those of f32: 1e-4 relative for logits, 1e-5 relative for the mean loss.

use arclens::config::Head;
use arclens::kernels::Cpu;
use arclens::loss::HeadSpec;
use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use serde_json::Value;

const GOLDEN: &str = include_str!("golden/loss_golden.json");
const CASES: [(&str, f64); 2] = [("edge_s64", 64.0), ("soft_s8", 8.0)];

fn matrix(value: &Value) -> (Vec<f64>, [usize; 2]) {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).expect("a matrix");
    let dims = [rows.len(), rows[0].len()];
    (rows.concat(), dims)
}

fn tensor(value: &Value) -> Tensor<Cpu, 2> {
    let (values, dims) = matrix(value);
    let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
    Tensor::from_data(TensorData::new(values, dims), &Default::default()).require_grad()
}

/// Asserts `|found - wanted| <= relative * |wanted| + absolute` for every number.
fn close(what: &str, found: TensorData, wanted: &[f64], relative: f64, absolute: f64) {
    let found: Vec<f64> = found.iter::<f64>().collect();
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (i, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let allowed = relative * wanted.abs() + absolute;
        assert!((found - wanted).abs() <= allowed, "{what}, number {i}: {found} instead of {wanted}");
    }
}

fn check(row: &str, head: Head, margin: f64) {
    let golden: Value = serde_json::from_str(GOLDEN).expect("the golden file is JSON");
    for (case, scale) in CASES {
        let inputs = &golden["cases"][case]["inputs"];
        let wanted = &golden["cases"][case]["losses"][row];
        let (_, [classes, embedding_dim]) = matrix(&inputs["weights"]);
        let spec = HeadSpec { head, classes, embedding_dim, scale, margin };
        let mut module = spec.init_seeded::<Cpu>(&Default::default(), 1);
        let weight = tensor(&inputs["weights"]);
        module.weight = Param::from_tensor(weight.clone());
        if module.bias.is_some() {
            let bias: Vec<f64> = serde_json::from_value(inputs["bias"].clone()).expect("a vector");
            let bias: Vec<f32> = bias.into_iter().map(|v| v as f32).collect();
            module.bias = Some(Param::from_tensor(Tensor::from_floats(bias.as_slice(), &Default::default())));
        }
        let labels: Vec<i32> = serde_json::from_value(inputs["labels"].clone()).expect("labels");
        let x = tensor(&inputs["embeddings"]);
        let labels = Tensor::from_ints(labels.as_slice(), &Default::default());
        let found_logits = module.logits(x.clone(), labels.clone(), margin);
        let found_cosines = module.cosine(x.clone().detach());
        let out = module.forward(x.clone(), labels.clone(), margin);
        let name = |what: &str| format!("{row}, {case}: {what}");

        let logits = matrix(&wanted["logits"]).0;
        let largest = logits.iter().fold(0f64, |m, v| m.max(v.abs()));
        close(&name("logits"), found_logits.to_data(), &logits, 1e-4, 1e-6 * largest);
        let per_sample: Vec<f64> = serde_json::from_value(wanted["per_sample_loss"].clone()).expect("losses");
        close(&name("loss per sample"), out.per_sample.to_data(), &per_sample, 1e-5, 1e-6 * largest);
        let loss = wanted["loss"].as_f64().expect("a loss");
        close(&name("loss"), out.loss.to_data(), &[loss], 1e-5, 0.0);
        let cosines = matrix(&inputs["cosines"]).0;
        close(&name("cosines"), found_cosines.to_data(), &cosines, 0.0, 1e-6);
        let labels: Vec<i64> = labels.into_data().iter::<i64>().collect();
        let own: Vec<f64> = labels.iter().zip(cosines.chunks(classes)).map(|(y, row)| row[*y as usize]).collect();
        close(&name("own cosines"), out.own_cosine.to_data(), &own, 0.0, 1e-6);

        let grads = out.loss.backward();
        for (what, found, key) in [
            ("gradient of the embeddings", x.grad(&grads), "grad_embeddings"),
            ("gradient of the weights", module.weight.val().grad(&grads), "grad_weights"),
        ] {
            let wanted = matrix(&wanted[key]).0;
            let largest = wanted.iter().fold(0f64, |m, v| m.max(v.abs()));
            close(&name(what), found.expect("a gradient").into_data(), &wanted, 1e-4, 3e-5 * largest);
        }
        if let Some(bias) = &module.bias {
            let wanted: Vec<f64> = serde_json::from_value(wanted["grad_params"]["bias"].clone()).expect("bias");
            close(
                &name("gradient of the bias"),
                bias.val().grad(&grads).expect("a gradient").into_data(),
                &wanted,
                1e-4,
                1e-6,
            );
        }
    }
}

#[test]
fn plain_softmax_agrees_with_pytorch() {
    check("softmax_plain", Head::Softmax, 0.0);
}

#[test]
fn arcface_with_reflection_agrees_with_pytorch() {
    check("arcface_reflect", Head::ArcFace, 0.5);
}

#[test]
fn the_other_forms_of_arcface_agree_with_pytorch() {
    check("arcface_exact", Head::ArcFaceExact, 0.5);
    check("arcface_hard_fallback", Head::ArcFaceFallback, 0.5);
    check("arcface_easy_margin", Head::ArcFaceEasy, 0.5);
    check("arcface_insightface_current", Head::ArcFaceInsightface, 0.5);
}

#[test]
fn cosface_with_margin_035_agrees_with_pytorch() {
    check("cosface_m0.35", Head::CosFace, 0.35);
}

#[test]
fn cosface_with_margin_04_agrees_with_pytorch() {
    check("cosface_m0.4", Head::CosFace, 0.4);
}

#[test]
fn a_margin_of_zero_is_the_normalised_softmax() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("the golden file is JSON");
    for (case, scale) in CASES {
        for head in [Head::NormSoftmax, Head::ArcFace, Head::CosFace] {
            let inputs = &golden["cases"][case]["inputs"];
            let (_, [classes, embedding_dim]) = matrix(&inputs["weights"]);
            let spec = HeadSpec { head, classes, embedding_dim, scale, margin: 0.5 };
            let mut module = spec.init_seeded::<Cpu>(&Default::default(), 1);
            module.weight = Param::from_tensor(tensor(&inputs["weights"]));
            let labels: Vec<i32> = serde_json::from_value(inputs["labels"].clone()).expect("labels");
            let labels = Tensor::from_ints(labels.as_slice(), &Default::default());
            let out = module.forward(tensor(&inputs["embeddings"]), labels, 0.0);
            let wanted = &golden["cases"][case]["losses"][format!("softmax_normalised_s{scale}")]["loss"];
            close("loss", out.loss.into_data(), &[wanted.as_f64().expect("a loss")], 1e-5, 0.0);
        }
    }
}
