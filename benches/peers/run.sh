#!/usr/bin/env bash
# Measures everything again and writes the tables into docs/benchmarks.md: about an hour.
# usage: benches/peers/run.sh [PART]...      parts: time instructions allocations echo idle build deflate
#
# It needs Rust; valgrind for instructions, perf for system calls, Node.js and npm for `ws`; UWEBSOCKETS names an echo
# server of uWebSockets (uwebsockets.cpp). What can't be had is left out. Nothing leaves the machine but the downloads of crates and of `ws`.
set -euo pipefail
cd "$(dirname "$0")"
document=$PWD/../../docs/benchmarks.md
target=${CARGO_TARGET_DIR:-$PWD/target}
results=$target/tables
also=(${UWEBSOCKETS:+--also "uWebSockets=$UWEBSOCKETS"})
mkdir -p "$results"

# Puts the table $results/$1.md where the document has its place.
insert() {
  awk -v name="$1" -v table="$results/$1.md" '
    $0 == "<!-- " name " -->" { print; while ((getline line < table) > 0) print line; skip = 1; next }
    $0 == "<!-- end of " name " -->" { skip = 0 }
    !skip' "$document" >"$results/document.md"
  cp "$results/document.md" "$document"
}

have() { command -v "$1" >/dev/null || { echo "SKIP  $1 is missing: $2" >&2; return 1; }; }

part_time() { "$target/release/peers" time; }
part_instructions() { have valgrind "no instruction counts" && "$target/release/peers" instructions; }
part_allocations() { "$target/release/allocations" "in reads of 64 kib+125 b,64 fragments+in reads of 64,send from,handshake"; }
part_idle() { node_modules; "$target/release/sockets" idle "${also[@]}"; }
part_build() { ./build-cost.sh; }
part_deflate() {
  compressing compression compressed ''
  echo "soketto needs C zlib, which takes a fifth less octets at level 1 than zlib-rs does, and twice the time:"
  echo
  compressing c-zlib "receive compressed+alone,send compressed+alone+level 1" soketto
}
part_echo() {
  have perf "no counts of system calls" || true
  node_modules
  "$target/release/sockets" turns --filter "raw,proto,fastwebsockets,sockudo,tokio-websockets,forward" "${also[@]}"
  "$target/release/sockets" echo "${also[@]}"
}

# Rows of compressed messages, by a program with this feature: see Cargo.toml.
compressing() { # feature rows peers
  local built=$target/$1
  cargo build --release --bin peers --features "$1" --target-dir "$built" >&2
  "$built/release/peers" check --filter "$2" --peers "$3" >&2
  "$built/release/peers" time --filter "$2" --peers "$3"
  have valgrind "no instruction counts" || return 0
  "$built/release/peers" instructions --filter "$2" --peers "$3"
}

node_modules() {
  have node "no echo server of Node's" && have npm "no echo server of Node's" || return 0
  mkdir -p "$target/node"
  cp node/package.json "$target/node/"
  npm install --prefix "$target/node" --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  export NODE_PATH=$target/node/node_modules
}

cargo build --release
"$target/release/peers" check
for part in "${@:-time instructions allocations echo idle build deflate}"; do
  for name in $part; do
    echo "=== $name" >&2
    if "part_$name" >"$results/$name.new"; then
      # No empty line at the end.
      sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' "$results/$name.new" >"$results/$name.md"
      insert "$name"
    fi
  done
done
