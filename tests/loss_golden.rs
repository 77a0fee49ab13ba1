//! Every loss against numbers computed in double precision by PyTorch (`golden/loss_golden.json`): logits, loss
//! per sample, mean loss, and both gradients.
//!
//! The heads run in f32, so tolerances are those of f32: 1e-4 relative for logits, 1e-5 relative for the mean loss.
//!
//! Every row of the file is visited. Two of them are slips of public code, not losses of ours: they are compared with our
//! numbers after the slip is made here.

use arclens::config::{Head, Margins};
use arclens::kernels::Cpu;
use arclens::loss::{HeadBatch, HeadSpec, MarginHead, Moment};
use burn::module::{Param, RunningState};
use burn::tensor::{Tensor, TensorData};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;

const GOLDEN: &str = include_str!("golden/loss_golden.json");
const CASES: [(&str, f64); 2] = [("edge_s64", 64.0), ("soft_s8", 8.0)];

thread_local! {
    /// Case and name of every row that was compared on this thread.
    static VISITED: RefCell<BTreeSet<(String, String)>> = const { RefCell::new(BTreeSet::new()) };
}

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

/// One row of the golden file and how our head is set up to give its numbers.
struct Row {
    name: &'static str,
    head: Head,
    margins: Margins,
    /// Last changes to the head and to what it is told, from the row's own parameters.
    set_up: fn(&mut MarginHead<Cpu>, &mut HeadBatch<Cpu>, &Value),
    /// What the row makes of the loss.
    made_of_loss: fn(Tensor<Cpu, 1>) -> Tensor<Cpu, 1>,
}

fn row(name: &'static str, head: Head) -> Row {
    Row { name, head, margins: head.published_margins(), set_up: |_, _, _| {}, made_of_loss: |loss| loss }
}

impl Row {
    fn margins(self, margins: Margins) -> Self {
        Self { margins, ..self }
    }

    fn set_up(self, set_up: fn(&mut MarginHead<Cpu>, &mut HeadBatch<Cpu>, &Value)) -> Self {
        Self { set_up, ..self }
    }

    fn made_of_loss(self, made_of_loss: fn(Tensor<Cpu, 1>) -> Tensor<Cpu, 1>) -> Self {
        Self { made_of_loss, ..self }
    }

    /// Against both cases of the file.
    fn check(&self) {
        let golden: Value = serde_json::from_str(GOLDEN).expect("the golden file is JSON");
        for (case, scale) in CASES {
            let inputs = &golden["cases"][case]["inputs"];
            let wanted = &golden["cases"][case]["losses"][self.name];
            assert!(wanted.is_object(), "{} is a row of the file", self.name);
            self.check_case(case, scale, inputs, wanted);
        }
    }

    fn check_case(&self, case: &str, scale: f64, inputs: &Value, wanted: &Value) {
        let params = &wanted["params"];
        let scale = params["s"].as_f64().or(params["s0"].as_f64()).unwrap_or(scale);
        let (_, [classes, embedding_dim]) = matrix(&inputs["weights"]);
        let mut spec = HeadSpec::plain(self.head, [classes, embedding_dim], scale, self.margins);
        let subcenters = params["K"].as_u64().unwrap_or(1) as usize;
        spec.options.subcenters = subcenters;
        let mut module = spec.init_seeded::<Cpu>(&Default::default(), 1);
        let weight = tensor(&inputs[if subcenters > 1 { "weights_subcenter" } else { "weights" }]);
        module.weight = Param::from_tensor(weight);
        if self.head == Head::Softmax {
            module.bias =
                Some(Param::from_tensor(Tensor::from_floats(floats(&inputs["bias"]).as_slice(), &Default::default())));
        }
        let labels = params.get("labels_override").unwrap_or(&inputs["labels"]);
        let labels: Vec<u32> = serde_json::from_value(labels.clone()).expect("labels");
        let mut batch = HeadBatch::new(&spec, &labels, Moment::LATE, &Default::default());
        (self.set_up)(&mut module, &mut batch, wanted);

        let x = tensor(&inputs["embeddings"]);
        let found_logits = module.logits(x.clone(), &batch);
        let out = module.forward(x.clone(), &batch);
        let name = |what: &str| format!("{}, {case}: {what}", self.name);
        let (logits, [_, columns]) = matrix(&wanted["logits"]);
        let largest = logits.iter().fold(0f64, |m, v| m.max(v.abs()));
        // UNPG's row holds the pairs of the batch as further columns.
        let ours = found_logits.dims()[1];
        let pairs = pair_logits(inputs, &batch, scale);
        for row in logits.chunks(columns) {
            check_pairs(&name("logits of pairs"), &pairs, &row[ours..]);
        }
        let logits: Vec<f64> = logits.chunks(columns).flat_map(|row| row[..ours].to_vec()).collect();
        close(&name("logits"), found_logits.to_data(), &logits, 1e-4, 2e-6 * largest);
        let per_sample = doubles(&wanted["per_sample_loss"]);
        close(&name("loss per sample"), out.per_sample.to_data(), &per_sample, 1e-5, 2e-6 * largest);
        let loss = wanted["loss"].as_f64().expect("a loss");
        let found_loss = (self.made_of_loss)(out.loss);
        close(&name("loss"), found_loss.to_data(), &[loss], 1e-5, 0.0);

        let grads = found_loss.backward();
        for (what, found, key) in [
            ("gradient of the embeddings", x.grad(&grads), "grad_embeddings"),
            ("gradient of the weights", module.weight.val().grad(&grads), "grad_weights"),
        ] {
            let wanted = matrix(&wanted[key]).0;
            let largest = wanted.iter().fold(0f64, |m, v| m.max(v.abs()));
            close(&name(what), found.expect("a gradient").into_data(), &wanted, 1e-4, 3e-5 * largest);
        }
        if let Some(bias) = &module.bias {
            let wanted = doubles(&wanted["grad_params"]["bias"]);
            let found = bias.val().grad(&grads).expect("a gradient").into_data();
            close(&name("gradient of the bias"), found, &wanted, 1e-4, 1e-6);
        }
        VISITED.with_borrow_mut(|visited| visited.insert((case.to_owned(), self.name.to_owned())));
    }
}

/// The logits of the pairs that a batch names, rising: all samples have the same. Those of a file are in another order.
fn pair_logits(inputs: &Value, batch: &HeadBatch<Cpu>, scale: f64) -> Vec<f64> {
    let Some(pairs) = &batch.pairs else { return Vec::new() };
    let (x, [n, dim]) = matrix(&inputs["embeddings"]);
    let row = |i: usize| &x[i * dim..(i + 1) * dim];
    let dot = |a: usize, b: usize| row(a).iter().zip(row(b)).map(|(a, b)| a * b).sum::<f64>();
    let cosine = |a: usize, b: usize| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    let places = pairs.to_data();
    let places = places.iter::<i64>().map(|place| place as usize);
    let mut logits: Vec<f64> = places.map(|place| scale * cosine(place / n, place % n)).collect();
    logits.sort_by(f64::total_cmp);
    logits
}

fn check_pairs(what: &str, found: &[f64], wanted: &[f64]) {
    let mut wanted = wanted.to_vec();
    wanted.sort_by(f64::total_cmp);
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!((found - wanted).abs() < 1e-9, "{what}: {found} instead of {wanted}");
    }
}

fn doubles(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).expect("numbers")
}

fn floats(value: &Value) -> Vec<f32> {
    doubles(value).into_iter().map(|value| value as f32).collect()
}

fn vector(values: &[f32]) -> Tensor<Cpu, 1> {
    Tensor::from_floats(values, &Default::default())
}

const COMBINED_1: Margins = Margins { factor: 1.0, rad: 0.3, cos: 0.2 };
const COMBINED_2: Margins = Margins { factor: 0.9, rad: 0.4, cos: 0.15 };

fn cosine_margin(cos: f64) -> Margins {
    Margins { cos, ..Margins::NONE }
}

fn angular_margin(rad: f64) -> Margins {
    Margins { rad, ..Margins::NONE }
}

fn factor(factor: f64) -> Margins {
    Margins { factor, ..Margins::NONE }
}

#[test]
fn the_softmaxes_agree_with_pytorch() {
    row("softmax_plain", Head::Softmax).check();
    // The scale stands in the name of the row, which differs between the cases.
    let golden: Value = serde_json::from_str(GOLDEN).expect("the golden file is JSON");
    for (case, names) in [
        ("edge_s64", ["softmax_normalised_s64", "softmax_normalised_s20"]),
        ("soft_s8", ["softmax_normalised_s8", "softmax_normalised_s4"]),
    ] {
        for name in names {
            let case_values = &golden["cases"][case];
            row(name, Head::NormSoftmax).check_case(case, 0.0, &case_values["inputs"], &case_values["losses"][name]);
        }
    }
}

#[test]
fn every_form_of_arcface_agrees_with_pytorch() {
    row("arcface_reflect", Head::ArcFace).check();
    row("arcface_exact", Head::ArcFaceExact).check();
    row("arcface_hard_fallback", Head::ArcFaceFallback).check();
    row("arcface_easy_margin", Head::ArcFaceEasy).check();
    row("arcface_fallback_minus0", Head::ArcFaceFaceXZoo).margins(angular_margin(0.5)).check();
    row("arcface_insightface_current", Head::ArcFaceInsightface).check();
}

#[test]
fn cosface_agrees_with_pytorch() {
    row("cosface_m0.35", Head::CosFace).check();
    row("cosface_m0.4", Head::CosFace).margins(cosine_margin(0.4)).check();
}

#[test]
fn combined_margins_agree_with_pytorch() {
    row("combined_cm1", Head::CombinedExact).margins(COMBINED_1).check();
    row("combined_cm2", Head::CombinedExact).margins(COMBINED_2).check();
    row("combined_sphere1.35", Head::CombinedExact).margins(factor(1.35)).check();
    row("combined_cm1_reflect", Head::Combined).margins(COMBINED_1).check();
}

#[test]
fn the_sphereface_family_agrees_with_pytorch() {
    row("sphereface_asoftmax_m4_lambda5", Head::SphereFace).check();
    row("sphereface_asoftmax_m4_iter1", Head::SphereFace).set_up(|_, batch, _| batch.step = 0).check();
    row("sphereface_v0_cgd", Head::SphereFaceScaled).check();
    row("sphereface_r_v0_hfn_cgd", Head::SphereFaceR0).check();
    row("sphereface_r_v1_hfn_cgd", Head::SphereFaceR1).check();
    row("sphereface_r_v2_hfn_cgd", Head::SphereFaceR2).check();
    row("sphereface_r_v1_hfn_exact", Head::SphereFaceR1)
        .set_up(|head, _, _| head.spec.options.detached = false)
        .check();
}

#[test]
fn li_arcface_agrees_with_pytorch() {
    row("li_arcface", Head::LiArcFace).check();
}

fn magface(head: &mut MarginHead<Cpu>, _: &mut HeadBatch<Cpu>, wanted: &Value) {
    let number = |key: &str| wanted["params"][key].as_f64().expect("a number");
    let options = &mut head.spec.options;
    (options.length_low, options.length_high) = (number("l_a"), number("u_a"));
    (options.length_margin_rad, options.length_weight) = (number("u_margin"), number("lambda_g"));
}

#[test]
fn magface_agrees_with_pytorch() {
    row("magface_easy", Head::MagFace).set_up(magface).check();
    row("magface_fallback", Head::MagFaceFallback).set_up(magface).check();
}

fn adaface(head: &mut MarginHead<Cpu>, _: &mut HeadBatch<Cpu>, wanted: &Value) {
    let number = |key: &str| wanted["params"][key].as_f64().expect("a number");
    head.spec.options.statistics_share = number("t_alpha");
    let start = [number("init_batch_mean") as f32, number("init_batch_std") as f32];
    head.statistics = Some(RunningState::new(vector(&start)));
}

#[test]
fn adaface_agrees_with_pytorch() {
    row("adaface_talpha1", Head::AdaFace).set_up(adaface).check();
    row("adaface_talpha001", Head::AdaFace).set_up(adaface).check();
}

#[test]
fn curricularface_agrees_with_pytorch() {
    for name in ["curricularface_t0", "curricularface_t03"] {
        let set_up = |head: &mut MarginHead<Cpu>, _: &mut HeadBatch<Cpu>, wanted: &Value| {
            let before = wanted["params"]["t_before"].as_f64().expect("t") as f32;
            head.statistics = Some(RunningState::new(vector(&[before])));
        };
        row(name, Head::CurricularFace).set_up(set_up).check();
    }
}

#[test]
fn the_statistics_that_losses_keep_are_those_of_the_authors() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("the golden file is JSON");
    let inputs = &golden["cases"]["edge_s64"]["inputs"];
    let after = |row: &Row, wanted: &Value| {
        let (_, [classes, dim]) = matrix(&inputs["weights"]);
        let scale = wanted["params"]["s0"].as_f64().unwrap_or(64.0);
        let spec = HeadSpec::plain(row.head, [classes, dim], scale, row.margins);
        let mut module = spec.init_seeded::<Cpu>(&Default::default(), 1);
        module.weight = Param::from_tensor(tensor(&inputs["weights"]));
        let labels: Vec<u32> = serde_json::from_value(inputs["labels"].clone()).expect("labels");
        let mut batch = HeadBatch::new(&spec, &labels, Moment::LATE, &Default::default());
        (row.set_up)(&mut module, &mut batch, wanted);
        module.forward(tensor(&inputs["embeddings"]), &batch);
        module.statistics.expect("statistics").value().into_data()
    };
    let rows = &golden["cases"]["edge_s64"]["losses"];
    let wanted = &rows["adaface_talpha001"];
    let extra = |key: &str| wanted["extra"][key].as_f64().expect("a number");
    let found = after(&row("", Head::AdaFace).set_up(adaface), wanted);
    close("AdaFace", found, &[extra("batch_mean_after"), extra("batch_std_after")], 1e-5, 0.0);
    let wanted = &rows["curricularface_t0"];
    let t = wanted["extra"]["t_after_used"].as_f64().expect("t");
    close("CurricularFace", after(&row("", Head::CurricularFace), wanted), &[t], 1e-4, 0.0);
    let wanted = &rows["adacos_dynamic_step1"];
    let scale = wanted["extra"]["s_new"].as_f64().expect("a scale");
    close("AdaCos", after(&row("", Head::AdaCos), wanted), &[scale], 1e-5, 0.0);
}

fn drawn(_: &mut MarginHead<Cpu>, batch: &mut HeadBatch<Cpu>, wanted: &Value) {
    batch.drawn = Some(vector(&floats(&wanted["params"]["sampled_margins"])));
}

#[test]
fn elasticface_agrees_with_pytorch() {
    row("elastic_arcface", Head::ElasticArcFace).set_up(drawn).check();
    row("elastic_cosface", Head::ElasticCosFace).set_up(drawn).check();
    let by_rank = |head: &mut MarginHead<Cpu>, batch: &mut HeadBatch<Cpu>, wanted: &Value| {
        let mut margins = floats(&wanted["params"]["sampled_margins"]);
        margins.sort_by(f32::total_cmp);
        batch.drawn = Some(vector(&margins));
        head.spec.options.margin_by_rank = true;
    };
    row("elastic_arcface_plus_intended", Head::ElasticArcFace).set_up(by_rank).check();
    // The slip of taking `argsort` for the rank: every sample gets a margin, but not its own.
    let by_argsort = |_: &mut MarginHead<Cpu>, batch: &mut HeadBatch<Cpu>, wanted: &Value| {
        batch.drawn = Some(vector(&floats(&wanted["params"]["assigned"])));
    };
    row("elastic_arcface_plus_repo", Head::ElasticArcFace).set_up(by_argsort).check();
}

#[test]
fn adacos_agrees_with_pytorch() {
    row("adacos_fixed", Head::NormSoftmax).check();
    row("adacos_dynamic_step1", Head::AdaCos).check();
}

#[test]
fn uniface_agrees_with_pytorch() {
    row("uniface_uce", Head::UniFace).check();
}

#[test]
fn what_is_added_to_a_loss_agrees_with_pytorch() {
    row("subcenter_arcface_k3", Head::ArcFaceFallback).check();
    let filter = |head: &mut MarginHead<Cpu>, _: &mut HeadBatch<Cpu>, _: &Value| head.spec.options.filter_above = 0.4;
    row("cosface_interclass_filter04", Head::CosFace).margins(cosine_margin(0.4)).set_up(filter).check();
    let focal = |head: &mut MarginHead<Cpu>, _: &mut HeadBatch<Cpu>, _: &Value| head.spec.options.focal_gamma = 2.0;
    row("focal2_arcface_per_sample", Head::ArcFaceFallback).set_up(focal).check();
    // The slip of weighing the mean of the batch, which weighs no sample against another.
    let of_mean = |mean: Tensor<Cpu, 1>| {
        let missing = -(-mean.clone()).exp() + 1.0;
        missing.clone() * missing * mean
    };
    row("focal2_arcface_batch_mean", Head::ArcFaceFallback).made_of_loss(of_mean).check();
}

#[test]
fn partial_fc_agrees_with_pytorch() {
    let kept = |_: &mut MarginHead<Cpu>, batch: &mut HeadBatch<Cpu>, wanted: &Value| {
        let ints = |key: &str| -> Vec<i64> { serde_json::from_value(wanted["extra"][key].clone()).expect("numbers") };
        batch.rows = Some(Tensor::from_ints(ints("kept_class_index_sorted").as_slice(), &Default::default()));
        batch.labels = Tensor::from_ints(ints("remapped_labels").as_slice(), &Default::default());
    };
    row("partial_fc_sample", Head::ArcFaceInsightface).set_up(kept).check();
}

#[test]
fn pairs_of_the_batch_as_impostors_agree_with_pytorch() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("the golden file is JSON");
    // The pairs are made with the batch, so the option has to be on before.
    let set_up = |head: &mut MarginHead<Cpu>, batch: &mut HeadBatch<Cpu>, _: &Value| {
        head.spec.options.batch_negatives = true;
        let labels: Vec<u32> = batch.labels.clone().into_data().iter::<i64>().map(|label| label as u32).collect();
        *batch = HeadBatch::new(&head.spec, &labels, Moment::LATE, &Default::default());
    };
    row("unpg_arcface", Head::ArcFaceExact).set_up(set_up).check();
    assert_eq!(golden["cases"]["edge_s64"]["losses"]["unpg_arcface"]["extra"]["n_pairs"], 14);
}

#[test]
fn every_row_of_the_file_is_visited() {
    let tests = [
        the_softmaxes_agree_with_pytorch,
        every_form_of_arcface_agrees_with_pytorch,
        cosface_agrees_with_pytorch,
        combined_margins_agree_with_pytorch,
        the_sphereface_family_agrees_with_pytorch,
        li_arcface_agrees_with_pytorch,
        magface_agrees_with_pytorch,
        adaface_agrees_with_pytorch,
        curricularface_agrees_with_pytorch,
        elasticface_agrees_with_pytorch,
        adacos_agrees_with_pytorch,
        uniface_agrees_with_pytorch,
        what_is_added_to_a_loss_agrees_with_pytorch,
        partial_fc_agrees_with_pytorch,
        pairs_of_the_batch_as_impostors_agree_with_pytorch,
    ];
    VISITED.set(BTreeSet::new());
    tests.iter().for_each(|test| test());
    let visited = VISITED.take();

    let golden: Value = serde_json::from_str(GOLDEN).expect("the golden file is JSON");
    let mut rows = BTreeSet::new();
    for (case, values) in golden["cases"].as_object().expect("cases") {
        let names = values["losses"].as_object().expect("losses").keys();
        rows.extend(names.map(|name| (case.clone(), name.clone())));
    }
    assert!(visited == rows, "not visited or not in the file: {:?}", visited.symmetric_difference(&rows));
}

#[test]
fn cosines_and_own_cosines_are_those_of_the_file() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("the golden file is JSON");
    for (case, scale) in CASES {
        let inputs = &golden["cases"][case]["inputs"];
        let (_, [classes, dim]) = matrix(&inputs["weights"]);
        for head in [Head::Softmax, Head::ArcFace] {
            let spec = HeadSpec::plain(head, [classes, dim], scale, Margins::NONE);
            let mut module = spec.init_seeded::<Cpu>(&Default::default(), 1);
            module.weight = Param::from_tensor(tensor(&inputs["weights"]));
            let labels: Vec<u32> = serde_json::from_value(inputs["labels"].clone()).expect("labels");
            let batch = HeadBatch::new(&spec, &labels, Moment::LATE, &Default::default());
            let x = tensor(&inputs["embeddings"]);
            close("cosines", module.cosine(x.clone()).into_data(), &matrix(&inputs["cosines"]).0, 0.0, 1e-6);
            let out = module.forward(x, &batch);
            close("own cosines", out.own_cosine.into_data(), &doubles(&inputs["target_cosines"]), 0.0, 1e-6);
        }
    }
}

#[test]
fn no_share_of_the_margin_is_the_normalised_softmax() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("the golden file is JSON");
    let start = Moment { share: 0.0, ..Moment::LATE };
    for (case, scale) in CASES {
        let inputs = &golden["cases"][case]["inputs"];
        let (_, [classes, dim]) = matrix(&inputs["weights"]);
        let labels: Vec<u32> = serde_json::from_value(inputs["labels"].clone()).expect("labels");
        for head in [Head::NormSoftmax, Head::ArcFace, Head::CosFace, Head::SphereFaceScaled, Head::ElasticArcFace] {
            let spec = HeadSpec::plain(head, [classes, dim], scale, head.published_margins());
            let mut module = spec.init_seeded::<Cpu>(&Default::default(), 1);
            module.weight = Param::from_tensor(tensor(&inputs["weights"]));
            let batch = HeadBatch::new(&spec, &labels, start, &Default::default());
            let out = module.forward(tensor(&inputs["embeddings"]), &batch);
            let wanted = &golden["cases"][case]["losses"][format!("softmax_normalised_s{scale}")]["loss"];
            close(head.label(), out.loss.into_data(), &[wanted.as_f64().expect("a loss")], 1e-5, 0.0);
        }
    }
}
