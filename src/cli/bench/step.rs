//! `arclens bench step`.

use super::args::{self, get};
use super::timing::{Timing, peak_mib, peak_words, report, rounded};
use crate::config::{Head, Margins, Pooling, Precision};
use crate::loss::HeadSpec;
use crate::model::EmbedderSpec;
use crate::train::{Device, StepBench, choose, peak_gflops};
use clap::ArgMatches;
use serde_json::{Map, Value, json};

/// The paper's scale and margin.
const SCALE: f64 = 64.0;
const MARGIN_RAD: f64 = 0.5;

/// Times and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let wanted = matches.get_one::<String>("train.device").map_or("auto", String::as_str);
    let (device, device_name) = choose(wanted)?;
    let bench = bench(matches)?;
    let only_f32 = "the CPU computes in f32; choose a GPU with --device, or leave --precision out";
    anyhow::ensure!(device != Device::Cpu || bench.precision == Precision::F32, only_f32);
    let embeds_in_f32 = "embedding alone is computed in f32; leave --precision out, or --forward-only";
    anyhow::ensure!(!bench.forward_only || bench.precision == Precision::F32, embeds_in_f32);
    let timing = Timing::new(bench.run(device)?);
    let rate = bench.batch as f64 / timing.median();
    let gflops = bench.gflop() / timing.median();
    let peak = peak_gflops(device, bench.precision);
    let spec = &bench.embedder;
    let mode = if bench.forward_only { "forward" } else { "train" };
    let net = spec.net.word();
    let title = format!(
        "{net}, {px}×{px}×{}, batch {}, {mode}, {} on {device_name}",
        spec.channels,
        bench.batch,
        bench.precision.word(),
        px = spec.image_px
    );
    let of_peak = peak.map(|peak| format!(" of {peak:.0} ({:.0} %)", 100.0 * gflops / peak)).unwrap_or_default();
    let memory = peak_mib();
    let rows = [
        ("step", timing.words()),
        ("images/s", format!("{rate:.1}")),
        ("GFLOP/s", format!("{gflops:.1}{of_peak}")),
        ("peak memory", peak_words(memory)),
    ];
    let mut object = object_of(&bench, &device_name, mode);
    timing.put("step", &mut object);
    object.insert("images_per_second".into(), json!(rounded(rate)));
    object.insert("gflops".into(), json!(rounded(gflops)));
    object.insert("gflops_peak".into(), json!(peak.map(rounded)));
    object.insert("peak_mib".into(), json!(memory));
    report(&title, &rows, object, matches.get_flag("json"));
    Ok(())
}

fn bench(matches: &ArgMatches) -> anyhow::Result<StepBench> {
    let (dim, classes) = (get(matches, "dim", 2)?, get(matches, "classes", 2)?);
    let (net, precision) = args::net_and_precision(matches)?;
    let embedder = EmbedderSpec {
        net,
        form: Default::default(),
        pooling: Pooling::Auto,
        channels: get(matches, "channels", 1)?,
        image_px: get(matches, "image", 8)?,
        embedding_dim: dim,
        dropout: 0.0,
    };
    let margins = Margins { rad: MARGIN_RAD, ..Margins::NONE };
    let head = HeadSpec::plain(Head::ArcFace, [classes, dim], SCALE, margins);
    Ok(StepBench {
        embedder,
        head,
        batch: get(matches, "batch", 1)?,
        warmup: get(matches, "warmup", 0)?,
        steps: get(matches, "steps", 1)?,
        micro_batches: get(matches, "micro-batches", 1)?,
        recompute: matches.get_flag("recompute"),
        precision,
        forward_only: matches.get_flag("forward-only"),
    })
}

fn object_of(bench: &StepBench, device: &str, mode: &str) -> Map<String, Value> {
    let fields = json!({
        "net": bench.embedder.net.word(),
        "image": bench.embedder.image_px,
        "channels": bench.embedder.channels,
        "batch": bench.batch,
        "dim": bench.embedder.embedding_dim,
        "classes": bench.head.classes,
        "device": device,
        "precision": bench.precision.word(),
        "micro_batches": bench.micro_batches,
        "recompute": bench.recompute,
        "mode": mode,
        "threads": rayon::current_num_threads(),
        "arclens": env!("CARGO_PKG_VERSION"),
    });
    fields.as_object().cloned().unwrap_or_default()
}
