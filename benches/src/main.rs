//! The same jobs through wasm-host, raw Wasmtime and its peers, in one run: `cargo xtask bench`.
//!
//! Each job is one table, whose lines are measured in turn. Tables are printed as they are done; at the end `target/bench` has
//! all of them as `report.md`, with plots, and as `results.json`.

#![deny(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a benchmark talks to the person who runs it")]

mod child;
mod compare;
mod count;
mod guests;
mod jobs;
mod machine;
mod plot;
mod report;
mod rivals;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::machine::Machine;
use crate::report::Report;

/// What all jobs together take, about: what is prepared and what takes long in itself comes on top.
const FULL: Duration = Duration::from_secs(8 * 60);
const QUICK: Duration = Duration::from_secs(90);

#[derive(Parser)]
#[command(name = "cargo xtask bench", about = "The same jobs through wasm-host, raw Wasmtime and its peers")]
struct Wanted {
    /// Fewer rounds, and without what takes long: five minutes at most
    #[arg(long)]
    quick: bool,
    /// Print the results as JSON, and nothing else
    #[arg(long)]
    json: bool,
    /// Put the tables into BENCHMARKS.md: for a full run of all jobs
    #[arg(long, conflicts_with_all = ["quick", "names"])]
    record: bool,
    /// Only the jobs with one of these in their names
    names: Vec<String>,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// One thing in a process of its own
    #[command(hide = true, name = child::SUBCOMMAND)]
    Child { what: String, way: String, home: PathBuf },
    /// A hot path, or all of their names
    #[command(hide = true)]
    Count { path: Option<String> },
}

fn main() -> Result<ExitCode> {
    let wanted = Wanted::parse();
    match wanted.part {
        Some(Part::Child { what, way, home }) => {
            match what.as_str() {
                jobs::START => {
                    jobs::start(&way, &home);
                    println!(".");
                }
                jobs::INSTANCES => println!("{}", jobs::instances(&way)),
                jobs::PLUGINS => println!("{}", jobs::plugins(&way, &home)),
                other => anyhow::bail!("`{other}` is nothing for a process of its own"),
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(Part::Count { path: None }) => {
            count::PATHS.iter().for_each(|(name, _)| println!("{name}"));
            Ok(ExitCode::SUCCESS)
        }
        Some(Part::Count { path: Some(path) }) => {
            let times = count::path(&path).with_context(|| format!("there is no hot path `{path}`"))?;
            println!("{times}");
            Ok(ExitCode::SUCCESS)
        }
        None => run(&wanted),
    }
}

fn run(wanted: &Wanted) -> Result<ExitCode> {
    let is_wanted =
        |name: &str| wanted.names.is_empty() || wanted.names.iter().any(|part| name.contains(part.as_str()));
    let all: Vec<_> = jobs::all().into_iter().filter(|job| !(wanted.quick && job.long)).collect();
    let chosen: Vec<_> = all.iter().filter(|job| is_wanted(&job.name)).collect();
    ensure!(
        !chosen.is_empty(),
        "no job has {:?} in its name{}; there are:\n  {}",
        wanted.names,
        if wanted.quick { " and is quick" } else { "" },
        all.iter().map(|job| job.name.as_str()).collect::<Vec<_>>().join("\n  "),
    );
    let bar = bar(chosen.len());
    let mut tables = Vec::new();
    // A job gets what it would get among all, also if it is measured alone.
    let whole = if wanted.quick { QUICK } else { FULL };
    let share = whole.div_f64(all.iter().map(|job| job.share).sum());
    for (number, job) in chosen.iter().enumerate() {
        bar.set_message(job.name.clone());
        let comparison = job.prepare();
        let time = share.mul_f64(job.share);
        let fewest = if wanted.quick { 2 } else { 5 };
        let table = comparison.measure((&job.name, &job.does), time, fewest, &|part| {
            bar.set_position(((number as f64 + part) * 100.0) as u64);
        });
        bar.suspend(|| {
            if !wanted.json {
                println!("{}", table.text());
            }
        });
        tables.push(table);
    }
    bar.finish_and_clear();
    let report = Report { machine: Machine::here(), quick: wanted.quick, tables };
    let path = report.write(&guests::folder("bench"))?;
    if wanted.record {
        report.record(&guests::root().join("BENCHMARKS.md"))?;
    }
    if wanted.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(ExitCode::SUCCESS);
    }
    let missed = report.missed();
    if !missed.is_empty() {
        println!("Aims that were missed:\n  {}\n", missed.join("\n  "));
    }
    println!("The report: {}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// On standard error, and nowhere if nobody is there to look.
fn bar(jobs: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(jobs as u64 * 100), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{elapsed_precise} {bar:30} {percent} %  {msg}");
    bar.set_style(style.expect("the template is right"));
    bar
}
