#!/bin/bash
# Installs what the interop scripts need, under tests/interop/.work (chromium, gorilla, proxies: as system
# packages), and tests/nostd/device.sh (device: as system packages).
#   setup.sh [node|python|chromium|autobahn|gorilla|proxies|device]...      without an argument all of them
# A second run finds everything in place and does nothing. Exit code 77: something can't be had here.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
mkdir -p "$WORK"

# system_package PACKAGE...: from the distribution
system_package() {
  command -v apt-get >/dev/null || return 1
  local as_root=
  [ "$(id -u)" = 0 ] || as_root="sudo -n"
  $as_root apt-get update -q || true
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# up_to_date LIST STAMP: whether STAMP, written after an install, is a copy of the LIST of today
up_to_date() { cmp -s "$1" "$2"; }

setup_node() {
  { command -v node && command -v npm; } >/dev/null || system_package nodejs npm || skip "node: no Node.js, and none to install"
  local modules=$WORK/js/node_modules
  if ! { up_to_date "$INTEROP/js/package.json" "$WORK/js/installed" && NODE_PATH=$modules node -e 'require("ws"); require("playwright-core")'; }; then
    rm -rf "$WORK/js"
    mkdir -p "$WORK/js"
    cp "$INTEROP/js/package.json" "$WORK/js/"
    (cd "$WORK/js" && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error)
    cp "$INTEROP/js/package.json" "$WORK/js/installed"
  fi
  echo "ready node: Node $(node --version), ws $(node -p "require('$modules/ws/package.json').version")"
}

ensure_python3() {
  python3 -c 'import venv, ensurepip' 2>/dev/null || system_package python3 python3-venv || skip "$1: no Python 3, and none to install"
}

setup_python() {
  ensure_python3 python
  local venv=$WORK/python
  if ! { up_to_date "$INTEROP/python/requirements.txt" "$venv/installed" && "$venv/bin/python" -c 'import websockets'; } 2>/dev/null; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip --quiet --disable-pip-version-check install -r "$INTEROP/python/requirements.txt"
    cp "$INTEROP/python/requirements.txt" "$venv/installed"
  fi
  echo "ready python: $("$venv/bin/python" --version), websockets $("$venv/bin/python" -c 'import websockets; print(websockets.__version__)')"
}

setup_chromium() {
  find_chromium >/dev/null || system_package chromium || skip "chromium: not installed, and no package of it"
  echo "ready chromium: $("$(find_chromium)" --version 2>/dev/null | head -1)"
}

# The test suite runs on Python 2.7 only, which distributions no longer have; pyenv does.
find_python27() {
  local python
  for python in python2.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python; do
    if "$python" -m pip --version >/dev/null 2>&1; then echo "$python"; return; fi
  done
  return 1
}

setup_autobahn() {
  ensure_python3 autobahn
  local venv=$WORK/autobahn bootstrap=$WORK/autobahn-bootstrap python
  if ! { up_to_date "$INTEROP/autobahn/requirements.txt" "$venv/installed" && "$venv/bin/wstest" -a; } >/dev/null 2>&1; then
    python=$(find_python27) || skip "autobahn: the test suite needs a Python 2.7 with pip (in PATH or under pyenv), and there is none"
    rm -rf "$venv" "$bootstrap"
    "$python" -m pip --quiet --disable-pip-version-check install --target "$bootstrap" virtualenv==20.15.1 2>"$WORK/autobahn-setup.log" ||
      { cat "$WORK/autobahn-setup.log"; fail "autobahn: no virtualenv for Python 2.7"; }
    PYTHONPATH=$bootstrap "$python" -m virtualenv --quiet --no-download "$venv"
    rm -rf "$bootstrap"
    "$venv/bin/pip" --quiet --disable-pip-version-check install -r "$INTEROP/autobahn/requirements.txt" >"$WORK/autobahn-setup.log" 2>&1 ||
      { cat "$WORK/autobahn-setup.log"; fail "autobahn: its packages don't install"; }
    "$venv/bin/wstest" -a >/dev/null
    cp "$INTEROP/autobahn/requirements.txt" "$venv/installed"
  fi
  echo "ready autobahn: $("$venv/bin/python" --version 2>&1), $("$venv/bin/pip" freeze 2>/dev/null | grep -i '^autobahntestsuite')"
}

setup_gorilla() {
  local go=${GO:-go} gopath=/usr/share/gocode
  { command -v "$go" && [ -d "$gopath/src/github.com/gorilla/websocket" ]; } >/dev/null ||
    system_package golang-go golang-github-gorilla-websocket-dev ||
    skip "gorilla: no Go with gorilla/websocket, and no package of it"
  (cd "$INTEROP/go" && GO111MODULE=off GOFLAGS= GOPATH=$gopath GOCACHE=$WORK/go-cache "$go" build -o "$WORK/gorilla" .) ||
    fail "gorilla: the peer doesn't build"
  echo "ready gorilla: $("$go" version)"
}

setup_proxies() {
  local PATH=$PATH:/usr/sbin
  { command -v nginx && command -v haproxy; } >/dev/null || system_package nginx-light haproxy ||
    skip "proxies: no nginx and haproxy, and no packages of them"
  echo "ready proxies: $(nginx -v 2>&1), $(haproxy -v | head -1)"
}

# A Rust whose library comes as source, new enough, and an emulator where there is one.
setup_device() {
  local library=lib/rustlib/src/rust/library/core/src/lib.rs
  usable() { [ -x /usr/bin/cargo ] && [ -f "$(/usr/bin/rustc --print sysroot 2>/dev/null)/$library" ]; }
  usable || system_package rustc-web cargo-web rust-web-src || skip "device: no Rust with the source of its library, and no package of it"
  usable || skip "device: the package of Rust has no source of its library"
  command -v qemu-system-arm >/dev/null || system_package qemu-system-arm || true
  echo "ready device: $(/usr/bin/rustc --version), $(qemu-system-arm --version 2>/dev/null | head -1)"
}

[ $# -gt 0 ] || set -- node python chromium autobahn gorilla proxies device
outcome=0
for part in "$@"; do
  case $part in
    node | python | chromium | autobahn | gorilla | proxies | device) ;;
    *) fail "no such part: $part" ;;
  esac
  set +e
  (set -e; "setup_$part")
  code=$?
  set -e
  # A failure outweighs a skip.
  if [ "$code" != 0 ] && [ "$outcome" != 1 ]; then outcome=$code; fi
done
exit "$outcome"
