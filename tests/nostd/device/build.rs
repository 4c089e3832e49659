//! Links by the board's memory.

fn main() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/memory.ld");
    println!("cargo::rustc-link-arg-bins=-T{script}");
    println!("cargo::rerun-if-changed={script}");
    println!("cargo::rerun-if-changed=build.rs");
}
