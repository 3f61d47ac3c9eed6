#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""usage: fault_proxy.py [OPTION...] SOCKET ENGINE

Stands on the Unix socket SOCKET for the engine at the socket ENGINE, passes on
what they say to each other, and at one chosen point does what an engine should
not.

--fault KIND@call:N     at the Nth call (from 0; see CALL_KINDS)
--fault KIND@up:N       at the Nth byte to the engine (see BYTE_KINDS)
--fault KIND@down:N     at the Nth byte from the engine
--fault KIND@hello:N    at the Nth byte behind init's HELLO
--ask OLD NEW           puts NEW in place of OLD in what the engine is asked
--answer OLD NEW        the same in what it answers; both of one length
--log FILE              a line of JSON for each call that is over

A call is a request with its answer.  A connection that was upgraded is a call
up to the "101", and then a stream; it is the runner's channel to init, and the
proxy looks into it for where HELLO ends, and for whether the runner has said
anything but BEAT (runner/init/wire.h), that is, the action may have begun.

As a module: Proxy, in an asyncio loop of the caller's.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import socket
import sys
import time

# At a call; the answer is that of the engine.
CALL_KINDS = {
    "refuse": "hangs up instead of passing on the request",
    "late": "hangs up, and passes on the request some time after",
    "lose": "hangs up instead of passing on the answer",
    "truncate": "passes on half of the answer, then hangs up",
    "garble": "changes each byte of the answer's body, or its status",
    "delay": "holds back the answer for a second",
    "fail": "answers 500 instead of passing on the request",
    "belie": "passes on the request, but answers 500",
    "ignore": "passes on nothing, and never answers",
    "mute": "passes on the request, and never answers",
    "hang": "from here on passes on nothing on any connection",
    "die": "from here on is not there any more",
}
# At a byte, which is the first that is not passed on as it is.
BYTE_KINDS = {
    "cut": "hangs up",
    "stall": "passes on nothing more on this connection",
    "garble": "changes the byte",
    "delay": "waits for a second",
    "die": "is not there any more",
}

DELAY = 1.0
LATE = 0.05
STREAM_PART = 100  # bytes, "half" of what has no end
BEAT = 5
REFUSAL = (b"HTTP/1.1 500 Internal Server Error\r\n"
           b"Content-Type: application/json\r\nContent-Length: 20\r\n\r\n"
           b'{"message": "fault"}')


class Fault:
    """What to do, and where: at a call, or at a byte one way."""

    def __init__(self, kind, where, number):
        if kind not in (CALL_KINDS if where == "call" else BYTE_KINDS):
            raise ValueError(f"no such fault: {kind}@{where}")
        self.kind, self.where, self.number = kind, where, number
        self.fired = False

    @staticmethod
    def parse(text):
        found = re.fullmatch(r"([a-z]+)@(call|up|down|hello):(\d+)", text)
        if not found:
            raise ValueError(f"not a fault: {text}")
        return Fault(found[1], found[2], int(found[3]))

    def __str__(self):
        return f"{self.kind}@{self.where}:{self.number}"


class Message:
    """Finds the end of one HTTP/1.1 request or answer (RFC 9112)."""

    def __init__(self, request=None):
        self.request = request  # that this answers
        self.head = b""
        self.has_head = self.done = False
        self.chunks = b""
        self.left = 0
        self.take = self.take_head

    def feed(self, data):
        """How many bytes of data belong to this message."""
        used = 0
        while used < len(data) and not self.done:
            used += self.take(data[used:])
        return used

    def take_head(self, data):
        old = len(self.head)
        self.head += data
        end = self.head.find(b"\r\n\r\n")
        if end < 0:
            return len(data)
        self.head = self.head[:end + 4]
        self.has_head = True
        self.choose_body()
        return end + 4 - old

    def field(self, name):
        found = re.search(rb"\r\n%s: *([^\r]*)" % name, self.head, re.I)
        return found[1].lower() if found else b""

    @property
    def first_line(self):
        return self.head.split(b"\r\n")[0].decode(errors="replace").split(" ")

    @property
    def is_upgrade(self):
        return self.request is not None and self.first_line[1] == "101"

    def choose_body(self):
        self.take = self.take_sized
        if self.field(b"Transfer-Encoding") == b"chunked":
            self.take = self.take_chunks
        elif self.field(b"Content-Length"):
            self.left = int(self.field(b"Content-Length"))
        elif self.request and self.first_line[1] not in ("101", "204", "304"):
            self.left = 1 << 62  # up to the end of the connection
        if self.request and self.request.first_line[0] == "HEAD":
            self.left = 0
        self.done = self.take == self.take_sized and self.left == 0

    def take_sized(self, data):
        used = min(self.left, len(data))
        self.left -= used
        self.done = self.left == 0
        return used

    def take_chunks(self, data):
        """Byte by byte where it matters; chunks themselves are skipped."""
        if self.left > 0:
            used = min(self.left, len(data))
            self.left -= used
            return used
        self.chunks += data[:1]
        if self.chunks.endswith(b"\r\n") and len(self.chunks) > 2:
            size = int(self.chunks.strip().split(b";")[0], 16)
            # The end of line behind a chunk; the last has one, too.
            self.left = size + 2
            self.chunks = b""
            if size == 0:
                self.left, self.take = 2, self.take_sized
        return 1


class Call:
    """A request, its answer, and what became of them."""

    def __init__(self, index):
        self.index = index
        self.method = self.path = ""
        self.status = 0
        self.began = time.monotonic()
        self.fault = ""
        self.is_last = False

    def __str__(self):
        path = re.sub(r"[0-9a-f]{12,}", "ID", self.path)
        return f"{self.method} {re.sub(r'^/v[0-9.]+|[?].*', '', path)}"


def swap(data, pair):
    return data.replace(*pair) if pair else data


class Link:
    """One connection of a client, and ours to the engine for it."""

    def __init__(self, proxy, client, engine):
        self.proxy, self.client, self.engine = proxy, client, engine
        self.loop = asyncio.get_running_loop()
        self.request = self.answer = self.call = self.fault = None
        self.held = self.heard = self.late = b""
        self.is_stream = self.is_stalled = self.is_over = False
        self.frame = b""  # the header of what the runner says
        self.frame_left = 0

    async def run(self):
        self.pumps = [asyncio.create_task(self.pump_up()),
                      asyncio.create_task(self.pump_down())]
        try:
            await asyncio.gather(*self.pumps)
        except asyncio.CancelledError:
            pass
        finally:
            self.close()

    # --- both ways ---

    async def receive(self, sock):
        try:
            return await self.loop.sock_recv(sock, 1 << 16)
        except OSError:
            return b""

    async def send(self, sock, data):
        with contextlib.suppress(OSError):
            await self.loop.sock_sendall(sock, data)

    def close(self):
        """Hangs up; what the client had said by then is still counted."""
        if self.is_over:
            return
        self.is_over = True
        self.proxy.ended(self.call)
        # First: a number may be that of another socket by the time that a
        # cancelled pump lets go of it.
        for sock in (self.client, self.engine):
            self.loop.remove_reader(sock.fileno())
            self.loop.remove_writer(sock.fileno())
        for pump in self.pumps:
            if pump is not asyncio.current_task():
                pump.cancel()
        for sock in (self.client, self.engine):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RD)
        with contextlib.suppress(OSError):
            while self.is_stream and (data := self.client.recv(1 << 16)):
                self.look(data)
        for sock in (self.client, self.engine):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    async def pass_on(self, way, sock, data):
        """With the fault, if it is due at one of these bytes."""
        if self.is_over:
            return
        at = self.proxy.due(way, len(data))
        if at is None:
            await self.send(sock, data)
            return
        kind = self.proxy.fault.kind
        await self.send(sock, data[:at])
        data = data[at:]
        if kind == "cut":
            self.close()
        elif kind == "die":
            self.proxy.die()
        elif kind == "stall":
            self.is_stalled = True
        elif kind == "garble":
            await self.send(sock, bytes(b ^ 0x15 for b in data[:1]))
            await self.send(sock, data[1:])
        elif kind == "delay":
            await asyncio.sleep(DELAY)
            await self.send(sock, data)

    # --- to the engine ---

    async def pump_up(self):
        while not self.is_over:
            data = await self.receive(self.client)
            if not data:
                # The client gave up whatever call was under way.
                self.proxy.ended(self.call)
                break
            if self.is_stream:
                self.look(data)
            if self.is_stalled or self.proxy.is_hung:
                continue
            await self.take_up(swap(data, self.proxy.ask))
        if self.is_stalled or self.proxy.is_hung:
            self.close()
        with contextlib.suppress(OSError):
            self.engine.shutdown(socket.SHUT_WR)

    def look(self, data):
        """Has the runner said anything but BEAT?"""
        while data:
            if self.frame_left:
                used = min(self.frame_left, len(data))
                self.frame_left -= used
            else:
                used = min(8 - len(self.frame), len(data))
                self.frame += data[:used]
                if self.frame[0] != BEAT:
                    self.proxy.input_seen = True
                if len(self.frame) == 8:
                    self.frame_left = int.from_bytes(self.frame[4:], "little")
                    self.frame = b""
            data = data[used:]

    async def take_up(self, data):
        while data and not self.is_over and not self.is_stalled:
            if self.is_stream:
                await self.pass_on("up", self.engine, data)
                return
            if not self.request:
                self.request = Message()
                self.call = self.proxy.began()
            if self.request.done:
                # It became a stream without a word of it: engines take one
                # where the Upgrade was garbled, and say 200.
                self.look(data)
                await self.pass_on("up", self.engine, data)
                return
            used = self.request.feed(data)
            await self.take_request(data[:used])
            data = data[used:]

    async def take_request(self, data):
        """Nothing is passed on before it is clear what is asked."""
        if not self.request.has_head:
            self.held += data
            return
        if not self.call.method:
            self.call.method, self.call.path = self.request.first_line[:2]
            self.fault = self.proxy.due_at(self.call)
            await self.proxy.on_call(self.call)
            data, self.held = self.held + data, b""
            if self.is_over:
                return
        if self.fault in ("ignore", "hang"):
            self.is_stalled = True
        elif self.fault == "refuse":
            self.close()
        elif self.fault == "die":
            self.proxy.die()
        elif self.fault == "late":
            self.late += data
            if self.request.done:
                self.close()
                self.proxy.pass_late(self.late)
        elif self.fault == "fail":
            await self.send(self.client, REFUSAL)
            self.close()
        else:
            await self.pass_on("up", self.engine, data)

    # --- from the engine ---

    async def pump_down(self):
        while not self.is_over:
            data = await self.receive(self.engine)
            if not data:
                break
            if not self.is_stalled and not self.proxy.is_hung:
                await self.take_down(swap(data, self.proxy.answer))
        # Who is stalled does not hear of the end either.
        if not self.is_stalled and not self.proxy.is_hung:
            self.close()

    async def take_down(self, data):
        while data and not self.is_over and not self.is_stalled:
            if self.is_stream:
                await self.take_stream(data)
                return
            if not self.answer:
                self.answer = Message(self.request)
            used = self.answer.feed(data)
            await self.take_answer(data[:used])
            data = data[used:]

    async def take_answer(self, data):
        answer, call = self.answer, self.call
        if answer.has_head:
            call.status = int(answer.first_line[1])
        if self.fault in ("lose", "mute"):
            self.is_stalled = self.fault == "mute"
            if self.fault == "lose":
                self.close()
            return
        if self.fault:
            self.held += data
            if not answer.done:
                return
            data, self.held = self.held, b""
            data = await self.spoil(data)
        if answer.done:
            await self.proxy.on_answer(call)
            # Before the client has it, which may have another call on its
            # way when we come to count this one.
            self.proxy.ended(call)
        await self.pass_on("down", self.client, data)
        if answer.done and not self.is_over:
            self.finish()

    async def spoil(self, data):
        """What the client gets of a whole answer."""
        body = len(self.answer.head)
        is_stream = self.answer.is_upgrade
        if self.fault == "belie":
            await self.send(self.client, REFUSAL)
            self.close()
            return b""
        if self.fault == "delay":
            await asyncio.sleep(DELAY)
        if self.fault == "truncate" and not is_stream:
            await self.send(self.client, data[:len(data) // 2])
            self.close()
            return b""
        if self.fault == "garble" and not is_stream:
            if body == len(data):
                return data.replace(b"HTTP/1.1 2", b"HTTP/1.1 x", 1)
            return data[:body] + bytes(b ^ 0x15 for b in data[body:])
        return data

    def finish(self):
        """The call is over, but for the stream that it may have become."""
        self.is_stream = self.answer.is_upgrade
        if not self.is_stream:
            self.request = self.answer = self.call = self.fault = None

    async def take_stream(self, data):
        if self.fault == "garble":
            data = bytes(b ^ 0x15 for b in data)
        if self.fault == "truncate":
            await self.send(self.client, data[:STREAM_PART])
            self.close()
            return
        end = self.hello_end(data)
        if end is None:
            await self.pass_on("down", self.client, data)
            return
        await self.pass_on("down", self.client, data[:end])
        self.heard = None
        await self.pass_on("hello", self.client, data[end:])

    def hello_end(self, data):
        """Where in data the byte behind HELLO is to be; None: not here."""
        if self.heard is None:
            return None
        self.heard += data
        at, said = 0, b""
        # The engine's frames, and init's in them.
        while at + 8 <= len(self.heard):
            size = int.from_bytes(self.heard[at + 4:at + 8], "big")
            part = self.heard[at + 8:at + 8 + size]
            said += part
            at += 8 + len(part)
            size = 8 + int.from_bytes(said[4:8], "little")
            if len(said) >= max(size, 8):
                return at - (len(said) - size) - len(self.heard) + len(data)
        return None


class Proxy:
    """
    calls           all of them, in order
    in_flight, most how many a client waits for, and did at most
    busiest         those that were
    up, down        bytes so far
    input_seen      the runner has said something to init
    on_call         awaited for each call before it is passed on
    on_answer       the same for whole answers
    """

    def __init__(self, path, engine, fault=None):
        self.path, self.engine_path, self.fault = path, engine, fault
        self.ask = self.answer = None
        self.calls, self.busiest = [], []
        self.in_flight = self.most = self.up = self.down = 0
        self.input_seen = self.is_hung = False
        self.links = set()
        self.late = []
        self.on_call = self.on_answer = self.nothing
        self.on_end = None

    async def nothing(self, call):
        pass

    async def __aenter__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.setblocking(False)
        self.listener.bind(self.path)
        self.listener.listen(1024)
        self.task = asyncio.create_task(self.accept())
        return self

    async def __aexit__(self, *_):
        tasks = [self.task] + [task for task, _ in self.links]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self.late, return_exceptions=True)
        self.listener.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)

    async def accept(self):
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self.listener)
            engine = socket.socket(socket.AF_UNIX)
            engine.setblocking(False)
            try:
                await loop.sock_connect(engine, self.engine_path)
            except OSError:
                client.close()
                engine.close()
                continue
            link = Link(self, client, engine)
            entry = (asyncio.create_task(link.run()), link)
            self.links.add(entry)
            entry[0].add_done_callback(lambda _, e=entry:
                                       self.links.discard(e))

    def die(self):
        # Before its number is another's: accept(), once it is cancelled, lets
        # go of what has that number then.
        asyncio.get_running_loop().remove_reader(self.listener.fileno())
        self.listener.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)
        self.task.cancel()
        for _, link in list(self.links):
            link.close()

    def pass_late(self, request):
        """On a connection of its own; nobody hears the answer."""
        async def send():
            await asyncio.sleep(LATE)
            reader, writer = await asyncio.open_unix_connection(
                self.engine_path)
            writer.write(request)
            await reader.read(1)
            writer.close()
        self.late.append(asyncio.create_task(send()))

    # --- calls and bytes ---

    def began(self):
        call = Call(len(self.calls))
        self.calls.append(call)
        self.in_flight += 1
        if self.in_flight > self.most:
            self.most = self.in_flight
            self.busiest = [call for call in self.calls if call.began]
        return call

    def ended(self, call):
        if call and call.began:
            self.in_flight -= 1
            if self.on_end:
                self.on_end(call, time.monotonic() - call.began)
            call.began = 0

    def due_at(self, call):
        fault = self.fault
        if not fault or fault.where != "call" or fault.number != call.index:
            return None
        fault.fired = True
        self.is_hung = fault.kind == "hang"
        call.fault = fault.kind
        return fault.kind

    def due(self, way, size):
        """Where in the next size bytes the fault is to happen, or None."""
        counted = "down" if way == "hello" else way
        before = getattr(self, counted)
        setattr(self, counted, before + size)
        fault = self.fault
        first = 0 if way == "hello" else before
        # What happens behind HELLO does not wait for another byte.
        end = first + size + (way == "hello")
        if not fault or fault.where != way or fault.fired or \
                not first <= fault.number < end:
            return None
        fault.fired = True
        return fault.number - first


async def serve(args):
    fault = Fault.parse(args.fault) if args.fault else None
    proxy = Proxy(args.socket, args.engine, fault)
    proxy.ask, proxy.answer = args.ask, args.answer
    with contextlib.ExitStack() as stack:
        if args.log:
            log = stack.enter_context(open(args.log, "a", buffering=1,
                                           encoding="utf-8"))
            proxy.on_end = lambda call, seconds: print(json.dumps({
                "call": str(call), "status": call.status,
                "fault": call.fault, "ms": round(seconds * 1000, 3),
                "most": proxy.most}), file=log)
        async with proxy:
            await asyncio.Event().wait()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("socket")
    parser.add_argument("engine")
    parser.add_argument("--fault")
    parser.add_argument("--log")
    for name in ("--ask", "--answer"):
        parser.add_argument(name, nargs=2, type=os.fsencode)
    args = parser.parse_args()
    for pair in filter(None, (args.ask, args.answer)):
        if len(pair[0]) != len(pair[1]):
            sys.exit("OLD and NEW must be of one length")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(args))


if __name__ == "__main__":
    main()
