//! What lists of pairs and verification sets are said to be, by the threads that do it.

use super::*;
use crate::data::{ProtocolKind, ProtocolLook};
use crate::worker::protocol::JobError;

/// What a look comes to.
fn look(bench: &mut Bench, file: &Path, folders: Vec<PathBuf>) -> Result<Arc<ProtocolLook>, JobError> {
    let (events, outcome) = bench.run(Request::LookAtPairs { file: file.to_owned(), folders });
    if let Outcome::Failed(error) = outcome {
        return Err(error);
    }
    let of_event = |event| if let Event::PairsLooked { look, .. } = event { Some(look) } else { None };
    Ok(events.into_iter().find_map(of_event).expect("it was looked at"))
}

#[test]
fn a_list_is_counted_wherever_its_images_lie_and_its_bad_line_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let list = folder.path().join("pairs.txt");
    let lines = "p00/0.png p00/1.png 1\np00/0.png p01/0.png 0\np01/0.png p01/9.png 1\n";
    std::fs::write(&list, lines).unwrap();
    let mut bench = Bench::new();
    let found = look(&mut bench, &list, vec![folder.path().to_owned(), data.clone()]).unwrap();
    assert_eq!((found.kind, found.pairs, found.genuine), (ProtocolKind::List, 3, 2));
    assert_eq!((found.images, found.missing, found.complete), (3, 1, 2));
    assert_eq!((found.folder.as_deref(), &found.obstacle), (Some(data.as_path()), &None));
    let beside = look(&mut bench, &list, Vec::new()).unwrap();
    assert!(beside.obstacle.is_some() && beside.pairs == 3, "{beside:?}");
    std::fs::write(&list, format!("{lines}p00/0.png p01/0.png maybe\n")).unwrap();
    let error = look(&mut bench, &list, vec![data]).unwrap_err();
    assert!(error.headline.contains("ine 4 of the pair list") && error.headline.contains("maybe"), "{error:?}");
}

/// Images in a list that takes a while to look at.
const MANY: usize = 4000;

#[test]
fn a_look_that_is_no_longer_wanted_ends_as_such_and_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let (one, many) = (data.join("p00/0.png"), folder.path().join("many"));
    std::fs::create_dir(&many).unwrap();
    for image in 0..MANY {
        std::fs::copy(&one, many.join(format!("{image}.png"))).unwrap();
    }
    let pair = |image: usize| format!("{image}.png {}.png {}\n", image + 1, image / 2 % 2);
    let list = folder.path().join("pairs.txt");
    std::fs::write(&list, (0..MANY).step_by(2).map(pair).collect::<Vec<String>>().concat()).unwrap();
    let (id, control) = (JobId(1), Control::default());
    // The first that the look reports is how far it is.
    let stop = control.clone();
    let mut bench = Bench { workers: Workers::start(Arc::new(move || stop.cancel())).unwrap(), next: 1 };
    let job = Job { id, request: Request::LookAtPairs { file: list, folders: vec![many] }, control };
    bench.workers.send(job).map_err(|_| "full").unwrap();
    let (mut began, mut said) = (false, false);
    let outcome = bench.wait(id, |event| {
        began |= matches!(event, Event::Progress { .. });
        said |= matches!(event, Event::PairsLooked { .. });
    });
    assert!(matches!(outcome, Outcome::Cancelled) && began && !said, "{outcome:?}");
}
