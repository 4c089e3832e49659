#!/bin/bash
# Runs fuzz targets one after the other, and says what came of it:
#
#   fuzz/run.sh [--fast] SECONDS [TARGET...]
#
# --fast tries ten times as many inputs, without AddressSanitizer and without a look at what is compared with what: the
# crate's code is safe but for a few lines, and its own checks and those of a debug build are there as ever.
#
# Sessions get inputs of at most 1 024 octets: longer ones reached one edge of 1 469 more, at two thirds of the rate.
# What is found of new inputs goes to target/fuzz-corpus, what fails to fuzz/artifacts. Needs a nightly toolchain and
# cargo-fuzz. Where a target fails, so does this.
set -euo pipefail
cd "$(dirname "$0")/.."

how=()
if [ "${1:-}" = --fast ]; then
  how=(--sanitizer none --no-trace-compares)
  shift
fi
seconds=${1:?usage: fuzz/run.sh [--fast] SECONDS [TARGET...]}
shift
[ $# -gt 0 ] || mapfile -t all < <(cargo fuzz list)
failed=0
cargo +nightly fuzz build "${how[@]}"
printf '| target | inputs | a second | edges | inputs kept |\n| --- | --- | --- | --- | --- |\n'
for target in "${@:-${all[@]}}"; do
  found=target/fuzz-corpus/$target log=target/fuzz-corpus/$target.log status=ok
  mkdir -p "$found"
  limits=()
  [[ $target != *_session ]] || limits=(-max_len=1024)
  cargo +nightly fuzz run "${how[@]}" "$target" "$found" "fuzz/corpus/$target" -- -max_total_time="$seconds" "${limits[@]}" -print_final_stats=1 >"$log" 2>&1 ||
    { status="FAILED, see $log" failed=1; }
  awk -v target="$target" -v status="$status" '
    /number_of_executed_units/ { inputs = $2 }
    /average_exec_per_sec/ { rate = $2 }
    / cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") edges = $(i + 1); if ($i == "corp:") kept = $(i + 1) } }
    END { sub(/\/.*/, "", kept); print "| " target " | " inputs " | " rate " | " edges " | " kept " |" (status == "ok" ? "" : " " status) }' "$log"
done
exit $failed
