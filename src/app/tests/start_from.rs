//! What is planned for a run that starts from the network of another one.

use super::*;
use crate::config::{Auto, Colour, Net, Pooling};
use crate::model::weights::{Weight, Weights};
use crate::model::{EmbedderSpec, Form};
use crate::train::{
    Control, DeviceInfo, ImportRequest, Network, Observer, Place, PreprocessChange, TrainError, TrainRequest, import,
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

/// Hands jobs over as the window does and takes in what comes back, until nothing is left to do.
fn serve(state: &mut State, mut effects: Vec<Effect>) {
    let mut workers = Workers::start(Arc::new(|| {})).unwrap();
    let (mut under_way, began) = (0_usize, Instant::now());
    loop {
        for effect in std::mem::take(&mut effects) {
            let Effect::Send(job) = effect else { continue };
            workers.send(job).map_err(|_| "full").unwrap();
            under_way += 1;
        }
        if under_way == 0 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "the job did not end");
        let Some(event) = workers.poll() else {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        };
        under_way -= usize::from(matches!(event, Event::Ended { .. }));
        effects = on_event(state, event);
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
    assert_eq!(import(&request).unwrap().info.network.embedder, spec);

    let mut state = State::new(at("runs"));
    state.config.train.device = "cpu".into();
    open(&mut state, pictures.path());
    let from_scratch = state.footprint().unwrap();
    let effects = update(&mut state, Action::RefreshRuns);
    serve(&mut state, effects);
    let run = state.runs[0].path.clone();
    let effects = update(&mut state, RunAction::FineTune(run.clone()).into());
    assert!(state.start_network().is_none(), "a list of runs does not read what may name millions of classes");
    serve(&mut state, effects);
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

/// The only job asked for, which reads the network of this run.
fn reading(effects: &[Effect], run: &Path) -> JobId {
    let [Effect::Send(sent)] = effects else { panic!("{effects:?}") };
    assert!(matches!(&sent.request, Request::ReadNetwork { run: asked } if asked == run), "{sent:?}");
    sent.id
}

fn start_from(state: &mut State, run: &Path) -> Vec<Effect> {
    update(state, RunAction::FineTune(run.to_owned()).into())
}

#[test]
fn from_scratch_again_the_settings_are_those_of_before_a_network_decided_them() {
    let mut state = with_runs();
    let (run, other) = (state.runs[0].path.clone(), state.runs[1].path.clone());
    for (entry, net, image_px) in [(0, Net::Iresnet50, 112), (1, Net::Resnet18, 48)] {
        let own = &mut state.runs[entry].config;
        (own.model.net, own.data.image_px, own.eval.flip) = (net, Auto::Set(image_px), Auto::Set(true));
        (own.model.pooling, own.data.colour) = (Pooling::Flatten, Colour::Rgb);
    }
    let set = |state: &mut State, key, value| drop(update(state, Action::Set { key, value }));
    set(&mut state, "model.net", Value::Text("vgg16".into()));
    set(&mut state, "model.pooling", Value::Text("depthwise".into()));
    let before = state.config.clone();
    start_from(&mut state, &run);
    start_from(&mut state, &other);
    let chosen = &state.config;
    assert_eq!((chosen.model.net, chosen.data.image_px), (Net::Resnet18, Auto::Set(48)));
    assert_eq!(chosen.eval.flip, Auto::Auto, "the plan tells what it becomes");
    // What is changed meanwhile is a person's.
    set(&mut state, "data.image_px", Value::Int(64));
    set(&mut state, "model.dropout", Value::Float(0.3));
    update(&mut state, Action::Reset("train.start_from"));
    let mut wanted = before.clone();
    (wanted.data.image_px, wanted.model.dropout) = (Auto::Set(64), 0.3);
    assert_eq!(state.config, wanted);
    // It is one step back to the network, and another one from there again.
    update(&mut state, Action::Undo);
    assert_eq!((Path::new(&state.config.train.start_from), state.config.model.net), (&*other, Net::Resnet18));
    set(&mut state, "train.start_from", Value::Text(String::new()));
    assert_eq!(state.config, wanted);

    // A choice about the mirror image stays whatever is started from.
    set(&mut state, "eval.flip", Value::Bool(false));
    start_from(&mut state, &run);
    assert_eq!((state.config.model.net, state.config.eval.flip), (Net::Iresnet50, Auto::Set(false)));
    // Nobody knows what was before the settings of a file.
    state.config.train.start_from = other.to_string_lossy().into_owned();
    update(&mut state, Action::Reset("train.start_from"));
    let config = &state.config;
    assert_eq!((config.model.net, config.model.pooling), (Net::Iresnet50, Pooling::Auto));
    assert_eq!((config.data.image_px, config.data.colour), (Auto::Auto, Colour::Auto));
}

/// What the plan warns of.
fn warnings(state: &State) -> Vec<String> {
    state.footprint().map(|cost| state.plan_warnings(&cost)).unwrap_or_default()
}

#[test]
fn what_a_run_warns_of_at_its_start_is_in_its_plan_and_said_once() {
    let pictures = folder();
    let mut state = with_runs();
    open(&mut state, pictures.path());
    let set = |state: &mut State, key, text: &str| {
        update(state, Action::Set { key, value: Value::Text(text.to_owned()) });
    };
    set(&mut state, "train.schedule", "step");
    set(&mut state, "train.step_epochs", "3, 9000");
    set(&mut state, "train.precision", "bf16");
    let late = "train.step_epochs has 9000, but the run is over after";
    let in_vain = "train.precision is bf16, to no effect: the CPU computes in 32 bits";
    let told = warnings(&state);
    assert!(told.len() == 1 && told[0].starts_with(late), "no device is known yet: {told:?}");
    let cpu = DeviceInfo { id: "cpu".into(), name: "CPU".into(), usable: true, reason: None };
    let card = DeviceInfo { id: "cuda:0".into(), ..cpu.clone() };
    for (devices, device, is_cpu) in [
        (vec![cpu.clone()], "auto", true),
        (vec![card.clone(), cpu.clone()], "auto", false),
        (vec![card.clone(), cpu.clone()], "cpu", true),
        (vec![card, cpu], "cuda", false),
    ] {
        state.devices = devices;
        set(&mut state, "train.device", device);
        let told = warnings(&state);
        assert_eq!(told.contains(&in_vain.to_owned()), is_cpu, "{device}: {told:?}");
        assert!(told.iter().any(|words| words.starts_with(late)), "{told:?}");
    }
    update(&mut state, Action::Go(Workspace::Train));
    let job = job(&update(&mut state, Action::StartTraining)).id;
    let before = state.notices.len();
    for words in warnings(&state) {
        on_event(&mut state, Event::Train { job, event: TrainEvent::Warning(words) });
    }
    assert_eq!(state.notices.len(), before, "{:?}", state.notices);
}

#[test]
fn what_is_wrong_with_a_loss_is_told_before_a_run_begins_with_it() {
    let pictures = folder();
    let mut state = with_runs();
    assert!(warnings(&state).is_empty(), "there are no images");
    open(&mut state, pictures.path());
    state.config.loss.length_low = 60.0;
    update(&mut state, Action::Set { key: "train.epochs", value: Value::Int(7) });
    assert!(warnings(&state).is_empty(), "the loss does not look at the length");
    update(&mut state, Action::Set { key: "loss.head", value: Value::Text("magface".into()) });
    let found = warnings(&state);
    assert_eq!(found.len(), 1, "now it does: {found:?}");
    let planned = found[0].clone();
    assert!(planned.contains("loss.length_low"), "{planned}");
    // The plan has said so; the run need not say it again, nor need the next one of its series.
    update(&mut state, Action::SetSeeds(2));
    update(&mut state, Action::Go(Workspace::Train));
    let (first, _) = train_job(&update(&mut state, Action::StartTraining)).unwrap();
    let says_it_again = |state: &mut State, job| {
        let before = state.notices.len();
        on_event(state, Event::Train { job, event: TrainEvent::Warning(planned.clone()) });
        state.notices.len() > before
    };
    assert!(!says_it_again(&mut state, first), "{:?}", state.notices);
    let effects = on_event(&mut state, Event::Trained { job: first, summary: Box::new(summary("/runs/x", 0.1)) });
    let (second, _) = train_job(&effects).unwrap();
    assert!(!says_it_again(&mut state, second), "{:?}", state.notices);
    // A run that goes on was not started from that plan, whatever is planned now.
    let begun = TrainEvent::Started(Box::new(started(Path::new("/runs/y"))));
    on_event(&mut state, Event::Train { job: second, event: begun });
    on_event(&mut state, Event::Train { job: second, event: TrainEvent::Step(step(1)) });
    on_event(&mut state, Event::Ended { job: second, outcome: Outcome::Cancelled });
    let (again, _) = train_job(&update(&mut state, Action::ContinueRun("/runs/y".into()))).unwrap();
    assert!(warnings(&state).contains(&planned) && says_it_again(&mut state, again));
    let told = state.notices.last().unwrap();
    assert!(told.headline.starts_with("Embeddings of") && told.headline.contains("\"Shortest embedding\""), "{told:?}");
}

#[test]
fn what_a_plan_out_of_sight_warns_of_is_said_when_the_run_begins() {
    let pictures = folder();
    let mut state = with_runs();
    open(&mut state, pictures.path());
    state.config.loss.length_low = 60.0;
    update(&mut state, Action::Set { key: "loss.head", value: Value::Text("magface".into()) });
    let planned = warnings(&state)[0].clone();
    // Started from Data by its keys; then in Train, where the curves of the first run stand in the place of the plan.
    for workspace in [Workspace::Data, Workspace::Train] {
        update(&mut state, Action::Go(workspace));
        let (id, _) = train_job(&update(&mut state, Action::StartTraining)).unwrap();
        let before = state.notices.len();
        on_event(&mut state, Event::Train { job: id, event: TrainEvent::Warning(planned.clone()) });
        assert_eq!(state.notices.len(), before + 1, "{workspace:?}");
        on_event(&mut state, Event::Train { job: id, event: TrainEvent::Warning(planned.clone()) });
        assert_eq!(state.notices.len(), before + 1, "every run of a series says it, and it is said once");
        on_event(&mut state, Event::Train { job: id, event: TrainEvent::Step(step(1)) });
        on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Cancelled });
        assert!(state.training.is_some());
    }
}

/// A network with its layer as published, whatever the images.
fn published() -> Network {
    let network = crate::app::import::look_of(3, false).usable().unwrap().info.network.clone();
    Network { embedder: EmbedderSpec { pooling: Pooling::Auto, ..network.embedder }, ..network }
}

#[test]
fn the_plan_follows_the_network_that_is_read_of_the_run_it_starts_from() {
    let pictures = folder();
    let mut state = with_runs();
    open(&mut state, pictures.path());
    let (runs, run) = (state.runs.clone(), state.runs[0].path.clone());
    let effects = start_from(&mut state, &run);
    let first = reading(&effects, &run);
    let set_epochs =
        |state: &mut State, epochs| update(state, Action::Set { key: "train.epochs", value: Value::Int(epochs) });
    assert!(set_epochs(&mut state, 7).is_empty(), "it is being read already");
    let told = |job, network| Event::NetworkRead { job, run: run.clone(), network };
    on_event(&mut state, told(first, Some(published())));
    on_event(&mut state, Event::Ended { job: first, outcome: Outcome::Finished });
    let resolved = state.open_data().unwrap().resolved.clone().unwrap();
    assert_eq!((resolved.config.model.net, resolved.image_px), (Net::Iresnet50, 112));
    assert_eq!(resolved.pooling, Pooling::Auto, "its layer stays as published, however few the images are");
    assert!(set_epochs(&mut state, 8).is_empty(), "it is known");

    // With a new list it is read anew. The same network changes nothing; where it is gone, the plan follows.
    for network in [Some(published()), None] {
        let (before, is_same) = (state.open_data().unwrap().revision, network.is_some());
        let again = reading(&on_event(&mut state, Event::Runs { job: JobId(0), runs: runs.clone() }), &run);
        assert_eq!(state.open_data().unwrap().revision, before);
        on_event(&mut state, told(again, network));
        on_event(&mut state, Event::Ended { job: again, outcome: Outcome::Finished });
        assert_eq!(state.open_data().unwrap().revision == before, is_same);
    }
    assert!(state.start_network().is_none());
}

#[test]
fn a_network_that_comes_too_late_or_not_at_all_does_no_harm() {
    let mut state = with_runs();
    let (run, other) = (state.runs[0].path.clone(), state.runs[1].path.clone());
    let effects = start_from(&mut state, &run);
    let late = reading(&effects, &run);
    let effects = start_from(&mut state, &other);
    let second = reading(&effects, &other);
    assert!(state.job(late).unwrap().control.is_cancelled());
    on_event(&mut state, Event::NetworkRead { job: late, run: run.clone(), network: Some(published()) });
    assert!(state.start_network().is_none(), "that of another run");
    // Back at the first before the answer is there: the answer is not about it.
    let effects = start_from(&mut state, &run);
    let third = reading(&effects, &run);
    on_event(&mut state, Event::NetworkRead { job: second, run: other.clone(), network: Some(published()) });
    assert!(state.start_network().is_none());

    // What could not be asked is asked again with the next change of the settings.
    let Effect::Send(refused) = &effects[0] else { panic!("{effects:?}") };
    on_refused(&mut state, refused);
    let again = reading(&update(&mut state, Action::Set { key: "train.epochs", value: Value::Int(7) }), &run);
    assert_ne!(again, third);
    on_event(&mut state, Event::NetworkRead { job: again, run: run.clone(), network: Some(published()) });
    assert!(state.start_network().is_some());
    // The plan starts from nothing that the list does not know.
    on_event(&mut state, Event::Runs { job: JobId(0), runs: Vec::new() });
    assert!(state.start_network().is_none());
}
