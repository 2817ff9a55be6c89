import { DogError, Engine, Gateway, Response, Shard, serve } from 'libdog';

class Seats extends Shard {
  receive(request) {
    return this.connect(request);
  }

  onmessage(socket, data) {
    socket.broadcast(data);
  }
}

class Room extends Gateway {
  limit = 2;
  child = Seats;

  identify(request) {
    return request.query('u') ?? 'anon';
  }
}

@@

if (typeof engine === 'undefined') globalThis.engine = serve({ port: 8787, routes: { '/rooms/:name': Room } });
process.once('SIGTERM', () => engine.stop(1000));
