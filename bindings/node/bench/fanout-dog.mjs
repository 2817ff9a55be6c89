// fanout-dog PORT: each message goes to everybody, its sender too, by DOG. WORKERS (1) is the engine's.
import { Shard } from 'libdog';
import { serveDog } from './hosts.mjs';

serveDog(class Fanout extends Shard {
  receive(request) {
    return this.connect(request);
  }

  onmessage(socket, data) {
    socket.broadcast(data, true);
  }
});
