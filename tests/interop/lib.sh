# Sourced by the interop scripts: where things are, what is under test, the network the tests run in
# and the processes they start. Exit code 77 means skipped: a prerequisite can't be had here.
# shellcheck shell=bash disable=SC2034

INTEROP=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$INTEROP/../.." && pwd)
WORK=$INTEROP/.work
TARGET=${CARGO_TARGET_DIR:-target}
case $TARGET in /*) ;; *) TARGET=$ROOT/$TARGET ;; esac
SKIPPED=77

skip() { echo "SKIP  $*"; exit "$SKIPPED"; }
fail() { echo "FAIL  $*"; exit 1; }

# The commands under test: the examples echo_server, client and autobahn_client, which are on the blocking
# adapter, with these features, or the programs of RUNTIME (tokio, embedded) in runtimes/. Set one of the variables to test another
# implementation with the same command line, or the scripts themselves.
RUNTIME=${RUNTIME:-blocking}
FEATURES=${FEATURES:-deflate}
ECHO_SERVER_COMMAND=${ECHO_SERVER_COMMAND:-}
CLIENT_COMMAND=${CLIENT_COMMAND:-}
AUTOBAHN_CLIENT_COMMAND=${AUTOBAHN_CLIENT_COMMAND:-}

# use_program NAME VARIABLE: builds the program NAME of the runtime and stores its command in VARIABLE,
# unless that is set.
use_program() {
  [ -z "${!2}" ] || return 0
  local program=$1
  if [ "$RUNTIME" = blocking ]; then
    (cd "$ROOT" && cargo build --quiet --release --features "$FEATURES" --example "$1") || fail "examples/$1 doesn't build"
    program=examples/$1
  else
    program=${RUNTIME}_$1
    CARGO_TARGET_DIR=$TARGET cargo build --quiet --release --manifest-path "$INTEROP/runtimes/Cargo.toml" --bin "$program" ||
      fail "runtimes: $program doesn't build"
  fi
  printf -v "$2" %s "$TARGET/release/$program"
  export "${2?}"
}

# run_in_own_network ARG...: starts the calling script again in a network namespace that has a loopback
# and nothing else. Where the system doesn't allow one, goes on with the machine's loopback.
run_in_own_network() {
  [ -z "${INTEROP_NETWORK:-}" ] || return 0
  local way
  for way in "unshare --net" "unshare --map-root-user --net"; do
    if $way -- ip link set lo up 2>/dev/null; then
      export INTEROP_NETWORK=own
      # shellcheck disable=SC2093
      exec $way -- bash -c 'ip link set lo up && exec bash "$@"' own-network "$0" "$@"
    fi
  done
  export INTEROP_NETWORK=machine
}

# find_chromium: the browser's command
find_chromium() {
  local name
  for name in chromium chromium-browser google-chrome; do
    if command -v "$name"; then return 0; fi
  done
  return 1
}

# free_port: a port of 127.0.0.1 that nothing listens on, below those the system hands out itself.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# start LOG COMMAND...: runs the command in the background until the script ends; its id is $STARTED.
BACKGROUND=()
start() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 </dev/null &
  STARTED=$!
  BACKGROUND+=("$STARTED")
}

stop_background() {
  local pid
  for pid in "${BACKGROUND[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${BACKGROUND[@]}"; do wait "$pid" 2>/dev/null || true; done
}
trap stop_background EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# wait_for_port PORT LOG: until the process started last listens there; fails when it ends or after 20 s.
wait_for_port() {
  for _ in $(seq 200); do
    if (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return 0; fi
    kill -0 "$STARTED" 2>/dev/null || break
    sleep 0.1
  done
  sed 's/^/      /' "$2"
  fail "nothing listens on port $1"
}

# start_echo_server LOG [OPTION...]: the server under test on a free port, which is then in $PORT.
start_echo_server() {
  local log=$1
  shift
  PORT=$(free_port)
  # shellcheck disable=SC2086
  start "$log" $ECHO_SERVER_COMMAND "127.0.0.1:$PORT" "$@"
  wait_for_port "$PORT" "$log"
}
