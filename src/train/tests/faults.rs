//! What happens to a run when folders vanish and disks fill under it: nothing that was learnt is lost.

use super::*;
use std::path::PathBuf;

/// Calls `each` on every event.
struct Saboteur<F: FnMut(&TrainEvent)> {
    each: F,
    warnings: Vec<String>,
}

impl<F: FnMut(&TrainEvent)> Observer for Saboteur<F> {
    fn event(&mut self, event: TrainEvent) {
        (self.each)(&event);
        if let TrainEvent::Warning(text) = event {
            self.warnings.push(text);
        }
    }
}

fn run_with(
    catalog: &Arc<Catalog>,
    config: &RunConfig,
    place: Place,
    each: impl FnMut(&TrainEvent),
) -> (Result<RunSummary, TrainError>, Vec<String>) {
    let request = TrainRequest { catalog: Arc::clone(catalog), config: config.clone(), place };
    let mut saboteur = Saboteur { each, warnings: Vec::new() };
    let result = train(&request, &Control::default(), &mut saboteur);
    (result, saboteur.warnings)
}

#[test]
fn images_that_vanish_end_the_run_with_all_it_learnt_and_it_goes_on_when_they_are_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, away, place) = (folder.path().join("data"), folder.path().join("away"), folder.path().join("run"));
    let catalog = draw(&data, 12, 6);
    let mut config = config();
    config.data.cache_mib = 0;
    let (result, _) = run_with(&catalog, &config, Place::NewAt(place.clone()), |event| {
        if matches!(event, TrainEvent::Epoch(epoch) if epoch.epoch == 1) {
            std::fs::rename(&data, &away).unwrap();
        }
    });
    let error = result.unwrap_err();
    assert!(matches!(error, TrainError::Data(_)), "{error}");
    assert!(error.to_string().contains("gone now") && error.hint().is_some(), "{error}");
    let (saved, _) = latest_checkpoint(&place).unwrap();
    assert!(saved.state.epoch >= 1);
    std::fs::rename(&away, &data).unwrap();
    let summary = run(&catalog, &config, Place::Resume(place), None).unwrap();
    assert_eq!(summary.epochs, config.train.epochs);
}

#[test]
fn a_disk_that_refuses_a_checkpoint_is_a_warning_and_the_next_one_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 6);
    let place = folder.path().join("run");
    let (checkpoints, away) = (place.join("checkpoints"), place.join("away"));
    let (result, warnings) = run_with(&catalog, &config(), Place::NewAt(place.clone()), |event| match event {
        TrainEvent::Epoch(epoch) if epoch.epoch == 1 => {
            std::fs::rename(&checkpoints, &away).unwrap();
            std::fs::write(&checkpoints, "in the way").unwrap();
        }
        TrainEvent::Warning(_) if away.exists() => {
            std::fs::remove_file(&checkpoints).unwrap();
            std::fs::rename(&away, &checkpoints).unwrap();
        }
        _ => {}
    });
    let summary = result.unwrap();
    assert!(
        warnings.iter().any(|text| text.contains("training goes on") && text.contains("checkpoint")),
        "{warnings:?}"
    );
    let (newest, _) = latest_checkpoint(&summary.run).unwrap();
    assert_eq!(newest.state.epoch, config().train.epochs);
}

/// A small disk of its own; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(place: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&place).unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=48m", "none"])
            .arg(&place)
            .stderr(std::process::Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(place))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        std::process::Command::new("umount").arg(&self.0).status().ok();
    }
}

#[test]
fn a_disk_that_fills_while_training_costs_nothing_once_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().join("disk")) else {
        eprintln!("skipped: this user may not mount a small disk");
        return;
    };
    let catalog = draw(&folder.path().join("data"), 12, 6);
    let mut config = config();
    config.train.epochs = 5;
    let whole = folder.path().join("whole");
    run(&catalog, &config, Place::NewAt(whole.clone()), None).unwrap();
    let (place, ballast) = (disk.0.join("run"), disk.0.join("ballast"));
    let (result, warnings) = run_with(&catalog, &config, Place::NewAt(place.clone()), |event| match event {
        TrainEvent::Epoch(epoch) if epoch.epoch == 1 => {
            let zeros = vec![0u8; 1 << 12];
            let mut file = std::fs::File::create(&ballast).unwrap();
            while std::io::Write::write_all(&mut file, &zeros).is_ok() {}
        }
        TrainEvent::Epoch(epoch) if epoch.epoch == 3 => std::fs::remove_file(&ballast).unwrap(),
        _ => {}
    });
    let summary = result.unwrap();
    assert!(
        warnings.iter().any(|text| text.contains("training goes on") && text.contains("free some space")),
        "{warnings:?}"
    );
    assert_eq!(latest_checkpoint(&summary.run).unwrap().0.state.epoch, 5);
    let metrics = |run: &Path| std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics(&place).lines().count(), metrics(&whole).lines().count(), "lines were lost");
    assert!(!metrics(&place).lines().any(|line| serde_json::from_str::<serde_json::Value>(line).is_err()));
    assert!(TrainedModel::open(&place, Device::Cpu).is_ok());
}
