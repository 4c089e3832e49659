// node ws_server.js CLIENT... : a server of the `ws` package for examples/client, the command CLIENT
'use strict';
const { check, finish } = require('./checks');
const { same } = require('./echo_checks');
const { talk: talkOf } = require('./talk');

const command = process.argv.slice(2);
const talk = (how) => talkOf(command, how);

function printed({ output, errors }, line) {
  const found = output.some((one) => (line instanceof RegExp ? line.test(one) : one === line));
  if (!found) throw new Error(`no line ${line} in ${JSON.stringify(output)} ${errors}`);
}

const CLOSED_BY_US = 'closed: code=1000 reason= clean=true by=local';

(async () => {
  await check('client: lines are sent as text, echoes printed, then close 1000', async () => {
    const result = await talk({ input: 'hello\nh\u00e9llo \u2603 \u{1F4A9}\n' });
    printed(result, 'text: hello');
    printed(result, 'text: h\u00e9llo \u2603 \u{1F4A9}');
    same(result.output.at(-1), CLOSED_BY_US);
    same(result.close, { code: 1000, reason: '' });
    same(result.exit, 0);
  });
  await check('client: offers subprotocols in order and takes the selected one', async () => {
    const result = await talk({
      options: ['--subprotocol', 'superchat', '--subprotocol', 'chat'],
      server: { handleProtocols: (offered) => [...offered].at(-1) },
    });
    same(result.headers['sec-websocket-protocol'].replace(/ /g, ''), 'superchat,chat');
    same(result.protocol, 'chat');
    same(result.output.at(-1), CLOSED_BY_US);
    same(result.exit, 0);
  });
  await check('client: --header and --origin reach the server', async () => {
    const result = await talk({ options: ['--header', 'X-Test: one two', '--origin', 'http://page.example'] });
    same([result.headers['x-test'], result.headers.origin], ['one two', 'http://page.example']);
    same(result.exit, 0);
  });
  await check('client: binary of 70 000 octets and a fragmented text arrive', async () => {
    const result = await talk({
      serve: (ws) => {
        ws.send(Buffer.alloc(70_000, 7));
        ws.send('ab', { fin: false });
        ws.send('', { fin: false });
        ws.send('cd', { fin: true });
      },
    });
    printed(result, /^binary: 70000 octets/);
    printed(result, 'text: abcd');
    same(result.exit, 0);
  });
  await check('client: a ping is answered with its payload', async () => {
    const result = await talk({
      serve: (ws, seen) => {
        ws.on('pong', (data) => { seen.pong = data.toString(); });
        ws.ping('p1');
      },
    });
    same(result.pong, 'p1');
    printed(result, /^ping/);
    same(result.exit, 0);
  });
  await check("client: the server's close 4001 'bye' is answered and reported", async () => {
    const result = await talk({ serve: (ws) => ws.close(4001, 'bye') });
    same(/^closed: code=4001 reason=bye clean=true by=(?!local)/.test(result.output.at(-1)), true);
    same(result.close, { code: 4001, reason: 'bye' });
    same(result.exit, 0);
  });
  await check('client: a masked frame from the server fails the connection with 1002', async () => {
    const result = await talk({ serve: (ws) => ws.send('masked', { mask: true }) });
    same(result.close.code, 1002);
    printed(result, /^closed: .* clean=false/);
    same(result.exit === 0, false);
  });
  await check('client: a connection cut off is reported as 1006', async () => {
    const result = await talk({ serve: (ws) => ws.terminate() });
    printed(result, /^closed: code=1006 .*clean=false/);
    same(result.exit === 0, false);
  });
  await check('client: a refused handshake is an error', async () => {
    const result = await talk({ server: { verifyClient: (_, done) => done(false, 401) } });
    same(result.exit === 0, false);
    same(result.output.some((line) => line.startsWith('text:')), false);
  });
  finish('client against node ws server');
})();
