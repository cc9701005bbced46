//! A table as bars: how many times the first line each of the others is, with the middle half of the samples marked.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;

use crate::report::{Table, three_digits};

/// In pixels: of the picture, of the names, of a bar with the space around it.
const WIDTH: u32 = 900;
const NAMES: i32 = 380;
const BAR: i32 = 34;
const TOP: i32 = 56;

const OURS: RGBColor = RGBColor(30, 120, 180);
const OTHERS: RGBColor = RGBColor(150, 150, 150);

/// Draws it as an SVG picture. The scale is logarithmic if the longest bar is more than twenty times the shortest.
pub(crate) fn draw(table: &Table, path: &Path) -> Result<()> {
    let height = TOP + BAR * i32::try_from(table.lines.len())? + 16;
    let root = SVGBackend::new(path, (WIDTH, u32::try_from(height)?)).into_drawing_area();
    root.fill(&WHITE)?;
    let text = |size: f64| ("sans-serif", size).into_font().color(&BLACK);
    root.draw(&Text::new(table.name.clone(), (16, 12), text(20.0)))?;

    let ratios = || table.lines.iter().map(|line| line.ratio.high.max(f64::MIN_POSITIVE));
    let (least, most) = (ratios().fold(f64::MAX, f64::min), ratios().fold(0.0, f64::max));
    let is_logarithmic = most / least > 20.0;
    let scale = if is_logarithmic { ", logarithmic" } else { "" };
    let says = format!("{} and how many times the first line{scale}", table.unit.heading());
    root.draw(&Text::new(says, (16, 36), text(13.0)))?;

    let room = f64::from(WIDTH.cast_signed() - NAMES - 150);
    let length = |ratio: f64| {
        let part = match is_logarithmic {
            // The shortest bar can still be seen.
            true => (ratio / least * 1.5).ln().max(0.0) / (most / least * 1.5).ln(),
            false => ratio / most,
        };
        NAMES + (part * room) as i32
    };
    for (number, line) in table.lines.iter().enumerate() {
        let top = TOP + BAR * i32::try_from(number)?;
        let (middle, bottom) = (top + BAR / 2 - 4, top + BAR - 10);
        let colour = if is_ours(&line.name) { OURS } else { OTHERS };
        root.draw(&Text::new(line.name.clone(), (16, top + 4), text(14.0)))?;
        root.draw(&Rectangle::new([(NAMES, top), (length(line.ratio.median), bottom)], colour.filled()))?;
        let spread = [(length(line.ratio.low), middle), (length(line.ratio.high), middle)];
        root.draw(&PathElement::new(spread, BLACK))?;
        let value =
            format!("{}  ({}×)", table.unit.render(line.value.median), three_digits(line.ratio.median));
        root.draw(&Text::new(value, (length(line.ratio.high) + 8, top + 4), text(13.0)))?;
    }
    root.present()?;
    Ok(())
}

/// Lines of ours begin with the name of a crate or of a type of ours.
fn is_ours(name: &str) -> bool {
    ["host-", "PluginHost"].iter().any(|ours| name.starts_with(ours))
}
