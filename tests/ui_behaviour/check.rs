//! The check of the images: started, ticked, excluded.

use super::*;
use arclens::app::{CheckAction, on_event};
use arclens::data::{Catalog, examine};
use arclens::worker::protocol::{Event, OpenedData, Outcome};

/// A folder of small pictures, three in each of four classes; with `copies`, one of them is in two classes.
fn pictures(copies: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for class in 0..4_u32 {
        let place = folder.path().join(format!("c{class}"));
        std::fs::create_dir(&place).unwrap();
        for number in 0..3_u32 {
            let (across, down) = (class * 3 + number + 1, 7 + (class * 5 + number * 3) % 11);
            let wave = |at: u32, step: u32| ((f64::from(at * step) / 9.0).sin() * 60.0 + 120.0) as u8;
            let picture = image::RgbImage::from_fn(40, 40, |x, y| {
                image::Rgb([wave(x, across) / 2 + wave(y, down) / 2, wave(x + y, down), wave(y, across)])
            });
            picture.save(place.join(format!("{number}.png"))).unwrap();
        }
    }
    if copies {
        std::fs::copy(folder.path().join("c0/1.png"), folder.path().join("c2/again.png")).unwrap();
    }
    folder
}

/// A window with such a folder open and checked.
fn checked(folder: &Path) -> Window {
    let mut state = empty();
    let job = |effects: &[Effect]| match effects {
        [Effect::Send(job)] => job.clone(),
        other => panic!("{other:?}"),
    };
    let opening = job(&update(&mut state, Action::OpenData(folder.to_owned())));
    let catalog = Arc::new(Catalog::open(folder, &|_| {}, &|| false).unwrap());
    let data = OpenedData { catalog: Arc::clone(&catalog), elapsed_secs: 0.1 };
    on_event(&mut state, Event::DataOpened { job: opening.id, data });
    on_event(&mut state, Event::Ended { job: opening.id, outcome: Outcome::Finished });
    let check = job(&update(&mut state, Action::Check(CheckAction::Start)));
    let examination = Arc::new(examine(&catalog, &|_| {}, &|| false).unwrap());
    on_event(&mut state, Event::Checked { job: check.id, examination });
    on_event(&mut state, Event::Ended { job: check.id, outcome: Outcome::Finished });
    state.notices.clear();
    window(state)
}

#[test]
fn the_check_is_started_by_its_button_or_key_and_shows_how_far_it_is() {
    let Some(state) = demo(Workspace::Data, DemoKind::Done) else { return };
    let mut by_button = window(state.clone());
    click(&mut by_button, Role::Button, "Check");
    click(&mut by_button, Role::Button, "Check the images");
    assert_eq!(effects(&by_button), ["CheckData"]);
    assert!(by_button.query_by_role_and_label(Role::Button, "Check the images").is_none());
    click(&mut by_button, Role::Button, "Stop checking");
    let mut by_key = window(state);
    press(&mut by_key, Modifiers::COMMAND, Key::D);
    assert_eq!(effects(&by_key), ["CheckData"]);
    assert!(by_key.query_by_role_and_label(Role::Button, "Stop checking").is_some());
}

#[test]
fn ticked_images_and_copies_are_excluded_on_request() {
    let folder = pictures(true);
    let asked = |window: &Window| match window.state().effects.last() {
        Some(Effect::Send(job)) => match &job.request {
            Request::Exclude { examination, excluded } => {
                excluded.iter().map(|item| examination.catalog().name(*item as usize)).collect()
            }
            other => panic!("{other:?}"),
        },
        _ => Vec::new(),
    };
    let mut by_tick = checked(folder.path());
    click(&mut by_tick, Role::CheckBox, "c0/1.png");
    click(&mut by_tick, Role::Button, "Exclude the ticked (1)");
    assert_eq!(asked(&by_tick), ["c0/1.png"]);
    let mut by_group = checked(folder.path());
    click(&mut by_group, Role::Button, "Exclude all but the first of each group");
    assert_eq!(asked(&by_group), ["c2/again.png"]);
}

#[test]
fn a_healthy_folder_is_told_so_and_the_images_can_be_seen_again() {
    let folder = pictures(false);
    let mut window = checked(folder.path());
    assert!(window.query_by_label("Nothing wrong was found").is_some());
    click(&mut window, Role::Button, "Images");
    assert!(window.query_by_role_and_label(Role::Button, "Class c0").is_some());
}
