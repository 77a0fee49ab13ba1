//! What TensorBoard and its projector see of a run: its files, read by a reader that shares nothing with the writer.

use super::super::tensorboard::Board;
use super::*;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// CRC-32C, bit by bit: the polynomial 0x1EDC6F41, turned round.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
        }
    }
    !crc
}

/// The checksum behind bytes of a record, masked as in TensorFlow's `record_writer.cc`.
fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8).to_le_bytes()
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, after) = rest.split_at(count);
    *rest = after;
    taken
}

/// Takes bytes and the checksum behind them, which must be theirs.
fn checked<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let bytes = take(rest, count);
    assert_eq!(take(rest, 4), masked(bytes), "a wrong checksum");
    bytes
}

/// What the records of an event file hold: length, checksum, bytes, checksum.
fn records(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let length = checked(&mut rest, 8);
        let length = u64::from_le_bytes(length.try_into().unwrap());
        found.push(checked(&mut rest, length as usize));
    }
    found
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)[0];
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    panic!("a number of more than 64 bits")
}

enum Field<'a> {
    /// A whole number, or the bits of one with a point.
    Number(u64),
    /// A text, numbers in a row, or a message.
    Bytes(&'a [u8]),
}

/// A protocol buffer message: its fields behind their numbers.
struct Message<'a>(Vec<(u64, Field<'a>)>);

impl<'a> Message<'a> {
    fn read(mut rest: &'a [u8]) -> Self {
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let key = varint(&mut rest);
            let field = match key & 7 {
                0 => Field::Number(varint(&mut rest)),
                1 => Field::Number(u64::from_le_bytes(take(&mut rest, 8).try_into().unwrap())),
                2 => {
                    let length = varint(&mut rest) as usize;
                    Field::Bytes(take(&mut rest, length))
                }
                5 => Field::Number(u32::from_le_bytes(take(&mut rest, 4).try_into().unwrap()).into()),
                other => panic!("no wire type has the number {other}"),
            };
            fields.push((key >> 3, field));
        }
        Self(fields)
    }

    fn number(&self, wanted: u64) -> Option<u64> {
        self.0.iter().find_map(|(number, field)| match field {
            Field::Number(value) if *number == wanted => Some(*value),
            _ => None,
        })
    }

    fn bytes(&self, wanted: u64) -> Vec<&'a [u8]> {
        let of_number = |(number, field): &(u64, Field<'a>)| match field {
            Field::Bytes(bytes) if *number == wanted => Some(*bytes),
            _ => None,
        };
        self.0.iter().filter_map(of_number).collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A `HistogramProto` of `summary.proto`.
struct Histogram {
    tag: String,
    total: f64,
    limits: Vec<f64>,
    counts: Vec<f64>,
}

impl Histogram {
    fn read(tag: String, message: &[u8]) -> Self {
        let message = Message::read(message);
        let packed = |number| -> Vec<f64> {
            let bytes = message.bytes(number)[0];
            bytes.chunks_exact(8).map(|eight| f64::from_le_bytes(eight.try_into().unwrap())).collect()
        };
        let total = f64::from_bits(message.number(3).unwrap());
        Self { tag, total, limits: packed(6), counts: packed(7) }
    }
}

/// An `Event` of `event.proto`, with what `summary.proto` says of its values.
#[derive(Default)]
struct Entry {
    wall_secs: f64,
    step: u64,
    version: Option<String>,
    is_start: bool,
    scalars: Vec<(String, f32)>,
    histograms: Vec<Histogram>,
}

impl Entry {
    fn read(record: &[u8]) -> Self {
        let event = Message::read(record);
        let mut entry = Self {
            wall_secs: f64::from_bits(event.number(1).unwrap()),
            step: event.number(2).unwrap_or(0),
            version: event.bytes(3).first().map(|version| text(version)),
            is_start: event.bytes(7).iter().any(|session| Message::read(session).number(1) == Some(1)),
            ..Self::default()
        };
        let values = event.bytes(5).into_iter().flat_map(|summary| Message::read(summary).bytes(1));
        for value in values.map(Message::read) {
            let tag = text(value.bytes(1)[0]);
            let histograms = value.bytes(5).into_iter().map(|message| Histogram::read(tag.clone(), message));
            entry.histograms.extend(histograms);
            entry.scalars.extend(value.number(2).map(|bits| (tag, f32::from_bits(bits as u32))));
        }
        entry
    }
}

/// The event files of a run, in the order in which TensorBoard reads them.
fn event_files(run: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.file_name().unwrap().to_str().unwrap().contains("tfevents"));
    found.sort();
    found
}

fn entries(file: &Path) -> Vec<Entry> {
    let bytes = std::fs::read(file).unwrap();
    records(&bytes).into_iter().map(Entry::read).collect()
}

/// Steps and values by tag.
type Curves = BTreeMap<String, Vec<(u64, f32)>>;

/// The curves that TensorBoard shows. From the second session start on, each takes away what was seen of its step and of
/// later ones (`_CheckForRestartAndMaybePurge` in TensorBoard's `plugin_event_accumulator.py`).
fn shown(run: &Path) -> Curves {
    let mut curves = Curves::new();
    let mut has_begun = false;
    for entry in event_files(run).iter().flat_map(|file| entries(file)) {
        if entry.is_start && std::mem::replace(&mut has_begun, true) {
            curves.values_mut().for_each(|points| points.retain(|(step, _)| *step < entry.step));
        }
        for (tag, value) in entry.scalars {
            curves.entry(tag).or_default().push((entry.step, value));
        }
    }
    curves
}

/// The curves in `metrics.jsonl`, under TensorBoard's tags.
fn logged(run: &Path) -> Curves {
    const STEP: [(&str, &str); 4] = [
        ("train/loss", "loss"),
        ("train/accuracy", "accuracy"),
        ("train/learning_rate", "lr"),
        ("train/margin", "margin"),
    ];
    const EPOCH: [(&str, &str); 5] = [
        ("epoch/train_loss", "train_loss"),
        ("epoch/train_accuracy", "train_accuracy"),
        ("validation/loss", "val_loss"),
        ("validation/accuracy", "val_accuracy"),
        ("validation/eer", "eer"),
    ];
    let mut curves = Curves::new();
    for line in std::fs::read_to_string(run.join("metrics.jsonl")).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["kind"] == "doubtful" {
            continue;
        }
        let step = line["step"].as_u64().unwrap();
        let measures = if line["kind"] == "step" { &STEP[..] } else { &EPOCH[..] };
        for (tag, key) in measures {
            let value = line[*key].as_f64().unwrap_or_else(|| panic!("no {key}: {line}"));
            curves.entry((*tag).to_owned()).or_default().push((step, value as f32));
        }
    }
    curves
}

fn steps(points: &[(u64, f32)]) -> Vec<u64> {
    points.iter().map(|(step, _)| *step).collect()
}

/// TensorBoard shows what the log says, all of it and nothing else but the speed.
fn assert_shown_as_logged(run: &Path) {
    let (mut shown, logged) = (shown(run), logged(run));
    let speed = shown.remove("train/images_per_second").unwrap();
    assert_eq!(steps(&speed), steps(&logged["train/loss"]));
    assert_eq!(shown, logged);
    for (tag, points) in &shown {
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0), "{tag}: {points:?}");
    }
}

/// Three epochs, with images of known classes held out: every measure there is can be taken.
fn closed_set() -> RunConfig {
    let mut config = config();
    config.data.split = SplitBy::Image;
    config
}

/// Such a run with all that it told.
fn watched(folder: &Path) -> (Arc<Catalog>, PathBuf, Vec<TrainEvent>) {
    let (catalog, path) = (draw(&folder.join("data"), 4, 12), folder.join("run"));
    let place = Place::NewAt(path.clone());
    let request = TrainRequest { catalog: Arc::clone(&catalog), config: closed_set(), place };
    let (result, told) = run_until(&request, |_| false);
    result.unwrap();
    (catalog, path, told)
}

#[test]
fn tensorboard_sees_the_curves_of_the_log_and_the_angles_that_were_told() {
    assert_eq!(crc32c(b"123456789"), 0xE306_9283, "the check value of CRC-32C");
    let folder = tempfile::tempdir().unwrap();
    let (_, path, told) = watched(folder.path());
    assert_shown_as_logged(&path);
    let logged = logged(&path);
    assert_eq!((logged.len(), logged["validation/eer"].len(), logged["epoch/train_loss"].len()), (9, 3, 3));

    let files = event_files(&path);
    let entries: Vec<Entry> = files.iter().flat_map(|file| entries(file)).collect();
    assert_eq!((files.len(), entries[0].version.as_deref()), (1, Some("brain.Event:2")));
    assert!(entries[1].is_start && entries[1..].iter().all(|entry| entry.version.is_none()));
    let now_secs = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    assert!(entries.iter().all(|entry| (entry.wall_secs - now_secs).abs() < 86_400.0), "not of today");

    let mut at = 0;
    let mut reported: Vec<(u64, Vec<f64>)> = Vec::new();
    for event in &told {
        match event {
            TrainEvent::Step(metrics) => at = metrics.step,
            TrainEvent::Angles(angles) => reported.push((at, angles.counts.iter().map(|n| f64::from(*n)).collect())),
            _ => {}
        }
    }
    let mut seen: Vec<(u64, Vec<f64>)> = Vec::new();
    let limits: Vec<f64> = (1..=36).map(|bin| 5.0 * f64::from(bin)).collect();
    for entry in &entries {
        for histogram in &entry.histograms {
            assert_eq!((histogram.tag.as_str(), &histogram.limits), ("train/angle_to_own_class_degrees", &limits));
            assert!(histogram.total > 0.0 && histogram.total == histogram.counts.iter().sum::<f64>());
            seen.push((entry.step, histogram.counts.clone()));
        }
    }
    assert_eq!(seen, reported);
}

#[test]
fn tensorboard_sees_no_step_twice_and_none_is_lost_however_often_a_run_was_continued() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 4, 12);
    let (path, config) = (folder.path().join("run"), closed_set());
    assert!(run(&catalog, &config, Place::NewAt(path.clone()), Some(3)).unwrap().stopped);
    run(&catalog, &config, Place::Resume(path.clone()), None).unwrap();
    // The steps behind the checkpoint before it are taken anew.
    damage(&latest_checkpoint(&path).unwrap().0.path);
    run(&catalog, &config, Place::Resume(path.clone()), None).unwrap();

    let files = event_files(&path);
    assert_eq!(files.len(), 3, "{files:?}");
    let losses = files
        .iter()
        .flat_map(|file| entries(file))
        .filter(|entry| entry.scalars.iter().any(|(tag, _)| tag == "train/loss"));
    let written: Vec<u64> = losses.map(|entry| entry.step).collect();
    assert!(
        written.windows(2).any(|pair| pair[1] <= pair[0]),
        "this test needs steps that were taken twice: {written:?}"
    );
    assert_shown_as_logged(&path);
}

#[test]
fn the_projector_finds_the_held_out_embeddings_of_the_last_epoch_with_their_classes() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, path, told) = watched(folder.path());
    let config = std::fs::read_to_string(path.join("projector_config.pbtxt")).unwrap();
    // Paths are relative to the folder that the configuration lies in.
    let [vectors, classes] = ["tensor_path: ", "metadata_path: "].map(|key| {
        let value = config.lines().find_map(|line| line.trim().strip_prefix(key));
        let name = value.unwrap_or_else(|| panic!("no {key}{config}")).trim_matches('"');
        std::fs::read_to_string(path.join(name)).unwrap()
    });
    let last = told.iter().rev().find_map(|event| match event {
        TrainEvent::Validation(snapshot) => Some(snapshot),
        _ => None,
    });
    let table = &last.unwrap().table;
    assert_eq!((vectors.lines().count(), classes.lines().count()), (table.len(), table.len()));
    assert_eq!((table.len(), table.dim()), (8, 16));
    for (row, (vector, class)) in vectors.lines().zip(classes.lines()).enumerate() {
        let vector: Vec<f32> = vector.split('\t').map(|value| value.parse().unwrap()).collect();
        assert_eq!(vector.len(), table.dim(), "row {row}");
        // They are written with five digits behind the point.
        assert!(vector.iter().zip(table.row(row)).all(|(a, b)| (a - b).abs() < 1e-5), "row {row}");
        assert_eq!(class, catalog.classes[table.classes()[row] as usize], "row {row}");
    }
}

fn metrics(step: u64, loss: f64) -> StepMetrics {
    let (accuracy, lr, margin) = (0.25, 0.1, 0.3);
    StepMetrics { step, epoch: 0.5, loss, accuracy, lr, margin, images_per_second: 10.0, eta_secs: 1.0 }
}

#[test]
fn a_run_that_goes_back_starts_a_file_that_forgets_later_steps_only() {
    let folder = tempfile::tempdir().unwrap();
    // Twice to its start and then to its second step, all within a moment: the order of the files counts.
    for (from, loss) in [(0, 8.0), (0, 4.0), (0, 2.0), (2, 1.0)] {
        let mut board = Board::open(folder.path(), from + 1);
        (from + 1..=4).for_each(|step| board.step(&metrics(step, loss)));
    }
    assert_eq!(event_files(folder.path()).len(), 4);
    assert_eq!(shown(folder.path())["train/loss"], [(1, 2.0), (2, 2.0), (3, 1.0), (4, 1.0)]);
}

#[test]
fn the_network_that_a_run_started_from_is_shown_once_however_often_it_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = super::start::request(folder.path(), 8, "tuned");
    let path = folder.path().join("tuned");
    run_until(&request, |event| matches!(event, TrainEvent::Epoch(_))).0.unwrap_err();
    // As if killed before the checkpoint of its start was there.
    std::fs::remove_dir_all(path.join("checkpoints")).unwrap();
    request.place = Place::Resume(path.clone());
    run_until(&request, |_| false).0.unwrap();
    let at_start = |file: &PathBuf| {
        let is_rate = |entry: &Entry| entry.step == 0 && entry.scalars.iter().any(|(tag, _)| tag == "validation/eer");
        entries(file).iter().any(is_rate)
    };
    assert_eq!(event_files(&path).iter().filter(|file| at_start(file)).count(), 2, "this test needs two measures");
    let rates = steps(&shown(&path)["validation/eer"]);
    assert!(rates.len() == 3 && rates[0] == 0 && rates.windows(2).all(|pair| pair[0] < pair[1]), "{rates:?}");
}

#[test]
fn what_is_not_a_number_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    Board::open(folder.path(), 70_001).step(&metrics(70_001, f64::NAN));
    let curves = shown(folder.path());
    assert_eq!(curves["train/accuracy"], [(70_001, 0.25)]);
    assert!(!curves.contains_key("train/loss"), "{curves:?}");
}

#[test]
fn a_folder_that_is_gone_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    let mut board = Board::open(&gone, 4);
    board.step(&metrics(4, 1.0));
    board.angles(4, &AngleHistogram::default());
    assert!(!gone.exists());
}
