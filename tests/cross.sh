#!/bin/bash
# Runs the tests on machines that this one isn't, under qemu: i686 (32 bits) and s390x (big-endian).
#
#   tests/cross.sh [i686|s390x] [cargo test arguments]
#
# The standard library is built from Debian's rust-web-src, with Debian's compiler. Exit code 77, and SKIP: what it
# takes isn't there. On Debian it is had by
#
#   apt-get install rustc-web cargo-web rust-web-src libstd-rust-web-dev qemu-user \
#     gcc-i686-linux-gnu libc6-dev-i386-cross gcc-s390x-linux-gnu libc6-dev-s390x-cross
set -euo pipefail
cd "$(dirname "$0")/.."

# Not on other machines: what starts threads by the dozen; compression and async adapters, whose dependencies take long
# to build.
TESTS=(--no-fail-fast --lib --test rules --test vectors --test properties --test fuzz_bodies --test ceilings --test fixed
  --test adapters)

cross() {
  local machine=$1 target=$1-unknown-linux-gnu upper qemu=$1
  shift
  upper=$(tr a-z- A-Z_ <<<"$target")
  [ "$machine" != i686 ] || qemu=i386
  for tool in /usr/bin/rustc /usr/bin/cargo "$machine-linux-gnu-gcc" "qemu-$qemu"; do
    command -v "$tool" >/dev/null || { echo "SKIP  cross $machine: no $tool"; return 77; }
  done
  export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1
  export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/cross
  export "CARGO_TARGET_${upper}_LINKER=$machine-linux-gnu-gcc"
  export "CARGO_TARGET_${upper}_RUNNER=qemu-$qemu -L /usr/$machine-linux-gnu"
  # Under emulation a tenth of the cases has to do, and of the places where vectors are cut.
  export PROPTEST_CASES=${PROPTEST_CASES:-40} VECTOR_CUTS=${VECTOR_CUTS:-8}
  /usr/bin/cargo test -Zbuild-std=std,panic_abort,panic_unwind,test --target "$target" "${TESTS[@]}" "$@"
  echo "ok    cross $machine"
}

if [ $# -gt 0 ]; then
  cross "$@"
else
  skipped=0
  for machine in i686 s390x; do (cross "$machine") || { [ $? = 77 ] && skipped=77 || exit 1; }; done
  exit $skipped
fi
