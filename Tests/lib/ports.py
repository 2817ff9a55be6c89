"""A port for a program that has to be told one. A program that can tell its port is started on port 0 instead."""
import random
import socket

# Below the ports that the kernel hands out by itself, so that no other program gets one of these by chance.
PORTS = range(10000, 20000)
claims = []


def free_port():
    """A port of 127.0.0.1 that nobody serves on, and that is given to no other test while this process lives."""
    for port in random.sample(PORTS, len(PORTS)):
        # A name in the kernel's own table of names: it is free again when this process has ended, however it does.
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0dog-tests-port-{port}")
            with socket.socket() as free:
                free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                free.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
        else:
            claims.append(claim)
            return port
    raise AssertionError("no port is free")
