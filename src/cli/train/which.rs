//! What goes on with `--resume`: a run, or of the series in a folder the one that was asked for.

use super::{args, ignored};
use crate::config::{RunConfig, counted};
use crate::train::{BegunRun, Place, TrainError, begun_runs, read_config};
use clap::ArgMatches;

/// The settings of the run that goes on, or of the runs of a series by their seeds, ascending; none where nothing has begun.
///
/// # Errors
/// When they cannot be read, or the folder holds several series, and what was `asked` for does not tell which one goes on.
pub(super) fn begun_with(
    matches: &ArgMatches,
    asked: &RunConfig,
    place: &Place,
    seeds: Option<u32>,
) -> anyhow::Result<Vec<RunConfig>> {
    let Place::Resume(folder) = place else { return Ok(Vec::new()) };
    let Some(seeds) = seeds else { return Ok(vec![read_config(folder)?]) };
    let begun = begun_runs(folder);
    let all = apart(&begun);
    if all.len() < 2 {
        return Ok(of_the_only_one(begun)?);
    }
    let mut fitting: Vec<&Begun<'_>> = all.iter().filter(|series| series.is_asked_for(matches, asked)).collect();
    // The seed of a file that names none is the usual one, and says less than the number of seeds that was typed.
    let of_file = args::is_typed(matches, "config").then_some(asked.train.seed);
    let usual = RunConfig::default().train.seed;
    if of_file.is_some_and(|seed| seed != usual) {
        narrow(&mut fitting, |series| series.begins_at(asked.train.seed));
    }
    narrow(&mut fitting, |series| series.has_seeds(seeds));
    if of_file.is_some() {
        narrow(&mut fitting, |series| series.begins_at(asked.train.seed));
    }
    match fitting.as_slice() {
        [series] => Ok(series.runs.iter().filter_map(|run| run.settings()).cloned().collect()),
        _ => anyhow::bail!(
            "it cannot be told which of the {} series in this folder should go on: {}; say the seed of its first run with \
             --seed, or name the run file that it was begun with (--config): {}",
            all.len(),
            all.iter().map(Begun::in_words).collect::<Vec<String>>().join("; "),
            folder.display()
        ),
    }
}

/// Without the settings of its first run it does not go on; what cannot be read of the others is told when it is their turn.
fn of_the_only_one(begun: Vec<BegunRun>) -> Result<Vec<RunConfig>, TrainError> {
    let mut all = begun.into_iter().map(|run| run.config);
    let first = all.next().transpose()?;
    Ok(first.into_iter().chain(all.flatten()).collect())
}

/// Leaves those of which this is true, too, where more than one is left.
fn narrow(fitting: &mut Vec<&Begun<'_>>, is_it: impl Fn(&Begun<'_>) -> bool) {
    if fitting.len() > 1 && fitting.iter().any(|series| is_it(series)) {
        fitting.retain(|series| is_it(series));
    }
}

/// Seed of the first run of the series that these runs are of: the lowest that one has, or says that the series begins at, as
/// where the folder of its first run is gone.
pub(super) fn first_seed<'a>(runs: impl Iterator<Item = &'a RunConfig>) -> u32 {
    let noted = |run: &RunConfig| run.run.as_ref()?.series.as_ref().map(|series| series.first_seed);
    let seeds = runs.map(|run| noted(run).unwrap_or(run.train.seed).min(run.train.seed));
    seeds.min().unwrap_or_default()
}

/// The runs of one series, by their seeds, ascending.
struct Begun<'a> {
    /// None of older runs, which do not say what series they are of.
    id: Option<&'a str>,
    runs: Vec<&'a BegunRun>,
}

impl Begun<'_> {
    fn first(&self) -> Option<&RunConfig> {
        self.runs.first().and_then(|run| run.settings())
    }

    /// Nothing that was typed would be ignored by it, and its runs begin at the seed that was typed. For how long and on what its
    /// runs learn tells nothing: both may have been changed since it was begun.
    fn is_asked_for(&self, matches: &ArgMatches, asked: &RunConfig) -> bool {
        let Some(first) = self.first() else { return false };
        let is_begun_at = !args::is_typed(matches, "train.seed") || self.begins_at(asked.train.seed);
        let mut asked = asked.clone();
        (asked.train.epochs, asked.train.seed) = (first.train.epochs, first.train.seed);
        asked.train.device.clone_from(&first.train.device);
        // It may lie elsewhere now, or be named as seen from another folder.
        if first.train.is_fine_tuned() && asked.train.is_fine_tuned() {
            asked.train.start_from.clone_from(&first.train.start_from);
        }
        is_begun_at && ignored(matches, &asked, first, true).is_empty()
    }

    /// Its runs say so, or there is none with a lower seed, as where the folder of its first run is gone.
    fn begins_at(&self, seed: u32) -> bool {
        let is_lowest = self.first().is_some_and(|first| first.train.seed == seed);
        is_lowest || self.runs.iter().any(|run| run.series().is_some_and(|own| own.first_seed == seed))
    }

    /// It was to have so many runs; of older ones it is only known how many there are.
    fn has_seeds(&self, seeds: u32) -> bool {
        match self.id {
            Some(_) => self.runs.iter().any(|run| run.series().is_some_and(|own| own.seeds == seeds)),
            None => self.runs.len() == seeds as usize,
        }
    }

    /// `from seed 3 on (2 runs, begun 2026-11-25T…)`.
    fn in_words(&self) -> String {
        let seed = first_seed(self.runs.iter().filter_map(|run| run.settings()));
        let begun = self.id.map_or_else(|| "by an earlier version".to_owned(), |id| format!("begun {id}"));
        format!("from seed {seed} on ({}, {begun})", counted(self.runs.len(), "run"))
    }
}

/// The series that runs say they are of, by their lowest seeds. Older runs say nothing, and count as one. What cannot be read is
/// of none.
fn apart(begun: &[BegunRun]) -> Vec<Begun<'_>> {
    let mut all: Vec<Begun<'_>> = Vec::new();
    for run in begun.iter().filter(|run| run.settings().is_some()) {
        let id = run.series().map(|series| series.id.as_str());
        match all.iter_mut().find(|known| known.id == id) {
            Some(known) => known.runs.push(run),
            None => all.push(Begun { id, runs: vec![run] }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::settings;
    use super::*;
    use crate::config::{Head, RunInfo, SeriesInfo, save};
    use crate::train::run_of_seed;
    use std::path::Path;

    fn typed(words: &[&str]) -> ArgMatches {
        let matches =
            args::command().try_get_matches_from([&["arclens", "train", "--resume", "x"][..], words].concat());
        matches.unwrap().subcommand_matches("train").unwrap().clone()
    }

    /// What a run of a series says of it.
    fn of_series(id: &str, first_seed: u32, seeds: u32) -> Option<RunInfo> {
        Some(RunInfo::before(SeriesInfo { id: id.to_owned(), first_seed, seeds }))
    }

    /// A run with this seed has begun.
    fn begin(folder: &Path, seed: u32, mut config: RunConfig) {
        config.train.seed = seed;
        let run = run_of_seed(folder, seed);
        std::fs::create_dir(&run).unwrap();
        save(&config, &run.join("run.toml")).unwrap();
    }

    fn with(run: Option<RunInfo>) -> RunConfig {
        RunConfig { run, ..RunConfig::default() }
    }

    /// Seeds of the runs of the series that goes on with so many of them.
    fn goes_on(folder: &Path, seeds: u32, words: &[&str]) -> Result<Vec<u32>, String> {
        let matches = typed(words);
        let asked = args::settings(&matches).unwrap();
        let begun = begun_with(&matches, &asked, &Place::Resume(folder.to_owned()), Some(seeds));
        let begun = begun.map_err(|error| error.to_string())?;
        Ok(begun.iter().map(|run| run.train.seed).collect())
    }

    #[test]
    fn the_seed_that_is_told_of_a_series_is_one_that_it_is_known_by() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        // The folder of the first run of one of them is gone.
        for seed in [4, 5] {
            begin(folder, seed, with(of_series("one", 3, 3)));
        }
        begin(folder, 8, with(of_series("another", 8, 3)));
        let error = goes_on(folder, 3, &[]).unwrap_err();
        let said =
            ["which of the 2 series", "from seed 3 on (2 runs, begun one)", "from seed 8 on (1 run, begun another)"];
        assert!(said.iter().all(|words| error.contains(words)), "{error}");
        let of_seed = |seed| goes_on(folder, 3, &["--seed", seed]);
        assert_eq!([of_seed("3"), of_seed("4"), of_seed("8")], [Ok(vec![4, 5]), Ok(vec![4, 5]), Ok(vec![8])]);
        assert!(of_seed("5").is_err(), "none begins there");
    }

    #[test]
    fn runs_of_an_earlier_version_are_a_series_beside_those_that_say_what_they_are_of() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for seed in [1, 2] {
            begin(folder, seed, with(None));
        }
        assert_eq!(goes_on(folder, 3, &[]), Ok(vec![1, 2]), "there is no other");
        begin(folder, 5, with(of_series("new", 5, 1)));
        assert_eq!(goes_on(folder, 2, &["--seed", "5"]), Ok(vec![5]));
        assert_eq!(goes_on(folder, 3, &["--seed", "1"]), Ok(vec![1, 2]));
        // As many as there are of one of them.
        assert_eq!([goes_on(folder, 1, &[]), goes_on(folder, 2, &[])], [Ok(vec![5]), Ok(vec![1, 2])]);
        // A run file that cannot be read makes no further series.
        std::fs::create_dir(run_of_seed(folder, 6)).unwrap();
        std::fs::write(run_of_seed(folder, 6).join("run.toml"), "[").unwrap();
        assert_eq!(goes_on(folder, 2, &["--seed", "5"]), Ok(vec![5]));
        let error = goes_on(folder, 3, &[]).unwrap_err();
        let said =
            ["of the 2 series", "from seed 1 on (2 runs, by an earlier version)", "from seed 5 on (1 run, begun new)"];
        assert!(said.iter().all(|words| error.contains(words)), "{error}");
    }

    #[test]
    fn a_series_is_known_by_the_run_file_that_it_was_begun_with_though_it_is_longer_now() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("begun-with.toml");
        std::fs::write(&file, "[train]\nepochs = 2\n[loss]\nhead = \"cosface\"\n").unwrap();
        let words = ["--config", file.to_str().unwrap()];
        let mut own = with(of_series("one", 5, 1));
        (own.loss.head, own.train.epochs, own.train.device) = (Head::CosFace, 4, "cpu".into());
        let other = with(of_series("another", 1, 1));
        let (matches, flag) = (typed(&words), vec!["--config".to_owned()]);
        let asked = args::settings(&matches).unwrap();
        let of = |config: &RunConfig, is_series| ignored(&matches, &asked, config, is_series);
        assert_eq!((of(&own, false), of(&other, false)), (Vec::new(), flag), "its head differs");

        begin(folder.path(), 5, own);
        begin(folder.path(), 1, other);
        assert_eq!(goes_on(folder.path(), 2, &words), Ok(vec![5]), "no seed was typed");
        let fewer = ["--loss", "cosface", "--epochs", "2"];
        assert_eq!(goes_on(folder.path(), 2, &fewer), Ok(vec![5]), "it cannot become shorter, but it is the one");
    }

    #[test]
    fn what_a_run_that_goes_on_cannot_have_of_a_run_file_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("asked.toml");
        let matches = typed(&["--config", file.to_str().unwrap()]);
        let of_file = |line: &str, own: &RunConfig, is_series| {
            std::fs::write(&file, format!("[train]\n{line}\n")).unwrap();
            let asked = args::settings(&matches).unwrap();
            ignored(&matches, &asked, own, is_series) == ["--config"]
        };
        let mut own = with(None);
        (own.train.epochs, own.train.device) = (20, "cuda:0".into());
        let lines = ["epochs = 40", "epochs = 20", "epochs = 10", "device = 'cpu'", "device = 'cuda:0'", ""];
        let told = lines.map(|line| of_file(line, &own, false));
        assert_eq!(told, [true, false, false, true, false, false]);
        own.train.start_from = folder.path().join("first").to_string_lossy().into_owned();
        let starts = [format!("start_from = '{}'", own.train.start_from), "start_from = 'another'".into()];
        assert_eq!(starts.map(|line| of_file(&line, &own, false)), [false, true]);

        // A series whose first folder is gone.
        let mut own = with(of_series("one", 3, 3));
        (own.train.epochs, own.train.seed) = (20, 4);
        let seeds = ["epochs = 20", "seed = 3", "seed = 4", "seed = 7"];
        assert_eq!(seeds.map(|line| of_file(line, &own, true)), [false, false, false, true]);
    }

    #[test]
    fn a_series_whose_first_folder_is_gone_begins_at_the_seed_that_its_runs_name() {
        let folder = tempfile::tempdir().unwrap();
        for seed in [4, 5] {
            begin(folder.path(), seed, with(of_series("one", 3, 3)));
        }
        let place = Place::Resume(folder.path().to_owned());
        let begins_at = |words: &[&str]| {
            let matches = typed(&[&["data"][..], words].concat());
            let config = settings(&matches, &place, Some(3)).unwrap().config;
            (config.train.seed, config.run.unwrap().series.unwrap().first_seed)
        };
        assert_eq!([begins_at(&[]), begins_at(&["--seed", "4"])], [(3, 3), (4, 4)]);
    }

    #[test]
    fn series_that_differ_in_their_seeds_only_are_told_apart_by_the_run_file() {
        let folder = tempfile::tempdir().unwrap();
        for (seed, id) in [(1, "one"), (5, "another"), (8, "a third")] {
            begin(folder.path(), seed, with(of_series(id, seed, 3)));
        }
        let file = folder.path().join("begun-with.toml");
        let of_file = |lines: &str, words: &[&str]| {
            std::fs::write(&file, lines).unwrap();
            goes_on(folder.path(), 3, &[&["--config", file.to_str().unwrap()][..], words].concat())
        };
        assert_eq!(of_file("[train]\nseed = 5\n", &[]), Ok(vec![5]));
        assert_eq!(of_file("[loss]\nhead = \"arcface\"\n", &[]), Ok(vec![1]), "the seed of a file that names none");
        assert_eq!(of_file("[train]\nseed = 5\n", &["--seed", "8"]), Ok(vec![8]), "what is typed comes first");
        assert!(of_file("[train]\nseed = 6\n", &[]).is_err(), "none begins there");

        begin(folder.path(), 20, with(of_series("a longer one", 20, 5)));
        let words = ["--config", file.to_str().unwrap()];
        std::fs::write(&file, "").unwrap();
        assert_eq!(goes_on(folder.path(), 5, &words), Ok(vec![20]), "of so many seeds there is only this one");
    }

    #[test]
    fn a_fine_tuned_series_is_known_wherever_the_run_that_it_started_from_lies_now() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("begun-with.toml");
        std::fs::write(&file, "[train]\nstart_from = \"base\"\nseed = 5\n").unwrap();
        let mut own = with(of_series("one", 5, 2));
        own.train.start_from = "/elsewhere/base".into();
        begin(folder.path(), 5, own);
        begin(folder.path(), 1, with(of_series("from scratch", 1, 2)));
        assert_eq!(goes_on(folder.path(), 2, &["--config", file.to_str().unwrap()]), Ok(vec![5]));
    }
}
