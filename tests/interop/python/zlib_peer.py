"""zlib_peer.py HOST:PORT : permessage-deflate of examples/echo_server, judged by Python's `zlib` alone

Sockets, frames and handshake are done here by hand. What is sent is compressed in all ways that zlib has;
what comes back is inflated octet by octet into single octets, so that zlib holds no more than the window
that was agreed upon. Everything random but the masking keys comes from seeds; ZLIB_PEER_ROUNDS=10 takes
ten times as many.
"""

import os
import random
import socket
import struct
import sys
import zlib

HOST, PORT = sys.argv[1].split(":")
TAIL = b"\x00\x00\xff\xff"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1, RSV2 = 0x80, 0x40, 0x20
STRATEGIES = [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED]
FLUSHES = [zlib.Z_NO_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_PARTIAL_FLUSH, zlib.Z_BLOCK]
LIMIT = 64 << 20
ROUNDS = int(os.environ.get("ZLIB_PEER_ROUNDS", "1"))


def same(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r:.120} instead of {expected!r:.120}")


class Closed(Exception):
    """The peer sent a Close, with this code."""


class Connection:
    """A client's end. `offer`: the parameters behind `permessage-deflate`, None for no offer."""

    def __init__(self, offer=""):
        self.socket = socket.create_connection((HOST, int(PORT)), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")
        extensions = "" if offer is None else f"Sec-WebSocket-Extensions: permessage-deflate{offer}\r\n"
        self.socket.sendall(
            f"GET /echo HTTP/1.1\r\nHost: {HOST}:{PORT}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{extensions}\r\n".encode())
        same(self.reader.readline().split()[1], b"101")
        self.answer = None
        while (line := self.reader.readline().decode().strip()) != "":
            name, value = line.split(":", 1)
            if name.lower() == "sec-websocket-extensions":
                self.answer = value.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.socket.close()

    def send(self, first, payload):
        """One frame, masked; `first` is its first octet."""
        length = len(payload)
        if length < 126:
            head = bytes([first, 0x80 | length])
        elif length < 1 << 16:
            head = struct.pack("!BBH", first, 0x80 | 126, length)
        else:
            head = struct.pack("!BBQ", first, 0x80 | 127, length)
        key = os.urandom(4)
        mask = int.from_bytes((key * (length // 4 + 1))[:length], "big")
        masked = (int.from_bytes(payload, "big") ^ mask).to_bytes(length, "big")
        self.socket.sendall(head + key + masked)

    def receive(self):
        """The first octet and the payload of a frame that is no Close."""
        first, second = self.reader.read(2)
        length = second
        if second == 126:
            (length,) = struct.unpack("!H", self.reader.read(2))
        elif second == 127:
            (length,) = struct.unpack("!Q", self.reader.read(8))
        payload = self.reader.read(length)
        if first == FIN | CLOSE:
            raise Closed(int.from_bytes(payload[:2], "big"))
        return first, payload


def inflate_strictly(inflater, octets):
    """Octet by octet, into single octets: nothing but the window is there to be referred to."""
    inflated = bytearray()
    for at in range(len(octets)):
        piece = octets[at : at + 1]
        while True:
            out = inflater.decompress(piece, 1)
            inflated += out
            piece = inflater.unconsumed_tail
            if not out and not piece:
                break
    same((inflater.eof, inflater.unused_data), (False, b""))
    return bytes(inflated)


class Receiver:
    """Inflates what the server sends, in a window of just these bits."""

    def __init__(self, bits, takeover):
        self.bits, self.takeover = bits, takeover
        self.inflater = zlib.decompressobj(wbits=-bits)

    def message(self, first, payload):
        if not first & RSV1:
            return payload
        if not self.takeover:
            self.inflater = zlib.decompressobj(wbits=-self.bits)
        return inflate_strictly(self.inflater, payload + TAIL)


class Sender:
    """Compresses in a way of its own for each message."""

    def __init__(self, bits, takeover, chance):
        # zlib's compressors begin at 9 bits; such a one refers back 250 octets at most.
        self.bits, self.takeover, self.chance = max(bits, 9), takeover, chance
        self.history = b""
        self.deflater = None

    def new_deflater(self):
        window = self.history[-(1 << self.bits) :] if self.takeover else b""
        level, memory = self.chance.choice([0, 1, 6, 9]), self.chance.choice([1, 8, 9])
        strategy = self.chance.choice(STRATEGIES)
        return zlib.compressobj(level, zlib.DEFLATED, -self.bits, memory, strategy, zdict=window)

    def message(self, octets):
        chance = self.chance
        if self.deflater is None or not self.takeover or chance.random() < 0.5:
            self.deflater = self.new_deflater()
        stream = b""
        for piece in pieces(octets, chance):
            stream += self.deflater.compress(piece)
            flush = chance.choice(FLUSHES)
            stream += self.deflater.flush(flush)
            if flush in (zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH) and chance.random() < 0.3:
                stream += b"\x00" + TAIL  # an empty block
        if chance.random() < 0.3:
            # The last block says so; the octet behind it may be missing. The next message refers over it.
            stream += self.deflater.flush(zlib.Z_FINISH) + chance.choice([b"", b"\x00"])
            self.deflater = None
        else:
            stream += self.deflater.flush(chance.choice([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH]))
            stream = stream[: -len(TAIL)] if stream.endswith(TAIL) else stream + b"\x00"
        self.history = (self.history + octets)[-(1 << 15) :]
        return stream


def pieces(octets, chance):
    """The octets, cut at up to four places; some pieces may be empty."""
    cuts = sorted(chance.randrange(len(octets) + 1) for _ in range(chance.choice([0, 0, 1, 2, 4])))
    return [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)])]


def some_message(server_bits, chance):
    """An opcode and a payload."""
    words = "window h\u00e9llo \u2603 block \U0001f4a9 literal length".split()
    kind = chance.randrange(7)
    if kind == 0:
        return TEXT, chance.choice(["", "a", "\u2603" * 30]).encode()
    if kind == 1:
        return BINARY, bytes([chance.randrange(256)]) * chance.choice([64, 300, 20_000])
    if kind == 2:
        return BINARY, chance.randbytes(chance.choice([100, 1_000, 40_000]))
    if kind == 3:
        # The same again, from just within the server's window, or just beyond.
        block = chance.randbytes(max(64, (1 << server_bits) + chance.choice([-263, -262, -261, -6, -1, 0, 1])))
        return BINARY, block + block
    count = chance.choice([10, 100, 1_000, 8_000])
    return TEXT, " ".join(chance.choice(words) for _ in range(count)).encode()


def offer_of(server_bits, client_bits, server_takeover, client_takeover):
    takeover = ("" if server_takeover else "; server_no_context_takeover") + (
        "" if client_takeover else "; client_no_context_takeover")
    return f"{takeover}; server_max_window_bits={server_bits}; client_max_window_bits={client_bits}"


def conversation(server_bits, client_bits, server_takeover, client_takeover, seed):
    chance = random.Random(seed)
    offer = offer_of(server_bits, client_bits, server_takeover, client_takeover)
    with Connection(offer) as ws:
        agreed = offer.removesuffix("; client_max_window_bits=15")
        same(ws.answer, "permessage-deflate" + agreed)
        sender = Sender(client_bits, client_takeover, chance)
        receiver = Receiver(server_bits, server_takeover)
        for _ in range(30):
            opcode, octets = some_message(server_bits, chance)
            compressed = chance.random() < 0.9
            parts = pieces(sender.message(octets) if compressed else octets, chance)
            for at, part in enumerate(parts):
                last = FIN if at == len(parts) - 1 else 0
                ws.send(last | ((opcode | (RSV1 if compressed else 0)) if at == 0 else CONTINUATION), part)
                if not last and chance.random() < 0.3:
                    ws.send(FIN | PING, b"between")
                    same(ws.receive(), (FIN | PONG, b"between"))
            first, payload = ws.receive()
            same(first & ~RSV1, FIN | opcode)
            # Where it is worth it.
            same(bool(first & RSV1), len(octets) >= 64)
            same(receiver.message(first, payload), octets)


def comes_back(octets, *payloads, offer=""):
    """A connection that gets compressed messages; the last comes back as `octets`."""
    with Connection(offer) as ws:
        receiver = Receiver(15, True)
        for payload in payloads:
            ws.send(FIN | RSV1 | BINARY, payload)
            back = receiver.message(*ws.receive())
        same(back, octets)


def fails(code, *frames, offer=""):
    """A connection that gets frames, pairs of the first octet and the payload, and closes with `code`."""
    with Connection(offer) as ws:
        for first, payload in frames:
            ws.send(first, payload)
        try:
            while True:
                ws.receive()
        except Closed as closed:
            same(closed.args[0], code)


def raw(octets, dictionary=b"", level=9):
    """A message that refers to a dictionary."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15, zdict=dictionary)
    stream = deflater.compress(octets) + deflater.flush(zlib.Z_SYNC_FLUSH)
    return stream.removesuffix(TAIL)


NOISE = random.Random(1).randbytes(2_000)
HELLO = bytes.fromhex("f248cdc9c90700")


def the_checker_is_strict():
    for distance, fine in [(256, True), (257, False)]:
        stream = raw(NOISE[:distance] * 2)
        try:
            same(inflate_strictly(zlib.decompressobj(wbits=-8), stream + TAIL), NOISE[:distance] * 2)
            accepted = True
        except zlib.error:
            accepted = False
        same(accepted, fine)


def examples_of_the_rfc():
    for example in ["f248cdc9c90700", "000500faff48656c6c6f00", "f348cdc9c9070000", "f24805000000ffffcac9c90700"]:
        comes_back(b"Hello", bytes.fromhex(example))
    comes_back(b"Hello", HELLO, bytes.fromhex("f200110000"))
    comes_back(b"", b"\x00")


def last_blocks():
    for end in [b"", b"\x00"]:
        finished = bytes.fromhex("f348cdc9c90700") + end
        comes_back(b"Hello", finished, bytes.fromhex("f200110000"))
        # Behind the octet an empty block begins, which the tail completes.
        comes_back(b"HelloHello", finished + (TAIL if end else b"") + HELLO)
        comes_back(NOISE, raw(NOISE), finished, raw(NOISE, NOISE + b"Hello"))


def corrupt_streams():
    for stream in ["07", "0001000000", "63", "edffffffff", "04ffffffffffffffff"]:
        fails(1007, (FIN | RSV1 | BINARY, bytes.fromhex(stream) + bytes(8)))
    for length in [2, 100, 1_500]:
        fails(1007, (FIN | RSV1 | BINARY, raw(NOISE)[:length]))
    # The first frame of two is enough.
    fails(1007, (RSV1 | BINARY, b"\x07" + bytes(8)))


def invalid_utf8():
    fails(1007, (FIN | RSV1 | TEXT, raw(b"\xc0\x80")))
    fails(1007, (RSV1 | TEXT, raw(b"valid")), (FIN | CONTINUATION, raw(b"\xe2\x98")))


def reserved_bits():
    fails(1002, (RSV1 | BINARY, HELLO[:2]), (FIN | RSV1 | CONTINUATION, HELLO[2:]))
    fails(1002, (FIN | RSV1 | PING, b""))
    fails(1002, (FIN | RSV1 | RSV2 | BINARY, HELLO))
    fails(1002, (FIN | RSV1 | BINARY, HELLO), offer=None)


def references():
    first, second = raw(NOISE), raw(NOISE, NOISE)
    same(len(second) < 100, True)
    comes_back(NOISE, first, second)
    fails(1007, (FIN | RSV1 | BINARY, first), (FIN | RSV1 | BINARY, second), offer="; client_no_context_takeover")
    fails(1007, (FIN | RSV1 | BINARY, second))


def zeros(length):
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = b"".join(deflater.compress(bytes(1 << 20)) for _ in range(length >> 20))
    stream += deflater.compress(bytes(length & 0xFFFFF)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    return stream.removesuffix(TAIL)


def bombs():
    fails(1009, (FIN | RSV1 | BINARY, zeros(LIMIT + 1)))
    fails(1009, (RSV1 | BINARY, zeros(LIMIT + (8 << 20))))
    with Connection() as ws:
        ws.send(FIN | RSV1 | BINARY, zeros(LIMIT))
        first, payload = ws.receive()
        same((first, len(payload) < LIMIT / 100), (FIN | RSV1 | BINARY, True))
        same(zlib.decompressobj(wbits=-15).decompress(payload + TAIL) == bytes(LIMIT), True)


def main():
    checks = [
        ("a reference beyond the window would be noticed", the_checker_is_strict),
        ("the examples of RFC 7692 come back", examples_of_the_rfc),
        ("blocks that call themselves the last, and references over them", last_blocks),
        ("corrupt and cut streams fail with 1007", corrupt_streams),
        ("compressed text that is no UTF-8 fails with 1007", invalid_utf8),
        ("RSV1 fails with 1002 where it has no business", reserved_bits),
        ("references to earlier messages, where agreed upon, else 1007", references),
        ("64 MiB come back, more fail with 1009", bombs),
    ]
    for seed in range(32 * ROUNDS):
        server_bits, takeover = 8 + seed % 8, seed // 8 % 4
        client_bits = 8 + (seed * 5 + seed // 8) % 8
        ways = (server_bits, client_bits, bool(takeover & 1), bool(takeover & 2), seed)
        name = f"30 messages (seed {seed}){offer_of(*ways[:4])}"
        checks.append((name, lambda ways=ways: conversation(*ways)))

    failed = 0
    for name, check in checks:
        try:
            check()
            print(f"ok    zlib: {name}", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAIL  zlib: {name}: {type(error).__name__} {error}", flush=True)
    print(f"python zlib peer: {len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
