#!/bin/bash
# Headless Chromium against examples/echo_server: its console page worked by clicks, WebSockets opened
# by the page's script, compressed as Chromium offers it, and by a page of another origin. A screenshot
# of the console stays in .work.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
if [ -z "${INTEROP_NETWORK:-}" ]; then
  "$INTEROP/setup.sh" node chromium
  use_program echo_server ECHO_SERVER_COMMAND
fi
run_in_own_network "$@"

export NODE_PATH=$WORK/js/node_modules
start_echo_server "$WORK/browser-echo_server.log"
CHROMIUM=$(find_chromium) timeout 180 node "$INTEROP/js/browser.js" "127.0.0.1:$PORT" "$WORK/console.png"
