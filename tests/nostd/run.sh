#!/bin/bash
# Links the two programs of tests/nostd/link, which have neither std nor allocator nor C library, runs them,
# and looks at what got into them: how much code, no symbol of std or alloc, none undefined, and which functions
# can panic. Exit code 77: they are written for x86-64 Linux, and this is another machine.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "SKIP  no_std link: written for x86-64 Linux, this is $(uname -sm)"
  exit 77
fi
fail() { echo "FAIL  no_std link: $*"; exit 1; }

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/nostd-link
# As for bare metal, where a program stands at one place of the memory.
export RUSTFLAGS="${RUSTFLAGS:-} -C relocation-model=static"
cargo build --quiet --release --manifest-path tests/nostd/link/Cargo.toml || fail "doesn't build"
echo "ok    no_std link: builds without std, allocator and C library"

# check NAME LIMIT: a program, and the most octets that its .text may have
check() {
  local program=$CARGO_TARGET_DIR/release/$1 limit=$2 status=0 size symbols foreign panics
  timeout 20 "$program" >"$CARGO_TARGET_DIR/output" || status=$?
  sed 's/^/      /' "$CARGO_TARGET_DIR/output"
  [ "$status" = 0 ] || fail "$1 ended with $status"
  echo "ok    no_std link: $1 ran and ended with 0"

  size=$(size -A "$program" | awk '$1 == ".text" { print $2 }')
  [ -n "$size" ] || fail "$1 has no .text section"
  [ "$size" -le "$limit" ] || fail ".text of $1 has $size octets, more than $limit"
  echo "ok    no_std link: .text of $1 has $size octets, at most $limit"

  symbols=$(nm --demangle "$program")
  grep -q ' _start$' <<<"$symbols" || fail "the symbols of $1 were stripped, so that looking for some proves nothing"
  foreign=$(grep -E '[ <](std|alloc)::|__rust_alloc|__rust_realloc|__rg_|__rdl_|malloc' <<<"$symbols" || true)
  [ -z "$foreign" ] || fail "symbols of std or alloc in $1: $foreign"
  echo "ok    no_std link: no symbol of std or alloc in $1"

  [ -z "$(nm --undefined-only "$program" 2>/dev/null)" ] || fail "undefined symbols in $1: $(nm --undefined-only "$program")"
  if readelf --dynamic "$program" | grep -q NEEDED; then fail "$1 needs a shared library"; fi
  echo "ok    no_std link: nothing undefined in $1, nothing loaded at run time"

  panics=$(objdump --disassemble --demangle --no-show-raw-insn "$program" | callers_of_panics | sort -u)
  grep -q '^core::panicking::panic$' <<<"$panics" || fail "no panic at all in $1: panics.txt can be shorter"
  foreign=$(grep -vxFf <(grep -v '^#' tests/nostd/panics.txt) <<<"$panics" || true)
  [ -z "$foreign" ] || fail "functions of $1 that can panic and aren't in panics.txt: $foreign"
  echo "ok    no_std link: $(wc -l <<<"$panics") functions in $1 call a panic, each with a reason in panics.txt"
}

# Of a disassembly: the functions with a call of, or a jump to, core's panics.
callers_of_panics() {
  awk '/^[0-9a-f]+ </ { name = $0; sub(/^[0-9a-f]+ </, "", name); sub(/>:$/, "", name) }
    /(call|j[a-z]+) .*<core::(panicking::|slice::index::slice_index_fail|[a-z_:]*len_mismatch_fail|(option|result)::.*fail)/ { print name }'
}

check least 24576
check whole 28672
