//! `arclens map`: embeddings laid out as a table or a picture.

use super::embed::{Names, embed_items, is_embeddings, names_beside};
use super::model::open_model;
use super::output::{self, Meter};
use super::own_images::own_catalog;
use super::{Answer, args, npy, place};
use crate::config::{atomic_write, counted};
use crate::data::Catalog;
use crate::eval::EmbeddingTable;
use crate::map::{Layout, TsneSpec, lay_out};
use crate::train::{Control, read_config};
use anyhow::{Context as _, bail, ensure};
use clap::ArgMatches;
use image::{Rgb, RgbImage};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Side of the picture in pixels.
const PICTURE_PX: u32 = 1200;

/// Lays out and writes.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let source = args::get_path(matches, "source")?;
    let out = args::get_path(matches, "out")?;
    let config = args::settings(matches)?;
    args::warn_without_effect(matches, &config);
    let form = Form::of(out)?;
    let is_file = is_embeddings(source);
    let names_of_file = is_file.then(|| names_beside(source));
    let data = matches.get_one::<PathBuf>("data").map(PathBuf::as_path);
    ensure!(
        !is_file || data.is_none(),
        "--data names images for a run to embed, and {} holds embeddings; leave one of them out",
        source.display()
    );
    place::check(out, &[names_of_file.as_deref(), data].into_iter().flatten().collect::<Vec<_>>())?;
    let seed = matches.get_one::<u32>("seed").copied().unwrap_or(1);
    let (table, names) = if is_file { of_file(source)? } else { of_run(source, matches)? };
    let spec = TsneSpec::new(&config.map, u64::from(seed));
    let layout = lay_out(&table, config.map.method.into(), &spec, &|| false)?;
    if let Some(note) = &layout.note {
        output::warning(note);
    }
    match form {
        Form::Table => write_csv(out, &layout, &names)?,
        Form::Picture => write_png(out, &layout, &table)?,
    }
    output::line(format!("{}: {}", counted(layout.rows.len(), "point"), out.display()));
    if matches.get_flag("json") {
        output::json(
            &json!({ "points": layout.rows.len(), "dims": layout.dims, "method": layout.method, "note": layout.note, "out": out }),
        );
    }
    Ok(Answer::Yes)
}

fn of_run(run: &Path, matches: &ArgMatches) -> anyhow::Result<(EmbeddingTable, Names)> {
    let model = open_model(run, matches)?;
    let (catalog, items) = match matches.get_one::<PathBuf>("data") {
        Some(data) => {
            let catalog = Arc::new(Catalog::open(data, &|_| {}, &|| false)?);
            let items = (0..catalog.items.len() as u32).collect();
            (catalog, items)
        }
        None => {
            let catalog = own_catalog(run, &Control::default())?;
            let config = read_config(run)?;
            let split = crate::data::split(&catalog, &config.data, u64::from(config.train.seed))?;
            (catalog, split.validation)
        }
    };
    let mut meter = Meter::new("embed");
    let named =
        embed_items(&model, &catalog, &items, &mut |done, total| meter.report(done as u64, total as u64, "images"));
    meter.finish();
    named
}

/// What is written.
#[derive(Clone, Copy)]
enum Form {
    Table,
    Picture,
}

impl Form {
    /// As the name's ending says; asked before anything is laid out.
    fn of(out: &Path) -> anyhow::Result<Self> {
        match out.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Ok(Self::Table),
            Some("png") => Ok(Self::Picture),
            _ => bail!("the map is written as .csv or .png; name such a file with --out, not {}", out.display()),
        }
    }
}

fn of_file(path: &Path) -> anyhow::Result<(EmbeddingTable, Names)> {
    let npy::Rows { count, dim, data } = npy::read(path)?;
    let names = read_names(&names_beside(path), count)?;
    let mut classes = BTreeMap::new();
    for (_, label) in &names {
        let next = classes.len() as u32;
        classes.entry(label.clone()).or_insert(next);
    }
    let labels = names.iter().map(|(_, label)| classes.get(label).copied().unwrap_or(0)).collect();
    Ok((EmbeddingTable::new(dim, data, (0..count as u32).collect(), labels)?, names))
}

fn read_names(path: &Path, count: usize) -> anyhow::Result<Names> {
    if !path.exists() {
        return Ok((0..count).map(|row| (row.to_string(), String::new())).collect());
    }
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("could not read {}", path.display()))?;
    let unexpected = || format!("expected the columns path,label: {}", path.display());
    let columns = reader.headers().with_context(unexpected)?;
    let column = |name: &str| columns.iter().position(|column| column.trim() == name).with_context(unexpected);
    let (path_at, label_at) = (column("path")?, column("label")?);
    let text = |record: &csv::StringRecord, at: usize| record.get(at).unwrap_or_default().to_owned();
    let names = reader
        .records()
        .map(|record| record.map(|record| (text(&record, path_at), text(&record, label_at))))
        .collect::<Result<Names, _>>()
        .with_context(unexpected)?;
    ensure!(names.len() == count, "{count} embeddings, but {} rows of path and label: {}", names.len(), path.display());
    Ok(names)
}

fn write_csv(out: &Path, layout: &Layout, names: &Names) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let axes: &[&str] = if layout.dims == 3 { &["x", "y", "z"] } else { &["x", "y"] };
    writer.write_record(axes.iter().chain(&["path", "label"]))?;
    for (i, row) in layout.rows.iter().enumerate() {
        let mut record: Vec<String> = layout.position(i).iter().map(ToString::to_string).collect();
        let (path, label) = names.get(*row as usize).cloned().unwrap_or_default();
        record.extend([path, label]);
        writer.write_record(record)?;
    }
    let text = writer.into_inner().map_err(|error| error.into_error())?;
    atomic_write(out, &text).with_context(|| format!("could not write {}", out.display()))
}

fn write_png(out: &Path, layout: &Layout, table: &EmbeddingTable) -> anyhow::Result<()> {
    let mut picture = RgbImage::from_pixel(PICTURE_PX, PICTURE_PX, Rgb([255; 3]));
    let reach =
        layout.xy.chunks_exact(layout.dims).flat_map(|p| [p[0].abs(), p[1].abs()]).fold(1e-9f32, f32::max) * 1.05;
    let to_px = |value: f32| (0.5 + 0.5 * f64::from(value / reach)) * f64::from(PICTURE_PX);
    for (i, row) in layout.rows.iter().enumerate() {
        let class = table.classes().get(*row as usize).copied().unwrap_or(0);
        if let [x, y, ..] = layout.position(i) {
            disc(&mut picture, to_px(*x), f64::from(PICTURE_PX) - to_px(*y), class_colour(class));
        }
    }
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png)?;
    atomic_write(out, bytes.get_ref()).with_context(|| format!("could not write {}", out.display()))
}

/// An anti-aliased disc of radius 4.
fn disc(picture: &mut RgbImage, x: f64, y: f64, colour: [f64; 3]) {
    const RADIUS: f64 = 4.0;
    let span = |centre: f64| {
        (centre - RADIUS - 1.0).max(0.0) as u32..=(centre + RADIUS + 1.0).min(f64::from(PICTURE_PX - 1)) as u32
    };
    for row in span(y) {
        for column in span(x) {
            let distance = (f64::from(column) + 0.5 - x).hypot(f64::from(row) + 0.5 - y);
            let cover = (RADIUS + 0.5 - distance).clamp(0.0, 1.0) * 0.85;
            let pixel = picture.get_pixel_mut(column, row);
            for (channel, wanted) in pixel.0.iter_mut().zip(colour) {
                *channel = (f64::from(*channel) * (1.0 - cover) + wanted * cover).round() as u8;
            }
        }
    }
}

/// Hues a golden angle apart, so that neighbouring class numbers look different.
fn class_colour(class: u32) -> [f64; 3] {
    let hue = (f64::from(class) * 0.618_033_988_75).fract() * 6.0;
    [5.0, 3.0, 1.0].map(|n: f64| {
        let k = (n + hue) % 6.0;
        255.0 * (0.85 - 0.6 * k.min(4.0 - k).clamp(0.0, 1.0))
    })
}
