//! Judges the mutants that `cargo mutants --list --json` names, all of them from one build.
//!
//! cargo-mutants builds the crate and its tests for each mutant, which takes days for some thousands of them. Here
//! every mutant is compiled into the sources behind a switch, and those tests that come to the switch run with one after
//! another switched on: `reach` finds out which, `judge` runs them.
//!
//! `mutants ORIGINAL TREE LIST THREADS [CARGO ARGUMENT …]`: ORIGINAL holds the sources; TREE, a copy of it, is
//! written over; LIST is what cargo-mutants listed. Standard output gets a line for each mutant: verdict, name.

mod build;
mod judge;
mod listed;
mod nodes;
mod reach;
mod rewrite;
mod run;

use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use judge::Verdict;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [original, tree, list, threads, cargo @ ..] = &arguments[..] else {
        panic!("mutants ORIGINAL TREE LIST THREADS [CARGO ARGUMENT …]")
    };
    let (original, tree) = (Path::new(original), Path::new(tree));
    let text = std::fs::read_to_string(list).expect("LIST");
    let mutants: Vec<listed::Mutant> =
        serde_json::from_str(&text).expect("a list of cargo-mutants");
    assert!(mutants.len() < reach::NUMBERS, "more than the switch holds");
    let built = build::build(original, tree, &mutants, cargo);
    let mut numbers = Vec::new();
    for (index, mutant) in mutants.iter().enumerate() {
        let number = index + 1;
        if built.refused.contains(&number) {
            println!("unbuilt {}", mutant.name);
        } else if built.held.contains(&number) {
            numbers.push(number);
        } else {
            println!("unplaced {}", mutant.name);
        }
    }
    let threads = threads.parse().expect("THREADS");
    let start = Instant::now();
    let tests = reach::measure(tree, &built.programs, threads);
    eprintln!(
        "{:?} for {} tests, each alone",
        start.elapsed(),
        tests.len()
    );
    let counts = Mutex::new([0_u32; 4]);
    judge::judge(tree, &tests, &numbers, threads, |number, verdict| {
        let (index, word) = match verdict {
            Verdict::Caught => (0, "caught"),
            Verdict::Timeout => (1, "timeout"),
            Verdict::Missed => (2, "missed"),
            Verdict::Unreached => (3, "unreached"),
        };
        println!("{word} {}", mutants[number - 1].name);
        counts.lock().expect("no panic")[index] += 1;
    });
    let [caught, timeout, missed, unreached] = counts.into_inner().expect("no panic");
    eprintln!(
        "{:?}; {caught} caught, {timeout} by the time they took, {missed} missed, {unreached} not reached",
        start.elapsed()
    );
}
