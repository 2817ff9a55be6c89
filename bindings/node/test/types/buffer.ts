// Where the types of Node's Buffer are known, binary data is a Buffer. The declarations stand for those of @types/node.
import { Shard } from 'libdog';
import type { Request, Socket } from 'libdog';

declare global {
  interface Buffer extends Uint8Array {
    readInt8(offset: number): number;
  }
  interface BufferConstructor {
    alloc(size: number, fill?: string): Buffer;
  }
  var Buffer: BufferConstructor;
}

export class Task extends Shard {
  receive(request: Request) {
    request.body.readInt8(0);
    // @ts-expect-error: without the web's types the signal is no event target
    request.signal.addEventListener('abort', () => {});
    return 'text';
  }

  onmessage(socket: Socket, data: string | Buffer) {
    socket.send(typeof data === 'string' ? data : data.readInt8(0));
  }
}
