//! The shape of the house: which file may know of which, how long files are, and where `unsafe` stands.
//! The sources are read as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floors from the ground up. A file may use what stands on a lower floor, and its own module.
const FLOORS: [&[&str]; 5] = [
    &["role", "opcode", "close", "error", "time", "config", "utf8"],
    &["frame", "handshake"],
    &["buffer", "message", "deflate"],
    &["connection"],
    &["adapter"],
];

/// The most lines of code in a file.
const LINES: usize = 400;

/// Rooms for what connections have in common.
const COMMON: [&str; 2] = ["deflate/pool.rs", "deflate/variants.rs"];

/// The one room with unsafe code.
const UNSAFE: &str = "frame/unchecked.rs";

struct Source {
    /// Within `src`, with `/`.
    name: String,
    /// Without comments, strings' contents aside, and without tests.
    code: String,
    whole: String,
}

impl Source {
    /// The module at the crate's root that the file belongs to; empty for the root itself.
    fn module(&self) -> &str {
        match self.name.split('/').next().unwrap() {
            "lib.rs" => "",
            first => first.trim_end_matches(".rs"),
        }
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let whole = fs::read_to_string(&path).unwrap();
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .replace('\\', "/");
                found.push(Source {
                    name,
                    code: code_of(&whole),
                    whole,
                });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() > 30, "the sources were found");
    found
}

/// The lines of code: no comments, no empty lines, nothing from the test module at the end on.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let test =
            line.starts_with("#[cfg(") && line.contains("test") && !line.contains("not(test)");
        if test && lines.peek().is_some_and(|next| next.starts_with("mod ")) {
            break;
        }
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with("//") {
            continue;
        }
        code += line.split(" // ").next().unwrap();
        code.push('\n');
    }
    code
}

/// The modules at the crate's root that the code names: `crate::module`.
fn used(code: &str) -> BTreeSet<&str> {
    code.match_indices("crate::")
        .map(|(at, path)| {
            let rest = &code[at + path.len()..];
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap();
            assert!(end > 0, "a list behind `crate::` hides its floors");
            &rest[..end]
        })
        .collect()
}

fn floor(module: &str) -> usize {
    FLOORS
        .iter()
        .position(|floor| floor.contains(&module))
        .unwrap_or_else(|| panic!("on which floor stands {module}?"))
}

#[test]
fn every_module_of_the_root_stands_on_a_floor() {
    for source in sources() {
        if !source.module().is_empty() {
            floor(source.module());
        }
    }
}

#[test]
fn a_file_imports_only_from_floors_below() {
    let mut faults = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| !source.module().is_empty())
    {
        for module in used(&source.code) {
            let own = source.module();
            // Words know words: that they don't run in a circle is another test.
            let below = floor(module) < floor(own) || floor(own) == 0 && floor(module) == 0;
            if module != own && !below {
                faults.push(format!("{} uses {module}", source.name));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources()
        .iter()
        .filter(|source| !source.module().is_empty())
    {
        let own = source.module();
        let others = used(&source.code)
            .into_iter()
            .filter(|module| *module != own);
        uses.entry(own.into())
            .or_default()
            .extend(others.map(str::to_owned));
    }
    // Whoever uses nothing that is left can be taken away; in a circle nobody can.
    while !uses.is_empty() {
        let free = uses
            .iter()
            .find(|(_, others)| others.iter().all(|other| !uses.contains_key(other)));
        let free = free.map(|(module, _)| module.clone());
        let free = free.unwrap_or_else(|| panic!("a circle among {uses:?}"));
        uses.remove(&free);
    }
}

#[test]
fn only_adapters_know_of_io_threads_clocks_and_tasks() {
    let foreign = [
        "std::io",
        "std::net",
        "std::thread",
        "std::time",
        "std::sync",
        "tokio",
        "getrandom",
    ];
    for source in sources()
        .iter()
        .filter(|source| !["", "adapter"].contains(&source.module()))
        // What a thread, or a program, has in common can't be had without.
        .filter(|source| !COMMON.contains(&source.name.as_str()))
    {
        for name in foreign {
            assert!(!source.code.contains(name), "{} names {name}", source.name);
        }
    }
}

#[test]
fn the_core_names_no_std() {
    for source in sources()
        .iter()
        .filter(|source| !["", "adapter"].contains(&source.module()))
        .filter(|source| !COMMON.contains(&source.name.as_str()))
    {
        let mut code = source.code.replace("extern crate std;", "");
        if source.name == UNSAFE {
            // What the processor can do is known to `std` alone.
            code = code.replace("use std::arch::is_x86_feature_detected;", "");
        }
        assert!(!code.contains("std::"), "{} names std", source.name);
    }
}

#[test]
fn no_file_is_longer_than_400_lines_of_code() {
    let mut longest = (0, String::new());
    for source in sources() {
        let lines = source.code.lines().count();
        assert!(lines <= LINES, "{} has {lines}", source.name);
        longest = longest.max((lines, source.name));
    }
    assert!(longest.0 > 100, "lines are counted: {longest:?}");
    println!("the longest: {longest:?}");
}

#[test]
fn nothing_is_left_to_be_done_and_no_test_is_ignored() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut files: Vec<(String, String)> = sources()
        .into_iter()
        .map(|source| (source.name, source.whole))
        .collect();
    for folder in [here.clone(), here.join("common")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                files.push((
                    path.display().to_string(),
                    fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    // In two parts, so that this file doesn't find itself.
    let words = [
        ("todo", "!("),
        ("unimplemented", "!("),
        ("#[ign", "ore"),
        ("FIX", "ME"),
        ("TO", "DO"),
    ];
    for (name, text) in files {
        for (one, two) in words {
            assert!(
                !text.contains(&format!("{one}{two}")),
                "{one}{two} in {name}"
            );
        }
    }
}

#[test]
fn unsafe_code_stands_in_one_room_and_each_block_has_its_reason() {
    for source in sources() {
        let blocks = source.code.matches("unsafe ").count();
        if source.name == UNSAFE {
            assert!(blocks > 0, "the room is empty: this test can be stricter");
            assert_eq!(source.whole.matches("// SAFETY:").count(), blocks);
        } else {
            assert_eq!(blocks, 0, "{}", source.name);
        }
    }
}

#[test]
fn the_core_does_not_panic_on_purpose() {
    let words = [".unwrap()", ".expect(", "panic!(", "unreachable!("];
    for source in sources()
        .iter()
        .filter(|source| !["", "adapter"].contains(&source.module()))
    {
        for word in words {
            assert!(!source.code.contains(word), "{word} in {}", source.name);
        }
    }
}
