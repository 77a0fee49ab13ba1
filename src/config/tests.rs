use super::*;
use std::collections::BTreeSet;

mod fine_tuning;

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

/// A hundred classes of colour images, of which nothing is out of the ordinary.
pub(super) fn facts() -> DataFacts {
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

/// Key and value of every automatic setting.
fn chosen(resolved: &Resolved) -> Vec<(&str, &str)> {
    resolved.reasons.iter().map(|reason| (reason.key, reason.value.as_str())).collect()
}

fn why<'a>(resolved: &'a Resolved, key: &str) -> &'a str {
    resolved.reasons.iter().find(|reason| reason.key == key).map_or("", |reason| reason.why.as_str())
}

#[test]
fn a_small_set_of_portraits_gets_these_values() {
    let facts =
        DataFacts { train_classes: 52, train_images: 624, validation_images: 156, typical_px: 96, all_grey: false };
    let resolved = resolve(&RunConfig::default(), &facts).unwrap();
    let expected = [
        ("data.image_px", "64"),
        ("data.colour", "colour"),
        ("model.embedding_dim", "128"),
        ("model.pooling", "average"),
        ("augment.flip", "on"),
        ("eval.flip", "on"),
        ("loss.scale", "8.3"),
        ("loss.margin_rad", "0.5"),
        ("loss.margin_detached", "off"),
        ("loss.margin_ramp", "0.15"),
        ("train.lr", "0.05"),
        ("train.head_lr_factor", "1"),
        ("train.warmup_epochs", "1"),
        ("eval.far_target", "equal error rates"),
    ];
    assert_eq!(chosen(&resolved), expected);
    assert_eq!((resolved.image_px, resolved.channels, resolved.embedding_dim), (64, 3, 128));
    assert_eq!((resolved.scale, resolved.margins, resolved.lr), (8.3, Margins { rad: 0.5, ..Margins::NONE }, 0.05));
    assert_eq!((resolved.margin_ramp, resolved.warmup_epochs, resolved.steps_per_epoch), (0.15, 1.0, 19));
    assert!(resolved.flip && resolved.add_mirror && !resolved.margin_detached);
    for (key, fact) in [
        ("data.image_px", "about 96 px; the small net works best from 16 to 64 px"),
        ("data.colour", "some images are in colour"),
        ("model.embedding_dim", "52 classes"),
        ("model.pooling", "this network"),
        ("augment.flip", "colour images"),
        ("eval.flip", "training images are mirrored"),
        ("loss.scale", "1.5·√2·ln(52 classes − 1) = 8.3"),
        ("loss.margin_rad", "the paper's value"),
        ("loss.margin_detached", "the loss's authors"),
        ("loss.margin_ramp", "whatever the data: classes find their places"),
        ("train.lr", "0.1 per 64 images, for batches of 32"),
        ("train.warmup_epochs", "19 steps"),
    ] {
        assert!(why(&resolved, key).contains(fact), "{key}: {}", why(&resolved, key));
    }
}

#[test]
fn ten_classes_of_small_grey_characters_get_these_values() {
    let facts = DataFacts {
        train_classes: 10,
        train_images: 60_000,
        validation_images: 10_000,
        typical_px: 28,
        all_grey: true,
    };
    let resolved = resolve(&RunConfig::default(), &facts).unwrap();
    let expected = [
        ("data.image_px", "28"),
        ("data.colour", "grey"),
        ("model.embedding_dim", "128"),
        ("model.pooling", "average"),
        ("augment.flip", "off"),
        ("eval.flip", "off"),
        ("loss.scale", "8"),
        ("loss.margin_rad", "0.5"),
        ("loss.margin_detached", "off"),
        ("loss.margin_ramp", "0.15"),
        ("train.lr", "0.05"),
        ("train.head_lr_factor", "1"),
        ("train.warmup_epochs", "1"),
        ("eval.far_target", "equal error rates"),
    ];
    assert_eq!(chosen(&resolved), expected);
    assert_eq!((resolved.channels, resolved.scale, resolved.steps_per_epoch), (1, 8.0, 1875));
    for (key, fact) in [
        ("data.image_px", "the images are about 28 px"),
        ("data.colour", "every image is grey"),
        ("model.embedding_dim", "10 classes"),
        ("augment.flip", "grey images"),
        ("eval.flip", "training images are not mirrored"),
        ("loss.scale", "1.5·√2·ln(10 classes − 1) = 4.7, not less than 8"),
        ("loss.margin_ramp", "whatever the data: classes find their places"),
        ("train.warmup_epochs", "1875 steps"),
    ] {
        assert!(why(&resolved, key).contains(fact), "{key}: {}", why(&resolved, key));
    }
}

/// Faces as the papers have them, for the network made for them.
fn papers_faces() -> (RunConfig, DataFacts) {
    let mut config = RunConfig::default();
    config.model.net = Net::Iresnet50;
    let facts = DataFacts {
        train_classes: 85_000,
        train_images: 5_100_000,
        validation_images: 100_000,
        typical_px: 112,
        all_grey: false,
    };
    (config, facts)
}

#[test]
fn millions_of_aligned_faces_get_these_values() {
    let (config, facts) = papers_faces();
    let resolved = resolve(&config, &facts).unwrap();
    let expected = [
        ("data.image_px", "112"),
        ("data.colour", "colour"),
        ("model.embedding_dim", "512"),
        ("model.pooling", "flatten"),
        ("augment.flip", "on"),
        ("eval.flip", "on"),
        ("loss.scale", "24.1"),
        ("loss.margin_rad", "0.5"),
        ("loss.margin_detached", "off"),
        ("loss.margin_ramp", "0.15"),
        ("train.lr", "0.05"),
        ("train.head_lr_factor", "1"),
        ("train.warmup_epochs", "1"),
        ("eval.far_target", "equal error rates"),
    ];
    assert_eq!(chosen(&resolved), expected);
    assert_eq!((resolved.embedding_dim, resolved.scale, resolved.steps_per_epoch), (512, 24.1, 159_375));
    for (key, fact) in [
        ("data.image_px", "the images are about 112 px"),
        ("model.embedding_dim", "85000 classes"),
        ("loss.scale", "1.5·√2·ln(85000 classes − 1) = 24.1"),
        ("loss.margin_ramp", "whatever the data: classes find their places"),
        ("train.warmup_epochs", "159375 steps"),
    ] {
        assert!(why(&resolved, key).contains(fact), "{key}: {}", why(&resolved, key));
    }
    let layer = "as usual for this network: its layer with weights of its own for every position has 12.8 million of them, \
                 not too many for 5.1 million images (about 60 of each of 85000 classes)";
    assert_eq!(why(&resolved, "model.pooling"), layer);
}

#[test]
fn the_layer_over_all_positions_is_left_where_the_images_are_few_for_its_weights() {
    let (mut config, facts) = papers_faces();
    let few = DataFacts { train_classes: 1000, train_images: 20_000, ..facts.clone() };
    let resolved = resolve(&config, &few).unwrap();
    assert_eq!((resolved.pooling, resolved.config.model.pooling), (Pooling::Average, Pooling::Average));
    let layer = "its layer with weights of its own for every position has 12.8 million of them, too many for \
                 20000 images (about 20 of each of 1000 classes)";
    assert_eq!(why(&resolved, "model.pooling"), layer);
    // 7 × 7 × 512 × 512 weights, 50 of them per image: images decide, however many classes they are of.
    let with_images = |config: &RunConfig, train_images| {
        let facts = DataFacts { train_classes: 10, train_images, ..facts.clone() };
        resolve(config, &facts).unwrap().config.model.pooling
    };
    config.model.embedding_dim = Auto::Set(512);
    assert_eq!([256_901, 256_902].map(|images| with_images(&config, images)), [Pooling::Average, Pooling::Auto]);
    // A smaller embedding and smaller images make a smaller layer: 2 × 2 × 512 × 128 weights.
    (config.model.embedding_dim, config.data.image_px) = (Auto::Auto, Auto::Set(28));
    assert_eq!([5242, 5243].map(|images| with_images(&config, images)), [Pooling::Average, Pooling::Auto]);
    config.model.pooling = Pooling::Flatten;
    assert_eq!(with_images(&config, 100), Pooling::Flatten, "what is asked for is done");
}

#[test]
fn a_network_that_exists_keeps_its_published_layer_however_few_the_images_are() {
    let (config, facts) = papers_faces();
    let few = DataFacts { train_classes: 10, train_images: 200, ..facts };
    let pooling = |config: &RunConfig| resolve(config, &few).unwrap().pooling;
    assert_eq!(pooling(&config), Pooling::Average);
    let mut fine_tuned = config.clone();
    fine_tuned.train.start_from = "runs/large".to_owned();
    assert_eq!(pooling(&fine_tuned), Pooling::Auto);
    // A run that was begun when another rule was in force.
    let run = |version: &str| Some(RunInfo { version: version.to_owned(), ..RunInfo::default() });
    assert_eq!(pooling(&RunConfig { run: run("0.1.0"), ..config.clone() }), Pooling::Auto);
    assert_eq!(pooling(&RunConfig { run: run(""), ..config }), Pooling::Average, "one that has not begun");
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
    let one_batch = DataFacts { train_images: 32, ..facts() };
    let resolved = resolve(&RunConfig::default(), &one_batch).unwrap();
    assert!(why(&resolved, "train.warmup_epochs").starts_with("1 step that grows"), "{:?}", resolved.reasons);
}

#[test]
fn of_a_run_that_goes_on_only_what_is_chosen_now_is_told() {
    let (config, facts) = papers_faces();
    let begun = RunInfo { version: "0.1.0".to_owned(), ..RunInfo::default() };
    let mut config = RunConfig { run: Some(begun), ..resolve(&config, &facts).unwrap().config };
    assert_eq!(config.model.pooling, Pooling::Auto, "this test needs a value that stays open");
    assert!(chosen(&resolve(&config, &facts).unwrap()).is_empty());
    // A setting that was unknown to the version which began the run.
    config.train.lr = Auto::Auto;
    let keys: Vec<&str> = resolve(&config, &facts).unwrap().reasons.iter().map(|reason| reason.key).collect();
    assert_eq!(keys, ["train.lr"]);
}

#[test]
fn settings_without_effect_keep_no_run_from_starting() {
    let mut config = RunConfig::default();
    config.loss.length_high = config.loss.length_low;
    config.train.step_epochs = "20, 12".to_owned();
    config.train.freeze_epochs = Auto::Set(99);
    assert!(resolve(&config, &facts()).is_ok());
    config.loss.head = Head::MagFace;
    config.train.schedule = Schedule::Step;
    config.train.start_from = "runs/published".to_owned();
    let text = resolve(&config, &facts()).unwrap_err().to_string();
    for key in ["loss.length_high", "train.step_epochs", "train.freeze_epochs"] {
        assert!(text.contains(key), "{key}: {text}");
    }
}

#[test]
fn a_batch_of_p_by_k_has_room_for_two_classes() {
    let mut config = RunConfig::default();
    config.train.sampler = Sampler::PByK;
    config.train.batch = 32;
    let problem = |config: &RunConfig, train_images| {
        let facts = DataFacts { train_images, ..facts() };
        resolve(config, &facts).err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (images_per_class, images, most) in [(16, 1000, None), (17, 1000, Some(16)), (16, 20, Some(10))] {
        config.train.images_per_class = images_per_class;
        let told = problem(&config, images);
        match most {
            None => assert_eq!(told, ""),
            Some(most) => {
                assert!(told.contains("train.images_per_class") && told.contains(&format!("exceed {most},")), "{told}");
            }
        }
    }
    // Where it has no effect, and where a run went on with it already, it is in nobody's way.
    let begun = RunInfo { version: "0.1.0".to_owned(), ..RunInfo::default() };
    assert_eq!(problem(&RunConfig { run: Some(begun), ..config.clone() }, 20), "");
    config.train.sampler = Sampler::Shuffled;
    assert_eq!(problem(&config, 20), "");
}

#[test]
fn rates_are_written_without_rounding_errors() {
    let rate = |batch| {
        let mut config = RunConfig::default();
        config.train.batch = batch;
        resolve(&config, &DataFacts { train_images: 10_000, ..facts() }).unwrap().lr
    };
    assert_eq!([48, 55, 64, 96].map(rate), [0.075, 0.08594, 0.1, 0.15]);
}

#[test]
fn the_operating_point_is_automatic_with_a_reason() {
    let resolved = resolve(&RunConfig::default(), &facts()).unwrap();
    assert_eq!(resolved.config.eval.far_target, Auto::Auto, "it is found when pairs are scored");
    assert!(why(&resolved, "eval.far_target").contains("wrong accepts"));
    let mut config = RunConfig::default();
    config.eval.far_target = Auto::Set(0.001);
    assert_eq!(why(&resolve(&config, &facts()).unwrap(), "eval.far_target"), "");
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
