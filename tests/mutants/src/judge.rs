//! Runs the tests that reach a mutant, until one of them notices it.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::reach::Test;
use crate::run::{End, FOREVER, run};

/// How a mutant ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// A test failed, or the program died, and not without the mutant.
    Caught,
    /// Tests ran longer than [`limit`], and not because the machine was busy.
    Timeout,
    /// No test noticed.
    Missed,
    /// No test reaches it: a constant, which is computed before any switch is, or what no test comes to.
    Unreached,
}

/// How the tests of one place in the list have done so far.
#[derive(Clone, Copy, Default)]
struct Yield {
    runs: f64,
    /// Where several tests ran together, each gets its part.
    caught: f64,
}

struct Judge<'a> {
    tree: &'a Path,
    tests: &'a [Test],
    yields: Mutex<Vec<Yield>>,
}

/// Judges the mutants of these numbers on `threads` threads; `tell` hears of each.
pub fn judge(
    tree: &Path,
    tests: &[Test],
    mutants: &[usize],
    threads: usize,
    tell: impl Fn(usize, Verdict) + Sync,
) {
    let judge = Judge {
        tree,
        tests,
        yields: Mutex::new(vec![Yield::default(); tests.len()]),
    };
    let next = Mutex::new(mutants.iter());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(&mutant) = next.lock().expect("no panic").next() else {
                        return;
                    };
                    tell(mutant, judge.one(mutant));
                }
            });
        }
    });
}

impl Judge<'_> {
    fn one(&self, mutant: usize) -> Verdict {
        let mut left = self.order(mutant);
        if left.is_empty() {
            return Verdict::Unreached;
        }
        // Most mutants are noticed in the first runs, which are short for that; a process for each test would cost the
        // others most of their time.
        let mut budget = Duration::from_millis(30);
        while !left.is_empty() {
            let together = take(&mut left, self.tests, budget);
            let verdict = self.together(&together, mutant);
            let mut yields = self.yields.lock().expect("no panic");
            for &test in &together {
                yields[test].runs += 1.0;
                if verdict != Verdict::Missed {
                    yields[test].caught += 1.0 / together.len() as f64;
                }
            }
            if verdict != Verdict::Missed {
                return verdict;
            }
            budget = (budget * 2).min(Duration::from_millis(500));
        }
        Verdict::Missed
    }

    /// The tests that reach it, those first that notice most for the time they take.
    fn order(&self, mutant: usize) -> Vec<usize> {
        let yields = self.yields.lock().expect("no panic").clone();
        let seconds_a_catch = |test: &usize| {
            let so_far = yields[*test];
            self.tests[*test].usual.as_secs_f64() * (so_far.runs + 1.0) / (so_far.caught + 1.0)
        };
        let mut order: Vec<_> = (0..self.tests.len())
            .filter(|test| self.tests[*test].reached[mutant])
            .collect();
        order.sort_by(|one, other| seconds_a_catch(one).total_cmp(&seconds_a_catch(other)));
        order
    }

    /// Runs these tests in one process. A failure, or a limit passed, counts only when they do better without the
    /// mutant right afterwards.
    fn together(&self, tests: &[usize], mutant: usize) -> Verdict {
        let program = &self.tests[tests[0]].program;
        let names: Vec<_> = tests.iter().map(|it| &*self.tests[*it].name).collect();
        let mut usual = tests.iter().map(|it| self.tests[*it].usual).sum();
        loop {
            let end = run(self.tree, program, &names, mutant, limit(usual), None);
            if end == End::Passed {
                return Verdict::Missed;
            }
            let start = Instant::now();
            let without = run(self.tree, program, &names, 0, FOREVER, None);
            let now = start.elapsed();
            if end == End::Failed {
                return if without == End::Passed {
                    Verdict::Caught
                } else {
                    self.apart(tests, mutant)
                };
            }
            if limit(now) < limit(usual) * 2 {
                return Verdict::Timeout;
            }
            // The machine is busy: they take longer than usual without the mutant, too.
            usual = now;
        }
    }

    /// Judges by each of these tests alone, as together they fail without the mutant, too. What a single one says that
    /// does so is worth nothing.
    fn apart(&self, tests: &[usize], mutant: usize) -> Verdict {
        let names = tests.iter().map(|it| &*self.tests[*it].name);
        let names: Vec<_> = names.collect();
        eprintln!("{names:?} fail without a mutant");
        if tests.len() == 1 {
            return Verdict::Missed;
        }
        tests
            .iter()
            .map(|test| self.together(&[*test], mutant))
            .find(|verdict| *verdict != Verdict::Missed)
            .unwrap_or(Verdict::Missed)
    }
}

/// How long tests may take that take `usual` when all is well. Short, as many mutants make loops without end: whoever
/// is stopped is compared with the same tests without the mutant, which are given the time they need.
fn limit(usual: Duration) -> Duration {
    Duration::from_secs(2) + usual * 6
}

/// Takes the first test out of `left`, and those behind it of the same program that fit in the time with it.
fn take(left: &mut Vec<usize>, tests: &[Test], budget: Duration) -> Vec<usize> {
    let program = &tests[left[0]].program;
    let mut time = Duration::ZERO;
    let mut first = true;
    left.extract_if(.., |test| {
        let test = &tests[*test];
        let fits = test.program == *program && (first || time + test.usual <= budget);
        if fits {
            time += test.usual;
        }
        first = false;
        fits
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reach::NUMBERS;

    fn test(program: &str, usual: u64, reached: &[usize]) -> Test {
        Test {
            program: program.into(),
            name: String::new(),
            usual: Duration::from_millis(usual),
            reached: (0..NUMBERS).map(|it| reached.contains(&it)).collect(),
        }
    }

    #[test]
    fn tests_that_reach_a_mutant_are_ordered_by_what_a_catch_costs() {
        let tests = [
            test("a", 900, &[1]),
            test("a", 40, &[1, 2]),
            test("a", 30, &[2]),
            test("a", 20, &[1]),
        ];
        let mut yields = vec![Yield::default(); tests.len()];
        let judge = |yields: &Vec<Yield>| Judge {
            tree: Path::new(""),
            tests: &tests,
            yields: Mutex::new(yields.clone()),
        };
        assert_eq!(judge(&yields).order(1), [3, 1, 0]);
        assert_eq!(judge(&yields).order(2), [2, 1]);
        assert!(judge(&yields).order(3).is_empty());
        assert_eq!(judge(&yields).one(3), Verdict::Unreached, "without a run");
        yields[3].runs = 5.0;
        yields[0].runs = 50.0;
        yields[0].caught = 48.0;
        assert_eq!(judge(&yields).order(1), [1, 3, 0]);
    }

    #[test]
    fn those_of_one_program_run_together_while_they_are_quick() {
        let tests = [
            test("a", 10, &[]),
            test("b", 10, &[]),
            test("a", 25, &[]),
            test("a", 20, &[]),
            test("b", 99, &[]),
        ];
        let mut left = vec![0, 1, 2, 3, 4];
        let mut next = || take(&mut left, &tests, Duration::from_millis(30));
        assert_eq!(next(), [0, 3]);
        assert_eq!(next(), [1]);
        assert_eq!(next(), [2]);
        assert_eq!(next(), [4], "alone, as slow as it is");
        assert!(left.is_empty());
    }
}
