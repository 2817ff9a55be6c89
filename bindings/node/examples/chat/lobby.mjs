// The Gateway: who somebody is, and how many fit into a Room.
import { Gateway, Response } from 'libdog';
import { Room } from './room.mjs';

export class Lobby extends Gateway {
  limit = 2;
  child = Room;

  /** The name is taken at its word; a real program would look at a cookie or a token here. */
  identify(request) {
    if (request.method !== 'GET') {
      return new Response('Method not allowed\n', { status: 405, headers: { Allow: 'GET' } });
    }
    return request.query('u') || 'anon';
  }
}
