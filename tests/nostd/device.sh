#!/bin/bash
# A device's target, thumbv7em (Cortex-M4): the core without allocator, and with one, and the adapter for
# embedded-io-async are compiled for it; a program of both ends of a connection is linked, and run in an
# emulator. Needs a Rust whose library comes as source, as Debian's rustc-web: exit code 77 where that can't
# be had. Without qemu the program is only linked.
set -euo pipefail
cd "$(dirname "$0")/../.."

TARGET=thumbv7em-none-eabi
LIMIT=40960
fail() { echo "FAIL  device: $*"; exit 1; }

tests/interop/setup.sh device || exit $?
# The linker of LLVM, from the system or from the toolchain in use.
linker=$(command -v ld.lld || find "$(rustc --print sysroot)/lib/rustlib" -path '*/bin/rust-lld' 2>/dev/null | head -1)
[ -n "$linker" ] || { echo "SKIP  device: no linker of LLVM"; exit 77; }

# Only what is compiled here is that toolchain's.
export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/nostd-device

# build LIBRARIES OPTION...
build() {
  timeout 1200 /usr/bin/cargo build --quiet --release -Zbuild-std="$1" -Zbuild-std-features=compiler-builtins-mem \
    --target "$TARGET" "${@:2}"
}

build core --lib --no-default-features || fail "the core doesn't build for $TARGET"
build core --lib --no-default-features --features embedded-io-async || fail "the adapter doesn't build for $TARGET"
build core,alloc --lib --no-default-features --features alloc,inflate,embedded-io-async || fail "alloc doesn't build for $TARGET"
echo "ok    device: core, alloc and the adapter for embedded-io-async build for $TARGET"

export CARGO_TARGET_THUMBV7EM_NONE_EABI_LINKER=$linker
RUSTFLAGS="-C linker-flavor=ld.lld -C target-cpu=cortex-m4" build core --manifest-path tests/nostd/device/Cargo.toml ||
  fail "the program doesn't link"
program=$CARGO_TARGET_DIR/$TARGET/release/nostd-device
size=$(readelf --sections --wide "$program" | sed 's/^ *\[ *[0-9]*\] *//' | awk '$1 == ".text" { print $5 }')
[ -n "$size" ] || fail "the program has no .text section"
size=$((16#$size))
[ "$size" -le "$LIMIT" ] || fail ".text has $size octets, more than $LIMIT"
echo "ok    device: both ends by the adapter in $size octets of code, at most $LIMIT"

if ! command -v qemu-system-arm >/dev/null; then
  echo "SKIP  device: no qemu-system-arm, so that the program was not run"
  exit 0
fi
status=0
timeout 60 qemu-system-arm -machine mps2-an386 -nographic -monitor none -serial none \
  -semihosting-config enable=on,target=native -kernel "$program" </dev/null >"$CARGO_TARGET_DIR/output" 2>&1 || status=$?
sed 's/^/      /' "$CARGO_TARGET_DIR/output"
[ "$status" = 0 ] || fail "the program ended with $status"
grep -q "opened, conversed and closed" "$CARGO_TARGET_DIR/output" || fail "the program said nothing"
echo "ok    device: the program ran on an emulated Cortex-M4"
