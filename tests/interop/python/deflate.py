"""deflate.py ws://HOST:PORT CLIENT... : permessage-deflate between `websockets` and examples/echo_server,
and examples/client (the command CLIENT), in every way that can be agreed upon"""

import asyncio
import itertools
import random
import sys

from checks import finish, run, same
from talk import talk
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

ECHO, CLIENT = sys.argv[1] + "/echo", sys.argv[2:]
WORDS = "window h\u00e9llo \u2603 block \U0001f4a9 literal length distance flush".split()
chance = random.Random(7692)


def prose(count):
    return " ".join(chance.choice(WORDS) + str(chance.randrange(7)) for _ in range(count))


LARGE, HUGE = prose(8_000), prose(120_000)
REPEATED = chance.randbytes(6_000).hex()
MANY = [LARGE[: i * 9] for i in range(100)]


def agreements(server_bits):
    """Both ends with and without takeover, and the bits of both: the parameters of the factories."""
    names = "server_no_context_takeover client_no_context_takeover server_max_window_bits client_max_window_bits"
    for values in itertools.product([False, True], [False, True], server_bits, [9, 15]):
        yield dict(zip(names.split(), values))


def described(agreement):
    return ", ".join(
        f"{end} {agreement[f'{end}_max_window_bits']} bits "
        f"{'without' if agreement[f'{end}_no_context_takeover'] else 'with'} takeover"
        for end in ("server", "client"))


def watched(connection):
    """The extension as it was agreed upon, and a list that gets the length of each compressed frame."""
    extension, sizes = connection.protocol.extensions[0], []
    decode = extension.decode

    def watch(frame, **options):
        if frame.rsv1 or frame.opcode == 0:
            sizes.append(len(frame.data))
        return decode(frame, **options)

    extension.decode = watch
    return extension, sizes


def check_repeated(first, second, refers_back):
    same(5_000 < first < 13_000, True)
    same(second < 500 if refers_back else second > 5_000, True)


async def as_client(agreement):
    offer = ClientPerMessageDeflateFactory(**agreement)
    async with connect(ECHO, extensions=[offer], max_size=None) as ws:
        agreed, sizes = watched(ws)
        same((agreed.remote_no_context_takeover, agreed.local_no_context_takeover,
              agreed.remote_max_window_bits, agreed.local_max_window_bits), tuple(agreement.values()))

        async def comes_back(message, expected):
            await ws.send(message)
            same(await ws.recv(), expected)

        for message in ("", "a", WORDS[4], b"", chance.randbytes(1 << 20), LARGE, HUGE, REPEATED, REPEATED):
            await comes_back(message, message)
        same(sizes[-4] < len(LARGE) / 2 and sizes[-3] < len(HUGE) / 2, True)
        check_repeated(*sizes[-2:], agreed.remote_max_window_bits == 15 and not agreed.remote_no_context_takeover)
        await comes_back([LARGE[i : i + 1000] for i in range(0, len(LARGE), 1000)], LARGE)
        await comes_back(["", "a", "", "b", ""], "ab")
        for message in MANY:
            await ws.send(message)
        for message in MANY:
            same(await ws.recv(), message)


async def as_server(agreement, knobs, **parameters):
    lines = ["", "a", WORDS[4], LARGE, HUGE, REPEATED, REPEATED, *MANY]

    async def handler(connection):
        agreed, sizes = watched(connection)
        same((agreed.local_no_context_takeover, agreed.remote_no_context_takeover,
              agreed.local_max_window_bits, agreed.remote_max_window_bits), tuple(agreement.values()))
        for line in lines:
            message = await connection.recv()
            third = len(message) // 3 + 1
            await connection.send([message[i : i + third] for i in range(0, max(len(message), 1), third)])
        connection.sizes = sizes
        await connection.close()

    options = ["--deflate=" + ",".join(["min_size=0", *knobs]), "--linger", "9"]
    result = await talk(CLIENT, handler, options, "\n".join(lines) + "\n", max_size=None,
                        extensions=[ServerPerMessageDeflateFactory(**parameters)])
    same(f"compressed: {described(agreement)};" in result.errors, True)
    same(list(result.lines), [f"text: {line}" for line in lines] + ["closed: code=1000 reason= clean=true by=peer"])
    same(result.exit_code, 0)
    sizes = result.connection.sizes
    same(len(sizes), len(lines))
    same(sizes[3] < len(LARGE) / 2 and sizes[4] < len(HUGE) / 2, True)
    refers_back = agreement["client_max_window_bits"] == 15 and not agreement["client_no_context_takeover"]
    check_repeated(sizes[5], sizes[6], refers_back)


def knobs_of(agreement):
    return [name if value is True else f"{name}={value}" for name, value in agreement.items() if value]


def of_client(agreement):
    return described(agreement), lambda: as_client(agreement)


def as_offered(agreement):
    return f"as the client offers: {described(agreement)}", lambda: as_server(agreement, knobs_of(agreement))


def as_answered(agreement):
    return f"as the server answers: {described(agreement)}", lambda: as_server(agreement, [], **agreement)


async def main():
    return [
        # Its own compressor can't keep to 8 bits; its decompressor can.
        await run("asyncio client, deflate", [of_client(each) for each in agreements([8, 9, 15])]),
        await run("client against websockets server, deflate", [as_offered(each) for each in agreements([9, 15])]),
        await run("client against websockets server, deflate", [as_answered(each) for each in agreements([9, 15])]),
    ]


finish(asyncio.run(main()))
