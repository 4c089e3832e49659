#!/bin/bash
# nginx and haproxy as reverse proxies, HTTP/1.1 on both sides, in front of echo_server: Python's
# `websockets` clients go through them, with and without compression, and so does client.
# RUNTIME=tokio for the programs on tokio.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
if [ -z "${INTEROP_NETWORK:-}" ]; then
  "$INTEROP/setup.sh" python proxies || exit $?
  use_program echo_server ECHO_SERVER_COMMAND
  use_program client CLIENT_COMMAND
fi
run_in_own_network "$@"

PATH=$PATH:/usr/sbin
python=$WORK/python/bin/python
status=0
start_echo_server "$WORK/proxy-echo_server.log"
back=$PORT

# start_proxy NAME: NAME in front of the echo server, on the port that is then in $front
start_proxy() {
  local folder=$WORK/proxy-$1
  mkdir -p "$folder"
  front=$(free_port)
  case $1 in
    nginx)
      sed "s/FRONT/$front/; s/BACK/$back/" "$INTEROP/proxy/nginx.conf" >"$folder/nginx.conf"
      start "$folder.log" nginx -p "$folder" -c nginx.conf -e stderr
      ;;
    haproxy)
      sed "s/FRONT/$front/; s/BACK/$back/" "$INTEROP/proxy/haproxy.cfg" >"$folder/haproxy.cfg"
      start "$folder.log" haproxy -db -f "$folder/haproxy.cfg"
      ;;
  esac
  wait_for_port "$front" "$folder.log"
}

# through_client NAME: client sends lines through the proxy, and gets all of them back
through_client() {
  local input output expected
  input=$(printf 'h\303\251llo \342\230\203\n%070000d\n/ping p1\n' 7)
  # shellcheck disable=SC2086
  output=$(timeout 20 $CLIENT_COMMAND "ws://127.0.0.1:$front/echo" --subprotocol chat --deflate=min_size=0 --linger 2 \
    <<<"$input" 2>"$WORK/proxy-client.log") || { echo "FAIL  client through $1: it ended with $?"; return 1; }
  expected=$(printf 'text: h\303\251llo \342\230\203\ntext: %070000d\npong p1\nclosed: code=1000 reason= clean=true by=local\n' 7)
  if [ "$output" != "$expected" ] || ! grep -q 'subprotocol "chat", compressed' "$WORK/proxy-client.log"; then
    echo "FAIL  client through $1: ${output:0:200} ... ${output: -200}"
    return 1
  fi
  echo "ok    client through $1: compressed text, a pong and the close come back"
}

for name in nginx haproxy; do
  start_proxy "$name"
  timeout 120 "$python" -B "$INTEROP/python/clients.py" "ws://127.0.0.1:$front" | sed "s/client:/client through $name:/" || status=1
  through_client "$name" || status=1
done
exit "$status"
