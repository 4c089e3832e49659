"""What one connection of examples/client to a server of `websockets` comes to."""

import asyncio
import os
import re
import ssl

from websockets.asyncio.server import serve


# With $TLS_CHAIN and $TLS_KEY the server does TLS.
SCHEME, TLS = "ws", None
if "TLS_CHAIN" in os.environ:
    SCHEME, TLS = "wss", ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    TLS.load_cert_chain(os.environ["TLS_CHAIN"], os.environ["TLS_KEY"])


class Talk:
    """What one connection came to, seen from both ends."""

    lines = ()
    errors = ""
    exit_code = None
    connection = None

    def printed(self, pattern):
        if not any(re.fullmatch(pattern, line) for line in self.lines):
            raise AssertionError(f"no line {pattern!r} in {self.lines} {self.errors}")

    def close(self):
        received = self.connection and self.connection.protocol.close_rcvd
        return received and (received.code, received.reason)


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def talk(client, handler=echo, options=(), stdin="", **server_options):
    result = Talk()

    async def handle(connection):
        result.connection = connection
        await handler(connection)
        await connection.wait_closed()

    async with serve(handle, "127.0.0.1", 0, ssl=TLS, **server_options) as server:
        port = server.sockets[0].getsockname()[1]
        client = await asyncio.create_subprocess_exec(
            *client, f"{SCHEME}://127.0.0.1:{port}/echo", *options,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        try:
            output, errors = await asyncio.wait_for(client.communicate(stdin.encode()), 9)
        finally:
            if client.returncode is None:
                client.kill()
                await client.wait()
    result.lines = output.decode().splitlines()
    result.errors = errors.decode()
    result.exit_code = client.returncode
    return result
