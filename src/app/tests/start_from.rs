//! What is planned for a run that starts from the network of another one.

use super::*;
use crate::config::{Auto, Net, Pooling};
use crate::model::weights::{Weight, Weights};
use crate::model::{EmbedderSpec, Form};
use crate::train::{
    Control, ImportRequest, ModelInfo, Network, Observer, Place, PreprocessChange, TrainError, TrainRequest, import,
    train,
};
use crate::worker::Workers;
use std::time::{Duration, Instant};

/// A file of weights of a MobileFaceNet with ReLU6, all of them zero.
fn write_weights(path: &Path) -> EmbedderSpec {
    let spec = EmbedderSpec {
        net: Net::MobileFaceNetClassic,
        form: Form::Relu6,
        pooling: Pooling::Auto,
        channels: 3,
        image_px: 32,
        embedding_dim: 16,
        dropout: 0.0,
    };
    let zeros = |(name, shape): (String, Vec<usize>)| {
        let data = vec![0.0; shape.iter().product()];
        (name, Weight { shape, data })
    };
    let weights = Weights { tensors: spec.weight_shapes().into_iter().map(zeros).collect(), ..Weights::default() };
    std::fs::write(path, weights.to_safetensors().unwrap()).unwrap();
    spec
}

/// Has the runs listed as the window does.
fn list(state: &mut State) {
    let mut workers = Workers::start(Arc::new(|| {})).unwrap();
    let asked = job(&update(state, Action::RefreshRuns)).clone();
    let id = asked.id;
    workers.send(asked).map_err(|_| "full").unwrap();
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < Duration::from_secs(60), "the list did not come");
        let Some(event) = workers.poll() else {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        };
        let is_over = matches!(&event, Event::Ended { job, .. } if *job == id);
        on_event(state, event);
        if is_over {
            return;
        }
    }
}

/// Looks at what a run says before its first step, and stops it.
#[derive(Default)]
struct Start {
    control: Control,
    started: Option<RunStarted>,
}

impl Observer for Start {
    fn event(&mut self, event: TrainEvent) {
        if let TrainEvent::Started(started) = event {
            self.started = Some(*started);
            self.control.cancel();
        }
    }
}

/// What the command line says of a run with the settings of the window.
fn announced(state: &State, out: &Path) -> RunStarted {
    let catalog = Arc::clone(&state.open_data().unwrap().catalog);
    let request = TrainRequest { catalog, config: state.config.clone(), place: Place::NewAt(out.to_owned()) };
    let mut observer = Start::default();
    let control = observer.control.clone();
    let stopped = train(&request, &control, &mut observer);
    assert!(matches!(stopped, Err(TrainError::Cancelled)), "{stopped:?}");
    observer.started.unwrap()
}

#[test]
fn the_plan_of_a_run_from_an_imported_network_of_another_form_is_that_of_the_command_line() {
    let (pictures, folder) = (folder(), tempfile::tempdir().unwrap());
    let at = |name: &str| folder.path().join(name);
    let spec = write_weights(&at("net.safetensors"));
    let (weights, out) = (at("net.safetensors"), at("runs/imported"));
    let request = ImportRequest {
        weights: &weights,
        out: &out,
        preprocess: PreprocessChange::default(),
        control: Control::default(),
    };
    assert_eq!(import(&request).unwrap().info.embedder, spec);

    let mut state = State::new(at("runs"));
    state.config.train.device = "cpu".into();
    open(&mut state, pictures.path());
    let from_scratch = state.footprint().unwrap();
    list(&mut state);
    let run = state.runs[0].path.clone();
    update(&mut state, RunAction::FineTune(run.clone()).into());
    let planned = state.footprint().unwrap();
    assert_eq!(planned, announced(&state, &at("runs/first")).footprint);
    assert_ne!(planned, from_scratch);
    // The usual form of the network is another size.
    let data = state.open_data().unwrap();
    let (resolved, split) = (data.resolved.as_ref().unwrap(), data.split.as_ref().unwrap());
    assert_ne!(planned, Footprint::of(resolved, split.train_classes.len(), Form::default()));

    // Whatever the form says of the network, the run takes over the one that it starts from, and the plan says so.
    update(&mut state, Action::Set { key: "model.net", value: Value::Text("resnet18".into()) });
    update(&mut state, Action::Set { key: "data.image_px", value: Value::Int(48) });
    assert_eq!(state.footprint(), Some(planned));
    let started = announced(&state, &at("runs/second"));
    let resolved = state.open_data().unwrap().resolved.clone().unwrap();
    assert_eq!((started.footprint, &started.reasons), (planned, &resolved.reasons));
    assert_eq!((resolved.config.model.net, resolved.image_px), (Net::MobileFaceNetClassic, 32));
    assert_eq!(state.config.data.image_px, Auto::Set(48), "what was typed stays");
}

#[test]
fn the_plan_follows_the_list_of_runs() {
    let pictures = folder();
    let mut state = with_runs();
    open(&mut state, pictures.path());
    let runs = state.runs.clone();
    state.config.train.start_from = runs[0].path.to_string_lossy().into_owned();
    state.refresh_preview();
    let before = state.open_data().unwrap().revision;
    // The same list again changes nothing; one that knows the network does.
    on_event(&mut state, Event::Runs { job: JobId(0), runs: runs.clone() });
    assert_eq!(state.open_data().unwrap().revision, before);
    let look = crate::app::import::look_of(3, false);
    let ModelInfo { embedder, preprocess, add_mirror, .. } = look.usable().unwrap().info.clone();
    // As a run trained here says of its published layer.
    let embedder = EmbedderSpec { pooling: Pooling::Auto, ..embedder };
    let mut known = runs;
    known[0].network = Some(Network { embedder, preprocess, add_mirror });
    on_event(&mut state, Event::Runs { job: JobId(0), runs: known });
    let resolved = state.open_data().unwrap().resolved.clone().unwrap();
    assert_eq!((resolved.config.model.net, resolved.image_px), (Net::Iresnet50, 112));
    assert_eq!(resolved.pooling, Pooling::Auto, "its layer stays as published, however few the images are");
}
