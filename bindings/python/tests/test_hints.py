"""Names that look like DOG's and are none are warned of, once, with the right one; others are the program's own."""

import logging

import dog
import pytest

from serving import Connecting, Everybody, gateway_for


def warned(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize(
    "name, right",
    [
        ("on_message", "onmessage"), ("onMessage", "onmessage"), ("on_open", "onopen"), ("onClose", "onclose"),
        ("on_start", "onstart"), ("onmesage", "onmessage"), ("on_gossip", "ongossip"), ("origin", "origins"),
        ("deflate_windowbits", "deflate_window_bits"), ("Ordered", "ordered"), ("on_recieve", None),
    ],
)
def test_of_a_shard(caplog, name, right):
    shard = type("Seats", (Connecting,), {name: lambda self: None})
    dog.Engine().define(gateway_for(shard)).close()
    told = [f"Seats.{name} is nothing that DOG knows: did you mean {right}?"] if right else []
    assert warned(caplog) == told
    dog.Engine().define(gateway_for(shard)).close()
    assert warned(caplog) == told


@pytest.mark.parametrize(
    "name, right",
    [("idle_second", "idle_seconds"), ("idleSeconds", "idle_seconds"), ("sticky", None), ("on_retire", "onretire"),
     ("connection_max", "connections_max"), ("identity", None)],
)
def test_of_a_gateway(caplog, name, right):
    """`identity` is like `identify`, which is there: it is the program's own."""
    dog.Engine().define(gateway_for(Connecting, **{name: 5})).close()
    told = [f"Everybody.{name} is nothing that DOG knows: did you mean {right}?"] if right else []
    assert warned(caplog) == told


def test_what_belongs_to_the_other_class_is_said(caplog):
    shard = type("Seats", (Connecting,), {"limit": 5})
    dog.Engine().define(gateway_for(shard, onopen=lambda self, socket: None)).close()
    assert warned(caplog) == ["Everybody.onopen: a Gateway has none, it is a Shard's",
                              "Seats.limit: a Shard has none, it is a Gateway's"]


def test_mixins_and_declarations_count_too(caplog):
    class Mixin:
        def on_close(self, socket, code, reason, clean):
            pass

    class Seats(Mixin, Connecting):
        idle_seconds: int
        on_opens_count: int
        _on_message = None

    dog.Engine().define(gateway_for(Seats)).close()
    assert warned(caplog) == ["Seats.idle_seconds: a Shard has none, it is a Gateway's",
                              "Mixin.on_close is nothing that DOG knows: did you mean onclose?"]


def test_what_is_right_is_not_warned_of(caplog):
    class Seats(Connecting):
        ordered = True
        deflate = True
        origins = None
        online = 0
        names = counts = ()

        def onopen(self, socket):
            pass

        def sockets_of(self, uid):
            pass

    dog.Engine().define(gateway_for(Seats, sticky_seconds=5, rooms={}), Everybody and Seats).close()
    assert warned(caplog) == []
