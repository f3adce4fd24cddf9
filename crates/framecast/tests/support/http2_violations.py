"""Breaks the rules of HTTP/2 in every way that RFC 9113 has a name for, and floods a server by those that made it notorious.

    http2_violations.py HOST PORT PATH

PATH is that of an endless stream. Prints a JSON object for each violation: what the server did about it, and whether that is
among what it may do.
"""

import json
import socket
import ssl
import struct
import sys
import time

from hpack import Encoder
from hyperframe import frame as frames

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATIENCE = 10

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR = range(7)
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(7, 12)


class Client:
    """One connection, and what has come on it."""

    def __init__(self, address, path, settings=None, preface=PREFACE):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(address, timeout=PATIENCE)
        self.socket = context.wrap_socket(plain)
        assert self.socket.selected_alpn_protocol() == "h2"
        self.authority, self.path = f"{address[0]}:{address[1]}", path
        self.encoder, self.bytes = Encoder(), b""
        self.resets, self.heads, self.goaway, self.closed = {}, set(), None, False
        self.pongs = 0
        if preface:
            self.raw(preface)
            self.send(frames.SettingsFrame(0, settings=settings or {}))

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            self.closed = True

    def send(self, *several):
        self.raw(b"".join(one.serialize() for one in several))

    def block(self, more=(), path=None, method="GET", leave_out=()):
        head = [(":method", method), (":scheme", "https"), (":authority", self.authority), (":path", path or self.path)]
        return self.encoder.encode([pair for pair in head if pair[0] not in leave_out] + list(more))

    def request(self, stream, more=(), flags=("END_HEADERS", "END_STREAM"), **how):
        head = frames.HeadersFrame(stream, data=self.block(more, **how))
        for flag in flags:
            head.flags.add(flag)
        return head

    def hear(self, done, patience=PATIENCE):
        """Reads until `done` is true, the server is gone, or patience is at its end."""
        end = time.monotonic() + patience
        while not (self.closed or done(self)) and time.monotonic() < end:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                break
            except OSError:
                data = b""
            if not data:
                self.closed = True
            self.bytes += data
            while len(self.bytes) >= 9:
                length = int.from_bytes(self.bytes[:3], "big")
                if len(self.bytes) < 9 + length:
                    break
                self.note(self.bytes[3], self.bytes[4], self.bytes[5:9], self.bytes[9 : 9 + length])
                self.bytes = self.bytes[9 + length :]

    def note(self, kind, flags, stream, payload):
        stream = int.from_bytes(stream, "big")
        if kind == 1:
            self.heads.add(stream)
        elif kind == 3:
            self.resets[stream] = int.from_bytes(payload, "big")
        elif kind == 6 and flags & 1:
            self.pongs += 1
        elif kind == 7:
            self.goaway = int.from_bytes(payload[4:8], "big")

    def outcome(self):
        if self.goaway is not None:
            return "goaway", self.goaway
        if self.resets:
            return "reset", next(iter(self.resets.values()))
        if self.closed:
            return "closed", None
        if self.heads:
            return "answered", None
        return "alive" if self.pongs else "silent", None


def raw_frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def gone(client, number):
    """Looks now and then whether the server still listens."""
    if number % 25 == 0:
        client.hear(lambda client: client.goaway is not None, 0.001)
    return client.closed or client.goaway is not None


def is_over(client):
    return client.goaway is not None or client.resets


def connection(*codes):
    """The connection ends, with one of these codes if the server says one, or with the one that is never wrong."""
    return lambda what, code: what == "closed" or (what == "goaway" and code in (*codes, PROTOCOL_ERROR))


def stream(*codes):
    """The stream or the connection ends, or the request is answered as a bad one."""
    return lambda what, code: what in ("closed", "answered") or (what in ("reset", "goaway") and code in codes)


def survives(what, code):
    """Whatever the server does, it need not end the connection."""
    return what != "silent"


VIOLATIONS = []


def violation(may, settings=None, preface=PREFACE):
    def add(act):
        VIOLATIONS.append((act.__name__, may, settings, preface, act))
        return act

    return add


@violation(connection(PROTOCOL_ERROR), preface=None)
def a_preface_of_garbage(client):
    client.raw(b"\x00\x01garbage garbage garbage\r\n\r\n" * 4)


@violation(connection(PROTOCOL_ERROR, FRAME_SIZE_ERROR), preface=None)
def a_request_of_http_1(client):
    client.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


@violation(connection(PROTOCOL_ERROR))
def data_on_stream_0(client):
    client.raw(raw_frame(0, 0, 0, b"x"))


@violation(connection(PROTOCOL_ERROR))
def headers_on_stream_0(client):
    client.raw(raw_frame(1, 5, 0, client.block()))


@violation(connection(PROTOCOL_ERROR))
def an_even_stream(client):
    client.send(client.request(2))


@violation(connection(PROTOCOL_ERROR, STREAM_CLOSED))
def a_number_that_falls(client):
    client.send(client.request(5), client.request(3))


@violation(connection(PROTOCOL_ERROR, STREAM_CLOSED))
def data_on_an_idle_stream(client):
    client.send(frames.DataFrame(7, b"x"))


@violation(stream(STREAM_CLOSED, PROTOCOL_ERROR))
def data_behind_the_end_of_a_request(client):
    client.send(client.request(1), frames.DataFrame(1, b"x"))
    client.hear(is_over)
    # The head of the stream's answer may have come before.
    client.heads.clear()


@violation(stream(STREAM_CLOSED, PROTOCOL_ERROR, NO_ERROR))
def headers_on_a_closed_stream(client):
    client.send(client.request(1), frames.RstStreamFrame(1, error_code=CANCEL), client.request(1))


@violation(connection(FRAME_SIZE_ERROR))
def a_frame_that_is_too_large(client):
    client.raw(raw_frame(0, 0, 1, b"x" * 16385))


@violation(connection(FRAME_SIZE_ERROR))
def a_length_of_settings_that_is_none(client):
    client.raw(raw_frame(4, 0, 0, b"xxxx"))


@violation(connection(FRAME_SIZE_ERROR))
def an_acknowledgement_with_settings(client):
    client.raw(raw_frame(4, 1, 0, b"xxxxxx"))


@violation(connection(PROTOCOL_ERROR))
def settings_of_a_stream(client):
    client.raw(raw_frame(4, 0, 1, b""))


@violation(connection(PROTOCOL_ERROR, FLOW_CONTROL_ERROR))
def a_window_that_is_too_large(client):
    client.raw(raw_frame(4, 0, 0, struct.pack(">HI", 4, 0x80000000)))


@violation(connection(PROTOCOL_ERROR))
def frames_of_a_size_that_is_none(client):
    client.raw(raw_frame(4, 0, 0, struct.pack(">HI", 5, 1)))


@violation(connection(PROTOCOL_ERROR))
def a_window_that_grows_by_nothing(client):
    client.raw(raw_frame(8, 0, 0, bytes(4)))


@violation(connection(FLOW_CONTROL_ERROR))
def a_window_that_overflows(client):
    client.raw(raw_frame(8, 0, 0, struct.pack(">I", 0x7FFFFFFF)) * 2)


@violation(stream(FLOW_CONTROL_ERROR))
def a_streams_window_that_overflows(client):
    client.send(client.request(1))
    client.hear(lambda client: client.heads)
    client.heads.clear()
    client.raw(raw_frame(8, 0, 1, struct.pack(">I", 0x7FFFFFFF)) * 2)


@violation(connection(FRAME_SIZE_ERROR))
def a_ping_of_a_wrong_length(client):
    client.raw(raw_frame(6, 0, 0, b"xxxx"))


@violation(connection(PROTOCOL_ERROR))
def a_ping_of_a_stream(client):
    client.raw(raw_frame(6, 0, 1, bytes(8)))


@violation(connection(PROTOCOL_ERROR))
def a_head_that_is_interrupted(client):
    client.send(client.request(1, flags=("END_STREAM",)), frames.PingFrame(0, bytes(8)))


@violation(connection(PROTOCOL_ERROR))
def a_continuation_of_nothing(client):
    client.raw(raw_frame(9, 4, 1, client.block()))


@violation(connection(COMPRESSION_ERROR))
def a_head_that_is_not_compressed_right(client):
    client.raw(raw_frame(1, 5, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff"))


@violation(connection(COMPRESSION_ERROR))
def a_table_that_grows_beyond_what_was_said(client):
    client.raw(raw_frame(1, 5, 1, b"\x3f\xff\xff\xff\x07" + client.block()))


@violation(connection(PROTOCOL_ERROR))
def padding_longer_than_the_frame(client):
    client.send(client.request(1, flags=("END_HEADERS",), method="POST"))
    client.raw(raw_frame(0, 8, 1, b"\xffxx"))
    client.hear(lambda client: client.goaway is not None)


@violation(stream(PROTOCOL_ERROR))
def a_name_in_capitals(client):
    # A literal without an index, for the encoder would not write it.
    client.raw(raw_frame(1, 5, 1, client.block() + b"\x00\x01X\x01y"))


@violation(stream(PROTOCOL_ERROR))
def no_path(client):
    client.send(client.request(1, leave_out=(":path",)))


@violation(stream(PROTOCOL_ERROR))
def two_paths(client):
    client.send(client.request(1, more=[(":path", "/")]))


@violation(stream(PROTOCOL_ERROR))
def a_pseudo_header_that_is_none(client):
    client.send(client.request(1, more=[(":evil", "1")]))


@violation(stream(PROTOCOL_ERROR))
def a_header_of_the_connection(client):
    client.send(client.request(1, more=[("connection", "keep-alive"), ("transfer-encoding", "chunked")]))


@violation(stream(PROTOCOL_ERROR, CANCEL))
def a_body_of_another_length(client):
    head = client.request(1, more=[("content-length", "1")], flags=("END_HEADERS",), method="POST", path="/login")
    body = frames.DataFrame(1, b"name=anna")
    body.flags.add("END_STREAM")
    client.send(head, body)


@violation(connection(PROTOCOL_ERROR))
def a_promise(client):
    promise = frames.PushPromiseFrame(1, promised_stream_id=2, data=client.block())
    promise.flags.add("END_HEADERS")
    client.send(client.request(1), promise)


@violation(survives)
def a_stream_that_depends_on_itself(client):
    client.send(client.request(1), frames.PriorityFrame(1, depends_on=1, stream_weight=15))
    client.send(frames.PingFrame(0, bytes(8)))


@violation(survives)
def a_frame_of_a_kind_that_nobody_knows(client):
    client.raw(raw_frame(0xBB, 0, 1, b"x" * 100))
    client.send(frames.PingFrame(0, bytes(8)))
    client.hear(lambda client: client.pongs)
    assert client.pongs and client.goaway is None, "it must be ignored"
    client.send(frames.PingFrame(0, bytes(8)))


@violation(stream(PROTOCOL_ERROR, ENHANCE_YOUR_CALM, COMPRESSION_ERROR))
def a_head_of_a_megabyte(client):
    block = client.block([(f"x-{number}", "x" * 1000) for number in range(1000)])
    client.raw(raw_frame(1, 1, 1, block[:16000]))
    for start in range(16000, len(block), 16000):
        client.raw(raw_frame(9, 4 if start + 16000 >= len(block) else 0, 1, block[start : start + 16000]))


@violation(connection(PROTOCOL_ERROR, ENHANCE_YOUR_CALM, COMPRESSION_ERROR))
def a_head_without_an_end(client):
    client.raw(raw_frame(1, 1, 1, client.block()))
    for number in range(5000):
        client.raw(raw_frame(9, 0, 1, b"\x00\x01x\x40" + b"y" * 64))
        if gone(client, number):
            break


@violation(connection(PROTOCOL_ERROR, ENHANCE_YOUR_CALM))
def empty_continuations_without_an_end(client):
    client.raw(raw_frame(1, 1, 1, client.block()))
    for number in range(20000):
        client.raw(raw_frame(9, 0, 1, b""))
        if gone(client, number):
            break


@violation(connection(ENHANCE_YOUR_CALM))
def requests_that_are_cancelled_at_once(client):
    for stream in range(1, 8001, 2):
        client.send(client.request(stream), frames.RstStreamFrame(stream, error_code=CANCEL))
        if gone(client, stream):
            break


@violation(connection(ENHANCE_YOUR_CALM))
def requests_that_the_server_must_cancel(client):
    for stream in range(1, 8001, 2):
        client.raw(client.request(stream).serialize() + raw_frame(8, 0, stream, bytes(4)))
        if gone(client, stream):
            break
    client.resets.clear()


@violation(stream(REFUSED_STREAM))
def more_requests_than_it_takes(client):
    client.send(*(client.request(stream) for stream in range(1, 401, 2)))
    client.hear(is_over)
    client.heads.clear()


@violation(survives, settings={frames.SettingsFrame.INITIAL_WINDOW_SIZE: 0})
def viewers_without_a_window(client):
    client.send(*(client.request(stream) for stream in range(1, 101, 2)))
    client.hear(lambda client: len(client.heads) == 50)


@violation(survives)
def settings_without_an_end(client):
    for _ in range(100):
        client.raw(raw_frame(4, 0, 0, struct.pack(">HI", 3, 100)) * 500)
        client.hear(lambda client: False, 0.001)
    client.send(frames.PingFrame(0, bytes(8)))


@violation(survives)
def pings_without_an_end(client):
    for _ in range(100):
        client.raw(raw_frame(6, 0, 0, bytes(8)) * 500)
        client.hear(lambda client: False, 0.001)
    client.hear(lambda client: client.pongs >= 50000)
    client.send(frames.PingFrame(0, bytes(8)))


@violation(survives)
def windows_that_open_byte_by_byte(client):
    client.send(client.request(1))
    for _ in range(100):
        client.raw(raw_frame(8, 0, 1, struct.pack(">I", 1)) * 500)
        client.hear(lambda client: False, 0.001)


@violation(survives)
def empty_bodies_without_an_end(client):
    client.send(client.request(1, flags=("END_HEADERS",), method="POST", path="/login"))
    for _ in range(100):
        client.raw(raw_frame(0, 0, 1, b"") * 500)
        client.hear(lambda client: False, 0.001)
    client.send(frames.PingFrame(0, bytes(8)))


def main(host, port, path):
    address = (host, int(port))
    for name, may, settings, preface, act in VIOLATIONS:
        client = Client(address, path, settings, preface)
        act(client)
        before = client.pongs
        client.hear(lambda client: is_over(client) or client.heads or client.pongs > before)
        if client.resets and client.goaway is None and not may("reset", next(iter(client.resets.values()))):
            # The stream's end may be told before the connection's.
            client.hear(lambda client: client.goaway is not None)
        what, code = client.outcome()
        print(json.dumps({"violation": name, "what": what, "code": code, "right": may(what, code)}), flush=True)
        client.socket.close()


main(*sys.argv[1:])
