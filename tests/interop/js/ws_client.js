// node ws_client.js ws://HOST:PORT : the `ws` package as client of examples/echo_server
'use strict';
const { once } = require('node:events');
const WebSocket = require('ws');
const { check, finish } = require('./checks');
const { names, runEchoCheck, same } = require('./echo_checks');

const base = process.argv[2];

// Connects, and makes a queue of what arrives, so that nothing is missed between two awaits.
async function open(options) {
  const ws = new WebSocket(`${base}/echo`, options);
  const arrived = [];
  ws.on('message', (data, binary) => { arrived.push(data); ws.emit('arrived', binary); });
  await once(ws, 'open');
  const received = async () => {
    while (arrived.length === 0) await once(ws, 'arrived');
    return arrived.shift();
  };
  return { ws, received };
}

async function close(ws) {
  ws.close(1000);
  same((await once(ws, 'close'))[0], 1000);
}

// The response to a handshake that is refused.
async function refusal(options, path = '/echo') {
  const ws = new WebSocket(base + path, options);
  const accepted = once(ws, 'open').then(() => { ws.terminate(); throw new Error('accepted'); });
  const [, response] = await Promise.race([once(ws, 'unexpected-response'), accepted]);
  accepted.catch(() => {});
  response.destroy();
  return response;
}

(async () => {
  for (const name of names) await check(`ws client: ${name}`, () => runEchoCheck(WebSocket, base, name));

  await check('ws client: a ping is answered with its payload', async () => {
    const { ws } = await open();
    ws.ping('p1');
    same((await once(ws, 'pong'))[0].toString(), 'p1');
    ws.ping();
    same((await once(ws, 'pong'))[0].toString(), '');
    await close(ws);
  });
  await check('ws client: a message in three fragments comes back whole', async () => {
    const { ws, received } = await open();
    ws.send('ab', { fin: false });
    ws.send('', { fin: false });
    ws.send('cd', { fin: true });
    same((await received()).toString(), 'abcd');
    await close(ws);
  });
  await check('ws client: a ping between fragments is answered before the message', async () => {
    const { ws, received } = await open();
    ws.send('ab', { fin: false });
    ws.ping('between');
    same((await once(ws, 'pong'))[0].toString(), 'between');
    ws.send('cd', { fin: true });
    same((await received()).toString(), 'abcd');
    await close(ws);
  });
  await check('ws client: an offer of permessage-deflate does no harm', async () => {
    const { ws, received } = await open({ perMessageDeflate: { threshold: 0 } });
    ws.send('a'.repeat(1000));
    same((await received()).toString(), 'a'.repeat(1000));
    await close(ws);
  });
  await check('ws client: an unmasked frame fails the connection with 1002', async () => {
    const { ws } = await open();
    ws.send('naked', { mask: false });
    same((await once(ws, 'close'))[0], 1002);
  });
  await check('ws client: text that is no UTF-8 fails the connection with 1007', async () => {
    const { ws } = await open();
    ws.send(Buffer.from([0xc0, 0x80]), { binary: false });
    same((await once(ws, 'close'))[0], 1007);
  });
  await check('ws client: the Origin of the server itself is accepted', async () => {
    const { ws } = await open({ origin: base.replace('ws', 'http') });
    await close(ws);
  });
  await check('ws client: a foreign Origin is refused with 403', async () => {
    same((await refusal({ origin: 'http://foreign.example' })).statusCode, 403);
  });
  await check('ws client: version 8 is refused with 426 and the version to use', async () => {
    const { statusCode, headers } = await refusal({ protocolVersion: 8 });
    same([statusCode, headers['sec-websocket-version']], [426, '13']);
  });
  finish('node ws client');
})();
