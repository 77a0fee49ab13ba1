//! `arclens bench map`.

use super::args::get;
use super::pairs::made_up;
use super::timing::{Timing, peak_mib, peak_words, report, rounded};
use crate::config::RunConfig;
use crate::map::{TsneSpec, lay_out};
use clap::ArgMatches;
use serde_json::{Map, json};
use std::time::Instant;

/// Times and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let (points, dim) = (get(matches, "points", 4)?, get(matches, "dim", 2)?);
    let table = made_up(points, dim, get(matches, "identities", 2)?)?;
    let mut config = RunConfig::default();
    let method = matches.get_one::<String>("method").map_or("tsne", String::as_str);
    config.set_text("map.method", method)?;
    config.map.max_points = points as u32;
    let spec = TsneSpec::new(&config.map, 1);
    let (warmup, steps) = (get(matches, "warmup", 0)?, get(matches, "steps", 1)?);
    let mut seconds = Vec::new();
    for step in 0..warmup + steps {
        let began = Instant::now();
        lay_out(&table, config.map.method.into(), &spec, &|| false)?;
        if step >= warmup {
            seconds.push(began.elapsed().as_secs_f64());
        }
    }
    let timing = Timing::new(seconds);
    let memory = peak_mib();
    let rows = [
        ("map", timing.words()),
        ("points/s", format!("{:.0}", points as f64 / timing.median())),
        ("peak memory", peak_words(memory)),
    ];
    let mut object = Map::new();
    object.insert("method".into(), json!(method));
    object.insert("points".into(), json!(points));
    timing.put("map", &mut object);
    object.insert("seconds".into(), json!(rounded(timing.median())));
    object.insert("peak_mib".into(), json!(memory));
    object.insert("threads".into(), json!(rayon::current_num_threads()));
    report(&format!("{method} of {points} embeddings of {dim} numbers"), &rows, object, matches.get_flag("json"));
    Ok(())
}
