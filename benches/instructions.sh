#!/usr/bin/env bash
# Instructions per message, counted by callgrind: the difference of two runs, divided.
# usage: benches/instructions.sh [WHAT KIND SIZE READ]...      without arguments: the usual table
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(cargo bench --features deflate --bench instructions --no-run --message-format=json 2>/dev/null |
  sed -n 's/.*"executable":"\([^"]*instructions[^"]*\)".*/\1/p' | tail -1)
# glibc's rep movsb would be counted as one instruction per octet: turn it off.
export GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1073741824:glibc.cpu.x86_rep_stosb_threshold=1073741824
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT

instructions() { # arguments of the binary
  valgrind --tool=callgrind --callgrind-out-file="$out/cg" "$binary" "$@" >"$out/stdout" 2>"$out/log"
  echo "$(sed -n 's/^summary: //p' "$out/cg") $(cat "$out/stdout")"
}

row() { # what kind size read
  local n=$((40000000 / ($3 + 400))); [ "$4" -lt 16 ] && n=$((n / 40 + 1))
  read -r i1 m1 < <(instructions "$@" "$n"); read -r i2 m2 < <(instructions "$@" $((3 * n)))
  printf '| %s | %s | %s | %s | %s |\n' "$1" "$2" "$3" "$4" "$(((i2 - i1) / (m2 - m1)))"
}

printf '| what | kind | octets | octets a read | instructions a message |\n| --- | --- | --- | --- | --- |\n'
if [ $# -gt 0 ]; then row "$@"; exit; fi
for size in 16 125 1024 16384; do
  for kind in text binary; do row receive $kind $size 65536; done
done
row receive text 16 1; row receive text 125 1; row receive binary 65536 16384
for size in 16 1024; do row send-server text $size 0; row send-client text $size 0; done
for size in 256 1024 65536; do
  for what in inflate zlib-inflate deflate zlib-deflate; do row $what binary $size 65536; done
done
