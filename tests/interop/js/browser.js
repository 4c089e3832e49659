// node browser.js HOST:PORT SCREENSHOT : headless Chromium ($CHROMIUM) at examples/echo_server. With $TLS_SPKI,
// the hash of the server's public key, over https:// and wss://
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { once } = require('node:events');
const { chromium } = require('playwright-core');
const { check, finish } = require('./checks');
const { names, same } = require('./echo_checks');

const [address, screenshot] = process.argv.slice(2);
const { TLS_SPKI } = process.env;
const s = TLS_SPKI ? 's' : '';

// Nothing but the pages under test is to be loaded.
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ...(TLS_SPKI ? [`--ignore-certificate-errors-spki-list=${TLS_SPKI}`] : [])];

// The console's log, a line per event.
async function logged(page) {
  const text = await page.locator('#log').innerText();
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

// Waits for a line of the log that equals `wanted` or matches it.
async function waitForLine(page, wanted) {
  for (let attempt = 0; attempt < 80; attempt += 1) {
    const lines = await logged(page);
    if (lines.some((line) => (wanted instanceof RegExp ? wanted.test(line) : line === wanted))) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error(`no line ${wanted} in ${JSON.stringify(await logged(page))}`);
}

async function consolePage(page) {
  await check('console page: it loads without an error', async () => {
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.message));
    same((await page.goto(`http${s}://${address}/`)).status(), 200);
    same(errors, []);
  });
  await check('console page: connects with a subprotocol', async () => {
    await page.fill('#url', `ws${s}://${address}/echo`);
    await page.fill('#subprotocol', 'chat');
    await page.click('#connect');
    await waitForLine(page, 'open protocol=chat');
  });
  await check('console page: sends text and shows the echo', async () => {
    await page.fill('#text', 'h\u00e9llo \u2603 \u{1F4A9}');
    await page.click('#send');
    await waitForLine(page, 'text: h\u00e9llo \u2603 \u{1F4A9}');
  });
  await check('console page: sends binary and shows the echo', async () => {
    await page.fill('#text', 'seven o');
    await page.click('#send-binary');
    await waitForLine(page, /^binary: \d+ octets/);
  });
  await check("console page: closes with 4001 'bye'", async () => {
    await page.fill('#code', '4001');
    await page.fill('#reason', 'bye');
    await page.click('#close');
    await waitForLine(page, 'close: code=4001 reason=bye clean=true');
  });
  await page.screenshot({ path: screenshot, fullPage: true });
}

async function scriptOfThePage(page) {
  await page.addScriptTag({ path: path.join(__dirname, 'echo_checks.js') });
  for (const name of names) {
    await check(`Chromium: ${name}`, () => page.evaluate(
      ([base, one]) => runEchoCheck(WebSocket, base, one),
      [`ws${s}://${address}`, name],
    ));
  }
}

// Chromium offers permessage-deflate by itself, and compresses whatever it sends then.
async function compression(page) {
  await check('Chromium: permessage-deflate is agreed upon, and messages come back', async () => {
    same(await page.evaluate(async (url) => {
      const connection = await connect(WebSocket, url);
      const prose = Array.from({ length: 100_000 }, (_, i) => `h\u00e9llo \u2603 ${(i * i) % 977}`).join(' ');
      const noise = new Uint8Array(60_000);
      crypto.getRandomValues(noise);
      const many = Array.from({ length: 100 }, (_, i) => prose.slice(i, i * 20));
      const messages = ['', 'a', prose, String(noise), prose, ...many];
      for (const message of messages) connection.ws.send(message);
      for (const message of messages) same((await connection.received()) === message, true);
      connection.ws.send(noise);
      same(String(new Uint8Array(await connection.received())), String(noise));
      await closesNormally(connection);
      return connection.ws.extensions;
    }, `ws${s}://${address}/echo`), 'permessage-deflate');
  });
}

async function foreignPage(page) {
  const server = http.createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>foreign</title>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await check('Chromium: a page of another origin is refused', async () => {
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    same(await page.evaluate((url) => new Promise((resolve) => {
      const ws = new WebSocket(url);
      ws.onopen = () => resolve('open');
      ws.onclose = ({ code, wasClean }) => resolve([code, wasClean]);
    }), `ws${s}://${address}/echo`), [1006, false]);
  });
  server.close();
  server.closeAllConnections();
}

(async () => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'chromium-profile-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM, headless: true, args: ARGUMENTS,
  });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(5_000);
    await consolePage(page);
    await scriptOfThePage(page);
    await compression(page);
    await foreignPage(page);
  } finally {
    await context.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
  finish('browser');
})().catch((error) => {
  console.log(`FAIL  browser: ${error.message}`);
  process.exit(1);
});
