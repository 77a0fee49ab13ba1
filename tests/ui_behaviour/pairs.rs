//! A list of pairs: dropped, shown with what it is, measured on by a key.

use super::*;
use arclens::app::on_event;
use arclens::data::{ProtocolKind, ProtocolLook, Warnings};
use arclens::worker::protocol::{Event, Outcome};

fn look() -> ProtocolLook {
    ProtocolLook {
        kind: ProtocolKind::List,
        pairs: 4,
        genuine: 2,
        folds: None,
        folder: Some("photos".into()),
        images: 6,
        typical_px: Some(112),
        missing: 0,
        complete: 4,
        warnings: Warnings::default(),
        obstacle: None,
    }
}

#[test]
fn a_dropped_list_is_shown_and_measured_on_by_enter_once_nothing_is_in_front_of_it() {
    let Some(state) = demo(Workspace::Runs, DemoKind::Done) else { return };
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("pairs.txt");
    std::fs::write(&list, "a.png b.png 1\n").unwrap();
    let mut window = window(state);
    drop_files(&mut window, &[list.as_path()]);
    assert_eq!(effects(&window), ["LookAtPairs"]);
    let Some(Effect::Send(job)) = window.state().effects.last() else { panic!("a look is asked for") };
    let id = job.id;
    let state = &mut window.state_mut().state;
    on_event(state, Event::PairsLooked { job: id, look: Arc::new(look()) });
    on_event(state, Event::Ended { job: id, outcome: Outcome::Finished });
    window.run_steps(3);
    assert!(window.query_by_label("4 pairs: 2 genuine, 2 impostor, no folds, so they are drawn").is_some());
    press(&mut window, Modifiers::COMMAND, Key::P);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Measure on pairs").is_some(), "the palette was closed, not the sheet");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(effects(&window), ["LookAtPairs", "Evaluate"]);
    assert!(window.query_by_label("Measure on pairs").is_none());
}
