#!/bin/bash
# System calls for each message, and memory for each idle connection, of the echo servers among the
# examples, over loopback sockets. Linux, with strace; `ulimit -n` of 5 100 or more. Fails where tokio needs
# more than 0.02 calls for a message of a burst, or an idle connection more than 300 octets beyond a bare task
# with tokio, or 256 in all on a loop of its own.
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
failed=0

# limit WHAT VALUE MOST
limit() {
  if awk -v v="$2" -v m="$3" 'BEGIN { exit !(v <= m) }'; then
    echo "  ok    $1: $2, at most $3"
  else
    echo "  FAIL  $1: $2, more than $3"
    failed=1
  fi
}

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
  [ "$name" != tokio ] || each=$(awk -v b="$burst" 'BEGIN { print b / 200000 }')
  stop
done
limit "system calls of tokio for a message of a burst" "$each" 0.02

echo "Memory of the server"
declare -A idle echoed
for entry in "${servers[@]}"; do
  name=${entry%%|*}
  start "${entry#*|}"
  line=$("$load" idle "$address" "$server" "$connections")
  printf '  %-8s %s\n' "$name" "$line"
  # … octets each: 1275 idle, 1275 after an echo of 16 KiB
  read -r "idle[$name]" "echoed[$name]" < <(sed 's/.*each: \([0-9]*\) idle, \([0-9]*\) after.*/\1 \2/' <<<"$line")
  stop
done
limit "octets of an idle connection on tokio beyond a bare task" $((idle[tokio] - idle[bare])) 300
limit "the same after an echo" $((echoed[tokio] - echoed[bare])) 300
limit "octets of an idle connection on mio" "${idle[mio]}" 256
limit "the same after an echo" "${echoed[mio]}" 256
exit "$failed"
