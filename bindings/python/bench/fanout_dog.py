"""fanout_dog.py PORT: every message goes to everybody, its sender included, by DOG."""

import sys

import dog


class Fanout(dog.Gateway):
    limit = 100_000
    child = "Sockets"

    def identify(self, request):
        return "all"


class Sockets(dog.Shard):
    def receive(self, request):
        return self.connect(request)

    def onmessage(self, socket, data):
        socket.broadcast(data, to_self=True)


engine = dog.Engine(workers=1).define(Fanout, Sockets).route("/", Fanout, "all").listen(int(sys.argv[1]))
print(f"listening on {engine.port}", flush=True)
dog.run(engine)
