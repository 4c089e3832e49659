#!/bin/bash
# The Autobahn test suite against echo_server or autobahn_client.
#   [RUNTIME=tokio|embedded] autobahn.sh server|client [CASES]
#   CASES: patterns of case numbers, '"1.*","9.*"' or '1.* 9.*'
# Without CASES all but those of permessage-deflate, and three of each group of these: the smallest
# messages, some of 4 KiB, and some in fragments. All of them take many minutes: '12.* 13.*'. In fixed
# buffers (RUNTIME=embedded) those of sections 1 to 7. JOBS=2 test clients share the cases in the server role.
# Fails on any behaviour that isn't OK, three cases apart that may be INFORMATIONAL, and on cases without a
# result. The reports stay in .work/autobahn-RUNTIME-server and -client.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
role=${1:-}
case $RUNTIME in
  embedded) cases="1.* 2.* 3.* 4.* 5.* 6.* 7.*" ;;
  *) cases="1.* 2.* 3.* 4.* 5.* 6.* 7.* 9.* 10.* 12.*.1 12.*.5 12.*.11 13.*.1 13.*.5 13.*.11" ;;
esac
cases=${2:-$cases}
jobs=${JOBS:-2}
case $role in
  server | client) ;;
  *) fail "usage: autobahn.sh server|client [CASES]" ;;
esac
if [ -z "${INTEROP_NETWORK:-}" ]; then
  "$INTEROP/setup.sh" autobahn || exit $?
  if [ "$role" = server ]; then
    use_program echo_server ECHO_SERVER_COMMAND
  else
    use_program autobahn_client AUTOBAHN_CLIENT_COMMAND
  fi
fi
run_in_own_network "$@"

wstest=$WORK/autobahn/bin/wstest
out=$WORK/autobahn-$RUNTIME-$role
rm -rf "$out"
mkdir -p "$out"
agent=websocket-proto
limit=3600

# share J N: the J-th of N shares of the cases, as the body of a JSON list
share() { python3 -B "$INTEROP/autobahn/cases.py" "$cases" "$1" "$2"; }

if [ "$role" = server ]; then
  start_echo_server "$out/echo_server.log" --any-origin
  testers=()
  for j in $(seq "$jobs"); do
    share=$(share "$j" "$jobs")
    [ -n "$share" ] || continue
    cat >"$out/$j.json" <<SPEC
{"outdir": "$out/$j", "servers": [{"agent": "$agent", "url": "ws://127.0.0.1:$PORT"}],
 "cases": [$share], "exclude-cases": [], "exclude-agent-cases": {}}
SPEC
    start "$out/wstest-$j.log" timeout "$limit" "$wstest" --mode fuzzingclient --spec "$out/$j.json"
    testers+=("$STARTED")
  done
  for pid in "${testers[@]}"; do wait "$pid" || fail "wstest ended with an error; see its log in $(basename "$out")"; done
else
  port=$(free_port)
  cat >"$out/spec.json" <<SPEC
{"url": "ws://127.0.0.1:$port", "outdir": "$out/1",
 "cases": [$(share 1 1)], "exclude-cases": [], "exclude-agent-cases": {}}
SPEC
  start "$out/wstest-1.log" "$wstest" --mode fuzzingserver --spec "$out/spec.json" --webport 0
  wait_for_port "$port" "$out/wstest-1.log"
  # shellcheck disable=SC2086
  timeout "$limit" $AUTOBAHN_CLIENT_COMMAND "ws://127.0.0.1:$port" "$agent" >"$out/autobahn_client.log" 2>&1 ||
    { tail -5 "$out/autobahn_client.log" | sed 's/^/      /'; fail "autobahn_client ended with an error"; }
fi
python3 -B "$INTEROP/autobahn/report.py" "$RUNTIME $role" "$cases" "$out"/*/index.json
