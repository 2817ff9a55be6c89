// A program as a user writes it, and what must not compile. It is checked by tsc --strict, as a module of both styles,
// without Node's types, with the web's, and with a Buffer.
import { DogError, Engine, Gateway, Response, Shard, serve, version } from 'libdog';
import type { BodyStream, GossipResult, Request, ServeOptions, Socket } from 'libdog';
import dog from 'libdog';

const print = (...values: unknown[]) => values;

type Said = { type: 'said'; from: string; text: string } | { type: 'left'; from: string };
type Question = { ask: 'names' };
type Person = { since: number };

class Room extends Shard<Said, Question, string[], Person, Lobby> {
  static options = { deflate: true, origins: ['https://example.com'], ordered: true };
  names = new Map<string, number>();

  async receive(request: Request) {
    if (request.path === '/ws') return this.connect(request, { protocol: 'chat', headers: { 'X-Shard': this.id } });
    if (request.path.endsWith('/json')) return Response.json({ uid: request.uid, asked: request.json() });
    if (request.path.endsWith('/parts')) return new Response(this.parts(), { headers: [['X-Parts', '2']] });
    return { status: 404, body: 'not found' };
  }

  async *parts() {
    yield 'one';
    yield new Uint8Array(2);
  }

  onopen(socket: Socket<Said, Person>) {
    socket.data = { since: Date.now() };
    return socket.broadcast({ type: 'said', from: socket.uid, text: 'hello' }, true);
  }

  async onmessage(socket: Socket<Said, Person>, data: string) {
    const names: string[][] = await this.gossip({ ask: 'names' }, { timeoutMs: 100 });
    const results: GossipResult<string[]>[] = await this.gossipSettled({ ask: 'names' });
    for (const result of results) {
      if (result.error === undefined) names.push(result.answer);
      else if (result.error.code === 'DOG_ETIMEDOUT') continue;
    }
    // its Gateway is of its own class
    const limit: number = this.gateway.limit + this.gateway.greeted;
    print(limit);
    const reached: number = await socket.whisper('bob', { type: 'said', from: socket.uid, text: data });
    // @ts-expect-error: a message is what the class says
    socket.send({ type: 'shouted' });
    // @ts-expect-error: and no text
    this.broadcast('text');
    // @ts-expect-error: a question is what the class says
    await this.gossip({ ask: 'ages' });
    // @ts-expect-error: an answer is a list of names
    const ages: number[] = await this.gossip({ ask: 'names' });
    // @ts-expect-error: what hangs on a socket is a Person
    socket.data = 1;
    return [reached, ages];
  }

  onclose(socket: Socket<Said, Person>, code: number, reason: string, isClean: boolean) {
    this.emit({ type: 'left', from: `${socket.uid} ${code} ${reason} ${isClean}` });
  }

  onerror(socket: Socket<Said, Person>, error: DogError) {
    print(socket.uid, error.code, error.status, error.cause);
  }

  ongossip(question: Question): string[] {
    return [...this.names.keys(), question.ask];
  }
}

class Lobby extends Gateway<Room> {
  static options = { stickySeconds: 10 };
  limit = 50;
  child = Room;
  greeted = 0;

  identify(request: Request) {
    const uid = request.query('u');
    const all: string[] = request.queryAll('u');
    const ip: string | null = request.remoteIp;
    if (request.isWebSocket && request.rest === '/ws') print(all, ip);
    if (uid === null) return new Response('who are you?', { status: 403 });
    this.broadcast({ type: 'said', from: this.name, text: request.headers.get('host') ?? '' });
    // @ts-expect-error: its Shards are sent no numbers
    this.broadcast(1);
    return uid;
  }

  async clusterize() {
    return 'next';
  }
}

class NoAnswer extends Shard<string, unknown, number> {
  receive() {
    return 'text';
  }

  // @ts-expect-error: an answer is a number
  ongossip() {
    return 'text';
  }
}

// @ts-expect-error: a Shard must receive
class Deaf extends Shard {}

// @ts-expect-error: a Gateway has a limit, a child and identify
class Empty extends Gateway {}

class Mistaken extends Gateway {
  limit = 1;
  // @ts-expect-error: a child is a class of Shards
  child = Date;

  identify() {
    return 'anon';
  }
}

const options: ServeOptions = {
  port: 0,
  workers: 2,
  outboxPolicy: 'drop-oldest',
  routes: { '/rooms/:name': Lobby, '/ws': [Lobby, 'lobby'] },
  async fetch(request) {
    const stream: BodyStream = request.stream({ status: 200 });
    while (!stream.write('part')) if (!(await stream.ready())) break;
    stream.end();
    const failure: DogError | undefined = await stream.finished();
    if (failure) return undefined;
    return request.forward(Lobby, 'den');
  },
  log(level, line) {
    // @ts-expect-error: there is no such level
    if (level === 'fatal') print(line);
  },
  onerror(error, { handler, socket }) {
    print(error, handler, socket?.uid);
  },
};
const engine: Engine = dog.serve(options);
const same: typeof Engine = dog.Engine;
const json = { encode: (value: unknown) => JSON.stringify(value), decode: (text: string) => JSON.parse(text) };
new Engine({ classes: [Lobby], json }).stop();
const disposed: Promise<void> = engine[Symbol.asyncDispose]();
const lobby: Lobby | undefined = engine.find(Lobby, 'den');
const shards: number | undefined = lobby?.stats().shards;
// @ts-expect-error: an option that there is not
new Engine({ wokers: 2 });
// @ts-expect-error: a policy that there is not
new Engine({ outboxPolicy: 'drop' });
// @ts-expect-error: a class has a limit of its own
new Engine().route('/x/:name', Room);
engine.stop(100).then(() => print(version, same, disposed, serve, shards, Deaf, Empty, Mistaken, NoAnswer));
