//! The bodies of the fuzz targets, on their small corpora and on octets that look random. It takes a
//! second; `cargo +nightly fuzz run TARGET` takes as long as it is given.
#![cfg(feature = "alloc")]

mod common;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use common::fuzz_bodies::BODIES;
use common::rng::Rng;

fn check(name: &str, body: fn(&[u8]), data: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| body(data))).is_err() {
        panic!("{name} fails on {data:02x?}");
    }
}

#[test]
fn each_target_passes_its_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for &(name, body) in BODIES {
        let mut count = 0;
        for entry in fs::read_dir(root.join("corpus").join(name)).unwrap() {
            check(name, body, &fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name} has no corpus");
        let target = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(
            target.contains(&format!("fuzz_bodies::{name}(data)")),
            "{name} is a target"
        );
    }
}

#[test]
fn each_target_passes_octets_that_look_random() {
    for &(name, body) in BODIES {
        let mut rng = Rng::new(name.len() as u64);
        for _ in 0..300 {
            let length = rng.below(160);
            check(name, body, &rng.octets(length));
        }
    }
}

// RFC 6455 §10.7-1
#[test]
fn each_target_passes_its_corpus_with_octets_changed_taken_out_and_put_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for &(name, body) in BODIES {
        let mut rng = Rng::new(7 + name.len() as u64);
        for entry in fs::read_dir(root.join(name)).unwrap() {
            let seed = fs::read(entry.unwrap().path()).unwrap();
            for _ in 0..20 {
                let mut data = seed.clone();
                for _ in 0..=rng.below(4) {
                    let at = rng.below(data.len() + 1);
                    match rng.below(3) {
                        0 => data.insert(at, rng.next() as u8),
                        _ if at == data.len() => {}
                        1 => drop(data.remove(at)),
                        _ => data[at] ^= 1 << rng.below(8),
                    }
                }
                check(name, body, &data);
            }
        }
    }
}
