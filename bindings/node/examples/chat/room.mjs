// The Shard: some of the people of the chat, what they say, and what siblings ask about them.
import { Response, Shard } from 'libdog';
import { parseCommand } from './command.mjs';

export class Room extends Shard {
  // ---- requests

  async receive(request) {
    const text = request.query('text') ?? 'Hello from HTTP';
    switch (request.path) {
      case '/ws': return this.connect(request);
      case '/broadcast':
        this.broadcast(said('HTTP', text));
        return 'DONE\n';
      case '/emit':
        this.emit(said('HTTP', text, { meta: 'group' }));
        return 'DONE\n';
      case '/whisper': {
        const to = request.query('target');
        if (!to) return new Response('Whom? /whisper?target=NAME\n', { status: 400 });
        const reached = await this.whisper(to, said('HTTP', text, { meta: 'whisper', to }));
        return `${reached} reached\n`;
      }
      default: return new Response('Not found\n', { status: 404 });
    }
  }

  // ---- people

  onopen(socket) {
    socket.broadcast(event('user:join', { from: socket.uid }), true);
  }

  onclose(socket) {
    socket.broadcast(event('user:exit', { from: socket.uid }));
  }

  async onmessage(socket, data) {
    const input = parse(data);
    switch (input?.type) {
      case 'req:connected': return socket.broadcast(event('user:connected', { from: socket.uid }), true);
      case 'req:user:list': return socket.send(event('user:list', { list: await this.everybody() }));
      case 'msg': return this.say(socket, String(input.text ?? '').trim());
      default: return socket.send(event('error', { text: 'A message is a JSON object with a type.' }));
    }
  }

  async say(socket, line) {
    const { verb, to, text } = parseCommand(line);
    if (text === '') return socket.send(event('error', { text: 'There are no words in that.' }));
    switch (verb) {
      case 'group': return socket.emit(said(socket.uid, text, { meta: 'group' }), true);
      case 'whisper': return this.pass(socket, to, text);
      default: return socket.broadcast(said(socket.uid, text), true);
    }
  }

  /** First to whom it is for, then to the one who said it. */
  async pass(socket, to, text) {
    const message = said(socket.uid, text, { meta: 'whisper', to });
    const reached = await socket.whisper(to, message);
    if (reached === 0) return socket.send(event('error', { text: `${to} is not here.` }));
    if (to !== socket.uid) socket.send(message); // not twice to one who whispers to itself
  }

  // ---- siblings

  get names() {
    return this.sockets.map((socket) => socket.uid);
  }

  /** The names in all Rooms, by gossip. */
  async everybody() {
    const others = await this.gossip({ type: 'intra:user:list' }, { timeoutMs: 2000 });
    return [...new Set([...this.names, ...others.flat()])].sort();
  }

  ongossip(question) {
    if (question.type === 'intra:user:list') return this.names;
    throw new Error(`no answer to ${question.type}`);
  }
}

const event = (type, members) => ({ type, time: Date.now(), ...members });

const said = (from, text, members) => event('user:msg', { from, text, ...members });

/** A client's message, or undefined: it is none. */
function parse(data) {
  try {
    const input = JSON.parse(data);
    return typeof input === 'object' && input !== null ? input : undefined;
  } catch {
    return undefined;
  }
}
