"""The turns of sockets, as a value: random operations beside a model that is plain to see."""

import random

import pytest

from dog.turns import Turns, Waits

CALLS_MAX, SIZE_MAX = 5, 12


class Model:
    """Of one socket: what waits, while a handler is under way."""

    def __init__(self):
        self.calls = []
        self.is_over = False

    def wait(self, call):
        name, arguments = call
        sizes = [len(arguments[1]) for name, arguments in self.calls if name == "onmessage"]
        if name == "onmessage":
            if self.is_over:
                return Waits.NOT
            if len(self.calls) + 1 > CALLS_MAX or sum(sizes) + len(arguments[1]) > SIZE_MAX:
                self.is_over = True
                return Waits.NO_MORE
        self.calls.append(call)
        return Waits.YES


@pytest.mark.parametrize("seed", range(20))
def test_turns_are_taken_in_order_and_within_their_limits(seed):
    rng = random.Random(seed)
    turns, models = Turns(), {}
    for number in range(2_000):
        socket = rng.choice("abc")
        model = models.get(socket)
        assert turns.is_busy(socket) == (model is not None) and len(turns) == len(models)
        if model is None:
            turns.begin(socket)
            models[socket] = Model()
        elif rng.random() < 0.6:
            name = rng.choice(["onmessage"] * 8 + ["onclose"])
            call = name, (socket, "x" * rng.randrange(6) if name == "onmessage" else number)
            assert turns.wait(socket, call, CALLS_MAX, SIZE_MAX) is model.wait(call), f"seed {seed}, step {number}"
        else:
            expected = model.calls.pop(0) if model.calls else None
            assert turns.take(socket) == expected, f"seed {seed}, step {number}"
            if expected is None:
                del models[socket]
    turns.clear()
    assert len(turns) == 0
