#!/bin/bash
# Links tests/nostd/link, a program with neither std nor allocator nor C library, runs it, and looks at
# what got into it: at most 42 KiB of code, no symbol of std or alloc, none undefined. Exit code 77: the
# program is written for x86-64 Linux, and this is another machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
limit=43008

if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "SKIP  no_std link: written for x86-64 Linux, this is $(uname -sm)"
  exit 77
fi
fail() { echo "FAIL  no_std link: $*"; exit 1; }

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/nostd-link
cargo build --quiet --release --manifest-path tests/nostd/link/Cargo.toml || fail "doesn't build"
program=$CARGO_TARGET_DIR/release/nostd-link
echo "ok    no_std link: builds without std, allocator and C library"

status=0
timeout 20 "$program" >"$CARGO_TARGET_DIR/output" || status=$?
sed 's/^/      /' "$CARGO_TARGET_DIR/output"
[ "$status" = 0 ] || fail "the program ended with $status"
echo "ok    no_std link: the program ran and ended with 0"

size=$(size -A "$program" | awk '$1 == ".text" { print $2 }')
[ -n "$size" ] || fail "no .text section"
[ "$size" -le "$limit" ] || fail ".text has $size octets, more than $limit"
echo "ok    no_std link: .text has $size octets, at most $limit"

symbols=$(nm --demangle "$program")
grep -q ' _start$' <<<"$symbols" || fail "the symbols were stripped, so that looking for some proves nothing"
foreign=$(grep -E '[ <](std|alloc)::|__rust_alloc|__rust_realloc|__rg_|__rdl_|malloc' <<<"$symbols" || true)
[ -z "$foreign" ] || fail "symbols of std or alloc: $foreign"
echo "ok    no_std link: no symbol of std or alloc"

[ -z "$(nm --undefined-only "$program" 2>/dev/null)" ] || fail "undefined symbols: $(nm --undefined-only "$program")"
if readelf --dynamic "$program" | grep -q NEEDED; then fail "needs a shared library"; fi
echo "ok    no_std link: nothing undefined, nothing loaded at run time"
