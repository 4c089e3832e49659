#!/bin/bash
# Over TLS, with certificates of its own: Node's `ws`, Node's own WebSocket, Python's `websockets` and headless
# Chromium against examples/echo_server; examples/client against servers of `ws` and `websockets`; both against
# examples/tls_tokio_echo.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
TLS_TOKIO_ECHO_COMMAND=${TLS_TOKIO_ECHO_COMMAND:-}
if [ -z "${INTEROP_NETWORK:-}" ]; then
  command -v openssl >/dev/null || skip "tls: no openssl to make certificates"
  "$INTEROP/setup.sh" node python chromium
  FEATURES=deflate,rustls,tokio
  use_program echo_server ECHO_SERVER_COMMAND
  use_program client CLIENT_COMMAND
  use_program tls_tokio_echo TLS_TOKIO_ECHO_COMMAND
fi
run_in_own_network "$@"

# An authority, and what it certifies: key.pem, and chain.pem for localhost and 127.0.0.1.
certificates=$WORK/tls
make_certificates() {
  local ec=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  mkdir -p "$certificates"
  cd "$certificates"
  openssl req -x509 "${ec[@]}" -keyout ca-key.pem -out ca.pem -days 30 -subj "/CN=interop authority"
  openssl req "${ec[@]}" -keyout key.pem -out request.pem -subj "/CN=localhost"
  printf '%s\n' 'subjectAltName=DNS:localhost,IP:127.0.0.1' 'basicConstraints=CA:FALSE' \
    'extendedKeyUsage=serverAuth' >extensions
  openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out chain.pem -days 30 \
    -extfile extensions
}
(make_certificates) >"$WORK/tls-certificates.log" 2>&1 || { cat "$WORK/tls-certificates.log"; fail "no certificates"; }
spki=$(openssl x509 -in "$certificates/chain.pem" -pubkey -noout | openssl pkey -pubin -outform der |
  openssl dgst -sha256 -binary | base64)

export NODE_PATH=$WORK/js/node_modules
# Whom the peers trust, and what their servers show.
export NODE_EXTRA_CA_CERTS=$certificates/ca.pem SSL_CERT_FILE=$certificates/ca.pem
export TLS_CHAIN=$certificates/chain.pem TLS_KEY=$certificates/key.pem
python=$WORK/python/bin/python
client="$CLIENT_COMMAND --ca $certificates/ca.pem"

start_echo_server "$WORK/tls-echo_server.log" --tls "$TLS_CHAIN" "$TLS_KEY"
status=0
timeout 120 node "$INTEROP/js/ws_client.js" "wss://127.0.0.1:$PORT" || status=1
timeout 120 node "$INTEROP/js/tls_echo.js" "wss://localhost:$PORT" || status=1
if node --experimental-websocket -e 'new WebSocket("ws://127.0.0.1:1").onerror = () => process.exit(0)' 2>/dev/null; then
  timeout 120 node --no-warnings --experimental-websocket "$INTEROP/js/web_client.js" "wss://127.0.0.1:$PORT" || status=1
else
  echo "SKIP  Node's own WebSocket: Node $(node --version) has none"
fi
timeout 120 "$python" -B "$INTEROP/python/clients.py" "wss://127.0.0.1:$PORT" || status=1
# shellcheck disable=SC2086
timeout 180 node "$INTEROP/js/ws_server.js" $client || status=1
# shellcheck disable=SC2086
timeout 180 "$python" -B "$INTEROP/python/server.py" $client || status=1
CHROMIUM=$(find_chromium) TLS_SPKI=$spki timeout 180 node "$INTEROP/js/browser.js" "127.0.0.1:$PORT" "$WORK/console-tls.png" || status=1

PORT=$(free_port)
# shellcheck disable=SC2086
start "$WORK/tls_tokio_echo.log" $TLS_TOKIO_ECHO_COMMAND "$TLS_CHAIN" "$TLS_KEY" "127.0.0.1:$PORT"
wait_for_port "$PORT" "$WORK/tls_tokio_echo.log"
timeout 120 node "$INTEROP/js/tls_echo.js" "wss://localhost:$PORT" || status=1
# shellcheck disable=SC2086
printed=$(echo hello | timeout 20 $client "wss://localhost:$PORT/" 2>"$WORK/tls-client.log") || status=1
if [ "$printed" = $'text: hello\nclosed: code=1000 reason= clean=true by=local' ]; then
  echo "ok    client against tls_tokio_echo: a line comes back"
else
  echo "FAIL  client against tls_tokio_echo: $printed"
  status=1
fi
# Without --ca it trusts nobody that it meets here.
# shellcheck disable=SC2086
if said=$(timeout 20 $CLIENT_COMMAND "wss://localhost:$PORT/" 2>&1 </dev/null); then
  echo "FAIL  client against an authority that it doesn't know: $said"
  status=1
else
  echo "ok    client against an authority that it doesn't know: $(head -c 80 <<<"$said")…"
fi
exit "$status"
