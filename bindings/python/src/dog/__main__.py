"""`python -m dog demo`: a chat room in a browser."""

import sys

from . import demo

USAGE = "usage: python -m dog demo [--host ADDRESS] [--port NUMBER]"

if __name__ == "__main__":
    if sys.argv[1:2] != ["demo"]:
        sys.exit(USAGE)
    demo.main(sys.argv[2:])
