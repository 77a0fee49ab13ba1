//! What is dropped on the window: what it is taken for, and what follows.

use super::*;
use crate::worker::protocol::{EvaluateOn, FileKind, ImageSource};

#[test]
fn one_dropped_image_takes_the_free_slot_and_two_take_both() {
    let folder = folder();
    let image = |name: &str| folder.path().join("p00").join(name);
    let mut state = state();
    update(&mut state, Action::Dropped(vec![image("0.png")]));
    assert!(state.verify.slots[0].is_some() && state.verify.slots[1].is_none());
    assert_eq!(state.workspace, Workspace::Verify);
    update(&mut state, Action::Dropped(vec![image("1.png")]));
    assert_eq!(state.verify.slots[1], Some(ImageSource::File(image("1.png"))));
    update(&mut state, Action::Dropped(vec![image("2.png"), image("3.png"), image("0.png")]));
    assert_eq!(state.verify.slots[0], Some(ImageSource::File(image("2.png"))));
    assert!(state.notices.last().unwrap().headline.contains("1 more"));
    update(&mut state, Action::SwapSlots);
    assert_eq!(state.verify.slots[0], Some(ImageSource::File(image("3.png"))));
    update(&mut state, Action::ClearSlot(0));
    assert!(state.verify.slots[0].is_none());
}

#[test]
fn what_a_drop_will_do_is_said_in_words() {
    let folder = folder();
    let image = folder.path().join("p00/0.png");
    let run = folder.path().join("run");
    std::fs::create_dir_all(run.join("checkpoints/000001")).unwrap();
    std::fs::write(run.join("run.toml"), "").unwrap();
    assert!(drop_target(&[folder.path().to_owned()]).describe().contains("data set"));
    assert!(drop_target(std::slice::from_ref(&image)).describe().contains("free slot"));
    assert!(drop_target(&[image.clone(), image]).describe().contains("two images"));
    let found = DropTarget::Run(run.canonicalize().unwrap());
    assert_eq!(drop_target(&[run.join("checkpoints/000001")]), found);
    for name in ["faces.TAR.GZ", "train.rec", "train-images-idx3-ubyte.gz"] {
        assert!(matches!(drop_target(&[folder.path().join(name)]), DropTarget::Data(_)), "{name}");
    }
    for name in ["faces.zip", "faces.TAR"] {
        let target = drop_target(&[folder.path().join(name)]);
        assert!(matches!(target, DropTarget::Archive(_)) && target.describe().contains("as a data set"), "{name}");
    }
    for name in ["train.idx", "train.lst"] {
        assert!(matches!(drop_target(&[folder.path().join(name)]), DropTarget::Data(_)), "{name}");
    }
    for name in ["all.txt", "all.LIST", "all.tsv", "train.csv", "notes.pt.txt"] {
        let target = drop_target(&[folder.path().join(name)]);
        assert!(matches!(target, DropTarget::Text(_)) && target.describe().contains("if it lists"), "{name}");
    }
    let target = drop_target(&[folder.path().join("yunet.ONNX")]);
    assert!(matches!(target, DropTarget::Onnx(_)) && target.describe().contains("if it is a face detector"));
    let beside = [folder.path().join("notes.txt"), folder.path().join("p00/0.png")];
    assert!(matches!(drop_target(&beside), DropTarget::Images(_)), "a text beside a picture is no list");
    for name in ["lfw.bin", "pairsDevTest.txt", "cplfw_Pairs.CSV"] {
        assert!(drop_target(&[folder.path().join(name)]).describe().contains("pairs of"), "{name}");
    }
    assert!(matches!(drop_target(&[folder.path().join("lfw.bin")]), DropTarget::Set(_)));
    for name in ["net.PTH", "model_best.pth.tar", "epoch.ckpt.3", "net.PT.zip"] {
        assert!(matches!(drop_target(&[folder.path().join(name)]), DropTarget::Weights(_)), "{name}");
    }
    assert!(matches!(drop_target(&[folder.path().join("face.pt.jpg")]), DropTarget::Images(_)));
    assert!(drop_target(&[folder.path().join("letter.docx")]).describe().contains("cannot"));
    assert!(matches!(drop_target(&[]), DropTarget::Unknown(_)));
}

/// Drops a file and has it looked at; what its look, of this kind, leads to.
fn looked_at(state: &mut State, file: &str, kind: FileKind) -> Vec<Effect> {
    let effects = update(state, Action::Dropped(vec![file.into()]));
    let sent = job(&effects).clone();
    assert!(matches!(&sent.request, Request::LookAtFile { file: asked } if asked == Path::new(file)));
    let effects = on_event(state, Event::FileLooked { job: sent.id, file: file.into(), kind });
    on_event(state, Event::Ended { job: sent.id, outcome: Outcome::Finished });
    effects
}

#[test]
fn a_dropped_text_is_opened_once_a_worker_has_said_what_it_lists() {
    let mut state = state();
    let effects = looked_at(&mut state, "/x/all.txt", FileKind::Images);
    assert!(matches!(&job(&effects).request, Request::OpenData { path } if path == Path::new("/x/all.txt")));
    let effects = looked_at(&mut state, "/x/lfw.txt", FileKind::Pairs);
    assert!(matches!(&job(&effects).request, Request::LookAtPairs { file, .. } if file == Path::new("/x/lfw.txt")));
}

#[test]
fn a_dropped_archive_or_bin_is_opened_as_what_it_holds() {
    let mut state = state();
    let effects = looked_at(&mut state, "/x/faces.zip", FileKind::Images);
    assert!(matches!(&job(&effects).request, Request::OpenData { path } if path == Path::new("/x/faces.zip")));
    for file in ["/x/pytorch_model.bin", "/x/net.zip", "/x/checkpoint.tar"] {
        let effects = looked_at(&mut state, file, FileKind::Weights);
        let asked = &job(&effects).request;
        assert!(matches!(asked, Request::LookAtWeights { weights } if weights == Path::new(file)), "{asked:?}");
        assert_eq!(state.workspace, Workspace::Runs);
    }
}

#[test]
fn a_dropped_detector_is_used_and_any_other_network_is_refused() {
    let mut state = state();
    let effects = looked_at(&mut state, "/x/yunet.onnx", FileKind::Detector);
    assert_eq!(state.faces.detector.as_deref(), Some(Path::new("/x/yunet.onnx")));
    assert!(effects.is_empty() && state.notices.last().unwrap().headline.contains("yunet.onnx"));
    let other = job(&update(&mut state, Action::Dropped(vec!["/x/net.onnx".into()]))).id;
    on_event(&mut state, Event::Ended { job: other, outcome: failure() });
    assert_eq!(state.notices.last().unwrap().severity, Severity::Error);
    assert_eq!(state.faces.detector.as_deref(), Some(Path::new("/x/yunet.onnx")));
    assert!(state.jobs.is_empty());
}

#[test]
fn of_two_files_dropped_one_after_the_other_the_last_counts() {
    let mut state = state();
    let first = job(&update(&mut state, Action::Dropped(vec!["/x/a.onnx".into()]))).id;
    update(&mut state, Action::Dropped(vec!["/x/b.onnx".into()]));
    let late = Event::FileLooked { job: first, file: "/x/a.onnx".into(), kind: FileKind::Detector };
    assert!(on_event(&mut state, late).is_empty() && state.faces.detector.is_none());
}

#[test]
fn an_unknown_drop_is_answered_with_what_can_be_dropped() {
    let mut state = state();
    update(&mut state, Action::Dropped(vec![PathBuf::from("/x/letter.docx")]));
    let notice = state.notices.last().unwrap();
    assert!(notice.headline.contains("letter.docx") && notice.hint.is_some());
}

#[test]
fn dropped_weights_become_a_run_that_is_used_and_measured_on_the_open_images() {
    let folder = folder();
    let mut state = state();
    let effects = update(&mut state, Action::Dropped(vec!["/downloads/Net.PTH".into()]));
    let [Effect::Send(sent), Effect::Send(listing)] = &effects[..] else { panic!("{effects:?}") };
    assert!(matches!(listing.request, Request::ListRuns { .. }), "the page of runs shows them as they are now");
    on_event(&mut state, Event::Ended { job: listing.id, outcome: Outcome::Finished });
    let wanted = Path::new("/downloads/Net.PTH");
    assert!(matches!(&sent.request, Request::LookAtWeights { weights } if weights == wanted));
    let run = PathBuf::from("/runs/net");
    let imported = Event::Imported { job: sent.id, run: run.clone(), flavour: "somebody's".into() };
    let listing = job(&on_event(&mut state, imported)).id;
    assert_eq!(state.active_run, Some(run.clone()));
    assert!(state.notices.last().unwrap().headline.contains("somebody's"));
    let mut entry = entry("net", "x", None);
    entry.path.clone_from(&run);
    entry.config.run =
        Some(crate::config::RunInfo { imported: "net.pth, somebody's".into(), ..crate::config::RunInfo::default() });
    on_event(&mut state, Event::Runs { job: listing, runs: vec![entry] });
    assert!(update(&mut state, Action::Evaluate(run.clone())).is_empty(), "there are no images");
    assert!(state.notices.last().unwrap().hint.is_some());
    open(&mut state, folder.path());
    let effects = update(&mut state, Action::Evaluate(run));
    assert!(matches!(&job(&effects).request, Request::Evaluate { on: EvaluateOn::Whole(_), .. }));
}

#[test]
fn a_dropped_list_of_pairs_measures_the_model_in_use_beside_what_was_measured_before() {
    let folder = folder();
    let mut state = with_runs();
    let list = PathBuf::from("/protocols/pairs.txt");
    assert!(measure_on_pairs(&mut state, &list).is_empty(), "no model is in use");
    open(&mut state, folder.path());
    let (run, catalog) = (state.runs[0].path.clone(), Arc::clone(&state.open_data().unwrap().catalog));
    let own = measured(&run, catalog);
    let sent = job(&update(&mut state, Action::Evaluate(run.clone()))).id;
    on_event(&mut state, Event::Evaluated { job: sent, evaluation: Arc::new(own.clone()) });
    let effects = update(&mut state, Action::Dropped(vec![list.clone()]));
    let Request::LookAtPairs { folders, .. } = &job(&effects).request else { panic!("{effects:?}") };
    let places = [PathBuf::from("/protocols"), folder.path().to_owned()];
    assert_eq!(folders.as_slice(), places.as_slice(), "the open folder may hold the images");
    let effects = measure_on_pairs(&mut state, &list);
    let sent = job(&effects);
    let Request::Evaluate { run: asked, on: EvaluateOn::Protocol { file, .. }, .. } = &sent.request else {
        panic!("{effects:?}")
    };
    assert_eq!((asked, file), (&run, &list));
    assert_eq!(state.workspace, Workspace::Evaluate);
    let of_pairs = Evaluation {
        on: "3 pairs of pairs.txt".into(),
        is_own: false,
        protocol: Some("pairs.txt".into()),
        ..own.clone()
    };
    on_event(&mut state, Event::Evaluated { job: sent.id, evaluation: Arc::new(of_pairs) });
    assert_eq!(state.evaluate.overlays.len(), 2);
    assert!(state.pairs.is_none(), "the sheet is done");
    let shown = |state: &State| state.active_evaluation().unwrap().label();
    assert_eq!(shown(&state), format!("{}, pairs.txt", own.name));
    update(&mut state, Action::ShowOverlay(0));
    assert_eq!(shown(&state), own.name, "of several measurements, the one on the page counts");
}
