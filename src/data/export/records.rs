//! A data set as `train.rec`, `train.idx` and `property`, as InsightFace's trainers read it.

use super::encoded::{AT_ONCE, encode_all};
use super::{Draft, Exported, Sizes, publish, writing};
use crate::data::endings::ends_with;
use crate::data::scan::Watch;
use crate::data::{Catalog, DataError, Progress, RecWriter};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The file of records that [`export_records`] writes to `out`: `out` itself when it ends in `.rec`, else `train.rec` in the
/// folder `out`. The other files lie beside it.
pub fn records_path(out: &Path) -> PathBuf {
    if ends_with(out, &["rec"]) { out.to_owned() } else { out.join("train.rec") }
}

/// Writes `items` to the file that [`records_path`] makes of `out`, and what belongs to it. Labels count the classes in
/// their order; `classes.txt` has their names, line by line.
///
/// # Errors
/// When a file is there already, the disk refuses, no image can be read, or it is cancelled.
pub fn export_records(
    catalog: &Catalog,
    items: &[u32],
    px: Option<u32>,
    out: &Path,
    progress: &(dyn Fn(Progress) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Exported, DataError> {
    let watch = Watch { progress, cancelled };
    let rec = records_path(out);
    let (rec, idx) = (Draft::new(rec.clone())?, Draft::new(rec.with_extension("idx"))?);
    let mut property = Draft::new(rec.path.with_file_name("property"))?;
    let mut names = Draft::new(rec.path.with_file_name("classes.txt"))?;
    let mut items = items.to_vec();
    items.sort_by_key(|&item| (class_of(catalog, item), item));
    let mut writer = RecWriter::new(rec.file, idx.file);
    let mut done = Exported::default();
    let (mut last, mut sizes) = (None, Sizes::new(px));
    for chunk in items.chunks(AT_ONCE) {
        watch.check()?;
        for (&item, encoded) in chunk.iter().zip(encode_all(catalog, chunk, px)) {
            let bytes = match encoded {
                Ok(bytes) => bytes,
                Err(error) => {
                    done.warnings.left_out(&catalog.name(item as usize), &error);
                    continue;
                }
            };
            let class = class_of(catalog, item);
            if last != Some(class) {
                if last.is_some() {
                    writer.next_identity();
                }
                last = Some(class);
                done.groups += 1;
                let name = catalog.class_name(item as usize).replace(['\n', '\r'], " ");
                writeln!(names.file, "{name}").map_err(writing(&names.path))?;
            }
            sizes.add(catalog, item);
            writer.image(&bytes).map_err(writing(&rec.path))?;
            done.images += 1;
        }
        progress(Progress { done: done.images + done.warnings.total() as u64, total: items.len() as u64 });
    }
    done.other_sizes = sizes.others;
    let Some((height, width)) = sizes.first else { return Err(DataError::all_unreadable(items.len(), &done.warnings)) };
    writeln!(property.file, "{},{height},{width}", done.groups).map_err(writing(&property.path))?;
    let (rec_file, idx_file) = writer.finish().map_err(writing(&rec.path))?;
    done.files = vec![
        publish(rec_file, rec.path)?,
        publish(idx_file, idx.path)?,
        publish(property.file, property.path)?,
        publish(names.file, names.path)?,
    ];
    Ok(done)
}

fn class_of(catalog: &Catalog, item: u32) -> u32 {
    catalog.items.get(item as usize).map_or(u32::MAX, |item| item.class)
}
