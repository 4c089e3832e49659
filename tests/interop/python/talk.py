"""What one connection of examples/client to a server of `websockets` comes to."""

import asyncio
import re

from websockets.asyncio.server import serve


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

    async with serve(handle, "127.0.0.1", 0, **server_options) as server:
        port = server.sockets[0].getsockname()[1]
        client = await asyncio.create_subprocess_exec(
            *client, f"ws://127.0.0.1:{port}/echo", *options,
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
