"""A short soak. `make soak` is the long one."""
from server import SANITIZED
from soak import GROWTH_MAX, soak


def test_everything_is_as_it_was_after_mixed_traffic():
    growth = soak(20)
    if not SANITIZED:
        assert max(growth.values()) <= GROWTH_MAX, growth
