//! `docs/conformance.md`: each MUST and MUST NOT of RFC 6455 and RFC 7692, the code that keeps it and the
//! tests that prove it.
//!
//! The lines stand in `tests/conformance/`, with numbers. A comment with such a number stands at the code and
//! at the test: `// RFC 6455 §5.1-2`. The document is made of both:
//!
//! ```sh
//! CONFORMANCE=write cargo test --test conformance
//! ```
//!
//! Without the variable the test fails where a line has no code, no test and no reason, where a comment names
//! a line that there isn't, and where the document isn't what would be made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// How often each RFC says MUST, "MUST NOT" and the lines that define the words included.
const MUSTS: [(&str, usize); 2] = [("6455", 140), ("7692", 43)];

const DOCUMENT: &str = "docs/conformance.md";

/// A line of an RFC.
struct Line {
    /// `RFC 6455 §5.1-2`
    id: String,
    text: String,
    /// Whose it is, where it isn't ours.
    reason: Option<String>,
    code: Vec<String>,
    tests: Vec<String>,
}

struct Part {
    title: String,
    lines: Vec<Line>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read_to_string(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read_parts(rfc: &str) -> Vec<Part> {
    let file = format!("tests/conformance/rfc{rfc}.txt");
    let mut parts: Vec<Part> = Vec::new();
    for line in read_to_string(&root().join(file)).lines() {
        if let Some(title) = line.strip_prefix("= ") {
            parts.push(Part {
                title: format!("RFC {rfc} §{title}"),
                lines: Vec::new(),
            });
        } else if line.starts_with('§') {
            let (id, text) = line.split_once(' ').unwrap();
            parts
                .last_mut()
                .expect("a title comes first")
                .lines
                .push(Line {
                    id: format!("RFC {rfc} {id}"),
                    text: text.into(),
                    reason: None,
                    code: Vec::new(),
                    tests: Vec::new(),
                });
        } else if let Some(reason) = line.strip_prefix("  ") {
            let lines = &mut parts.last_mut().unwrap().lines;
            lines.last_mut().unwrap().reason = Some(reason.into());
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "{line}");
        }
    }
    parts
}

/// The lines that a comment names; none where it is another comment.
fn named(line: &str) -> Vec<String> {
    let comment = line.trim_start().trim_start_matches(['/', '#', ' ']);
    let Some((rfc, ids)) = ["RFC 6455", "RFC 7692"]
        .iter()
        .find_map(|rfc| Some((rfc, comment.strip_prefix(rfc)?)))
    else {
        return Vec::new();
    };
    let ids: Vec<&str> = ids.split(',').map(str::trim).collect();
    let is_id = |id: &&str| {
        id.starts_with('§')
            && id.rsplit_once('-').is_some_and(|(_, number)| {
                !number.is_empty() && number.bytes().all(|octet| octet.is_ascii_digit())
            })
    };
    if !ids.iter().all(is_id) {
        return Vec::new();
    }
    ids.iter().map(|id| format!("{rfc} {id}")).collect()
}

/// The function's name, where the line begins one.
fn function(line: &str) -> Option<&str> {
    let (before, name) = line.split_once("fn ")?;
    // `pub`, `pub(super)`, `pub(in crate::adapter)`
    let before = before.trim().strip_prefix("pub").unwrap_or(before.trim());
    let before = match before.split_once(')') {
        Some((place, rest)) if place.starts_with('(') => rest,
        _ => before,
    };
    let plain = |word: &str| ["", "const", "async"].contains(&word);
    if line.trim_start().starts_with("//") || !before.trim().split(' ').all(plain) {
        return None;
    }
    let end = name.find(|c: char| c != '_' && !c.is_alphanumeric());
    Some(&name[..end.unwrap_or(name.len())])
}

/// What a comment stands at: the function that follows it at once, or the one it stands in.
fn place<'a>(lines: &[&'a str], at: usize) -> Option<&'a str> {
    let behind = lines[at + 1..].iter();
    let next = behind
        .map(|line| line.trim_start())
        .find(|line| !line.starts_with("//") && !line.starts_with("#["));
    next.and_then(function)
        .or_else(|| lines[..at].iter().rev().find_map(|line| function(line)))
}

/// Whether this function has the attribute of a test.
fn is_test_of(lines: &[&str], name: &str) -> bool {
    lines.iter().enumerate().any(|(at, line)| {
        let above = lines[..at].iter().rev().map(|line| line.trim_start());
        function(line) == Some(name)
            && above
                .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
                .any(|line| line.ends_with("test]"))
    })
}

struct Mark {
    id: String,
    place: String,
    is_test: bool,
}

fn marks_of(path: &Path) -> Vec<Mark> {
    let text = read_to_string(path);
    let lines: Vec<&str> = text.lines().collect();
    let name = path.strip_prefix(root()).unwrap().display().to_string();
    let name = name.replace('\\', "/");
    let in_tests = name.starts_with("tests/");
    let tests_at = lines
        .iter()
        .position(|line| line.starts_with("mod tests"))
        .unwrap_or(lines.len());
    let mut marks = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let ids = named(line);
        if ids.is_empty() {
            continue;
        }
        let is_test = in_tests || at > tests_at;
        let place = if name.ends_with(".txt") {
            let vector = lines[at..]
                .iter()
                .find_map(|line| line.strip_prefix("name: "));
            format!("`{}`", vector.expect("a vector follows"))
        } else {
            let function = place(&lines, at).unwrap_or_else(|| panic!("{name}:{at}: of what?"));
            if is_test {
                assert!(is_test_of(&lines, function), "{function} is a test");
                format!("`{function}`")
            } else {
                format!("`{}` `{function}`", name.trim_start_matches("src/"))
            }
        };
        marks.extend(ids.into_iter().map(|id| Mark {
            id,
            place: place.clone(),
            is_test,
        }));
    }
    marks
}

fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    for entry in fs::read_dir(root().join("tests")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    folders.push(root().join("tests/vectors"));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "rs" || extension == "txt")
            {
                found.push(path);
            }
        }
    }
    // This file shows what a comment looks like.
    found.retain(|path| !path.ends_with("conformance.rs"));
    found.sort();
    found
}

fn put_line(document: &mut String, line: &Line) {
    let id = line.id.split_once('§').unwrap().1;
    let text = line.text.replace('|', "\\|").replace('_', "\\_");
    let (code, tests) = match &line.reason {
        Some(reason) => (reason.clone(), "–".into()),
        None => (line.code.join(", "), line.tests.join(", ")),
    };
    writeln!(document, "| {id} | {text} | {code} | {tests} |").unwrap();
}

fn document(parts: &[Part]) -> String {
    let all = || parts.iter().flat_map(|part| &part.lines);
    let ours = all().filter(|line| line.reason.is_none()).count();
    let musts: usize = MUSTS.iter().map(|(_, musts)| musts).sum();
    let mut document = format!(
        "# Conformance to RFC 6455 and RFC 7692\n\n\
         <!-- Made by `CONFORMANCE=write cargo test --test conformance`. Change that, or the comments that it reads. -->\n\n\
         Each line of RFC 6455 and of RFC 7692 that says MUST or MUST NOT ({musts} times), and those of RFC 7692 (with\n\
         a `*`) that say without it what an endpoint does: where the code keeps it, and which tests and vectors prove\n\
         it. Of {} lines {ours} are kept here; the others say whose they are. Numbers count the lines of a section. The\n\
         same numbers stand in comments at the code and at the tests: `// RFC 6455 §5.1-2`.\n",
        all().count()
    );
    for part in parts {
        let title = &part.title;
        write!(
            document,
            "\n## {title}\n\n| § | line | kept by | proved by |\n| --- | --- | --- | --- |\n"
        )
        .unwrap();
        for line in &part.lines {
            put_line(&mut document, line);
        }
    }
    let rules = read_to_string(&root().join("tests/conformance/rules.md"));
    document + "\n" + &rules
}

#[test]
fn each_line_that_says_must_is_kept_and_proved_and_the_document_says_where() {
    let mut parts = Vec::new();
    for (rfc, musts) in MUSTS {
        let read = read_parts(rfc);
        let lines = read.iter().flat_map(|part| &part.lines);
        let said: usize = lines.map(|line| line.text.matches("MUST").count()).sum();
        assert_eq!(said, musts, "all lines of RFC {rfc} are there");
        parts.extend(read);
    }

    let mut lines: BTreeMap<String, &mut Line> = BTreeMap::new();
    for line in parts.iter_mut().flat_map(|part| &mut part.lines) {
        assert!(lines.insert(line.id.clone(), line).is_none());
    }
    let mut faults = Vec::new();
    for mark in files().iter().flat_map(|path| marks_of(path)) {
        let Some(line) = lines.get_mut(&mark.id) else {
            faults.push(format!("{}: there is no {}", mark.place, mark.id));
            continue;
        };
        let places = if mark.is_test {
            &mut line.tests
        } else {
            &mut line.code
        };
        if !places.contains(&mark.place) {
            places.push(mark.place);
        }
    }
    for (id, line) in &lines {
        if line.reason.is_some() {
            continue;
        }
        if line.code.is_empty() {
            faults.push(format!("{id}: which code keeps it?"));
        }
        if line.tests.is_empty() {
            faults.push(format!("{id}: which test proves it?"));
        }
    }
    drop(lines);
    assert!(faults.is_empty(), "{faults:#?}");

    let made = document(&parts);
    let path = root().join(DOCUMENT);
    if std::env::var_os("CONFORMANCE").is_some_and(|value| value == "write") {
        fs::write(&path, &made).unwrap();
    }
    assert!(
        read_to_string(&path) == made,
        "{DOCUMENT} is stale: CONFORMANCE=write cargo test --test conformance"
    );
}

/// The names of all tests and vectors.
fn proofs() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in files() {
        let text = read_to_string(&path);
        for line in text.lines() {
            names.extend(line.strip_prefix("name: ").map(str::to_owned));
            names.extend(function(line).map(str::to_owned));
        }
    }
    names
}

#[test]
fn each_rule_has_tests_or_vectors_on_both_sides_of_its_limit() {
    let rules = read_to_string(&root().join("tests/conformance/rules.md"));
    let (_, table) = rules.split_once("## Both sides of each limit").unwrap();
    let proofs = proofs();
    let mut covered = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [rule, _, within, beyond] = cells[..] else {
            panic!("four columns: {row}");
        };
        covered.insert(rule.parse::<u32>().unwrap());
        for side in [within, beyond] {
            for name in side.split(", ").map(|name| name.trim_matches('`')) {
                assert!(proofs.contains(name), "there is no {name}");
            }
        }
    }
    let all: BTreeSet<u32> = (1..=46).chain(48..=52).collect();
    assert_eq!(covered, all);
}

#[test]
fn only_comments_with_numbers_of_lines_count() {
    assert_eq!(
        named("    // RFC 6455 §5.1-2, §5.2-10"),
        ["RFC 6455 §5.1-2", "RFC 6455 §5.2-10"]
    );
    assert_eq!(named("# RFC 7692 §6-1"), ["RFC 7692 §6-1"]);
    for other in [
        "/// RFC 6455 §5.1",
        "// see RFC 6455 §5.1-2",
        "// RFC 6455 §5.1-2 and more",
        "let rfc = 6455;",
    ] {
        assert!(named(other).is_empty(), "{other}");
    }
    let lines = [
        "fn one() {",
        "    // here",
        "    let x = 1;",
        "}",
        "// there",
        "#[test]",
        "fn two() {",
    ];
    assert_eq!(function("    pub(in crate::a) const fn b() {"), Some("b"));
    assert_eq!(function("    struct Holds(fn (u8));"), None);
    assert_eq!(
        (place(&lines, 1), place(&lines, 4)),
        (Some("one"), Some("two"))
    );
}
