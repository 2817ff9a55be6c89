import dog


class Room(dog.Gateway):
    limit = 2
    child = "Seats"

    def identify(self, request):
        return request.query.get("u", "anon")


class Seats(dog.Shard):
    def receive(self, request):
        return self.connect(request)

    def onmessage(self, socket, data):
        socket.broadcast(data)


engine = dog.Engine()

@@

dog.run(engine.define(Room, Seats).route("/rooms/:name", Room).listen(8787))
