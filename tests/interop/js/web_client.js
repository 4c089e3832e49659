// node --experimental-websocket web_client.js ws://HOST:PORT : Node's own WebSocket as client of
// examples/echo_server
'use strict';
const { check, finish } = require('./checks');
const { names, runEchoCheck } = require('./echo_checks');

(async () => {
  for (const name of names) {
    await check(`Node's WebSocket: ${name}`, () => runEchoCheck(globalThis.WebSocket, process.argv[2], name));
  }
  finish("node's own client");
})();
