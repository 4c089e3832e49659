// node tls_echo.js wss://HOST:PORT : the `ws` package over TLS against an echo server that does nothing else,
// with each version of TLS
'use strict';
const { once } = require('node:events');
const WebSocket = require('ws');
const { check, finish } = require('./checks');
const { same } = require('./echo_checks');

const url = process.argv[2];

(async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    await check(`ws over ${version}: text, 3 MB and close 4001 come back`, async () => {
      const ws = new WebSocket(url, { minVersion: version, maxVersion: version });
      await once(ws, 'open');
      const noise = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * i) % 251));
      for (const message of ['h\u00e9llo \u2603', noise, '']) {
        ws.send(message);
        const [echoed] = await once(ws, 'message');
        same(Buffer.compare(echoed, Buffer.from(message)), 0);
      }
      ws.close(4001, 'bye');
      const [code, reason] = await once(ws, 'close');
      same([code, reason.toString()], [4001, 'bye']);
    });
  }
  await check('a client that trusts nobody is not connected', async () => {
    const [error] = await once(new WebSocket(url, { ca: [] }), 'error');
    same(/certificate/.test(error.message), true);
  });
  finish('ws over TLS');
})();
