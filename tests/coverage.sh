#!/bin/bash
# Counts the lines that the tests reach, for the core and for the adapters, and lists files with lines that they don't:
#
#   tests/coverage.sh
#
# Needs cargo-llvm-cov, and LLVM's tools as new as the compiler's: either of the toolchain, or of the system, then
# named by LLVM_COV and LLVM_PROFDATA. Exit code 77, and SKIP, without; 1 below 98 % of the core.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo llvm-cov --version >/dev/null 2>&1 || { echo "SKIP  coverage: no cargo-llvm-cov"; exit 77; }
report=${CARGO_TARGET_DIR:-target}/coverage.json
mkdir -p "$(dirname "$report")"
cargo llvm-cov --all-features --lib --tests --json --summary-only --output-path "$report"
python3 - "$report" <<'P'
import json, sys

# The other codec isn't compiled with this one.
parts = {"core": [0, 0], "adapters": [0, 0]}
with open(sys.argv[1]) as report:
    files = json.load(report)["data"][0]["files"]
for file in files:
    name, lines = file["filename"].rpartition("/src/")[2], file["summary"]["lines"]
    part = parts["adapters" if name.startswith("adapter/") else "core"]
    part[0] += lines["covered"]
    part[1] += lines["count"]
    if lines["covered"] < lines["count"]:
        print(f"{lines['percent']:6.1f} % {name}, {lines['count'] - lines['covered']} lines not")
for name, (covered, count) in parts.items():
    print(f"{100 * covered / count:6.2f} % of the lines of the {name}: {covered} of {count}")
sys.exit(parts["core"][0] < 0.98 * parts["core"][1])
P
