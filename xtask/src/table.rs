//! Tables for people: columns that line up, text to the left, numbers to the right.

/// Lays out rows under a heading, two spaces between columns.
///
/// A column is set to the right when every cell below its heading starts with a digit.
pub(crate) fn render(heading: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
    let columns: Vec<(usize, bool)> = (0..heading.len())
        .map(|column| {
            let cells = rows.iter().map(|row| cell(row, column));
            let width = cells.clone().map(|cell| cell.chars().count()).max().unwrap_or(0);
            let number =
                !rows.is_empty() && cells.clone().all(|cell| cell.starts_with(|c: char| c.is_ascii_digit()));
            (width.max(heading[column].chars().count()), number)
        })
        .collect();
    let mut text = String::new();
    let heading: Vec<String> = heading.iter().map(|&word| word.to_owned()).collect();
    for row in std::iter::once(&heading).chain(rows) {
        let cells = columns.iter().enumerate().map(|(column, &(width, number))| match number {
            true => format!("{:>width$}", cell(row, column)),
            false => format!("{:<width$}", cell(row, column)),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn text_is_set_left_and_numbers_right() {
        let rows = vec![
            vec!["fmt".into(), "ok".into(), "0.8".into()],
            vec!["clippy".into(), "failed".into(), "31.0".into()],
        ];
        assert_eq!(
            render(&["step", "result", "seconds"], &rows),
            "step    result  seconds\nfmt     ok          0.8\nclippy  failed     31.0\n"
        );
    }

    #[test]
    fn an_empty_table_is_its_heading() {
        assert_eq!(render(&["a", "b"], &[]), "a  b\n");
    }
}
