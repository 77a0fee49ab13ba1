//! What runs are called in a figure: as short as tells them apart, with what they were measured on where that matters.

use std::path::Path;

/// A measured run that is to be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegendRun<'a> {
    /// Its folder; a run that appears twice has the same path both times.
    pub folder: &'a Path,
    /// What it was measured on, in words.
    pub on: &'a str,
    /// Those are the images that the run itself held out.
    pub is_own: bool,
}

/// Names for the legend: those of [`folder_names`], with what a run was measured on behind them where the runs differ in
/// it or it is not the run's own, because rates on different images do not compare.
pub fn legend_names(runs: &[LegendRun<'_>]) -> Vec<String> {
    let folders: Vec<&Path> = runs.iter().map(|run| run.folder).collect();
    let differ = runs.iter().zip(runs.iter().skip(1)).any(|(run, next)| run.on != next.on);
    let named = |(name, run): (String, &LegendRun<'_>)| {
        if differ || !run.is_own { format!("{name}, {}", run.on) } else { name }
    };
    folder_names(&folders).into_iter().zip(runs).map(named).collect()
}

/// The folders' own names, with as many of those above as it takes to tell them apart. The same folder has the same name
/// each time.
pub fn folder_names(folders: &[&Path]) -> Vec<String> {
    folders.iter().map(|folder| name_among(folder, folders)).collect()
}

fn name_among(path: &Path, all: &[&Path]) -> String {
    let depth = path.components().count();
    let is_alone = |count: &usize| {
        let name = end_of(path, *count);
        all.iter().all(|other| *other == path || end_of(other, *count) != name)
    };
    end_of(path, (1..=depth).find(is_alone).unwrap_or(depth))
}

/// The last folders of a path.
fn end_of(path: &Path, count: usize) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.get(parts.len().saturating_sub(count)..).unwrap_or_default().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_the_shortest_name_that_no_other_has() {
        let all = ["/a/arcface/seed-1", "/a/softmax/seed-1", "/a/softmax/seed-2", "/b/softmax/seed-2"].map(Path::new);
        assert_eq!(folder_names(&all), ["arcface/seed-1", "softmax/seed-1", "a/softmax/seed-2", "b/softmax/seed-2"]);
        assert_eq!(folder_names(&all[..1]), ["seed-1"]);
        let twice = [all[0], all[2], all[0]];
        assert_eq!(folder_names(&twice), ["seed-1", "seed-2", "seed-1"]);
        assert!(folder_names(&[]).is_empty());
    }

    #[test]
    fn what_was_measured_is_told_where_runs_differ_in_it_or_it_is_not_their_own() {
        let run = |folder: &'static str, on: &'static str, is_own| LegendRun { folder: Path::new(folder), on, is_own };
        let own = "20 held-out images of faces";
        assert_eq!(legend_names(&[run("/r/a", own, true), run("/r/b", own, true)]), ["a", "b"]);
        let mixed = [run("/r/a", own, true), run("/r/net", "6000 pairs of lfw", false)];
        assert_eq!(legend_names(&mixed), ["a, 20 held-out images of faces", "net, 6000 pairs of lfw"]);
        assert_eq!(legend_names(&mixed[1..]), ["net, 6000 pairs of lfw"]);
        assert_eq!(legend_names(&mixed[..1]), ["a"]);
        let splits = [run("/r/a", own, true), run("/r/a", "24 held-out images of faces", true)];
        assert_eq!(legend_names(&splits), ["a, 20 held-out images of faces", "a, 24 held-out images of faces"]);
        assert!(legend_names(&[]).is_empty());
    }
}
