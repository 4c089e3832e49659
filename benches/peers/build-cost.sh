#!/usr/bin/env bash
# What each crate costs a program that depends on it: packages in the tree, and a clean release build.
# usage: build-cost.sh [PART OF A NAME]      writes a table to standard output
#
# Features are the least for both roles and the opening handshake over plain TCP, without TLS and
# compression. Crates are fetched before the clock runs. Each build has both processors.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

# name | dependencies
CRATES=$(cat <<END
websocket-proto, core|websocket-proto = { path = "$here/../..", default-features = false }
websocket-proto|websocket-proto = { path = "$here/../.." }
fastwebsockets|fastwebsockets = { version = "0.10", features = ["upgrade"] }
nexus-web|nexus-web = "0.8"
sockudo-ws|sockudo-ws = { version = "3.1", default-features = false, features = ["simd", "tokio-runtime", "fastrand"] }
soketto|soketto = "0.8"
tokio-websockets|tokio-websockets = { version = "0.13", features = ["server", "client", "fastrand", "sha1_smol"] }
tungstenite|tungstenite = "0.30"
tokio-tungstenite|tokio-tungstenite = "0.30"
web-socket|web-socket = "0.7"
websocket-sans-io|websocket-sans-io = "0.1"
wtx|wtx = { version = "0.46", features = ["web-socket-handshake", "optimization", "std", "tokio", "crypto-ring"] }
yawc|yawc = { version = "0.5", default-features = false, features = ["simd"] }
END
)

printf '| crate | packages | without tokio and what it needs | clean build, s | CPU time, s |\n'
printf '| --- | ---: | ---: | ---: | ---: |\n'
# The versions that were measured, as far as the lock file has them.
while IFS='|' read -r name dependency; do
  [[ $name == *"${1:-}"* ]] || continue
  project=$work/project
  rm -rf "$project"; mkdir -p "$project/src"
  printf '[package]\nname = "cost"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n[dependencies]\n%s\n' \
    "$dependency" >"$project/Cargo.toml"
  : >"$project/src/lib.rs"
  cp "$here/Cargo.lock" "$project/Cargo.lock"
  cd "$project"
  cargo fetch --quiet
  tree() { cargo tree --offline --prefix none --edges normal "$@" | sed 's/ (\*)$//; s/ (.*//' | sort -u | grep -v '^cost '; }
  packages=$(tree | wc -l)
  beyond=$packages
  if tree | grep -q '^tokio v'; then
    tree -p tokio >"$work/tokio"
    beyond=$(tree | grep -cvxFf "$work/tokio" || true)
  fi
  TIMEFORMAT='%R %U %S'
  times=$( { time cargo build --release --offline --quiet --target-dir "$work/target" 2>"$work/log"; } 2>&1) ||
    { cat "$work/log" >&2; exit 1; }
  rm -rf "$work/target"
  read -r wall user system <<<"$times"
  awk -v n="$name" -v p="$packages" -v b="$beyond" -v w="$wall" -v u="$user" -v s="$system" \
    'BEGIN { printf "| %s | %d | %d | %.1f | %.1f |\n", n, p, b, w, u + s }'
done <<<"$CRATES"
