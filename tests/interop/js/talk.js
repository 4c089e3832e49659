// What one connection of examples/client to a server of the `ws` package comes to.
'use strict';
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const https = require('node:https');
const { WebSocketServer } = require('ws');

// With $TLS_CHAIN and $TLS_KEY the server does TLS.
const { TLS_CHAIN, TLS_KEY } = process.env;
const SCHEME = TLS_CHAIN ? 'wss' : 'ws';

// Where the server listens.
function listener() {
  if (!TLS_CHAIN) return { host: '127.0.0.1', port: 0 };
  const server = https.createServer({ cert: fs.readFileSync(TLS_CHAIN), key: fs.readFileSync(TLS_KEY) });
  return { server: server.listen(0, '127.0.0.1') };
}

// Runs one connection of the client `command`. `serve(ws, result)` is the server's side of it, an echo by
// default. Returns the client's output and exit code, and how the server saw the end.
async function talk(command, { options = [], input = '', serve = echo, server: serverOptions = {} }) {
  const below = listener();
  const server = new WebSocketServer({ ...below, ...serverOptions });
  await once(server, 'listening');
  const result = { output: [], errors: '' };
  const ends = [];
  server.on('connection', (ws, request) => {
    ws.on('error', () => {});
    ends.push(new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        result.close = { code, reason: reason.toString() };
        resolve();
      });
    }));
    result.protocol = ws.protocol;
    result.headers = request.headers;
    serve(ws, result);
  });
  const [program, ...first] = command;
  const client = spawn(program, [...first, `${SCHEME}://127.0.0.1:${server.address().port}/echo`, ...options]);
  const limit = setTimeout(() => client.kill(), 9_000);
  let output = '';
  client.stdout.setEncoding('utf8').on('data', (text) => { output += text; });
  client.stderr.setEncoding('utf8').on('data', (text) => { result.errors += text; });
  client.stdin.on('error', () => {});
  client.stdin.end(input);
  [result.exit] = await once(client, 'close');
  clearTimeout(limit);
  result.output = output.split('\n').filter((line) => line !== '');
  // The client's end is seen here before its connection's, now and then.
  const late = setTimeout(() => { for (const ws of server.clients) ws.terminate(); }, 1_000);
  await Promise.all(ends);
  clearTimeout(late);
  await new Promise((resolve) => { server.close(resolve); });
  below.server?.close();
  return result;
}

function echo(ws) {
  ws.on('message', (data, binary) => ws.send(data, { binary }));
}

module.exports = { talk };
