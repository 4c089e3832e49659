"""clients.py ws://HOST:PORT : the clients of `websockets`, asyncio and blocking, for examples/echo_server"""

import asyncio
import sys

from checks import finish, run, same
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as connect_blocking

ECHO = sys.argv[1] + "/echo"
TEXT = "h\u00e9llo \u2603 \U0001f4a9 \U0010ffff"
BINARY = bytes(i * 7 % 251 for i in range(70_000))


async def text():
    async with connect(ECHO) as ws:
        await ws.send(TEXT)
        same(await ws.recv(), TEXT)


async def binary():
    async with connect(ECHO, max_size=None) as ws:
        for message in (BINARY, BINARY * 15, b""):
            await ws.send(message)
            same(await ws.recv(), message)


async def ping():
    async with connect(ECHO) as ws:
        await (await ws.ping(b"p1"))
        await (await ws.ping(bytes(125)))


async def fragments():
    async with connect(ECHO) as ws:
        await ws.send(["ab", "c", "", "d"])
        same(await ws.recv(), "abcd")
        await ws.send([BINARY[:1], BINARY[1:50_000], BINARY[50_000:]])
        same(await ws.recv(), BINARY)


async def many():
    async with connect(ECHO) as ws:
        messages = [f"{i} " + "x" * (i * 50) for i in range(100)]
        for message in messages:
            await ws.send(message)
        for message in messages:
            same(await ws.recv(), message)


async def subprotocol():
    async with connect(ECHO, subprotocols=["superchat", "chat"]) as ws:
        same(ws.subprotocol, "superchat")
    async with connect(ECHO, subprotocols=["unknown"]) as ws:
        same(ws.subprotocol, None)


async def close_code():
    async with connect(ECHO) as ws:
        await ws.close(4001, "bye")
    same((ws.protocol.close_rcvd.code, ws.protocol.close_rcvd.reason), (4001, "bye"))


async def fails_with_1002(octets):
    async with connect(ECHO) as ws:
        ws.transport.write(octets)
        try:
            await ws.recv()
        except ConnectionClosed as closed:
            same(closed.rcvd and closed.rcvd.code, 1002)
        else:
            raise AssertionError("a message came back")


async def reserved_opcode():
    await fails_with_1002(b"\x83\x80" + bytes(4))


async def too_long_control_frame():
    await fails_with_1002(b"\x89\xfe\x00\x7e" + bytes(4) + bytes(126))


async def foreign_origin():
    try:
        async with connect(ECHO, origin="http://foreign.example"):
            raise AssertionError("accepted")
    except InvalidStatus as refused:
        same(refused.response.status_code, 403)


def blocking_echo():
    with connect_blocking(ECHO, subprotocols=["chat"]) as ws:
        same(ws.subprotocol, "chat")
        for message in (TEXT, BINARY):
            ws.send(message)
            same(ws.recv(timeout=5), message)
        ws.send(["ab", "cd"])
        same(ws.recv(timeout=5), "abcd")


def blocking_ping():
    with connect_blocking(ECHO) as ws:
        same(ws.ping(b"p1").wait(5), True)


def blocking_close_code():
    with connect_blocking(ECHO) as ws:
        ws.close(4001, "bye")
    same((ws.protocol.close_rcvd.code, ws.protocol.close_rcvd.reason), (4001, "bye"))


def in_thread(function):
    return lambda: asyncio.to_thread(function)


async def main():
    return [
        await run("asyncio client", [
            ("text with characters outside the BMP comes back", text),
            ("binary of 70 000, 1 050 000 and 0 octets comes back", binary),
            ("pings are answered with their payload", ping),
            ("fragmented messages come back whole", fragments),
            ("100 messages sent at once come back in order", many),
            ("the first subprotocol known is selected, or none", subprotocol),
            ("close 4001 'bye' comes back", close_code),
            ("a reserved opcode fails the connection with 1002", reserved_opcode),
            ("a ping of 126 octets fails the connection with 1002", too_long_control_frame),
            ("a foreign Origin is refused with 403", foreign_origin),
        ]),
        await run("blocking client", [
            ("text, binary and a fragmented message come back", in_thread(blocking_echo)),
            ("a ping is answered", in_thread(blocking_ping)),
            ("close 4001 'bye' comes back", in_thread(blocking_close_code)),
        ]),
    ]


finish(asyncio.run(main()))
