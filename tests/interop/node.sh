#!/bin/bash
# Node's `ws` client and Node's own WebSocket against examples/echo_server, and examples/client
# against a `ws` server; then both with permessage-deflate, in all ways that can be agreed upon.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
if [ -z "${INTEROP_NETWORK:-}" ]; then
  "$INTEROP/setup.sh" node
  use_program echo_server ECHO_SERVER_COMMAND
  use_program client CLIENT_COMMAND
fi
run_in_own_network "$@"

export NODE_PATH=$WORK/js/node_modules
start_echo_server "$WORK/node-echo_server.log"
status=0
timeout 120 node "$INTEROP/js/ws_client.js" "ws://127.0.0.1:$PORT" || status=1
if node --experimental-websocket -e 'new WebSocket("ws://127.0.0.1:1").onerror = () => process.exit(0)' 2>/dev/null; then
  timeout 120 node --no-warnings --experimental-websocket "$INTEROP/js/web_client.js" "ws://127.0.0.1:$PORT" || status=1
else
  echo "SKIP  Node's own WebSocket: Node $(node --version) has none"
fi
# shellcheck disable=SC2086
timeout 180 node "$INTEROP/js/ws_server.js" $CLIENT_COMMAND || status=1
# shellcheck disable=SC2086
timeout 240 node "$INTEROP/js/deflate.js" "ws://127.0.0.1:$PORT" $CLIENT_COMMAND || status=1
exit "$status"
