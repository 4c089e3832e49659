// The echo server of Node's `ws`: node echo.js HOST:PORT. It ends with its standard input.
const { WebSocketServer } = require('ws');
const [host, port] = process.argv[2].split(':');
const server = new WebSocketServer({ host, port: Number(port), perMessageDeflate: false });
server.on('connection', (socket) => {
  socket._socket.setNoDelay(true);
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});
process.stdin.on('end', () => process.exit(0)).resume();
