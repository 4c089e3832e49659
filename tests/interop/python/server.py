"""server.py CLIENT... : a server of `websockets` for examples/client, the command CLIENT"""

import asyncio
import sys

from checks import finish, run, same
from talk import talk as talk_of

CLIENT = sys.argv[1:]
CLOSED_BY_US = "closed: code=1000 reason= clean=true by=local"


async def talk(*arguments, **options):
    return await talk_of(CLIENT, *arguments, **options)


async def text():
    result = await talk(stdin="hello\nh\u00e9llo \u2603 \U0001f4a9\n")
    result.printed("text: hello")
    result.printed("text: h\u00e9llo \u2603 \U0001f4a9")
    same(result.lines[-1], CLOSED_BY_US)
    same(result.close(), (1000, ""))
    same(result.exit_code, 0)


async def subprotocol():
    result = await talk(options=["--subprotocol", "superchat", "--subprotocol", "chat"], subprotocols=["chat"])
    same(result.connection.request.headers["Sec-WebSocket-Protocol"].replace(" ", ""), "superchat,chat")
    same(result.connection.subprotocol, "chat")
    same(result.exit_code, 0)


async def headers():
    result = await talk(options=["--header", "X-Test: one two", "--origin", "http://page.example"],
                        origins=["http://page.example"])
    same(result.connection.request.headers["X-Test"], "one two")
    same(result.exit_code, 0)


async def messages_and_ping():
    async def handler(connection):
        await connection.send(bytes(70_000))
        await connection.send(["ab", "", "cd"])
        await (await connection.ping(b"p1"))
        await connection.send("after the pong")

    result = await talk(handler)
    result.printed("binary: 70000 octets.*")
    result.printed("text: abcd")
    result.printed("ping.*")
    result.printed("text: after the pong")
    same(result.exit_code, 0)


async def close_by_server():
    async def handler(connection):
        await connection.close(4001, "bye")

    result = await talk(handler)
    same(result.close(), (4001, "bye"))
    result.printed("closed: code=4001 reason=bye clean=true by=(?!local).*")
    same(result.exit_code, 0)


async def refused():
    result = await talk(process_request=lambda connection, request: connection.respond(401, "no\n"))
    same(result.exit_code == 0, False)


async def main():
    return [await run("client against websockets server", [
        ("lines are sent as text, echoes printed, then close 1000", text),
        ("offers subprotocols in order and takes the selected one", subprotocol),
        ("--header and --origin reach the server", headers),
        ("binary, fragmented text and a ping arrive, and the pong gets back", messages_and_ping),
        ("the server's close 4001 'bye' is answered and reported", close_by_server),
        ("a refused handshake is an error", refused),
    ])]


finish(asyncio.run(main()))
