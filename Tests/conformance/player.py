"""Plays one scenario: does its steps in order against a host, over real sockets, and checks what is to be seen.

A step is an object: a verb first, then what else that takes, and a `note` for who reads it. STEPS has the verbs, and
each method says what its verb means. Nothing waits without an end, and nothing waits for time to pass.
"""
import asyncio
import inspect
import json
import socket
import struct

import websockets
from websockets.legacy import client as legacy  # the interface that Debian 12 and Debian 13 both have

from exchange import Exchange
from hosts import DEADLINE, HostFailure
from patterns import Names

TRANSCRIPT_LINES = 60
BARRIER = "no more has come"


class Failure(AssertionError):
    """A step that did not go as it should."""


def shown(text):
    text = repr(text)
    return text if len(text) <= 300 else f"{text[:200]}... ({len(text)} characters)"


def expect(truth, wanted, seen):
    if not truth:
        raise Failure(f"wanted: {shown(wanted)}\n  seen: {shown(seen)}")


class Player:
    def __init__(self, host, room):
        self.host = host
        self.names = Names(room=room, long="l" * 64)
        self.sockets = {}    # name to a socket that is open
        self.opening = {}    # name to the task that opens one
        self.exchanges = {}  # name to an HTTP request whose response is still to be looked at
        self.transcript = []

    def note(self, who, way, what):
        self.transcript.append(f"  {who} {way} {shown(what)}")

    # ---- the whole

    async def play(self, steps):
        try:
            for number, step in enumerate(steps, 1):
                await self.step(number, step)
            await self.step("at the end", {"settle": True})
        finally:
            await self.leave_all()

    async def step(self, number, step):
        verb = next(key for key in step if key != "note")
        rest = {key: value for key, value in step.items() if key not in (verb, "note")}
        self.transcript.append(f"step {number}: {json.dumps(step, ensure_ascii=False)}")
        try:
            if verb not in STEPS:
                raise Failure(f"there is no step {verb!r}")
            parameters = {name.replace(" ", "_"): value for name, value in rest.items()}
            inspect.signature(STEPS[verb]).bind(self, step[verb], **parameters)
            await asyncio.wait_for(STEPS[verb](self, step[verb], **parameters), DEADLINE)
        except asyncio.TimeoutError:
            raise self.failed(number, step, f"nothing for {DEADLINE:.0f} s") from None
        except Exception as error:
            text = str(error) if isinstance(error, (Failure, HostFailure)) else f"{type(error).__name__}: {error}"
            raise self.failed(number, step, text) from None

    def failed(self, number, step, why):
        return Failure("\n".join([
            f"step {number}: {json.dumps(step, ensure_ascii=False)}", why, "", "what was done and seen:",
            *self.transcript[-TRANSCRIPT_LINES:], "", "what the names stand for:",
            *(f"  {name}: {word}" for name, word in self.names.known.items())]))

    async def leave_all(self):
        for exchange in self.exchanges.values():
            exchange.end()
        for task in self.opening.values():
            task.cancel()
        for line in self.sockets.values():
            self.reset(line)

    @staticmethod
    def reset(line):
        """Ends the connection by RST, as a host that crashed does."""
        sock = line.transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.transport.abort()

    # ---- sockets

    async def connect(self, name, to, offers=None, headers=None, later=False, **seen):
        """Opens the socket `name`, as `opened` then says; `later`: begins to, and an `opened` follows."""
        target = f"ws://127.0.0.1:{self.host.port}{self.names.filled(to)}"
        self.note(name, "->", target)
        self.opening[name] = asyncio.ensure_future(legacy.connect(
            target, subprotocols=offers, extra_headers=headers, open_timeout=DEADLINE, close_timeout=DEADLINE,
            ping_interval=None, max_size=None, compression=None, user_agent_header=None))
        if not later:
            await self.opened(name, **seen)
        else:
            expect(not seen, "a socket that is looked at later", seen)

    async def opened(self, name, hears=(), protocol=None, gets=None, refused=None):
        """It is open, with that subprotocol (null: none) and these headers, and hears these texts. Or it is `refused`,
        with that status and these headers."""
        task = self.opening.pop(name)
        try:
            line = await task
        except websockets.InvalidStatusCode as error:
            self.note(name, "<-", f"{error.status_code}")
            expect(error.status_code == refused, refused or "an open socket", error.status_code)
            self.expect_headers(gets, error.headers)
            return
        self.sockets[name] = line
        expect(refused is None, f"refused with {refused}", "an open socket")
        expect(line.subprotocol == protocol, protocol, line.subprotocol)
        self.expect_headers(gets, line.response_headers)
        await self.hear(name, texts=list(hears))

    def expect_headers(self, wanted, headers):
        for header, value in (wanted or {}).items():
            found = headers.get(header)
            if value is None or found is None:
                expect(found == value, f"{header}: {value}", found)
            else:
                expect(self.names.match(value, found), f"{header}: {value}", found)

    async def say(self, name, text=None, hex=None, times=1):
        """Sends a text, or the bytes of `hex`, so many `times` in one message."""
        message = self.names.filled(text) * times if hex is None else bytes.fromhex(hex) * times
        self.note(name, ">>", message)
        await self.sockets[name].send(message)

    async def hear(self, name, text=None, hex=None, times=1, texts=None, unordered=None):
        """The next message of the socket (of each, where they are several) is that text, or the bytes of `hex`, so many
        `times`. Or those that come next are these `texts`; or they are these, `unordered`."""
        for each in [name] if isinstance(name, str) else name:
            if hex is not None:
                message = await self.next(each)
                expect(message == bytes.fromhex(hex) * times, bytes.fromhex(hex) * times, message)
            for wanted in [text] if text is not None else texts or []:
                message = await self.next(each)
                expect(self.agrees(wanted, message), wanted, message)
            left = list(unordered or [])
            while left:
                message = await self.next(each)
                found = next((wanted for wanted in left if self.agrees(wanted, message)), None)
                expect(found is not None, left, message)
                left.remove(found)

    def agrees(self, wanted, message):
        """A text that is long may be written as a list of its lines."""
        wanted = wanted if isinstance(wanted, str) else "\n".join(wanted)
        return isinstance(message, str) and self.names.match(wanted, message)

    async def next(self, name):
        try:
            message = await self.sockets[name].recv()
        except websockets.ConnectionClosed as error:
            raise Failure(f"{name} was closed: {error}") from None
        self.note(name, "<<", message)
        return message

    async def close(self, name, code=1000, reason=""):
        """The client closes; the server answers with the same code."""
        line = self.sockets.pop(name)
        self.note(name, "closes", code)
        await line.close(code, reason)
        expect(line.close_code == code, code, line.close_code)

    async def closed(self, name, code, reason=""):
        """The server has closed, with that code and reason, and nothing came before that was not heard."""
        for each in [name] if isinstance(name, str) else name:
            line = self.sockets.pop(each)
            try:
                message = await line.recv()
            except websockets.ConnectionClosed:
                self.note(each, "was closed", line.close_code)
                expect(line.close_code == code, code, line.close_code)
                expect(self.names.match(reason, line.close_reason), reason, line.close_reason)
            else:
                raise Failure(f"wanted: that {each} is closed\n  seen: {shown(message)}")

    async def drop(self, name):
        """The connection is lost: the client's side resets it."""
        self.note(name, "is", "lost")
        self.reset(self.sockets.pop(name))

    # ---- HTTP

    async def ask(self, request, headers=(), sends=None, later=None, **seen):
        """Sends a request, "GET /path", with these headers and this body, and looks at the response, as `answer` then
        says; `later`: it gets that name, and an `answer` or a `part` follows."""
        method, target = self.names.filled(request).split(" ", 1)
        self.note("http", "->", f"{method} {target}")
        pairs = list(headers.items()) if isinstance(headers, dict) else headers
        exchange = Exchange(self.host.port, method, target, pairs, None if sends is None else sends.encode())
        name = later or f"request {len(self.transcript)}"
        self.exchanges[name] = exchange
        await asyncio.to_thread(exchange.begin)
        if not later:
            await self.answer(name, **seen)
        else:
            expect(not seen, "a response that is looked at later", seen)

    async def answer(self, name, status=200, gets=None, body=None, letters=None):
        """The response: its status, these headers (null: absent), the body as far as no `part` has had it; or
        `letters`, how many runs of how many bytes, a to z and again from a on."""
        exchange = self.exchanges.pop(name)
        try:
            head = await asyncio.to_thread(exchange.head)
            rest = await asyncio.to_thread(exchange.rest)
        finally:
            exchange.end()
        self.note("http", "<-", f"{head.status} {rest[:200]}")
        expect(head.status == status, status, f"{head.status}, {rest!r}")
        self.expect_headers(gets, head.headers)
        if letters is not None:
            runs, length = letters
            wanted = b"".join(bytes([ord("a") + run % 26]) * length for run in range(runs))
            expect(rest == wanted, f"{len(wanted)} letters", f"{len(rest)} bytes, beginning {rest[:20]!r}")
        elif body is not None:
            text = rest.decode()
            expect(self.agrees(body, text), body, text)

    async def part(self, name, body):
        """So much of a response's body has come, while the rest is not there yet."""
        seen = await asyncio.to_thread(self.exchanges[name].part, len(body.encode()))
        self.note("http", "<-", seen)
        expect(seen == body.encode(), body, seen)

    async def leave(self, name):
        """The client leaves before its response is whole."""
        self.exchanges.pop(name).end()

    async def until(self, request, body):
        """Asks again until the body is that."""
        while True:
            exchange = Exchange(self.host.port, *self.names.filled(request).split(" ", 1), [], None)
            try:
                await asyncio.to_thread(exchange.begin)
                text = (await asyncio.to_thread(exchange.rest)).decode()
            finally:
                exchange.end()
            if self.names.match(body, text):
                self.note("http", "<-", text)
                return
            self.transcript = self.transcript[-TRANSCRIPT_LINES:]
            if self.transcript[-1] != f"  http <- not yet: {text!r}":
                self.transcript.append(f"  http <- not yet: {text!r}")

    # ---- the host

    async def stop(self, _):
        """The host is asked to stop."""
        self.host.ask_to_stop()

    async def stopped(self, wanted):
        """It has ended, well; and this is how often it was called."""
        account = await asyncio.to_thread(self.host.stopped)
        self.note("host", "stopped", account)
        expect(account == wanted, wanted, account)

    async def settle(self, _):
        """Nobody has heard more than was said; all close, and no socket or place is left. So ends every scenario."""
        if not self.host.is_alive():
            return
        for name in list(self.sockets):
            await self.say(name, f"echo {BARRIER}")
            await self.hear(name, BARRIER)
        for name in list(self.sockets):
            # What those who stay hear of those who leave is not looked at any more.
            await self.sockets.pop(name).close()
        await self.until("GET /stats", "sockets 0\nplaces 0\n{*}")


STEPS = {verb: getattr(Player, verb) for verb in (
    "connect", "opened", "say", "hear", "close", "closed", "drop", "ask", "answer", "part", "leave", "until", "stop",
    "stopped", "settle")}
