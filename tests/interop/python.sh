#!/bin/bash
# Python's `websockets` clients (asyncio and blocking) against examples/echo_server, and
# examples/client against a `websockets` server; then both with permessage-deflate, in all ways that can
# be agreed upon; then a strict peer of our own on Python's zlib.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
if [ -z "${INTEROP_NETWORK:-}" ]; then
  "$INTEROP/setup.sh" python
  use_program echo_server ECHO_SERVER_COMMAND
  use_program client CLIENT_COMMAND
fi
run_in_own_network "$@"

python=$WORK/python/bin/python
start_echo_server "$WORK/python-echo_server.log"
status=0
timeout 120 "$python" -B "$INTEROP/python/clients.py" "ws://127.0.0.1:$PORT" || status=1
# shellcheck disable=SC2086
timeout 180 "$python" -B "$INTEROP/python/server.py" $CLIENT_COMMAND || status=1
# shellcheck disable=SC2086
timeout 240 "$python" -B "$INTEROP/python/deflate.py" "ws://127.0.0.1:$PORT" $CLIENT_COMMAND || status=1
timeout 240 "$python" -B "$INTEROP/python/zlib_peer.py" "127.0.0.1:$PORT" || status=1
exit "$status"
