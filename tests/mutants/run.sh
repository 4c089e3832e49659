#!/usr/bin/env bash
# Judges every mutant of the core that cargo-mutants knows of: tests/mutants/run.sh [ARGUMENT of cargo mutants --list]...
#
# All of them are compiled into one build, behind a switch, and each is judged by those tests that come to its switch,
# quick ones first (src/main.rs says how), so that it takes a quarter of an hour instead of days. `--sharding round-robin
# --shard 0/20` judges some (`--file` chooses nothing: `.cargo/mutants.toml` names the files). What one set of features
# leaves out, or doesn't notice, is judged with the next. What has no form there, and what no test reaches, as constants,
# which are computed before any switch is, cargo-mutants judges itself, which takes longer than that.
#
# It needs cargo-mutants (`cargo install cargo-mutants`) and a toolchain named nightly, jq, and two processors' time. The
# report goes to target/mutants/report.txt: a line for each mutant that compiles, and the score at the end.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD work=$PWD/target/mutants
mkdir -p "$work/tree"
export CARGO_TARGET_DIR=$work/target CARGO_PROFILE_DEV_DEBUG=0
cargo build --manifest-path tests/mutants/Cargo.toml --target-dir "$work/tool"
export CARGO_PROFILE_DEV_OPT_LEVEL=1
cargo mutants --list --json "$@" >"$work/all.json"
cp "$work/all.json" "$work/list.json"
jq -r '.[].name' "$work/all.json" | sort -u >"$work/left.txt"
truncate -s 0 "$work/caught.txt" "$work/reached.txt"

# Judges the mutants of which left.txt has the names by the tests of these targets; those that are noticed leave it.
judge() { # FEATURES TARGET...
  local features=$1 tests=() target
  shift
  for target; do tests+=(--test "$target"); done
  rm -rf "$work/tree/src" "$work/tree/tests"  # files of an earlier commit
  git ls-files | grep -v '^benches/peers/' | tar cf - -T - | tar xf - -C "$work/tree"
  # shellcheck disable=SC2086 # words
  "$work/tool/debug/mutants" "$root" "$work/tree" "$work/list.json" "${THREADS:-$(nproc)}" $features --lib "${tests[@]}" \
    >"$work/verdicts.txt"
  verdict 'caught|timeout' >>"$work/caught.txt"
  names 'caught|timeout' >"$work/noticed.txt"
  names missed >>"$work/reached.txt"
  subtract noticed.txt
}

verdict() { grep -E "^($1) " "$work/verdicts.txt" || true; }
names() { verdict "$1" | cut -d' ' -f2- | sort -u; }

# Takes these names out of left.txt and list.json.
subtract() { # FILE
  sort -u "$work/$1" | comm -13 - "$work/left.txt" >"$work/next.txt"
  mv "$work/next.txt" "$work/left.txt"
  jq --rawfile names "$work/left.txt" '($names | split("\n")) as $left | map(select(.name as $it | $left | index($it)))' \
    "$work/all.json" >"$work/list.json"
}

# Has cargo-mutants judge, one by one, those of left.txt that no test reached, those that have no form here, and those
# that don't compile in it but do alone.
alone() {
  ones "$work/unbuilt.txt" --check
  sort -u "$work/alone/mutants.out/unviable.txt" >"$work/unviable.txt"
  subtract unviable.txt
  sort -u "$work/reached.txt" | comm -13 - "$work/left.txt" >"$work/alone.txt"
  ones "$work/alone.txt" --timeout 60
  local out=$work/alone/mutants.out
  sed 's/^/caught /' "$out/caught.txt" >>"$work/caught.txt"
  sed 's/^/timeout /' "$out/timeout.txt" >>"$work/caught.txt"
  sort -u "$out/unviable.txt" >>"$work/unviable.txt"
  cat "$out/caught.txt" "$out/timeout.txt" "$out/unviable.txt" >"$work/noticed.txt"
  subtract noticed.txt
}

# cargo-mutants over the mutants of a list. Fewer tests, and not optimised: most of the time goes by in building them.
ones() { # FILE ARGUMENT...
  local file=$1 pattern
  shift
  pattern=$(sed 's/[][(){}.*+?^$|\\]/\\&/g; s/.*/^&$/' "$file" | paste -sd'|')
  rm -rf "$work/alone"
  env -u CARGO_TARGET_DIR CARGO_PROFILE_DEV_OPT_LEVEL=0 cargo mutants --config "$root/tests/mutants/alone.toml" \
    --baseline=skip --jobs "${THREADS:-$(nproc)}" --no-shuffle --colors=never --output "$work/alone" \
    --re "${pattern:-^$}" "$@" >"$work/alone.log" 2>&1 || true
  mkdir -p "$work/alone/mutants.out"
  touch "$work/alone/mutants.out/"{caught,timeout,unviable}.txt
}

judge "--features deflate" rules limits fixed words apart vectors deflate cut_short fuzz_bodies ceilings lent_text \
  properties blocking compression_memory adapters
names unbuilt >"$work/unbuilt.txt"
judge "--features deflate,tokio" neighbours one_thread poll halves
RUSTFLAGS="--cfg websocket_proto_safe" judge "--features deflate" rules vectors properties fuzz_bodies
judge "--no-default-features" fixed
judge "--no-default-features --features inflate" vectors fuzz_bodies
judge "--no-default-features --features alloc" vectors fuzz_bodies
alone

sort -u "$work/caught.txt" >"$work/report.txt"
sed 's/^/missed /' "$work/left.txt" >>"$work/report.txt"
count() { grep -c "^$1 " "$work/report.txt" || true; } # VERDICT
timeout=$(count timeout)
caught=$(($(count caught) + timeout))
missed=$(count missed)
all=$((caught + missed))
{
  echo "$(sort -u "$work/unviable.txt" | wc -l) don't compile"
  echo "$caught noticed ($timeout of them by the time they took), $missed not: $((caught * 1000 / (all ? all : 1))) of 1000"
} | tee -a "$work/report.txt"
