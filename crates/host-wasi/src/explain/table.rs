//! How an explanation looks as text: aligned columns, and what to do below each line that needs it.

use std::fmt;

use super::{Answer, Explanation};
use crate::Need;
use crate::key::shown;

/// Subjects longer than this, in characters, do not push the other lines' columns further out.
const WIDEST_SUBJECT: usize = 48;

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explanation { imports, wishes, unasked } = self;
        section(formatter, "imports", imports)?;
        section(formatter, "wishes", wishes)?;
        section(formatter, "grants that no wish asks for", unasked)
    }
}

fn section(formatter: &mut fmt::Formatter<'_>, title: &str, answers: &[Answer]) -> fmt::Result {
    if answers.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "{title}")?;
    let subject = widest(answers.iter().map(|answer| shown(&answer.subject).chars().count()));
    let need = widest(answers.iter().filter_map(|answer| answer.need).map(|need| need.what().len()));
    answers.iter().try_for_each(|answer| write(formatter, answer, subject, need))
}

fn widest(widths: impl Iterator<Item = usize>) -> usize {
    widths.filter(|width| *width <= WIDEST_SUBJECT).max().unwrap_or(0)
}

/// What a guest chose of an answer, its import names and its reasons, does nothing to a terminal.
fn write(
    formatter: &mut fmt::Formatter<'_>,
    answer: &Answer,
    subject_width: usize,
    need_width: usize,
) -> fmt::Result {
    let Answer { subject, need, verdict, why, add, reason } = answer;
    let need = need.map_or("", Need::what);
    let mut line = format!("  {verdict:<9}  {:<subject_width$}", shown(subject));
    if need_width > 0 {
        line.push_str(&format!("   {need:<need_width$}"));
    }
    line.push_str(&format!("   {}", shown(why)));
    writeln!(formatter, "{}", line.trim_end())?;
    if let Some(add) = add {
        writeln!(formatter, "             add: {}", shown(add))?;
    }
    match reason {
        Some(reason) if !reason.is_empty() => {
            writeln!(formatter, "             asked for: {}", shown(reason))
        }
        _ => Ok(()),
    }
}
