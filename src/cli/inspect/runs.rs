//! What is inspected besides data sets: runs.

use crate::cli::output;
use crate::config::{counted, folder_of};
use crate::train::{RunOnDisk, checkpoint_problems, is_run, list_runs, read_run};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The folder in a run that holds its networks.
const CHECKPOINTS: &str = "checkpoints";

/// The folder of the run that a path stands for: itself, its `run.toml`, its checkpoints, or one of them.
pub(super) fn run_of(path: &Path) -> Option<PathBuf> {
    // Links are followed, and `.` has a name then.
    let real = path.canonicalize().ok()?;
    if real.is_file() {
        let folder = folder_of(&real);
        // Settings alone are called run.toml, too.
        return (real.ends_with("run.toml") && folder.join(CHECKPOINTS).is_dir()).then(|| folder.to_owned());
    }
    if is_run(&real) {
        return Some(real);
    }
    let checkpoints = real.ancestors().take(2).find(|folder| folder.ends_with(CHECKPOINTS))?;
    checkpoints.parent().filter(|run| is_run(run)).map(Path::to_owned)
}

/// Runs beside each other, as a series has them; `None` where there are none, and where the folder cannot be read: then no images
/// were found in it for the same reason, which is told.
pub(super) fn list(folder: &Path) -> Option<Value> {
    let runs = list_runs(folder).ok().filter(|runs| !runs.is_empty())?;
    output::line(format!("{} in {}", counted(runs.len(), "run"), folder.display()));
    for run in &runs {
        output::line(format!("run      {}{}", run.name, in_short(run)));
    }
    let runs: Vec<Value> = runs.iter().map(object).collect();
    Some(json!({ "kind": "runs", "count": runs.len(), "runs": runs }))
}

fn epochs(run: &RunOnDisk) -> u32 {
    run.epochs.last().map_or(0, |epoch| epoch.epoch)
}

fn in_short(run: &RunOnDisk) -> String {
    if run.is_imported() {
        return ": imported weights".to_owned();
    }
    let eer = run.best_eer().map(|eer| format!(", best EER {}", output::percent(eer))).unwrap_or_default();
    let all = counted(run.config.train.epochs as usize, "epoch");
    format!(": {}, {} of {all}{eer}", run.config.loss.head.label(), epochs(run))
}

/// One run.
pub(super) fn run(path: &Path) -> anyhow::Result<Value> {
    let run = read_run(path)?;
    let info = run.config.run.clone().unwrap_or_default();
    output::line(format!("run {}", run.name));
    if run.is_imported() {
        output::line(format!("weights  imported: {}", info.imported));
    } else {
        output::line(format!("loss     {}", run.config.loss.head.label()));
    }
    output::line(format!(
        "network  {}, {} numbers per embedding",
        run.config.model.net.label(),
        run.config.model.embedding_dim.set().unwrap_or_default()
    ));
    if !run.is_imported() {
        output::line(format!("images   {} of {} classes from {}", info.images, info.classes, info.data));
        output::line(format!("epochs   {} of {}", epochs(&run), run.config.train.epochs));
    }
    if let Some(eer) = run.best_eer() {
        output::line(format!("best EER {}", output::percent(eer)));
    }
    let problems: Vec<String> = run.log_problem.iter().cloned().chain(checkpoint_problems(path)).collect();
    problems.iter().for_each(|problem| output::line(format!("problem  {problem}")));
    let mut object = object(&run);
    object["problems"] = json!(problems);
    Ok(object)
}

/// Of imported weights it is not known how they were trained, and those entries are null.
fn object(run: &RunOnDisk) -> Value {
    let (info, config) = (run.config.run.clone().unwrap_or_default(), &run.config);
    let is_trained_here = !run.is_imported();
    json!({
        "kind": "run", "name": run.name, "imported": run.is_imported(),
        "imported_from": run.is_imported().then_some(&info.imported), "net": config.model.net.word(),
        "embedding_dim": config.model.embedding_dim.set(), "loss": is_trained_here.then(|| config.loss.head.word()),
        "epochs": is_trained_here.then(|| epochs(run)), "epochs_planned": is_trained_here.then_some(config.train.epochs),
        "eer": run.best_eer(), "has_model": run.has_model, "data": is_trained_here.then_some(&info.data),
        "classes": is_trained_here.then_some(info.classes), "images": is_trained_here.then_some(info.images),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auto, RunConfig, RunInfo, save};

    #[test]
    fn a_run_is_known_by_its_folder_its_settings_and_its_checkpoints() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().canonicalize().unwrap().join("runs/a");
        std::fs::create_dir_all(run.join("checkpoints/000012")).unwrap();
        save(&RunConfig::default(), &run.join("run.toml")).unwrap();
        for inside in ["", "run.toml", "checkpoints", "checkpoints/000012"] {
            assert_eq!(run_of(&run.join(inside)).as_ref(), Some(&run), "{inside}");
        }
        std::fs::create_dir(run.join("data")).unwrap();
        for other in ["data", "..", "nothing"] {
            assert_eq!(run_of(&run.join(other)), None, "{other}");
        }
        let settings = folder.path().join("run.toml");
        save(&RunConfig::default(), &settings).unwrap();
        assert_eq!(run_of(&settings), None, "settings for a run to be");
    }

    #[test]
    fn what_is_not_known_of_imported_weights_is_null_and_no_number() {
        let folder = tempfile::tempdir().unwrap();
        let object_of = |name: &str, info: RunInfo| {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            let mut config = RunConfig { run: Some(info), ..RunConfig::default() };
            config.model.embedding_dim = Auto::Set(128);
            save(&config, &path.join("run.toml")).unwrap();
            run(&path).unwrap()
        };
        let imported = object_of("a", RunInfo { imported: "net.pth, somebody's".into(), ..RunInfo::default() });
        let trained = object_of("b", RunInfo { classes: 3, ..RunInfo::default() });
        let keys = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<String>>();
        assert_eq!(keys(&imported), keys(&trained));
        for key in ["loss", "epochs", "epochs_planned", "eer", "data", "classes", "images"] {
            assert!(imported[key].is_null(), "{key}: {imported}");
            assert!(key == "eer" || !trained[key].is_null(), "{key}: {trained}");
        }
        assert_eq!(
            (&imported["imported_from"], &imported["embedding_dim"]),
            (&json!("net.pth, somebody's"), &json!(128))
        );
        assert!(trained["imported_from"].is_null() && trained["classes"] == 3, "{trained}");
    }

    #[test]
    fn runs_beside_each_other_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(list(folder.path()), None);
        for name in ["seed-1", "seed-2"] {
            let run = folder.path().join(name);
            std::fs::create_dir(&run).unwrap();
            save(&RunConfig::default(), &run.join("run.toml")).unwrap();
        }
        let found = list(folder.path()).unwrap();
        assert_eq!((&found["kind"], &found["count"]), (&json!("runs"), &json!(2)));
        let names: Vec<&Value> = found["runs"].as_array().unwrap().iter().map(|run| &run["name"]).collect();
        assert_eq!(names, [&json!("seed-2"), &json!("seed-1")], "the newest first");
    }

    #[test]
    fn what_is_wrong_with_the_checkpoints_of_a_run_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::create_dir(&path).unwrap();
        save(&RunConfig::default(), &path.join("run.toml")).unwrap();
        assert_eq!(run(&path).unwrap()["problems"], json!([]), "it has just begun");
        std::fs::create_dir(path.join("metrics.jsonl")).unwrap();
        assert!(run(&path).unwrap()["problems"][0].as_str().unwrap().contains("metrics"));
        std::fs::remove_dir(path.join("metrics.jsonl")).unwrap();
        std::fs::create_dir_all(path.join("checkpoints/000012")).unwrap();
        let found = run(&path).unwrap();
        let problems = found["problems"].as_array().unwrap();
        assert!(problems.len() == 1 && problems[0].as_str().unwrap().contains("step 12"), "{problems:?}");
    }
}
