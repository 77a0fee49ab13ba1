//! `arclens sample`.

use super::output::{self, Meter};
use super::{Answer, args};
use crate::data::sample::{SampleSpec, write_sample};
use clap::ArgMatches;
use serde_json::json;
use std::sync::{Mutex, PoisonError};

/// Draws.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let number = |name: &str| matches.get_one::<u32>(name).copied().unwrap_or_default();
    let spec = SampleSpec {
        identities: number("identities"),
        images_per_identity: number("images"),
        size_px: number("size"),
        seed: matches.get_one::<u64>("seed").copied().unwrap_or_default(),
    };
    let dir = args::get_path(matches, "dir")?;
    let meter = Mutex::new(Meter::new("draw"));
    let report = |done: u32, total: u32| {
        meter.lock().unwrap_or_else(PoisonError::into_inner).report(u64::from(done), u64::from(total), "portraits");
    };
    let summary = write_sample(dir, &spec, &report, &|| false)?;
    meter.lock().unwrap_or_else(PoisonError::into_inner).finish();
    output::line(format!(
        "{} portraits of {} identities ({} for training), {} bytes: {}",
        summary.images,
        summary.identities,
        summary.train_identities,
        summary.bytes,
        dir.display()
    ));
    if matches.get_flag("json") {
        output::json(&json!({
            "identities": summary.identities, "train_identities": summary.train_identities,
            "images": summary.images, "bytes": summary.bytes, "dir": dir,
        }));
    }
    Ok(Answer::Yes)
}
