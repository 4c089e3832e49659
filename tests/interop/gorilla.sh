#!/bin/bash
# gorilla/websocket's client against echo_server, and client against its server, both with and without
# compression. RUNTIME=tokio for the programs on tokio.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
if [ -z "${INTEROP_NETWORK:-}" ]; then
  "$INTEROP/setup.sh" gorilla || exit $?
  use_program echo_server ECHO_SERVER_COMMAND
  use_program client CLIENT_COMMAND
fi
run_in_own_network "$@"

start_echo_server "$WORK/gorilla-echo_server.log"
status=0
timeout 120 "$WORK/gorilla" client "ws://127.0.0.1:$PORT" || status=1
# shellcheck disable=SC2086
timeout 120 "$WORK/gorilla" server $CLIENT_COMMAND || status=1
exit "$status"
