//! Tables in Markdown.

use std::fmt::{self, Write};

use crate::peers::{Part, Peer};
use crate::rows::Row;

/// A value for each column of each row.
#[derive(Clone, Debug)]
pub struct Table {
    unit: &'static str,
    columns: Vec<(&'static str, Part)>,
    rows: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    group: &'static str,
    name: String,
    values: Vec<Option<f64>>,
}

impl Table {
    /// A table without rows.
    pub fn new(unit: &'static str, peers: &[&'static dyn Peer]) -> Self {
        let columns = peers
            .iter()
            .map(|peer| (peer.name(), peer.part()))
            .collect();
        Self {
            unit,
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row, with a value for each column.
    pub fn push(&mut self, row: &Row, values: Vec<Option<f64>>) {
        self.rows.push(Line {
            group: row.group,
            name: row.name.clone(),
            values,
        });
    }

    /// Ours beside the best peer and the floors.
    pub fn ratios(&self) -> String {
        let mut out = String::new();
        for group in self.groups() {
            let floors = self.columns_of(group, Part::Floor);
            let ours = self.columns_of(group, Part::Ours);
            let mut head = vec![format!("{group} ({})", self.unit)];
            head.extend(
                floors
                    .iter()
                    .map(|column| format!("floor: {}", self.columns[*column].0)),
            );
            head.extend(
                ours.iter()
                    .map(|column| self.columns[*column].0.replace("websocket-proto", "ours")),
            );
            head.extend(["best peer", "", "ours / best", "ours / floor"].map(String::from));
            put_head(&mut out, &head);
            for line in self.lines(group) {
                let best = self.best(line);
                let first = ours.first().and_then(|column| line.values[*column]);
                let floor = floors.iter().rev().find_map(|column| line.values[*column]);
                let _ = write!(out, "| {} ", line.name);
                for column in floors.iter().chain(&ours) {
                    let _ = write!(out, "| {} ", Number(line.values[*column]));
                }
                let _ = write!(
                    out,
                    "| {} | {} ",
                    Number(best.map(|(_, value)| value)),
                    best.map_or("", |(name, _)| name)
                );
                let _ = writeln!(
                    out,
                    "| {} | {} |",
                    Ratio(first, best.map(|(_, value)| value)),
                    Ratio(first, floor)
                );
            }
            out.push('\n');
        }
        out
    }

    /// Every column.
    pub fn everything(&self) -> String {
        let mut out = String::new();
        for group in self.groups() {
            let columns: Vec<usize> = [Part::Floor, Part::Ours, Part::Peer]
                .into_iter()
                .flat_map(|part| self.columns_of(group, part))
                .collect();
            let mut head = vec![format!("{group} ({})", self.unit)];
            head.extend(
                columns
                    .iter()
                    .map(|column| self.columns[*column].0.to_owned()),
            );
            put_head(&mut out, &head);
            for line in self.lines(group) {
                let _ = write!(out, "| {} |", line.name);
                for column in &columns {
                    let _ = write!(out, " {} |", Number(line.values[*column]));
                }
                out.push('\n');
            }
            out.push('\n');
        }
        out
    }

    fn groups(&self) -> Vec<&'static str> {
        let mut groups: Vec<_> = self.rows.iter().map(|line| line.group).collect();
        groups.dedup();
        groups
    }

    fn lines<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Line> {
        self.rows.iter().filter(move |line| line.group == group)
    }

    /// Columns of a part that have a value somewhere in a group.
    fn columns_of(&self, group: &str, part: Part) -> Vec<usize> {
        (0..self.columns.len())
            .filter(|column| self.columns[*column].1 == part)
            .filter(|column| self.lines(group).any(|line| line.values[*column].is_some()))
            .collect()
    }

    fn best(&self, line: &Line) -> Option<(&'static str, f64)> {
        self.columns
            .iter()
            .zip(&line.values)
            .filter(|((_, part), _)| *part == Part::Peer)
            .filter_map(|((name, _), value)| Some((*name, (*value)?)))
            .min_by(|(_, one), (_, other)| one.total_cmp(other))
    }
}

fn put_head(out: &mut String, head: &[String]) {
    let _ = writeln!(out, "| {} |", head.join(" | "));
    let _ = writeln!(out, "| --- {}|", "| ---: ".repeat(head.len() - 1));
}

/// A number with as many digits as mean something, or a dash.
struct Number(Option<f64>);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("–"),
            Some(value) if value < 10.0 && value.fract() != 0.0 => write!(f, "{value:.1}"),
            Some(value) => {
                let digits = format!("{value:.0}");
                for (i, digit) in digits.chars().enumerate() {
                    if i != 0 && (digits.len() - i) % 3 == 0 {
                        f.write_char('\u{202F}')?;
                    }
                    f.write_char(digit)?;
                }
                Ok(())
            }
        }
    }
}

/// One number over another, in bold where it isn't smaller.
struct Ratio(Option<f64>, Option<f64>);

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Some(ours), Some(other)) if other > 0.0 => write!(f, "{:.2}", ours / other),
            _ => f.write_str("–"),
        }
    }
}
