//! Draws how many calls there were in each second, and how long they took.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use plotters::prelude::*;

use crate::latencies::Latencies;

/// The lines of the lower chart.
const PARTS: [(&str, f64, RGBColor); 3] = [
    ("p50", 0.5, RGBColor(30, 120, 180)),
    ("p99", 0.99, RGBColor(230, 120, 20)),
    ("p99.9", 0.999, RGBColor(200, 40, 40)),
];

pub(crate) fn draw(seconds: &[Latencies], path: &Path) -> Result<()> {
    fs::create_dir_all(path.parent().context("a file in a directory")?)?;
    // The last second is not a whole one.
    let seconds = &seconds[..seconds.len().saturating_sub(1)];
    let end = (seconds.len().max(2) - 1) as f64;
    let root = SVGBackend::new(path, (900, 700)).into_drawing_area();
    root.fill(&WHITE)?;
    let (upper, lower) = root.split_vertically(320);

    let most = seconds.iter().map(|second| second.count()).max().unwrap_or(1) as f64;
    let mut chart = ChartBuilder::on(&upper)
        .caption("good calls in each second", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..end, 0.0..most * 1.1)?;
    chart.configure_mesh().x_desc("second").draw()?;
    let calls = seconds.iter().enumerate().map(|(at, second)| (at as f64, second.count() as f64));
    chart.draw_series(LineSeries::new(calls, PARTS[0].2))?;

    let microseconds = |second: &Latencies, part| second.at(part).as_secs_f64() * 1e6;
    let longest = seconds.iter().map(|second| microseconds(second, 0.999)).fold(10.0, f64::max);
    let mut chart = ChartBuilder::on(&lower)
        .caption("how long they took, in µs", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..end, (1.0..longest * 2.0).log_scale())?;
    chart.configure_mesh().x_desc("second").draw()?;
    for (name, part, colour) in PARTS {
        let line =
            seconds.iter().enumerate().map(|(at, second)| (at as f64, microseconds(second, part).max(1.0)));
        chart
            .draw_series(LineSeries::new(line, colour))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
    }
    chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
    root.present()?;
    Ok(())
}
