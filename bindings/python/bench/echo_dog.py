"""echo_dog.py PORT: every message goes back to its sender, by DOG."""

import sys

import dog


class Echo(dog.Gateway):
    limit = 100_000
    child = "Sockets"

    def identify(self, request):
        return "all"


class Sockets(dog.Shard):
    def receive(self, request):
        return self.connect(request)

    def onmessage(self, socket, data):
        socket.send(data)


engine = dog.Engine(workers=1).define(Echo, Sockets).route("/", Echo, "all").listen(int(sys.argv[1]))
print(f"listening on {engine.port}", flush=True)
dog.run(engine)
