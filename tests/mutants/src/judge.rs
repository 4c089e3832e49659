//! Runs the tests against one mutant after another, until one of them notices.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How a mutant ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// A test failed, or the program died.
    Caught,
    /// A program ran more than four times as long as it does without a mutant.
    Timeout,
    /// No test noticed.
    Missed,
}

/// A program of tests.
pub struct Program {
    path: PathBuf,
    /// How long it takes when all is well.
    usual: Duration,
    /// How many mutants it has caught, and how long all its runs took: the best of both comes first.
    yielded: Mutex<(u32, Duration)>,
}

impl Program {
    fn seconds_a_catch(&self) -> f64 {
        let (caught, spent) = *self.yielded.lock().expect("no panic");
        spent.as_secs_f64() / f64::from(caught + 1)
    }
}

/// Runs each program without a mutant.
///
/// # Panics
/// When a test fails.
pub fn measure(tree: &Path, programs: Vec<PathBuf>) -> Vec<Program> {
    programs
        .into_iter()
        .map(|path| {
            let start = Instant::now();
            let verdict = run(tree, &path, 0, Duration::from_secs(600));
            assert_eq!(
                verdict,
                Verdict::Missed,
                "{} fails without a mutant",
                path.display()
            );
            eprintln!("{:?} {}", start.elapsed(), path.display());
            Program {
                path,
                usual: start.elapsed(),
                yielded: Mutex::new((0, start.elapsed())),
            }
        })
        .collect()
}

/// Judges the mutants of these numbers on `threads` threads; `tell` hears of each.
pub fn judge(
    tree: &Path,
    programs: &[Program],
    mutants: &[usize],
    threads: usize,
    tell: impl Fn(usize, Verdict) + Sync,
) {
    let next = Mutex::new(mutants.iter());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(&mutant) = next.lock().expect("no panic").next() else {
                        return;
                    };
                    tell(mutant, one(tree, programs, mutant));
                }
            });
        }
    });
}

fn one(tree: &Path, programs: &[Program], mutant: usize) -> Verdict {
    let mut order: Vec<_> = programs.iter().collect();
    order.sort_by(|one, other| one.seconds_a_catch().total_cmp(&other.seconds_a_catch()));
    for program in order {
        let start = Instant::now();
        let verdict = run(
            tree,
            &program.path,
            mutant,
            Duration::from_secs(5) + program.usual * 4,
        );
        let mut yielded = program.yielded.lock().expect("no panic");
        yielded.0 += u32::from(verdict != Verdict::Missed);
        yielded.1 += start.elapsed();
        if verdict != Verdict::Missed {
            return verdict;
        }
    }
    Verdict::Missed
}

fn run(tree: &Path, program: &Path, mutant: usize, limit: Duration) -> Verdict {
    // 4 GiB: a mutant may ask for memory without end.
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v 4194304; exec \"$@\"", "sh"])
        .arg(program)
        .args([
            "-Zunstable-options",
            "--fail-fast",
            "--test-threads=1",
            "--quiet",
        ])
        .current_dir(tree)
        .env("MUTANT", mutant.to_string())
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .env("CARGO_MANIFEST_DIR", tree)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh");
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return if status.success() {
                Verdict::Missed
            } else {
                Verdict::Caught
            };
        }
        if start.elapsed() > limit {
            child
                .kill()
                .and_then(|()| child.wait())
                .expect("a child of ours");
            return Verdict::Timeout;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
