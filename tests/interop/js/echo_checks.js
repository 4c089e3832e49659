// What a client written against the WebSocket interface of browsers expects of examples/echo_server.
// Runs with any implementation of that interface: `ws`, Node's own, and inside a page.
'use strict';

// A connection whose messages and close event can be awaited.
function connect(WebSocket, url, protocols) {
  const ws = protocols ? new WebSocket(url, protocols) : new WebSocket(url);
  ws.binaryType = 'arraybuffer';
  const arrived = [];
  const waiting = [];
  let end;
  const closed = new Promise((resolve) => { end = resolve; });
  const connection = {
    ws,
    closed,
    received: () => new Promise((resolve, reject) => {
      if (arrived.length > 0) resolve(arrived.shift());
      else waiting.push({ resolve, reject });
    }),
  };
  return new Promise((resolve, reject) => {
    ws.onopen = () => resolve(connection);
    ws.onerror = () => {};
    ws.onmessage = ({ data }) => {
      if (waiting.length > 0) waiting.shift().resolve(data);
      else arrived.push(data);
    };
    ws.onclose = ({ code, reason, wasClean }) => {
      const error = new Error(`closed with ${code} '${reason}'`);
      reject(error);
      for (const one of waiting) one.reject(error);
      end({ code, reason, clean: wasClean });
    };
  });
}

function same(actual, expected) {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== e) throw new Error(`${a.slice(0, 200)} instead of ${e.slice(0, 200)}`);
}

const NORMAL = { code: 1000, reason: '', clean: true };

async function closesNormally({ ws, closed }) {
  ws.close(1000);
  same(await closed, NORMAL);
}

async function textComesBack(open, text) {
  const connection = await open('/echo');
  connection.ws.send(text);
  same(await connection.received(), text);
  await closesNormally(connection);
}

async function binaryComesBack(open, length) {
  const connection = await open('/echo');
  const sent = new Uint8Array(length).map((_, i) => (i * 7) % 251);
  connection.ws.send(sent);
  const data = await connection.received();
  if (!(data instanceof ArrayBuffer)) throw new Error(`a ${typeof data} came back`);
  const back = new Uint8Array(data);
  same(back.length, length);
  const wrong = back.findIndex((octet, i) => octet !== sent[i]);
  if (wrong !== -1) throw new Error(`octet ${wrong} is wrong`);
  await closesNormally(connection);
}

async function selects(open, offered, selected) {
  const connection = await open('/echo', offered);
  same(connection.ws.protocol, selected);
  await closesNormally(connection);
}

async function closeComesBack(open, code, reason) {
  const { ws, closed } = await open('/echo');
  ws.close(code, reason);
  same(await closed, { code, reason, clean: true });
}

const echoChecks = {
  'text with characters outside the BMP comes back': (open) => textComesBack(open, 'h\u00e9llo \u2603 \u{1F4A9} \u{10FFFF}'),
  'empty text comes back': (open) => textComesBack(open, ''),
  'text of 200 000 octets comes back': (open) => textComesBack(open, '\u2603\u00e9'.repeat(40_000)),
  'empty binary comes back': (open) => binaryComesBack(open, 0),
  'binary of 70 000 octets comes back': (open) => binaryComesBack(open, 70_000),
  'binary of 300 000 octets comes back': (open) => binaryComesBack(open, 300_000),
  'binary of 1 MiB comes back': (open) => binaryComesBack(open, 1 << 20),
  '100 messages sent at once come back in order': async (open) => {
    const connection = await open('/echo');
    const messages = Array.from({ length: 100 }, (_, i) => `message ${i} ` + 'x'.repeat(i * 100));
    for (const message of messages) connection.ws.send(message);
    for (const message of messages) same(await connection.received(), message);
    await closesNormally(connection);
  },
  'the path / echoes too': async (open) => {
    const connection = await open('/');
    connection.ws.send('root');
    same(await connection.received(), 'root');
    await closesNormally(connection);
  },
  'no subprotocol offered, none selected': (open) => selects(open, undefined, ''),
  'subprotocol chat is selected': (open) => selects(open, ['chat'], 'chat'),
  "the client's order decides: superchat before chat": (open) => selects(open, ['superchat', 'chat'], 'superchat'),
  'an unknown subprotocol is passed over': (open) => selects(open, ['unknown', 'chat'], 'chat'),
  'close 1000 without a reason comes back': (open) => closeComesBack(open, 1000, ''),
  "close 4001 'bye' comes back": (open) => closeComesBack(open, 4001, 'bye'),
  'close with a reason of 123 octets comes back': (open) => closeComesBack(open, 3000, '\u2603'.repeat(41)),
  'an empty Close is answered by an empty Close': async (open) => {
    const { ws, closed } = await open('/echo');
    ws.close();
    same(await closed, { code: 1005, reason: '', clean: true });
  },
  '/chat passes a text on to the others': async (open) => {
    // Whoever has got a text of its own is known to be on the list.
    const one = await open('/chat');
    one.ws.send('one');
    same(await one.received(), 'one');
    const other = await open('/chat');
    other.ws.send('to all');
    same(await other.received(), 'to all');
    same(await one.received(), 'to all');
    await closesNormally(one);
    await closesNormally(other);
  },
  '/time pushes text by itself': async (open) => {
    const connection = await open('/time');
    for (let i = 0; i < 2; i += 1) same(typeof (await connection.received()), 'string');
    await closesNormally(connection);
  },
};

// runEchoCheck(WebSocket, base, name): rejects with what is wrong. `base` is ws://host:port.
function runEchoCheck(WebSocket, base, name) {
  return echoChecks[name]((path, protocols) => connect(WebSocket, base + path, protocols));
}

if (typeof module !== 'undefined') module.exports = { names: Object.keys(echoChecks), runEchoCheck, connect, same };
