// Where the web's types are known, its Response is a response, and a request's signal an AbortSignal.
import { Shard } from 'libdog';
import type { Request } from 'libdog';

export class Task extends Shard {
  async receive(request: Request) {
    request.signal.addEventListener('abort', () => {});
    return new globalThis.Response('text', { headers: { 'X-Web': 'yes' } });
  }

  onmessage(_socket: unknown, data: string | Uint8Array) {
    return data.length;
  }
}
