//! Builds the tests once, over sources that hold every mutant that compiles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::listed::Mutant;
use crate::rewrite::{Rewritten, rewrite};

/// What is built, and which mutants don't compile in it.
pub struct Built {
    pub programs: Vec<PathBuf>,
    pub refused: BTreeSet<usize>,
    /// Mutants that have a place in the sources.
    pub held: BTreeSet<usize>,
}

#[derive(Deserialize)]
struct Line {
    message: Option<Message>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    rendered: Option<String>,
    #[serde(default)]
    spans: Vec<Span>,
    #[serde(default)]
    children: Vec<Message>,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    is_primary: bool,
}

/// Writes the rewritten sources of `original` to `tree` and builds them, leaving out what the compiler refuses.
pub fn build(original: &Path, tree: &Path, mutants: &[Mutant], cargo: &[String]) -> Built {
    let mut refused = BTreeSet::new();
    loop {
        let sources = write(original, tree, mutants, &refused);
        let (programs, errors) = compile(tree, cargo);
        if errors.is_empty() {
            let held = sources
                .values()
                .flat_map(|it| it.owners.iter().flat_map(|(_, numbers)| numbers.clone()));
            return Built {
                programs,
                held: held.collect(),
                refused,
            };
        }
        let before = refused.len();
        for error in &errors {
            refused.extend(owners(error, &sources));
        }
        eprintln!(
            "{} errors; {} mutants don't compile",
            errors.len(),
            refused.len()
        );
        if refused.len() == before {
            for error in errors {
                eprintln!("{}", error.rendered.unwrap_or_default());
            }
            panic!("errors that no mutant makes");
        }
    }
}

fn write(
    original: &Path,
    tree: &Path,
    mutants: &[Mutant],
    refused: &BTreeSet<usize>,
) -> BTreeMap<String, Rewritten> {
    let mut files: BTreeMap<&str, Vec<(usize, &Mutant)>> = BTreeMap::new();
    for (index, mutant) in mutants.iter().enumerate() {
        // A file is written even when all of its mutants are refused: it holds them from the time before.
        let of_file = files.entry(&mutant.file).or_default();
        if !refused.contains(&(index + 1)) {
            of_file.push((index + 1, mutant));
        }
    }
    let mut all = BTreeMap::new();
    for (file, mutants) in files {
        let source = std::fs::read_to_string(original.join(file)).expect("a source");
        let rewritten = rewrite(&source, &mutants);
        std::fs::write(tree.join(file), &rewritten.text).expect("room for a source");
        all.insert(file.to_owned(), rewritten);
    }
    let root = std::fs::read_to_string(original.join("src/lib.rs")).expect("src/lib.rs");
    let head = "#![feature(core_intrinsics, const_eval_select)] #![allow(internal_features)]";
    std::fs::write(
        tree.join("src/lib.rs"),
        format!("{head}{root}{}", include_str!("switch.rs")),
    )
    .expect("room");
    all
}

fn compile(tree: &Path, cargo: &[String]) -> (Vec<PathBuf>, Vec<Message>) {
    let output = Command::new("cargo")
        .args([
            "+nightly",
            "test",
            "--no-run",
            "--message-format=json",
            "--quiet",
        ])
        .args(cargo)
        .current_dir(tree)
        .env(
            "RUSTFLAGS",
            format!(
                "{} -Awarnings",
                std::env::var("RUSTFLAGS").unwrap_or_default()
            ),
        )
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo");
    let mut programs = Vec::new();
    let mut errors = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            continue;
        };
        programs.extend(line.executable);
        errors.extend(
            line.message
                .filter(|message| message.level == "error" && !message.spans.is_empty()),
        );
    }
    (programs, errors)
}

/// The mutants whose octets are the narrowest around what an error points at.
fn owners(error: &Message, sources: &BTreeMap<String, Rewritten>) -> Vec<usize> {
    let notes = error.children.iter().flat_map(|child| &child.spans);
    let (first, rest): (Vec<_>, Vec<_>) = error
        .spans
        .iter()
        .chain(notes)
        .partition(|span| span.is_primary);
    for span in first.into_iter().chain(rest) {
        let Some(source) = sources.get(&span.file_name) else {
            continue;
        };
        let around = |range: &std::ops::Range<usize>| {
            range.start < span.byte_end && span.byte_start < range.end
        };
        let narrowest = source
            .owners
            .iter()
            .filter(|(range, _)| around(range))
            .min_by_key(|(range, _)| range.len());
        if let Some((_, numbers)) = narrowest {
            return numbers.clone();
        }
    }
    Vec::new()
}
