use super::*;
use std::collections::BTreeSet;

fn leaves(prefix: &str, value: &serde_json::Value, out: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, child) in map {
                let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                leaves(&path, child, out);
            }
        }
        _ => {
            out.insert(prefix.to_owned());
        }
    }
}

#[test]
fn every_setting_has_a_row_in_the_table_and_the_other_way_round() {
    let mut fields = BTreeSet::new();
    leaves("", &serde_json::to_value(RunConfig::default()).unwrap(), &mut fields);
    let rows: BTreeSet<String> = PARAMS.iter().map(|spec| spec.key.to_owned()).collect();
    assert_eq!(fields, rows);
}

#[test]
fn keys_and_short_flags_are_unique_and_keys_lie_in_their_group() {
    let keys: BTreeSet<_> = PARAMS.iter().map(|spec| spec.key).collect();
    assert_eq!(keys.len(), PARAMS.len());
    let shorts: Vec<_> = PARAMS.iter().filter_map(|spec| spec.short).collect();
    assert_eq!(shorts.iter().collect::<BTreeSet<_>>().len(), shorts.len());
    for spec in PARAMS {
        assert!(spec.key.starts_with(&format!("{}.", spec.group.table())), "{}", spec.key);
    }
}

#[test]
fn every_help_is_a_phrase_without_a_full_stop() {
    for spec in PARAMS {
        assert!(spec.help.len() > 10 && !spec.help.ends_with('.'), "{}", spec.key);
        assert!(!spec.label.is_empty() && !spec.label.ends_with(':'), "{}", spec.key);
    }
}

#[test]
fn defaults_are_inside_their_ranges() {
    assert_eq!(RunConfig::default().problems(), vec![]);
}

#[test]
fn setting_what_was_read_changes_nothing() {
    for spec in PARAMS {
        let mut config = RunConfig::default();
        let value = config.get(spec.key).unwrap();
        config.set(spec.key, value).unwrap();
        assert_eq!(config, RunConfig::default(), "{}", spec.key);
    }
}

#[test]
fn every_setting_can_be_typed_as_it_is_printed() {
    for spec in PARAMS {
        let mut config = RunConfig::default();
        let text = config.get(spec.key).unwrap().to_string();
        config.set_text(spec.key, &text).unwrap();
        assert_eq!(config, RunConfig::default(), "{}", spec.key);
    }
}

#[test]
fn a_value_out_of_range_names_key_value_and_range() {
    let error = RunConfig::default().set_text("train.epochs", "0").unwrap_err().to_string();
    assert!(error.contains("train.epochs") && error.contains('0') && error.contains("10000"), "{error}");
    let error = RunConfig::default().set_text("train.epochs", "many").unwrap_err().to_string();
    assert!(error.contains("many"), "{error}");
    let error = RunConfig::default().set_text("model.net", "vit").unwrap_err().to_string();
    assert!(error.contains("resnet18"), "{error}");
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest() {
    let error = RunConfig::default().set_text("epochs", "3").unwrap_err().to_string();
    assert!(error.contains("train.epochs"), "{error}");
}

#[test]
fn a_run_file_keeps_every_value() {
    let mut config = RunConfig::default();
    config.set_text("train.epochs", "7").unwrap();
    config.set_text("loss.margin_rad", "0.25").unwrap();
    config.set_text("data.held_out", "s31..s40, \"odd\" \\name").unwrap();
    config.run = Some(RunInfo {
        version: "1".into(),
        data: "C:\\my \"data\"".into(),
        automatic: vec!["loss.scale".into()],
        series: Some(SeriesInfo { id: "2026-11-01T10:00:00+00:00".into(), first_seed: 7, seeds: 3 }),
        ..RunInfo::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    save(&config, &path).unwrap();
    assert_eq!(load(&path).unwrap(), config);
    save(&RunConfig::default(), &path).unwrap();
    assert_eq!(load(&path).unwrap(), RunConfig::default());
}

#[test]
fn a_run_file_with_an_unknown_key_or_bad_values_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    std::fs::write(&path, "[train]\nepoch = 3\n").unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(error.contains("epoch") && error.contains("run.toml"), "{error}");
    std::fs::write(&path, "[train]\nepochs = 0\nbatch = 1\n").unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(error.contains("train.epochs") && error.contains("train.batch"), "{error}");
    std::fs::write(&path, "[loss]\nscale = \"automatic\"\n").unwrap();
    assert!(load(&path).is_err());
}

fn facts() -> DataFacts {
    DataFacts { train_classes: 100, train_images: 1000, validation_images: 100, typical_px: 250, all_grey: false }
}

#[test]
fn every_automatic_value_is_resolved_with_a_reason() {
    let resolved = resolve(&RunConfig::default(), &facts()).unwrap();
    let mut fields = Vec::new();
    for spec in PARAMS.iter().filter(|spec| spec.auto && (spec.applies)(&resolved.config) && spec.group != Group::Eval)
    {
        assert_ne!(resolved.config.get(spec.key).unwrap(), Value::Text("auto".into()), "{}", spec.key);
        fields.push(spec.key);
    }
    for key in fields {
        assert!(resolved.reasons.iter().any(|reason| reason.key == key && !reason.why.is_empty()), "{key}");
    }
    assert_eq!(resolved.steps_per_epoch, 31);
}

#[test]
fn a_value_set_by_hand_is_kept() {
    let mut config = RunConfig::default();
    config.set_text("loss.scale", "30").unwrap();
    config.set_text("train.lr", "0.02").unwrap();
    let resolved = resolve(&config, &facts()).unwrap();
    assert_eq!((resolved.scale, resolved.lr), (30.0, 0.02));
    assert!(resolved.reasons.iter().all(|reason| reason.key != "loss.scale"));
}

#[test]
fn the_automatic_scale_grows_with_the_classes() {
    let scale = |train_classes| resolve(&RunConfig::default(), &DataFacts { train_classes, ..facts() }).unwrap().scale;
    assert_eq!([2, 10, 238, 10_000].map(scale), [8.0, 8.0, 11.6, 19.5]);
    let mut config = RunConfig::default();
    config.loss.head = Head::AdaCos;
    let resolved = resolve(&config, &facts()).unwrap();
    assert!((resolved.scale - 2_f64.sqrt() * 99_f64.ln()).abs() < 1e-12);
}

#[test]
fn both_mixtures_of_the_combined_margins_can_be_asked_for() {
    let mut config = RunConfig::default();
    for (key, text) in [("loss.head", "combined"), ("loss.margin_factor", "0.9"), ("loss.margin_rad", "0.4")] {
        config.set_text(key, text).unwrap();
    }
    let margins = resolve(&config, &facts()).unwrap().margins;
    assert_eq!((margins.factor, margins.rad, margins.cos), (0.9, 0.4, 0.2));
}

#[test]
fn what_a_run_chose_by_itself_is_automatic_for_the_next_one() {
    let mut asked = RunConfig::default();
    asked.set_text("train.lr", "0.03").unwrap();
    let mut written = resolve(&asked, &facts()).unwrap().config;
    written.run = Some(RunInfo { automatic: asked.automatic_keys(), ..RunInfo::default() });
    assert!(written.loss.scale.set().is_some() && written.loss.margin_detached.set().is_some());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.toml");
    save(&written, &file).unwrap();
    assert_eq!(load(&file).unwrap(), written, "the run itself goes on with what it used");
    assert_eq!(load_over(&RunConfig::default(), &file).unwrap(), asked);
}

#[test]
fn the_reason_for_the_rate_names_its_bounds_and_the_batch_that_is() {
    let why = |batch: u32, images| {
        let mut config = RunConfig::default();
        config.train.batch = batch;
        let resolved = resolve(&config, &DataFacts { train_images: images, ..facts() }).unwrap();
        (resolved.lr, resolved.reasons.into_iter().find(|reason| reason.key == "train.lr").unwrap().why)
    };
    assert_eq!(why(256, 10_000), (0.2, "0.1 per 64 images, for batches of 256, not more than 0.2".into()));
    assert_eq!(why(256, 64), (0.1, "0.1 per 64 images, for batches of 64".into()));
}

#[test]
fn a_short_run_warms_up_for_half_of_it() {
    let mut config = RunConfig::default();
    assert_eq!(resolve(&config, &facts()).unwrap().warmup_epochs, 1.0);
    config.train.epochs = 1;
    assert_eq!(resolve(&config, &facts()).unwrap().warmup_epochs, 0.5);
}

#[test]
fn all_problems_are_reported_at_once() {
    let mut config = RunConfig::default();
    config.train.epochs = 0;
    let facts = DataFacts { train_classes: 1, ..facts() };
    let text = resolve(&config, &facts).unwrap_err().to_string();
    assert!(text.contains("train.epochs") && text.contains("1 class"), "{text}");
}

#[test]
fn a_run_file_over_a_preset_changes_only_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.toml");
    std::fs::write(&file, "[train]\nepochs = 3\n[model]\nnet = \"small\"\n").unwrap();
    let preset = Preset::Mnist.settings(&RunConfig::default());
    let config = load_over(&preset, &file).unwrap();
    assert_eq!((config.train.epochs, config.model.net), (3, Net::Small));
    assert_eq!((config.data.image_px, config.train.batch), (Auto::Set(28), 64));
}
