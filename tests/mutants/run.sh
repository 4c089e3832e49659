#!/usr/bin/env bash
# Judges every mutant of the core that cargo-mutants knows of: tests/mutants/run.sh [ARGUMENT of cargo mutants --list]...
#
# All of them are compiled into one build, behind a switch, and each is judged by those tests that come to its switch,
# quick ones first (src/main.rs says how), so that it takes some twenty minutes instead of days. `--sharding round-robin
# --shard 0/20` judges some (`--file` chooses nothing: `.cargo/mutants.toml` names the files). What one set of features
# leaves out, or doesn't notice, is judged with the next.
#
# It needs cargo-mutants (`cargo install cargo-mutants`) and a toolchain named nightly, jq, and two processors' time. The
# report goes to target/mutants/report.txt: a line for each mutant, and the score at the end; to target/mutants/left.txt
# those that don't compile, or not in this way (`cargo mutants --re` judges one alone).
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD work=$PWD/target/mutants
mkdir -p "$work/tree"
export CARGO_TARGET_DIR=$work/target CARGO_PROFILE_DEV_DEBUG=0
cargo build --manifest-path tests/mutants/Cargo.toml --target-dir "$work/tool"
export CARGO_PROFILE_DEV_OPT_LEVEL=1
cargo mutants --list --json "$@" >"$work/list.json"

# The mutants in $work/list.json, by the tests of these targets; those that weren't noticed become the next list.
judge() { # FEATURES TARGET...
  local features=$1 tests=() target
  shift
  for target; do tests+=(--test "$target"); done
  git ls-files | grep -v '^benches/peers/' | tar cf - -T - | tar xf - -C "$work/tree"
  # shellcheck disable=SC2086 # words
  "$work/tool/debug/mutants" "$root" "$work/tree" "$work/list.json" "${THREADS:-$(nproc)}" $features --lib "${tests[@]}" \
    >"$work/verdicts.txt"
  grep -E '^(caught|timeout) ' "$work/verdicts.txt" >>"$work/caught.txt" || true
  grep -E '^missed ' "$work/verdicts.txt" | cut -d' ' -f2- | sort -u >"$work/names.txt" || true
  # Those without a form here are for cargo-mutants itself.
  grep -E '^(unbuilt|unplaced) ' "$work/verdicts.txt" >>"$work/left.txt" || true
  jq --rawfile names "$work/names.txt" '($names | split("\n")) as $left | map(select(.name as $it | $left | index($it)))' \
    "$work/list.json" >"$work/next.json"
  mv "$work/next.json" "$work/list.json"
}

truncate -s 0 "$work/caught.txt" "$work/left.txt"
judge "--features deflate" rules limits fixed words apart vectors deflate cut_short fuzz_bodies ceilings lent_text \
  properties blocking compression_memory adapters
judge "--features deflate,tokio" neighbours one_thread poll halves
RUSTFLAGS="--cfg websocket_proto_safe" judge "--features deflate" rules vectors properties fuzz_bodies
judge "--no-default-features" fixed
judge "--no-default-features --features inflate" vectors fuzz_bodies
judge "--no-default-features --features alloc" vectors fuzz_bodies

sort -u "$work/caught.txt" >"$work/report.txt"
sed 's/^/missed /' "$work/names.txt" >>"$work/report.txt"
count() { grep -c "^$1 " "$2" || true; } # VERDICT FILE
timeout=$(count timeout "$work/report.txt")
caught=$(($(count caught "$work/report.txt") + timeout))
missed=$(count missed "$work/report.txt")
all=$((caught + missed))
{
  echo "$(count unbuilt "$work/left.txt") don't compile, $(count unplaced "$work/left.txt") have no form here"
  echo "$caught noticed ($timeout of them by the time they took), $missed not: $((caught * 1000 / (all ? all : 1))) of 1000"
} | tee -a "$work/report.txt"
