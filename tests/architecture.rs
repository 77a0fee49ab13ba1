//! The rules of the house that a compiler does not know: layers, sizes, doc headers, the README's table.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop, and says why it skips"
)]

use arclens::config::Head;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by layer; an arrow may only point to a module with a smaller number, or to itself. `map` lays out `eval`'s
/// tables, `faces` reads `data`'s images and `convert` makes `eval`'s pairs of them, so they stand half a step above.
const LAYERS: &[(&str, u32)] = &[
    ("config", 0),
    ("data", 10),
    ("eval", 10),
    ("convert", 15),
    ("faces", 15),
    ("map", 15),
    ("kernels", 20),
    ("model", 25),
    ("loss", 25),
    ("train", 30),
    ("worker", 40),
    ("app", 50),
    ("ui", 60),
    ("cli", 61),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                out.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join("src"), &mut files);
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.strip_prefix(root().join("src")).unwrap().to_owned(), text)
        })
        .collect()
}

fn module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn layer(module: &str) -> Option<u32> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// Source without comments and without what follows `#[cfg(test)]`.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test_file(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests") || path.components().any(|part| part.as_os_str() == "tests")
}

#[test]
fn arrows_between_layers_point_downwards() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let own = module(&path);
        let Some(own_layer) = layer(&own) else { continue };
        for word in code(&text).split("crate::").skip(1) {
            let used: String = word.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if let Some(other) = layer(&used)
                && other >= own_layer
                && used != own
            {
                // The one look upwards that is not an arrow between layers: commands open the window.
                if own == "cli" && used == "ui" {
                    continue;
                }
                wrong.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_window_names_egui_and_only_tensor_code_names_burn() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let own = module(&path);
        let code = code(&text);
        let names = |word: &str| code.contains(&format!("{word}::"));
        if own != "ui" && ["egui", "eframe", "egui_plot", "rfd"].iter().any(|word| names(word)) {
            wrong.push(format!("{} names the window's libraries", path.display()));
        }
        if !["kernels", "model", "loss", "train"].contains(&own.as_str()) && (names("burn") || names("burn_flex")) {
            wrong.push(format!("{} names burn", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_says_what_it_is_for_and_stays_readable() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if is_test_file(&path) {
            continue;
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{} has no header", path.display()));
        }
        let lines = code(&text).lines().count();
        if lines > 500 {
            wrong.push(format!("{} has {lines} lines of code", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_belongs_to_a_module() {
    let all = sources();
    let mut wrong = Vec::new();
    for (path, _) in &all {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if ["lib", "main", "mod"].contains(&stem.as_str()) {
            continue;
        }
        let folder = path.parent().unwrap();
        let mut parents = vec![folder.join("mod.rs"), folder.with_extension("rs")];
        if folder.as_os_str().is_empty() {
            parents = vec![PathBuf::from("lib.rs")];
        }
        let declared = all.iter().any(|(other, text)| {
            parents.contains(other) && text.lines().any(|line| line.trim_end().ends_with(&format!("mod {stem};")))
        });
        if !declared {
            wrong.push(path.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "not reachable: {wrong:#?}");
}

#[test]
fn no_text_in_columns_is_stretched() {
    for (path, text) in sources() {
        let is_allowed =
            module(&path) != "ui" || path.ends_with("theme/parts.rs") || !code(&text).contains("ui.columns(");
        assert!(is_allowed, "{}: columns are theme::columns", path.display());
    }
}

#[test]
fn boxes_to_tick_are_those_of_the_theme() {
    for (path, text) in sources() {
        let code = code(&text);
        let is_plain = code.contains("ui.checkbox(") || code.contains("Checkbox::");
        let is_allowed = module(&path) != "ui" || path.ends_with("theme/checkbox.rs") || !is_plain;
        assert!(is_allowed, "{}: boxes to tick are theme::checkbox", path.display());
    }
}

#[test]
fn colours_are_made_in_the_theme_only() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| module(path) == "ui" && !path.starts_with("ui/theme") && path != Path::new("ui/theme.rs"))
        .filter(|(path, text)| !is_test_file(path) && code(text).contains("Color32::from_"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn queues_are_bounded_and_threads_have_names() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(path, text)| {
            let code = code(text);
            !is_test_file(path)
                && (code.contains("mpsc::channel") || code.contains("thread::spawn(") || code.contains("unbounded("))
        })
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The file below `src/loss` that holds a loss.
fn file_of(head: Head) -> &'static str {
    match head {
        Head::Softmax => "softmax",
        Head::NormSoftmax => "norm_softmax",
        Head::AdaCos => "adacos",
        Head::ArcFace => "arcface",
        Head::ArcFaceExact => "arcface_exact",
        Head::ArcFaceFallback => "arcface_fallback",
        Head::ArcFaceEasy => "arcface_easy",
        Head::ArcFaceFaceXZoo => "arcface_facexzoo",
        Head::ArcFaceInsightface => "arcface_insightface",
        Head::CosFace => "cosface",
        Head::Combined => "combined",
        Head::CombinedExact => "combined_exact",
        Head::SphereFace => "sphereface",
        Head::SphereFaceScaled => "sphereface_scaled",
        Head::SphereFaceR0 | Head::SphereFaceR1 | Head::SphereFaceR2 => "sphereface_r",
        Head::LiArcFace => "li_arcface",
        Head::MagFace | Head::MagFaceFallback => "magface",
        Head::AdaFace => "adaface",
        Head::CurricularFace => "curricularface",
        Head::ElasticArcFace | Head::ElasticCosFace => "elastic",
        Head::UniFace => "uniface",
    }
}

#[test]
fn every_loss_names_its_source_and_its_units() {
    let sources =
        ["arXiv:", "ECCV", "ICCV", "`ronghuaiyang/arcface-pytorch`", "`arcface_torch`", "FaceX-Zoo", "`opensphere`"];
    let units = [" rad", "amount of cosine", "factor on the angle", "unit"];
    let mut wrong = Vec::new();
    for file in Head::every().map(file_of) {
        let text = fs::read_to_string(root().join(format!("src/loss/{file}.rs"))).unwrap();
        let header: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        for (what, words) in [("source", &sources[..]), ("unit", &units[..])] {
            if !words.iter().any(|word| header.contains(word)) {
                wrong.push(format!("src/loss/{file}.rs names no {what}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_readme_lists_every_setting_as_the_program_does() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = arclens::config::markdown_table();
    assert!(readme.contains(table.trim()), "README.md must contain this table:\n{table}");
}

/// Of photographs of 112 pixels and embeddings of 512 numbers.
#[test]
fn the_readme_lists_every_network_with_its_size() {
    use arclens::config::{Net, Pooling};
    use arclens::model::{EmbedderSpec, Form};
    let mut table = "| network | `--net` | million weights | GMAC |\n|---|---|---|---|\n".to_owned();
    for net in Net::every() {
        let pooling = if net.is_made_for_faces() { Pooling::Flatten } else { Pooling::Auto };
        let spec = EmbedderSpec {
            net,
            form: Form::Usual,
            pooling,
            channels: 3,
            image_px: 112,
            embedding_dim: 512,
            dropout: 0.0,
        };
        let (weights, giga) = (spec.parameter_count() as f64 / 1e6, spec.multiply_adds() as f64 / 1e9);
        table += &format!("| {} | `{}` | {weights:.2} | {giga:.2} |\n", net.label(), net.word());
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(table.trim()), "README.md must contain this table:\n{table}");
}
