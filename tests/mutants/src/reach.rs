//! Finds out which mutants each test reaches, and how long it takes.
//!
//! A test that doesn't come to the switch of a mutant can't notice it. What is said here of a test is what it did in one
//! run, alone: one that draws random numbers, or depends on time, on other threads, or on what tests before it left in
//! the process, may reach more in another. A mutant that only chance leads to can so count as missed; the score is
//! never better for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::run::{End, FOREVER, run};

/// One more than the highest number of a mutant, as in `switch.rs`.
pub const NUMBERS: usize = 8192;

pub struct Test {
    pub program: PathBuf,
    pub name: String,
    /// How long it takes alone when all is well, with the start of its program.
    pub usual: Duration,
    /// For each number, whether it came to that mutant's switch.
    pub reached: Vec<bool>,
}

/// Runs each test of these programs alone and without a mutant, on `threads` threads.
///
/// # Panics
/// When a test fails.
pub fn measure(tree: &Path, programs: &[PathBuf], threads: usize) -> Vec<Test> {
    let names: Vec<_> = programs
        .iter()
        .flat_map(|program| list(tree, program).into_iter().map(move |it| (program, it)))
        .collect();
    let next = Mutex::new(names.into_iter());
    let tests = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let file = tree.join(format!("reached.{thread}"));
            let (next, tests) = (&next, &tests);
            scope.spawn(move || {
                loop {
                    let Some((program, name)) = next.lock().expect("no panic").next() else {
                        return;
                    };
                    let test = alone(tree, program, name, &file);
                    tests.lock().expect("no panic").push(test);
                }
            });
        }
    });
    tests.into_inner().expect("no panic")
}

fn list(tree: &Path, program: &Path) -> Vec<String> {
    let output = Command::new(program)
        .args(["--list", "--format", "terse"])
        .current_dir(tree)
        .output()
        .expect("a program of tests");
    assert!(output.status.success(), "{} --list", program.display());
    names(&String::from_utf8_lossy(&output.stdout))
}

/// The tests of a list; ignored ones, too, of which a run does nothing and reaches nothing.
fn names(list: &str) -> Vec<String> {
    let tests = list.lines().filter_map(|line| line.strip_suffix(": test"));
    tests.map(str::to_owned).collect()
}

fn alone(tree: &Path, program: &Path, name: String, file: &Path) -> Test {
    std::fs::write(file, []).expect("room for what is reached");
    let start = Instant::now();
    let end = run(tree, program, &[&name], 0, FOREVER, Some(file));
    let usual = start.elapsed();
    assert_eq!(
        end,
        End::Passed,
        "{name} of {} without a mutant",
        program.display()
    );
    Test {
        program: program.to_owned(),
        name,
        usual,
        reached: union(&std::fs::read(file).expect("what was reached")),
    }
}

/// What one or several processes reached.
fn union(records: &[u8]) -> Vec<bool> {
    let (records, rest) = records.as_chunks::<NUMBERS>();
    assert!(!records.is_empty() && rest.is_empty(), "records are whole");
    (0..NUMBERS)
        .map(|number| records.iter().any(|record| record[number] == 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_tests() {
        assert_eq!(
            names("tests::one: test\ntwo: test\nthree: benchmark\n"),
            ["tests::one", "two"]
        );
    }

    #[test]
    fn processes_reach_what_one_of_them_reaches() {
        let mut records = vec![0; 2 * NUMBERS];
        records[7] = 1;
        records[NUMBERS + 9] = 1;
        let reached = union(&records);
        assert!(reached[7] && reached[9] && !reached[8]);
        assert_eq!(reached.len(), NUMBERS);
    }

    #[test]
    fn the_switch_counts_as_far() {
        let line = format!("const NUMBERS: usize = {NUMBERS};");
        assert!(include_str!("switch.rs").contains(&line));
    }
}
