// The conformance host of Tests/conformance/HOST.md, which says all that it does.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { hold, release } from './held.mjs';

// What was built for this run; where nobody says, what is built by default.
const build = process.env.BUILD ?? new URL('../../../build', import.meta.url).pathname;
const { DogError, Engine, Gateway, Response, Shard } = createRequire(`${build}/bindings/node/`)('libdog');

const { values: given } = parseArgs({ options: { workers: { type: 'string' }, deadline: { type: 'string' } } });
const counts = { opened: 0, closed: 0, started: 0, ended: 0 };
const PLAIN = { 'Content-Type': 'text/plain' };

const text = (body, headers = {}) => new Response(body, { headers: { ...PLAIN, ...headers } });

/** The name of the status that a call gave. */
function statusOf(call) {
  try {
    return call() === false ? 'DOG_ESTALE' : 'DOG_OK';
  } catch (error) {
    if (error instanceof DogError) return error.code;
    throw error;
  }
}

/** [what is before the first `separator`, what is behind it]. */
function cut(line, separator) {
  const at = line.indexOf(separator);
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + separator.length)];
}

// ---- Shards

class Seats extends Shard {
  starts = 0;
  last = 'none';
  lastClosed = undefined;

  get uids() {
    return this.sockets.map((socket) => socket.uid).sort();
  }

  onstart() {
    this.starts++;
    counts.started++;
  }

  onstop() {
    counts.ended++;
    this.gateway.broadcast(`stopped ${this.id}`);
  }

  keep(call) {
    this.last = statusOf(call);
  }

  // ---- requests

  async receive(request) {
    const [, , , verb = '', argument = ''] = request.path.split('/');
    const id = { 'X-Shard': this.id };
    switch (verb) {
      case '':
      case 'ws': {
        const protocol = request.protocols.includes('dog.v1') ? 'dog.v1' : undefined;
        return this.connect(request, { protocol, headers: id });
      }
      case 'info': return text(this.info(request), id);
      case 'status': return new Response(null, { status: Number(argument), headers: id });
      case 'hold':
        await hold(argument, this);
        return text(`released ${argument}`);
      case 'never': return new Promise(() => {});
      case 'broken': throw new Error('broken');
      case 'stream': return this.stream(request, argument);
      case 'large': return new Response(largeParts(), { headers: { 'Content-Type': 'application/octet-stream' } });
      case 'bad-status': return this.keep(() => request.respond({ status: 99, body: 'x' }));
      case 'bad-header': return this.keep(() => request.respond({ headers: { 'X-Bad': 'a\r\nb' }, body: null }));
      case 'bad-protocol': return this.keep(() => request.connect({ protocol: 'never-offered' }));
      case 'twice':
        request.respond(text('first'));
        return this.keep(() => request.respond(text('second')));
      default: return new Response(`no ${verb}`, { status: 404, headers: PLAIN });
    }
  }

  info(request) {
    const lines = [
      `method ${request.method}`,
      `target ${request.target}`,
      `path ${request.path}`,
      `query ${request.query('q') ?? ''}`,
      `header ${request.headers.get('x-test') ?? ''}`,
      `uid ${request.uid}`,
      `shard ${this.id}`,
      `starts ${this.starts}`,
      `body ${request.text()}`,
    ];
    return lines.map((line) => `${line}\n`).join('');
  }

  async stream(request, key) {
    const stream = request.stream({ headers: { 'Content-Type': 'text/event-stream' } });
    stream.finished().then((error) => this.broadcast(`over ${key} ${error === undefined ? 'whole' : 'left'}`));
    stream.write('data: one\n\n');
    await hold(key, this);
    stream.write('data: two\n\n');
    stream.end();
  }

  // ---- sockets

  onopen(socket) {
    counts.opened++;
    socket.send(`hello ${socket.uid} ${this.id}`);
    socket.emit(`joined ${socket.uid}`);
  }

  onclose(socket, code, reason, isClean) {
    counts.closed++;
    this.lastClosed = socket;
    this.broadcast(`left ${socket.uid} ${code} ${isClean ? 'clean' : 'lost'}${reason === '' ? '' : ` ${reason}`}`);
  }

  onerror(socket, error) {
    if (error.code !== 'DOG_EHOST') this.broadcast(`error ${socket.uid} ${error.code}`);
  }

  async onmessage(socket, data) {
    if (typeof data !== 'string') return socket.send(Buffer.from(data).reverse());
    const [verb, rest] = cut(data, ' ');
    switch (verb) {
      case 'echo': return socket.send(rest);
      case 'binary': return socket.send(Buffer.from(rest));
      case 'emit': return socket.emit(rest);
      case 'emit+': return socket.emit(rest, true);
      case 'broadcast': return socket.broadcast(rest);
      case 'broadcast+': return socket.broadcast(rest, true);
      case 'whisper': return socket.send(`whispered ${await socket.whisper(...cut(rest, ' '))}`);
      case 'shard-emit': return this.emit(rest);
      case 'shard-broadcast': return this.broadcast(rest);
      case 'shard-whisper': return socket.send(`whispered ${await this.whisper(...cut(rest, ' '))}`);
      case 'gateway-broadcast': return this.tellRoom(socket, ...cut(rest, ' '));
      case 'gateway-whisper': return this.whisperRoom(socket, ...cut(rest, ' '));
      case 'gossip': return this.ask(socket, ...cut(rest, ' '));
      case 'who': return socket.send(`who ${this.count} ${this.uids.join(',')}`);
      case 'id': return socket.send(`id ${this.id}`);
      case 'hold':
        await hold(rest, { broadcast: (message) => socket.broadcast(message, true) });
        return socket.send(`released ${rest}`);
      case 'release': {
        const released = release(rest);
        // What was held goes on before the reply: its handlers wait for a promise.
        await null;
        return socket.send(`released ${released}`);
      }
      case 'close': {
        const [code, reason] = cut(rest, ' ');
        return socket.close(Number(code), reason);
      }
      case 'fail': throw new Error('told to fail');
      case 'last': return socket.send(`last ${this.last}`);
      case 'misuse': return socket.send(this.misuse(socket, rest));
      default: return socket.send(`unknown ${verb}`);
    }
  }

  misuse(socket, what) {
    switch (what) {
      case 'uid': return statusOf(() => socket.whisper('u'.repeat(257), 'x'));
      case 'code': return statusOf(() => socket.close(1005));
      case 'reason': return statusOf(() => socket.close(1000, 'r'.repeat(124)));
      case 'big': return statusOf(() => socket.send('b'.repeat(262145)));
      case 'stale': return this.lastClosed === undefined ? 'none' : statusOf(() => this.lastClosed.send('x'));
      default: return `unknown ${what}`;
    }
  }

  tellRoom(socket, name, message) {
    const room = engine.find(Room, name);
    room?.broadcast(message);
    socket.send(room === undefined ? 'nobody' : 'told');
  }

  async whisperRoom(socket, name, rest) {
    const room = engine.find(Room, name);
    socket.send(room === undefined ? 'nobody' : `whispered ${await room.whisper(...cut(rest, ' '))}`);
  }

  // ---- gossip

  async ask(socket, timeout, question) {
    const results = await this.gossipSettled(question, { timeoutMs: Number(timeout) });
    const lines = results.map(({ shard, answer, error }) =>
      `\n${shard} ${error?.code ?? 'DOG_OK'} ${error === undefined ? answer : error.text ?? ''}`);
    socket.send(`gossip ${results.length}${lines.sort().join('')}`);
  }

  async ongossip(question) {
    if (question === 'fail') throw new Error('no comment');
    if (question === 'never') return new Promise(() => {});
    if (question.startsWith('hold-')) {
      await hold(question, this);
      return 'released';
    }
    return `${question}: ${this.uids.join(',')}`;
  }
}

class RoomShard extends Seats {}
class PoolShard extends Seats {}

function* largeParts() {
  for (let part = 0; part < 64; part++) yield Buffer.alloc(65536, 'a'.charCodeAt(0) + (part % 26));
}

// ---- Gateways

class Door extends Gateway {
  async identify(request) {
    const uid = request.query('u') || 'anon';
    if (uid === 'blocked') {
      return new Response('not you', { status: 403, headers: { ...PLAIN, 'X-Reason': 'blocked' } });
    }
    if (uid === 'broken') throw new Error('broken');
    if (uid === 'never') return new Promise(() => {});
    if (uid === 'self') return this.name;
    if (uid.startsWith('late-')) await hold(uid, this);
    return uid;
  }
}

class Room extends Door {
  limit = 2;
  child = RoomShard;
}

class Pool extends Door {
  static options = { stickySeconds: 0, idleSeconds: 1 };
  limit = 1;
  child = PoolShard;

  async clusterize(request) {
    if (request.uid === 'mute') throw new Error('mute');
    if (request.uid === 'twin') return 'of-ann';
    if (request.uid.startsWith('slow-')) await hold(request.uid, this);
    return `of-${request.uid}`;
  }
}

async function fetch(request) {
  const [, first, name, key] = request.path.split('/');
  switch (first) {
    case 'stats': {
      const stats = engine.stats();
      return text(['sockets', 'places', 'shards', 'gateways'].map((count) => `${count} ${stats[count]}\n`).join(''));
    }
    case 'alias': return request.forward(Room, name);
    case 'nowhere': return request.forward('None', 'x');
    case 'wait':
      await hold(key, { broadcast: (message) => engine.find(Room, name)?.broadcast(message) });
      return text(`released ${key}`);
    case 'broken': throw new Error('broken');
    default: return new Response(`no route for ${request.path}`, { status: 404, headers: PLAIN });
  }
}

// ---- the process

const deadline = given.deadline === undefined ? {} : {
  identifyTimeoutMs: Number(given.deadline),
  receiveTimeoutMs: Number(given.deadline),
};
const engine = new Engine({
  workers: Number(given.workers ?? 2),
  messageBytesMax: 65536,
  outboxBytesMax: 262144,
  ...deadline,
  fetch,
  log: (level, line) => console.error(`${level}: ${line}`),
});
engine.route('/room/:name', Room);
engine.route('/pool/:name', Pool);
engine.route('/lobby', Room, 'lobby');
engine.listen();
engine.start();

process.once('SIGTERM', async () => {
  await engine.stop(2000);
  const { opened, closed, started, ended } = counts;
  console.log(`stopped opened=${opened} closed=${closed} started=${started} ended=${ended}`);
});

console.log(`listening on ${engine.port}`);
