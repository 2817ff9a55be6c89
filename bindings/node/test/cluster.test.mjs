// Gateways and Shards: who is placed where, and what reaches whom.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { Gateway, Shard } from 'libdog';
import { Client, get, serve, until } from './support.mjs';

class Task extends Shard {
  heard = [];

  receive(request) {
    if (request.path.endsWith('/ws')) return this.connect(request);
    return `${this.id} ${this.gateway.name} ${request.uid} ${this.count}`;
  }

  onopen(socket) {
    socket.send({ uid: socket.uid, shard: this.id });
  }

  async onmessage(socket, data) {
    const { verb, to, message } = JSON.parse(data);
    switch (verb) {
      case 'emit': return socket.emit(message);
      case 'emit to self': return socket.emit(message, true);
      case 'broadcast': return socket.broadcast(message);
      case 'broadcast to self': return socket.broadcast(message, true);
      case 'whisper': return socket.send({ reached: await socket.whisper(to, message) });
      case 'shard emit': return this.emit(message);
      case 'shard broadcast': return this.broadcast(message);
      case 'shard whisper': return socket.send({ reached: await this.whisper(to, message) });
      case 'gateway broadcast': return this.gateway.broadcast(message);
      case 'gateway whisper': return socket.send({ reached: await this.gateway.whisper(to, message) });
      case 'gateway stats': return socket.send(this.gateway.stats());
      case 'gossip': return socket.send(await this.gossip(message));
      case 'gossip settled': {
        const results = await this.gossipSettled(message, { timeoutMs: to });
        return socket.send(results.map(({ answer, error }) => ({ answer, code: error?.code, text: error?.text })));
      }
      default: throw new Error(verb);
    }
  }

  ongossip(question) {
    if (question.fail) throw new Error(question.fail === true ? 'I would rather not' : question.fail.repeat(2000));
    if (question.wait) return new Promise(() => {});
    return { names: this.sockets.map((socket) => socket.uid), question };
  }
}

class Pool extends Gateway {
  limit = 2;
  child = Task;

  identify(request) {
    return request.query('u') ?? 'anon';
  }
}

class Quiet extends Shard {
  receive(request) {
    return this.connect(request);
  }

  async onmessage(socket) {
    const [{ error }] = await this.gossipSettled('anybody?');
    socket.send(error.code);
  }
}

class Named extends Gateway {
  limit = 1;
  child = Quiet;

  async identify(request) {
    return request.query('u');
  }

  async clusterize(request) {
    return `of-${request.uid}`;
  }
}

const say = (client, verb, message, to) => client.send(JSON.stringify({ verb, message, to }));
const hear = async (client) => JSON.parse(await client.next());

/** ann and bob on one Shard, cat on another. */
async function three(t) {
  const server = serve(t, { '/tasks/:name': Pool });
  const clients = {};
  const shards = {};
  for (const name of ['ann', 'bob', 'cat']) {
    clients[name] = await Client.open(t, server.at(`/tasks/a/ws?u=${name}`));
    const hello = await hear(clients[name]);
    assert.equal(hello.uid, name);
    shards[name] = hello.shard;
  }
  assert.equal(shards.ann, shards.bob);
  assert.notEqual(shards.ann, shards.cat);
  return { ...server, ...clients, shards };
}

test('a request is placed by its Gateway and answered by a Shard that has room', async (t) => {
  const { at, shards } = await three(t);
  const { status, headers, body } = await get(at('/tasks/a?u=dan'));
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(body, `${shards.cat} a dan 1`);
});

test('emit reaches the Shard, broadcast the cluster; the sender only if it says so', async (t) => {
  const { ann, bob, cat } = await three(t);
  say(ann, 'emit', 'e');
  say(ann, 'emit to self', 'E');
  say(ann, 'broadcast', 'b');
  say(ann, 'broadcast to self', 'B');
  assert.deepEqual([await ann.next(), await ann.next()], ['E', 'B']);
  assert.deepEqual([await bob.next(), await bob.next(), await bob.next(), await bob.next()], ['e', 'E', 'b', 'B']);
  assert.deepEqual([await cat.next(), await cat.next()], ['b', 'B']);
});

test('a Shard and a Gateway reach everybody', async (t) => {
  const { ann, bob, cat } = await three(t);
  say(ann, 'shard emit', 's');
  say(ann, 'shard broadcast', 'S');
  assert.deepEqual([await ann.next(), await ann.next()], ['s', 'S']);
  assert.deepEqual([await bob.next(), await bob.next()], ['s', 'S']);
  assert.equal(await cat.next(), 'S');
  say(cat, 'gateway broadcast', { g: 1 });
  for (const client of [ann, bob, cat]) assert.deepEqual(await hear(client), { g: 1 });
});

test('a whisper reaches every socket of a uid and says how many', async (t) => {
  const { ann, bob, cat, at } = await three(t);
  const other = await Client.open(t, at('/tasks/a/ws?u=bob'));
  await other.next();
  for (const verb of ['whisper', 'shard whisper', 'gateway whisper']) {
    say(cat, verb, { hush: verb }, 'bob');
    assert.deepEqual(await hear(cat), { reached: 2 });
    assert.deepEqual(await hear(bob), { hush: verb });
    assert.deepEqual(await hear(other), { hush: verb });
    say(ann, verb, 'nobody hears this', 'zoe');
    assert.deepEqual(await hear(ann), { reached: 0 });
  }
});

test('gossip brings the answers of all siblings that gave one', async (t) => {
  const { ann, cat } = await three(t);
  say(ann, 'gossip', { q: 1 });
  assert.deepEqual(await hear(ann), [{ names: ['cat'], question: { q: 1 } }]);
  say(cat, 'gossip settled', { fail: true });
  assert.deepEqual(await hear(cat), [{ code: 'DOG_EHOST', text: 'I would rather not' }]);
  say(cat, 'gossip settled', { fail: 'x' });
  assert.deepEqual(await hear(cat), [{ code: 'DOG_EHOST', text: 'x'.repeat(1024) }]);
  say(cat, 'gossip', { fail: true });
  assert.deepEqual(await hear(cat), []);
  say(cat, 'gossip settled', { wait: true }, 20);
  assert.deepEqual(await hear(cat), [{ code: 'DOG_ETIMEDOUT' }]);
});

test('a Shard without ongossip has no answer', async (t) => {
  const { at } = serve(t, { '/x/:name': Named });
  const ann = await Client.open(t, at('/x/a?u=ann'));
  await Client.open(t, at('/x/a?u=bob'));
  assert.equal(await ann.ask('?'), 'DOG_ENOHANDLER');
});

test('clusterize names the next Shard', async (t) => {
  const ids = [];
  class Seen extends Quiet {
    onstart() {
      ids.push(this.id);
    }
  }
  class Names extends Named {
    child = Seen;
  }
  const { at } = serve(t, { '/x/:name': Names });
  await Client.open(t, at('/x/a?u=ann'));
  await Client.open(t, at('/x/a?u=bob'));
  assert.deepEqual(ids, ['of-ann', 'of-bob']);
});

test('find gives the one object of a Gateway that is alive', async (t) => {
  const { engine, ann } = await three(t);
  const pool = engine.find(Pool, 'a');
  assert.ok(pool instanceof Pool);
  assert.equal(pool, engine.find(Pool, 'a'));
  assert.deepEqual(pool.stats(), { shards: 2, connections: 3 });
  say(ann, 'gateway stats');
  assert.deepEqual(await hear(ann), { shards: 2, connections: 3 });
  assert.equal(engine.find(Pool, 'b'), undefined);
  assert.throws(() => engine.find(Named, 'a'), TypeError);
  assert.equal(await pool.whisper('ann', 'psst'), 1);
  assert.equal(await ann.next(), 'psst');
});

// Clients that go on while the engine's thread is in a handler. They take a step when `steps[0]` says so.
const CLIENTS = `
  const { workerData: { port, steps } } = require('worker_threads');
  const connect = (target, more) => {
    const socket = require('net').connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET ' + target + ' HTTP/1.1\\r\\nHost: x\\r\\n' + more + '\\r\\n');
    return socket;
  };
  const upgrade = 'Upgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\n'
    + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n';
  const ann = connect('/den?u=ann', upgrade);
  const bob = connect('/den?u=bob', upgrade);
  const frame = (text) => [Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)];
  const say = (text) => ann.write(Buffer.concat(frame(text)));
  const acts = [() => say('one'), () => say('two'), () => bob.destroy(), () => connect('/new?u=cat', '')];
  const timer = setInterval(() => {
    if (Atomics.load(steps, 0) <= 4 - acts.length) return;
    acts.shift()();
    if (acts.length === 0) clearInterval(timer);
  }, 1);
`;

test('a Gateway that find tells of first costs nobody else its place', async (t) => {
  const steps = new Int32Array(new SharedArrayBuffer(4));
  const log = [];
  let engine;
  const next = (isSo) => {
    Atomics.add(steps, 0, 1);
    for (let turn = 0; isSo && !isSo() && turn < 5000; turn++) Atomics.wait(steps, 0, steps[0], 1);
  };
  class Seats extends Shard {
    receive(request) {
      return request.uid === 'cat' ? 'hello' : this.connect(request);
    }

    onopen() {
      if (this.count === 2) next();
    }

    onmessage(socket, text) {
      if (text === 'one') {
        // The next message, and behind it the end of bob, are of one batch.
        next(() => engine.stats().events >= 1);
        next(() => engine.stats().events >= 2);
      } else {
        next(() => engine.find(Room, 'new'));
        log.push(engine.find(Room, 'new').name);
      }
    }

    onclose(socket) {
      log.push(socket.uid, engine.find(Room, 'new').name);
    }
  }
  class Room extends Gateway {
    limit = 10;
    child = Seats;

    identify(request) {
      return request.query('u');
    }
  }
  const served = serve(t, { '/:name': Room }, { workers: 1 });
  engine = served.engine;
  const clients = new Worker(CLIENTS, { eval: true, workerData: { port: engine.port, steps } });
  t.after(() => clients.terminate());
  await until(() => log.length >= 3 || served.failures.length > 0);
  assert.deepEqual(served.failures, []);
  assert.deepEqual(log, ['new', 'bob', 'new']);
});

test('fetch forwards to classes that no route names, if the engine has them', async (t) => {
  class Hall extends Shard {
    receive(request) {
      return `${request.uid} in ${this.gateway.name} by ${request.rest}`;
    }
  }
  class Halls extends Gateway {
    limit = 1;
    child = Hall;

    identify() {
      return 'ann';
    }
  }
  class Stranger extends Halls {}
  const { at, failures } = serve(t, {}, {
    classes: [Halls],
    fetch: (request) => request.forward(request.path === '/stranger' ? Stranger : Halls, 'main'),
  });
  assert.equal((await get(at('/any/where'))).body, 'ann in main by /any/where');
  assert.equal((await get(at('/stranger'))).status, 500);
  assert.match(failures[0].error.message, /no Gateway class Stranger: list it in the option "classes"/);
});

test('fetch answers what no route takes, or forwards it', async (t) => {
  const { at, failures } = serve(t, { '/tasks/:name': Pool }, {
    async fetch(request) {
      if (request.path === '/alias') return request.forward(Pool, 'b c');
      if (request.path === '/by-name') return request.forward('Pool', 'd');
      if (request.path === '/nowhere') return request.forward('Nowhere', 'd');
      return { status: 404, body: 'nothing here' };
    },
  });
  assert.match((await get(at('/alias?u=ann'))).body, / b c ann /);
  assert.match((await get(at('/by-name?u=ann'))).body, / d ann /);
  assert.equal((await get(at('/nowhere'))).status, 500);
  assert.equal(failures[0].error.code, 'DOG_ENOENT');
  assert.equal(failures[0].where.handler, 'fetch');
  const { status, body } = await get(at('/else'));
  assert.deepEqual([status, body], [404, 'nothing here']);
});
