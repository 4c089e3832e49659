// node deflate.js ws://HOST:PORT CLIENT... : permessage-deflate between the `ws` package and
// examples/echo_server, and examples/client (the command CLIENT), in every way that can be agreed upon
'use strict';
const { once } = require('node:events');
const { createCipheriv } = require('node:crypto');
const WebSocket = require('ws');
const { check, finish } = require('./checks');
const { same } = require('./echo_checks');
const { talk } = require('./talk');

const [base, ...command] = process.argv.slice(2);

// Octets that don't compress, always the same.
const noise = (length) => createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length));
const WORDS = 'window h\u00e9llo \u2603 block \uffee literal length distance flush'.split(' ');
const prose = (count) => Array.from(noise(count), (octet, i) => WORDS[octet % WORDS.length] + (i % 7)).join(' ');

const LARGE = prose(8_000);
const HUGE = prose(120_000);
const REPEATED = noise(9_000).toString('base64');

// All combinations of takeover and bits for both ends, and 8 bits, which need care.
const AGREEMENTS = [];
for (const serverNoContextTakeover of [false, true]) {
  for (const clientNoContextTakeover of [false, true]) {
    for (const [serverMaxWindowBits, clientMaxWindowBits] of [[15, 15], [15, 9], [9, 15], [9, 9], [8, 8]]) {
      AGREEMENTS.push({ serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits });
    }
  }
}

function described(agreement) {
  const end = (name) => `${name} ${agreement[`${name}MaxWindowBits`]} bits ` +
    `${agreement[`${name}NoContextTakeover`] ? 'without' : 'with'} takeover`;
  return `${end('server')}, ${end('client')}`;
}

// Whether the second of two equal messages of an end's was sent as a reference to the first.
function refersBack(agreement, name) {
  return !agreement[`${name}NoContextTakeover`] && agreement[`${name}MaxWindowBits`] === 15;
}

function between(least, octets, most) {
  if (octets < least || octets > most) throw new Error(`${octets} octets on the wire instead of ${least} to ${most}`);
}

// Sends, and returns what comes back and how many octets both were on the wire.
async function exchange(ws, send) {
  const before = [ws._socket.bytesWritten, ws._socket.bytesRead];
  const echo = once(ws, 'message');
  send();
  const [data, binary] = await echo;
  return {
    data: binary ? data : data.toString(),
    client: ws._socket.bytesWritten - before[0],
    server: ws._socket.bytesRead - before[1],
  };
}

async function ofClient(agreement) {
  const ws = new WebSocket(`${base}/echo`, { perMessageDeflate: { threshold: 0, ...agreement } });
  await once(ws, 'open');
  const { params } = ws._extensions['permessage-deflate'];
  same({
    serverNoContextTakeover: !!params.server_no_context_takeover,
    clientNoContextTakeover: !!params.client_no_context_takeover,
    serverMaxWindowBits: params.server_max_window_bits,
    clientMaxWindowBits: params.client_max_window_bits,
  }, agreement);

  for (const message of ['', 'a', 'h\u00e9llo \u{1F4A9}', LARGE, HUGE, Buffer.alloc(0), noise(1 << 20)]) {
    const { data, client, server } = await exchange(ws, () => ws.send(message));
    same(data, message);
    if (message === LARGE || message === HUGE) {
      between(1, client, Buffer.byteLength(message) / 2);
      between(1, server, Buffer.byteLength(message) / 2);
    }
  }
  for (const repeated of [false, true]) {
    const { data, client, server } = await exchange(ws, () => ws.send(REPEATED));
    same(data, REPEATED);
    between(...(repeated && refersBack(agreement, 'client') ? [1, client, 500] : [8_000, client, 13_000]));
    between(...(repeated && refersBack(agreement, 'server') ? [1, server, 500] : [8_000, server, 13_000]));
  }
  const asItIs = await exchange(ws, () => ws.send(LARGE, { compress: false }));
  same(asItIs.data, LARGE);
  between(Buffer.byteLength(LARGE), asItIs.client, Infinity);
  const fragmented = await exchange(ws, () => {
    const octets = Buffer.from(LARGE);
    for (let at = 0; at < octets.length; at += 997) ws.send(octets.subarray(at, at + 997), { binary: false, fin: false });
    ws.ping('between');
    ws.send('', { fin: true });
  });
  same(fragmented.data, LARGE);
  between(1, fragmented.client, Buffer.byteLength(LARGE) / 2);

  const many = Array.from({ length: 300 }, (_, i) => LARGE.slice(0, i * 5));
  const back = [];
  ws.on('message', (data) => { back.push(data.toString()); if (back.length === many.length) ws.close(1000); });
  for (const message of many) ws.send(message);
  same((await once(ws, 'close'))[0], 1000);
  same(back, many);
}

// Lets examples/client send lines to a server that echoes them, large ones in three compressed fragments,
// and closes behind the last. Returns how many octets came over the wire, and how many went.
async function echoed(lines, agreement, options, server) {
  const wire = {};
  const { output, errors, exit } = await talk(command, {
    options: [options, '--linger', '9'],
    input: `${lines.join('\n')}\n`,
    server: { perMessageDeflate: { threshold: 0, ...server } },
    serve: (ws) => {
      let count = 0;
      ws.on('message', (data, binary) => {
        const part = data.length < 50_000 ? data.length + 1 : Math.ceil(data.length / 3);
        for (let at = 0; at <= data.length; at += part) {
          ws.send(data.subarray(at, at + part), { binary, fin: at + part > data.length });
        }
        count += 1;
        if (count === lines.length) {
          wire.client = ws._socket.bytesRead;
          ws.close(1000);
          ws.on('close', () => { wire.server = ws._socket.bytesWritten; });
        }
      });
    },
  });
  same(errors.includes(`compressed: ${described(agreement)};`), true);
  same(output.slice(0, -1), lines.map((line) => `text: ${line}`));
  same([output.at(-1), exit], ['closed: code=1000 reason= clean=true by=peer', 0]);
  return wire;
}

async function ofServer(agreement, options, server) {
  const many = Array.from({ length: 100 }, (_, i) => LARGE.slice(0, i * 9));
  const lines = ['', 'a', 'h\u00e9llo \u{1F4A9}', LARGE, HUGE, ...many];
  const plain = Buffer.byteLength(lines.join());
  const wire = await echoed(lines, agreement, options, server);
  between(1, wire.client, plain / 2);
  between(1, wire.server, plain / 2);
  const { client } = await echoed([REPEATED, REPEATED], agreement, options, server);
  between(...(refersBack(agreement, 'client') ? [8_000, client, 13_000] : [16_000, client, 26_000]));
}

// The offer of examples/client that asks for just this.
function offerOf(agreement) {
  const knobs = ['min_size=0'];
  for (const name of ['server', 'client']) {
    if (agreement[`${name}NoContextTakeover`]) knobs.push(`${name}_no_context_takeover`);
    knobs.push(`${name}_max_window_bits=${agreement[`${name}MaxWindowBits`]}`);
  }
  return `--deflate=${knobs.join()}`;
}

(async () => {
  for (const agreement of AGREEMENTS) {
    await check(`ws client, deflate: ${described(agreement)}`, () => ofClient(agreement));
  }
  for (const agreement of AGREEMENTS) {
    await check(`client, deflate, as it offers: ${described(agreement)}`,
      () => ofServer(agreement, offerOf(agreement), {}));
    await check(`client, deflate, as the server answers: ${described(agreement)}`,
      () => ofServer(agreement, '--deflate=min_size=0', agreement));
  }
  finish('node deflate');
})();
