"""A short soak. `make soak` is the long one."""
import pytest

from server import SANITIZED
from soak import GROWTH_MAX, soak, soak_to_the_byte


def test_everything_is_as_it_was_after_mixed_traffic():
    growth = soak(20)
    assert max(growth.values()) <= GROWTH_MAX, growth


@pytest.mark.skipif(bool(SANITIZED), reason="the sanitizer has a heap of its own")
def test_the_same_lives_again_leave_not_a_byte():
    soak_to_the_byte(0)
