"""native/table.c against a dict: random steps, whose seed alone repeats them."""

import importlib.util
import os
import random
import sysconfig
import weakref

import pytest


class Item:
    pass


@pytest.fixture(scope="module")
def table(sources, build, tmp_path_factory):
    """The module of table.c, built with the undefined-behaviour sanitizer's traps."""
    import subprocess

    target = tmp_path_factory.mktemp("table") / "table.abi3.so"
    command = [os.environ.get("CC", "cc"), "-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
               "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", f"-I{sysconfig.get_path('include')}",
               f"-I{build / 'include'}", str(sources / "tests" / "table.c"), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    spec = importlib.util.spec_from_file_location("table", target)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def handles(chance, kind):
    """As handles are made: counted slots in the low bits, or scattered, or all of one home in a small table."""
    if kind == "counted":
        return chance.randrange(1, 300) | chance.randrange(3) << 40
    if kind == "scattered":
        return chance.randrange(1, 1 << 64)
    return chance.randrange(1, 200) << 56


@pytest.mark.parametrize("kind", ["counted", "scattered", "few homes"])
@pytest.mark.parametrize("seed", range(5))
def test_a_table_does_as_a_dict_does(table, kind, seed):
    chance = random.Random(seed)
    table.clear()
    model = {}
    for step in range(20_000):
        # It fills and empties by turns, so that it grows and shrinks.
        is_filling = step // 2_000 % 2 == 0
        handle = chance.choice(list(model)) if model and chance.random() < 0.2 else handles(chance, kind)
        if chance.random() < (0.8 if is_filling else 0.2):
            if handle in model:
                with pytest.raises(ValueError):
                    table.add(handle, Item())
            else:
                model[handle] = Item()
                table.add(handle, model[handle])
        else:
            handle = chance.choice(list(model)) if model and chance.random() < 0.9 else handle
            assert table.take(handle) is model.pop(handle, None), (seed, step)
        count, capacity = table.size()
        assert count == len(model) and (capacity == 0 or count * 3 <= capacity * 2)
        if step % 500 == 0:
            assert all(table.find(each) is item for each, item in model.items()), (seed, step)
    for handle in list(model):
        assert table.take(handle) is model.pop(handle)
    assert table.size()[0] == 0 and table.size()[1] <= 64


def test_a_table_owns_what_it_holds_and_lets_go_of_it(table):
    table.clear()
    item = Item()
    gone = weakref.ref(item)
    table.add(7, item)
    del item
    assert gone() is not None and table.find(7) is gone()
    assert table.find(0) is None and table.take(0) is None and table.take(8) is None
    with pytest.raises(ValueError):
        table.add(0, Item())
    table.clear()
    assert gone() is None and table.size() == (0, 0)
