//! Tables, and what is held against a bar. Markdown, on the terminal and in the file.

use std::fmt::{self, Write as _};

/// What one scenario found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) verdicts: Vec<Verdict>,
    /// What a reader has to know about the figures.
    pub(crate) notes: Vec<String>,
}

/// A figure against its bar.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) bar: f64,
    pub(crate) side: Side,
    pub(crate) unit: &'static str,
}

/// Which side of the bar is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    AtMost,
    AtLeast,
}

impl Verdict {
    pub(crate) fn at_most(
        what: impl Into<String>,
        measured: f64,
        bar: f64,
        unit: &'static str,
    ) -> Self {
        Self {
            what: what.into(),
            measured,
            bar,
            side: Side::AtMost,
            unit,
        }
    }

    pub(crate) fn at_least(
        what: impl Into<String>,
        measured: f64,
        bar: f64,
        unit: &'static str,
    ) -> Self {
        Self {
            side: Side::AtLeast,
            ..Self::at_most(what, measured, bar, unit)
        }
    }

    /// A figure that isn't there passes nothing.
    pub(crate) fn passes(&self) -> bool {
        match self.side {
            Side::AtMost => self.measured <= self.bar,
            Side::AtLeast => self.measured >= self.bar,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, sign) = (
            if self.passes() { "pass" } else { "FAIL" },
            match self.side {
                Side::AtMost => '≤',
                Side::AtLeast => '≥',
            },
        );
        let unit = self.unit;
        write!(
            f,
            "**{word}** {}: {}{unit}, bar {sign} {}{unit}",
            self.what,
            short(self.measured),
            short(self.bar)
        )?;
        if self.bar != 0.0 && self.measured.is_finite() {
            write!(f, " ({} of the bar)", short(self.measured / self.bar))?;
        }
        Ok(())
    }
}

impl Section {
    pub(crate) fn new(title: impl Into<String>, columns: &[&'static str]) -> Self {
        Self {
            title: title.into(),
            columns: columns.to_vec(),
            ..Self::default()
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n", self.title)?;
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|it| it.chars().count()).max().unwrap_or(0);
            widest.max(self.columns[column].chars().count())
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &[String]| {
            let mut line = String::from("|");
            for (cell, width) in cells.iter().zip(&widths) {
                let fill = width - cell.chars().count();
                let _infallible = write!(line, " {cell}{} |", " ".repeat(fill));
            }
            line
        };
        if !self.rows.is_empty() {
            let heads: Vec<String> = self.columns.iter().map(|&it| it.to_owned()).collect();
            let rules: Vec<String> = widths.iter().map(|&it| "-".repeat(it)).collect();
            writeln!(f, "{}\n{}", line(&heads), line(&rules))?;
            for row in &self.rows {
                writeln!(f, "{}", line(row))?;
            }
            writeln!(f)?;
        }
        for verdict in &self.verdicts {
            writeln!(f, "- {verdict}")?;
        }
        for note in &self.notes {
            writeln!(f, "- {note}")?;
        }
        Ok(())
    }
}

/// A number with as many digits as say something.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => "none".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        size if size < 0.01 => format!("{value:.4}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_missing_passes_nothing() {
        assert!(Verdict::at_most("x", 1.0, 1.0, "").passes());
        assert!(!Verdict::at_most("x", 1.1, 1.0, "").passes());
        assert!(Verdict::at_least("x", 1.0, 1.0, "").passes());
        assert!(!Verdict::at_least("x", 0.9, 1.0, "").passes());
        assert!(!Verdict::at_most("x", f64::NAN, 1.0, "").passes());
        assert!(!Verdict::at_least("x", f64::NAN, 1.0, "").passes());
    }

    #[test]
    fn a_section_is_a_table_with_verdicts() {
        let mut section = Section::new("cost", &["server", "µs"]);
        section.row(["bare loop".to_owned(), short(8.25)]);
        section
            .verdicts
            .push(Verdict::at_most("ratio", 1.5, 1.2, "×"));
        section.note("once");
        section.note("once");
        let text = section.to_string();
        assert!(
            text.contains("| server    | µs   |\n| --------- | ---- |\n| bare loop | 8.25 |"),
            "{text}"
        );
        assert!(text.contains("- **FAIL** ratio: 1.50×, bar ≤ 1.20× (1.25 of the bar)"));
        assert_eq!(text.matches("once").count(), 1);
    }
}
