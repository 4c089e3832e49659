//! One corpus of octets, run through every way into the machine: whole, octet by octet and cut in two,
//! over growing and fixed buffers, with messages whole and in chunks. `vectors/README.md` says how the
//! files are written.
#![cfg(feature = "alloc")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use common::corpus::{Vector, folder, octets, read, seen_often};
use common::frames;
use common::trace::{Seen, run_in_room};
use websocket_proto::Role;

fn check(vector: &Vector, role: Role) {
    let setup = vector.setup(role);
    let input = vector.octets("in", role.peer());
    let room = match vector.one("room") {
        Some(room) => room.parse().unwrap(),
        None => input.len().max(256),
    };
    let room = (vector.one("only") != Some("vec")).then_some(room);
    let (trace, error_at) = run_in_room(&setup, &input, room);

    let events: Vec<Seen> = vector
        .all("event")
        .flat_map(|event| seen_often(event, role))
        .collect();
    assert_eq!(trace.events, events);
    let error = trace.error.map(|violation| format!("{violation:?}"));
    assert_eq!(error.as_deref(), vector.one("error"));
    if let Some(at) = vector.one("error-at") {
        assert_eq!(
            error_at,
            Some(at.parse().unwrap()),
            "octets until the error showed"
        );
    }

    let mut output = vector.octets("out", role);
    if let Some(code) = vector.one("close") {
        let violation = trace.error.expect("a Close that tells a violation");
        assert_eq!(violation.close_code().value(), code.parse::<u16>().unwrap());
        let payload = frames::close_payload(code.parse().unwrap(), violation.reason());
        output.extend(frames::sent_by(role, 0x88, &payload));
    } else if trace.error.is_some() && setup.opening.is_none() {
        assert!(
            vector.one("unheard").is_some(),
            "which Close tells the violation?"
        );
    }
    let told = String::from_utf8_lossy(&trace.output);
    match vector.one("out-starts") {
        Some(start) => assert!(trace.output.starts_with(&octets(start, role)), "{told}"),
        None => assert_eq!(trace.output, output, "{told}"),
    }
    for part in vector.all("out-has") {
        let part = String::from_utf8(octets(part, role)).unwrap();
        assert!(told.contains(&part), "{part:?} in {told}");
    }
    for part in vector.all("out-lacks") {
        let part = String::from_utf8(octets(part, role)).unwrap();
        assert!(!told.contains(&part), "{part:?} in {told}");
    }

    let state = match (vector.one("state"), setup.eof, trace.error) {
        (Some(state), ..) => state,
        (None, true, _) => "Closed",
        (None, false, Some(_)) => "Failed",
        (None, false, None) => "Open",
    };
    assert_eq!(format!("{:?}", trace.state), state);
    if let Some(outcome) = vector.one("outcome") {
        let (code, reason, clean, initiator) = trace.outcome.expect("an outcome");
        let clean = if clean { "clean" } else { "unclean" };
        assert_eq!(format!("{code} {reason:?} {clean} {initiator:?}"), outcome);
    }
    if let Some(refused) = vector.one("refused") {
        let (status, body) = trace.refused.expect("the answer that refused");
        let body = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(format!("{status} {body:?}"), refused);
    }
}

/// Every vector of the file, each of which may fail for itself.
fn check_file(file: &str) {
    let vectors = read(file);
    assert!(!vectors.is_empty());
    let mut failed = Vec::new();
    for vector in &vectors {
        for &role in vector.roles() {
            let result = std::panic::catch_unwind(|| check(vector, role));
            if result.is_err() {
                failed.push(format!("{} as {role:?}", vector.name));
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} in {file}: {failed:#?}",
        failed.len(),
        vectors.len()
    );
}

#[test]
fn frames_are_read_as_the_corpus_says() {
    check_file("frames.txt");
}

#[test]
fn fragments_are_joined_as_the_corpus_says() {
    check_file("fragments.txt");
}

#[test]
fn texts_are_judged_as_the_corpus_says() {
    check_file("text.txt");
}

#[test]
fn control_frames_are_answered_as_the_corpus_says() {
    check_file("control.txt");
}

#[test]
fn closings_go_as_the_corpus_says() {
    check_file("closing.txt");
}

#[test]
fn limits_hold_as_the_corpus_says() {
    check_file("limits.txt");
}

#[test]
fn requests_are_answered_as_the_corpus_says() {
    check_file("requests.txt");
}

#[test]
fn responses_are_judged_as_the_corpus_says() {
    check_file("responses.txt");
}

#[cfg(any(feature = "deflate", feature = "inflate"))]
#[test]
fn compressed_messages_are_inflated_as_the_corpus_says() {
    check_file("deflate.txt");
}

#[test]
fn each_file_of_vectors_is_run_and_no_name_stands_twice() {
    let here = include_str!("vectors.rs");
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if !file.ends_with(".txt") {
            continue;
        }
        assert!(
            here.contains(&format!("check_file(\"{file}\")")),
            "{file} is not run"
        );
        for vector in read(&file) {
            assert!(
                names.insert(vector.name.clone()),
                "{} stands twice",
                vector.name
            );
        }
    }
    println!("{} vectors", names.len());
}

#[test]
fn every_rule_has_a_vector_or_a_test_that_bears_its_number() {
    let mut covered: BTreeMap<u32, usize> = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if file.ends_with(".txt") {
            for vector in read(&file) {
                *covered.entry(vector.rule()).or_default() += 1;
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for source in sources(&root.join("src"))
        .into_iter()
        .chain(sources(&root.join("tests")))
    {
        let text = fs::read_to_string(&source).unwrap();
        let tests = text
            .match_indices("fn rule_")
            .filter_map(|(at, _)| text.get(at + 8..at + 10));
        for number in tests.filter_map(|number| number.parse().ok()) {
            *covered.entry(number).or_default() += 1;
        }
    }
    println!("vectors and tests for each rule: {covered:?}");
    for rule in (1..=46).chain(48..=52) {
        assert!(covered.contains_key(&rule), "nothing covers rule {rule}");
    }
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("interop") || path.ends_with("nostd") {
            continue; // Other people's code among them.
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
