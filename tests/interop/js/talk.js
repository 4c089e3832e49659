// What one connection of examples/client to a server of the `ws` package comes to.
'use strict';
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { WebSocketServer } = require('ws');

// Runs one connection of the client `command`. `serve(ws, result)` is the server's side of it, an echo by
// default. Returns the client's output and exit code, and how the server saw the end.
async function talk(command, { options = [], input = '', serve = echo, server: serverOptions = {} }) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...serverOptions });
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
  const client = spawn(program, [...first, `ws://127.0.0.1:${server.address().port}/echo`, ...options]);
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
  return result;
}

function echo(ws) {
  ws.on('message', (data, binary) => ws.send(data, { binary }));
}

module.exports = { talk };
