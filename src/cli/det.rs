//! `arclens det`: the DET curves of several runs in one figure, or the points behind them.

use super::output;
use super::{Answer, args, place};
use crate::eval::{
    DetFigure, FigureCurve, FigureForm, LegendRun, USUAL_WIDTH_MM, WIDTH_MM_RANGE, folder_names, legend_names,
};
use crate::train::{StoredEvaluation, load_evaluation, read_config};
use crate::worker::{FigureError, write_figure};
use anyhow::{Context as _, bail, ensure};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Flags about the picture, which a table of points does not have.
const OF_THE_PICTURE: [&str; 3] = ["width", "title", "dark"];

const RUNS_HELP: &str = "Run folders, in the order of the legend; each as it was measured last on its own images, or \
                         first on others where it has none. What was measured stands behind the names where the runs \
                         differ in it or it is not their own";

/// The command line.
pub fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    args::with_json(
        Command::new("det")
            .about("Draw the DET curves of measured runs in one figure (.svg), or write their points (.csv)"),
    )
    .arg(
        Arg::new("runs")
            .value_name("RUN")
            .required(true)
            .num_args(1..)
            .value_parser(value_parser!(PathBuf))
            .help(RUNS_HELP),
    )
    .arg(
        Arg::new("out")
            .long("out")
            .value_name("FILE")
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help("The .svg picture or .csv table"),
    )
    .arg(
        Arg::new("width")
            .long("width")
            .value_name("MM")
            .value_parser(value_parser!(u32).range(WIDTH_MM_RANGE))
            .help(format!("Width of the picture in millimetres (default: {USUAL_WIDTH_MM}); letters keep their size")),
    )
    .arg(Arg::new("title").long("title").value_name("TEXT").help("Words above the plot"))
    .arg(flag("dark", "For a dark page"))
    .arg(flag("force", "Replace the file if it is there already"))
}

/// Reads what was measured, writes the figure, and prints each run's rate.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let out = args::get_path(matches, "out")?;
    if FigureForm::of(out) == Some(FigureForm::Csv)
        && let Some(flag) = OF_THE_PICTURE.into_iter().find(|flag| args::is_typed(matches, flag))
    {
        bail!(
            "--{flag} is about the picture, and a .csv file is a table of points; leave it out or write an .svg file"
        );
    }
    place::check(out, &[])?;
    let runs: Vec<PathBuf> = matches.get_many::<PathBuf>("runs").into_iter().flatten().cloned().collect();
    let measured = runs.iter().map(|run| measured(run)).collect::<anyhow::Result<Vec<_>>>()?;
    runs.iter().zip(&measured).filter_map(|(run, stored)| doubt(run, stored)).for_each(output::warning);
    let folders = folders(&runs)?;
    let in_legend: Vec<LegendRun<'_>> = folders.iter().zip(&measured).map(legend_run).collect();
    let names = legend_names(&in_legend);
    let curves = names.iter().zip(&measured).enumerate();
    let figure = DetFigure {
        title: matches.get_one::<String>("title").cloned(),
        width_mm: matches.get_one::<u32>("width").copied().unwrap_or(USUAL_WIDTH_MM),
        dark: matches.get_flag("dark"),
        curves: curves.map(|(series, (name, stored))| FigureCurve::of(name.clone(), series, &stored.report)).collect(),
    };
    let bytes = match write_figure(&figure, out, matches.get_flag("force")) {
        Ok(bytes) => bytes,
        Err(error @ FigureError::Exists(_)) => bail!("{error}; give another name, or --force to replace it"),
        Err(error) => return Err(error.into()),
    };
    // What was measured ends each line anyway.
    let short: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    for (name, StoredEvaluation { on, report, .. }) in folder_names(&short).iter().zip(&measured) {
        let [eer, low, high] = [report.eer, report.eer_low, report.eer_high].map(output::percent);
        output::line(format!("{name}: EER {eer} [{low} to {high}], {on}"));
    }
    output::line(format!("{} curve{}: {}", runs.len(), if runs.len() == 1 { "" } else { "s" }, out.display()));
    if matches.get_flag("json") {
        let of_run = |((run, name), StoredEvaluation { on, report, .. }): ((&PathBuf, &String), &StoredEvaluation)| {
            json!({
                "run": run.to_string_lossy(), "name": name, "on": on, "points": report.det.len(), "eer": report.eer,
                "eer_interval": [report.eer_low, report.eer_high],
            })
        };
        let of_runs: Vec<_> = runs.iter().zip(&names).zip(&measured).map(of_run).collect();
        output::json(&json!({ "out": out.to_string_lossy(), "bytes": bytes, "runs": of_runs }));
    }
    Ok(Answer::Yes)
}

/// What is kept with a run of its last evaluation.
fn measured(run: &Path) -> anyhow::Result<StoredEvaluation> {
    read_config(run)?;
    load_evaluation(run).filter(|stored| !stored.report.det.is_empty()).with_context(|| {
        format!(
            "this run has no error rates that can be read; measure them first with `arclens evaluate {}`: {}",
            output::typed(run),
            run.display()
        )
    })
}

/// What a run came to that has learned since is drawn all the same, but says nothing of its network now.
fn doubt(run: &Path, stored: &StoredEvaluation) -> Option<String> {
    let others = if stored.is_own() { "" } else { " --data … or --pairs …" };
    stored.is_outdated(run).then(|| {
        let run = output::typed(run);
        format!(
            "the curve of this run was measured with an earlier network of it; measure it again with: arclens evaluate \
             {run}{others}"
        )
    })
}

/// The runs' whole paths.
fn folders(runs: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let whole = |run: &PathBuf| run.canonicalize().with_context(|| format!("could not open {}", run.display()));
    let paths = runs.iter().map(whole).collect::<anyhow::Result<Vec<PathBuf>>>()?;
    for (index, path) in paths.iter().enumerate() {
        let earlier = paths.get(..index).unwrap_or_default();
        ensure!(!earlier.contains(path), "this run is named twice; name each once: {}", path.display());
    }
    Ok(paths)
}

fn legend_run<'a>((folder, stored): (&'a PathBuf, &'a StoredEvaluation)) -> LegendRun<'a> {
    LegendRun { folder, on: &stored.on, is_own: stored.is_own() }
}
