#!/bin/bash
# Compiles the crate and its dependencies against sysroots that hold only `core`, or `core` and `alloc`.
# Whatever uses more doesn't compile, without another target having to be installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
fail() { echo "FAIL  sysroot: $*"; exit 1; }

host=$(rustc --version --verbose | sed -n 's/^host: //p')
libraries=$(rustc --print sysroot)/lib/rustlib/$host/lib
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# sysroot NAME LIBRARY...: with links to the libraries of the toolchain in use
sysroot() {
  local lib=$scratch/$1/lib/rustlib/$host/lib library
  mkdir -p "$lib"
  for library in "${@:2}"; do ln -s "$libraries/lib$library-"*.r* "$lib/"; done
}

# compile SYSROOT OPTION...: build scripts are for the machine and keep the whole sysroot, as --target is given
compile() {
  RUSTFLAGS="--sysroot $scratch/$1" CARGO_TARGET_DIR=$scratch/target-$1 \
    cargo build --quiet --lib --target "$host" --no-default-features "${@:2}"
}

sysroot core core compiler_builtins
sysroot alloc core compiler_builtins alloc

compile core || fail "without features the crate needs more than core"
echo "ok    sysroot: without features the crate needs only core"
compile alloc --features alloc || fail "with the feature alloc the crate needs more than core and alloc"
echo "ok    sysroot: with the feature alloc the crate needs only core and alloc"
compile alloc --features inflate || fail "with the feature inflate the crate needs more than core and alloc"
echo "ok    sysroot: with the feature inflate the crate needs only core and alloc"

# The checks can fail: each sysroot lacks what the next feature needs.
if compile core --features alloc 2>"$scratch/core.log"; then fail "the sysroot of core has alloc"; fi
grep -q "can't find crate for .alloc" "$scratch/core.log" || { cat "$scratch/core.log"; fail "the control with alloc failed for another reason"; }
if compile alloc --features std 2>"$scratch/alloc.log"; then fail "the sysroot of alloc has std"; fi
grep -q "can't find crate for .std" "$scratch/alloc.log" || { cat "$scratch/alloc.log"; fail "the control with std failed for another reason"; }
echo "ok    sysroot: neither has what it must not have"
