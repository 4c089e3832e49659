#!/bin/bash
# System calls for each message, and memory for each idle connection, of the echo servers among the
# examples, over loopback sockets. Linux, with strace; `ulimit -n` of 5 100 or more.
#   benches/loopback.sh [CONNECTIONS]
set -euo pipefail
cd "$(dirname "$0")/.."
connections=${1:-5000}
command -v strace >/dev/null || { echo "SKIP  loopback: strace isn't installed"; exit 77; }
ulimit -n $((connections + 100))

target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target
features=tokio,futures-io
cargo build --quiet --release --features "$features" --example tokio_echo --example smol_echo
cargo build --quiet --release --manifest-path examples/loops/Cargo.toml
load=$(cargo bench --features "$features" --bench loopback --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\))$/\1/p')
scratch=$(mktemp -d)
server=
stop() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; server=; }
trap 'stop; rm -rf "$scratch"' EXIT

servers=("bare|$load bare" "tokio|$target/release/examples/tokio_echo" "smol|$target/release/examples/smol_echo"
  "mio|$target/release/mio" "compio|$target/release/compio")
port=9470

# start COMMAND: leaves its process in $server and where it listens in $address
start() {
  port=$((port + 1)) address=127.0.0.1:$port
  $1 "$address" >/dev/null 2>&1 &
  server=$!
  for _ in $(seq 100); do
    if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
    sleep 0.05
  done
  echo "FAIL  loopback: $1 doesn't listen"; exit 1
}

# calls LOAD...: the system calls that the server makes meanwhile
calls() {
  strace -q -c -f -p "$server" -o "$scratch/calls" &
  local tracer=$!
  sleep 0.5
  "$load" "$@" >/dev/null || exit 1
  kill -TERM "$tracer"; wait "$tracer" || true
  # % time, seconds, microseconds a call, calls, perhaps errors, "total"
  awk '$NF == "total" {print $4}' "$scratch/calls"
}

echo "System calls of the server for a message"
for entry in "${servers[@]:1}"; do
  name=${entry%%|*}
  start "${entry#*|}"
  burst=$(calls burst "$address" 200 1000)
  large=$(calls large "$address" 2000)
  awk -v n="$name" -v b="$burst" -v l="$large" 'BEGIN {
    printf "  %-8s %.4f in bursts of 1000 of 32 octets, %.2f for one of 64 KiB\n", n, b / 200000, l / 2000 }'
  stop
done

echo "Memory of the server"
for entry in "${servers[@]}"; do
  start "${entry#*|}"
  printf '  %-8s %s\n' "${entry%%|*}" "$("$load" idle "$address" "$server" "$connections")"
  stop
done
