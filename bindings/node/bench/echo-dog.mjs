// echo-dog PORT: each message goes back to its sender, by DOG. WORKERS (1) is the engine's.
import { Shard } from 'libdog';
import { serveDog } from './hosts.mjs';

serveDog(class Echo extends Shard {
  receive(request) {
    return this.connect(request);
  }

  onmessage(socket, data) {
    socket.send(data);
  }
});
