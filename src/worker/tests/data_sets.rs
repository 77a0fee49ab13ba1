//! What is done with a whole data set: it is checked, images are excluded, and the rest is exported.

use super::*;
use crate::convert::{ConvertForm, ConvertRequest};

#[test]
fn a_data_set_is_checked_and_what_is_excluded_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    std::fs::copy(data.join("p00/0.png"), data.join("p01/0.png")).unwrap();
    let mut bench = Bench::new();
    let catalog = open(&mut bench, &data);
    let (events, outcome) = bench.run(Request::CheckData { catalog });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let examination = events
        .iter()
        .find_map(
            |event| if let Event::Checked { examination, .. } = event { Some(Arc::clone(examination)) } else { None },
        )
        .unwrap();
    let diagnosis = examination.diagnose(&[]);
    let excluded = diagnosis.findings.first().unwrap().all_but_first();
    assert_eq!(excluded.len(), 1, "{:?}", diagnosis.findings);
    let (_, outcome) =
        bench.run(Request::Exclude { examination: Arc::clone(&examination), excluded: excluded.clone() });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    assert_eq!(open(&mut bench, &data).excluded(), excluded);
    let all = (0..60).collect();
    let (_, outcome) = bench.run(Request::Exclude { examination, excluded: all });
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(open(&mut bench, &data).excluded(), excluded);
}

#[test]
fn a_data_set_is_exported_without_its_excluded_images_and_read_back() {
    let Opened { folder, mut bench, catalog: whole, .. } = opened();
    let catalog = Arc::new(whole.without(&[0, 7]).unwrap());
    let out = folder.path().join("out/train.rec");
    let request = ConvertRequest { px: Some(12), ..ConvertRequest::default() };
    let ask = Request::ExportData { catalog: Arc::clone(&catalog), request, out: out.clone() };
    let (events, outcome) = bench.run(ask.clone());
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Progress { progress, .. } if progress.total == 58)));
    let done =
        events.iter().find_map(|event| if let Event::DataExported { done, .. } = event { Some(done) } else { None });
    let done = done.unwrap();
    assert_eq!((done.images, done.groups, done.warnings.total()), (58, 12, 0));
    assert_eq!(done.files.first(), Some(&out));
    let back = open(&mut bench, &out);
    assert_eq!((back.items.len(), back.typical_px(), &back.classes), (58, 12, &catalog.classes));
    // Nothing is written over.
    let (_, outcome) = bench.run(ask);
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.headline.contains("already"), "{error:?}");
    // Stopped before it begins: no file is left.
    let request = ConvertRequest { form: ConvertForm::VerificationSet, pairs: 10, ..request };
    let out = folder.path().join("stopped.bin");
    let job = Job {
        id: JobId(99),
        request: Request::ExportData { catalog, request, out: out.clone() },
        control: Control::default(),
    };
    job.control.cancel();
    bench.workers.send(job).map_err(|_| "full").unwrap();
    let outcome = bench.wait(JobId(99), |_| {});
    assert!(matches!(outcome, Outcome::Cancelled) && !out.exists(), "{outcome:?}");
}

#[test]
fn the_fingerprint_of_earlier_versions_is_taken_before_anybody_asks_for_it() {
    let Opened { folder, mut bench, catalog: images, .. } = opened();
    assert!(!images.is_earlier_fingerprint_pending(), "of a folder there is none");
    let records = folder.path().join("records");
    let items: Vec<u32> = (0..60).collect();
    crate::data::export_records(&images, &items, None, &records, &|_| {}, &|| false).unwrap();
    let untouched = Catalog::open(&records, &|_| {}, &|| false).unwrap();
    let wait_until_taken = |catalog: &Catalog| {
        let began = Instant::now();
        while catalog.is_earlier_fingerprint_pending() {
            assert!(began.elapsed() < PATIENCE, "nobody takes it");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let catalog = open(&mut bench, &records);
    wait_until_taken(&catalog);
    let (events, _) = bench.run(Request::CheckData { catalog });
    let checked = |event: Event| if let Event::Checked { examination, .. } = event { Some(examination) } else { None };
    let examination = events.into_iter().find_map(checked).unwrap();
    let (events, _) = bench.run(Request::Exclude { examination, excluded: vec![0] });
    let excluded = |event: Event| if let Event::Excluded { change, .. } = event { Some(change.catalog) } else { None };
    wait_until_taken(&events.into_iter().find_map(excluded).unwrap());
    assert!(untouched.is_earlier_fingerprint_pending(), "whoever opens it otherwise is not kept busy");
}
