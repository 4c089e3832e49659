//! Which versions are measured: what the lock file says.

/// The version of a package in this package's lock file.
pub fn of(package: &str) -> &'static str {
    let name = format!("name = \"{package}\"");
    let mut lines = include_str!("../Cargo.lock").lines();
    lines.find(|line| *line == name);
    lines
        .next()
        .and_then(|line| line.strip_prefix("version = \""))
        .map_or("?", |line| line.trim_end_matches('"'))
}
