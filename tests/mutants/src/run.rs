//! Runs some tests of one program, with a mutant or without.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The limit of tests without a mutant.
pub const FOREVER: Duration = Duration::from_secs(600);

/// How the tests ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    Passed,
    /// A test failed, or the program died.
    Failed,
    /// The time was over.
    Stopped,
}

/// Runs the tests of these names in one process, in the order of the alphabet, until one fails. What of the mutants they
/// reach is added to the file `reached`.
pub fn run(
    tree: &Path,
    program: &Path,
    tests: &[&str],
    mutant: usize,
    limit: Duration,
    reached: Option<&Path>,
) -> End {
    // 4 GiB: a mutant may ask for memory without end.
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -v 4194304; exec \"$@\"", "sh"])
        .arg(program)
        .args([
            "-Zunstable-options",
            "--exact",
            "--fail-fast",
            "--test-threads=1",
            "--quiet",
        ])
        .args(tests)
        .current_dir(tree)
        .env("MUTANT", mutant.to_string())
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .env("CARGO_MANIFEST_DIR", tree)
        .env_remove("MUTANTS_REACHED")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(file) = reached {
        command.env("MUTANTS_REACHED", file);
    }
    wait(command.spawn().expect("sh"), limit)
}

fn wait(mut child: Child, limit: Duration) -> End {
    let start = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return if status.success() {
                End::Passed
            } else {
                End::Failed
            };
        }
        if start.elapsed() > limit {
            child
                .kill()
                .and_then(|()| child.wait())
                .expect("a child of ours");
            return End::Stopped;
        }
        std::thread::sleep(pause);
        // Late by a tenth at most, where that is more than it takes to look.
        pause = (start.elapsed() / 10).clamp(pause, Duration::from_millis(20));
    }
}
