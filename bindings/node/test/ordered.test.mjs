// With the option `ordered` handlers of one socket wait for one another.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Gateway, Shard } from 'libdog';
import { Client, deferred, serve, until } from './support.mjs';

const lib = path.join(path.dirname(fileURLToPath(import.meta.url)), '../node_modules/libdog/lib');
const { Turns } = createRequire(import.meta.url)(path.join(lib, 'ordered.js'));

function serveOrdered(t, members, { shard = {}, ...options } = {}) {
  class Ordered extends Shard {
    static options = { ordered: true, ...shard };

    receive(request) {
      return this.connect(request);
    }
  }
  Object.assign(Ordered.prototype, members);
  class All extends Gateway {
    limit = 100;
    child = Ordered;

    identify(request) {
      return request.query('u') ?? 'anybody';
    }
  }
  return serve(t, { '/:name': All }, options);
}

test('events of one socket are handled one after another, those of others meanwhile', async (t) => {
  const seen = [];
  const gates = { ann: deferred(), bob: deferred() };
  const over = deferred();
  const { at, failures } = serveOrdered(t, {
    async onopen(socket) {
      await gates[socket.uid].promise;
      seen.push(`${socket.uid} open`);
    },
    async onmessage(socket, data) {
      seen.push(`${socket.uid} begins ${data}`);
      await new Promise((resolve) => { setImmediate(resolve); });
      seen.push(`${socket.uid} ends ${data}`);
    },
    onclose(socket) {
      seen.push(`${socket.uid} close`);
      if (socket.uid === 'ann') over.resolve();
    },
  });
  const ann = await Client.open(t, at('/a?u=ann'));
  const bob = await Client.open(t, at('/a?u=bob'));
  ann.send('1');
  ann.send('2');
  bob.send('1');
  await ann.close(); // what it sent is handled all the same
  gates.bob.resolve();
  await until(() => seen.length === 3);
  gates.ann.resolve();
  await over.promise;
  assert.deepEqual(seen, ['bob open', 'bob begins 1', 'bob ends 1', 'ann open', 'ann begins 1', 'ann ends 1',
    'ann begins 2', 'ann ends 2', 'ann close']);
  assert.deepEqual(failures, []);
});

test('what comes behind a handler that fails is not handled', async (t) => {
  const seen = [];
  const gate = deferred();
  const over = deferred();
  const { at, failures } = serveOrdered(t, {
    async onmessage(socket, data) {
      seen.push(data);
      await gate.promise;
      throw new Error('told to fail');
    },
    onerror: (socket, error) => seen.push(error.code),
    onclose: (socket, code) => over.resolve(code),
  });
  const client = await Client.open(t, at('/a'));
  for (const text of ['1', '2', '3']) client.send(text);
  await until(() => seen.length === 1);
  gate.resolve();
  assert.equal((await client.closed).code, 1011);
  await over.promise;
  assert.deepEqual(seen, ['1', 'DOG_EHOST']);
  assert.equal(failures.length, 1);
});

for (const [what, shard, size] of [['messages', { orderedMax: 2 }, 1], ['bytes', { orderedBytesMax: 25 }, 10]]) {
  test(`too many ${what} that wait close their socket, and no other`, async (t) => {
    const told = [];
    const { at } = serveOrdered(t, {
      onmessage: (socket, data) => (data === 'well' ? socket.send('well') : new Promise(() => {})),
      onerror: (socket, error) => told.push([socket.uid, error.code]),
    }, { shard });
    const ann = await Client.open(t, at('/a?u=ann'));
    const eve = await Client.open(t, at('/a?u=eve'));
    for (let index = 0; index < 3; index++) eve.send('x'.repeat(size)); // one under way, two that wait
    assert.equal(await ann.ask('well'), 'well');
    assert.deepEqual(told, []);
    eve.send('x'.repeat(size));
    assert.equal((await eve.closed).code, 1013);
    assert.deepEqual(told, [['eve', 'DOG_EFULL']]);
    assert.equal(await ann.ask('well'), 'well');
  });
}

test('what waits counts for handlersMax', async (t) => {
  const gates = [];
  const { engine, at } = serveOrdered(t, {
    onmessage: () => new Promise((resolve) => { gates.push(resolve); }),
  }, { workers: 1, handlersMax: 4 });
  const client = await Client.open(t, at('/a'));
  for (let index = 0; index < 10; index++) client.send('x');
  await until(() => engine.stats().events === 6);
  for (let index = 0; index < 10; index++) {
    await until(() => gates.length > index);
    gates[index]();
  }
});

/** Numbers below a bound, the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

test('turns, at random: one at a time, in order, and what waits is counted', () => {
  const seed = Number(process.env.DOG_SEED ?? Math.floor(Math.random() * 2 ** 32));
  const pick = random(seed);
  for (let round = 0; round < 300; round++) {
    const limits = { messagesMax: 1 + pick(5), bytesMax: 1 + pick(50) };
    let queued = 0;
    const turns = new Turns(limits, { queue: () => { queued++; }, unqueue: () => { queued--; } });
    const begun = [];
    let [taken, settle] = [0, undefined];
    const waiting = []; // the model: bytes of what waits, in order
    for (let step = 0; step < 60; step++) {
      if (pick(3) === 0 && settle !== undefined) {
        const settled = settle;
        settle = undefined;
        settled();
      } else {
        const bytes = pick(30);
        const sum = waiting.reduce((all, each) => all + each.bytes, 0);
        const hasRoom = waiting.length === 0 || (waiting.length < limits.messagesMax && sum + bytes <= limits.bytesMax);
        assert.equal(turns.hasRoom(bytes), hasRoom, `seed ${seed}`);
        if (hasRoom) {
          const [number, isAsync] = [taken++, pick(2) === 0];
          if (settle !== undefined) waiting.push({ number, bytes });
          turns.take((settled) => {
            assert.equal(settle, undefined, `seed ${seed}: one at a time`);
            if (waiting[0]?.number === number) waiting.shift();
            begun.push(number);
            if (isAsync) settle = settled;
            return isAsync;
          }, bytes);
        }
      }
      assert.equal(queued, waiting.length, `seed ${seed}`);
    }
    assert.deepEqual(begun, Array.from(begun, (_, index) => index), `seed ${seed}`);
    assert.equal(begun.length + waiting.length, taken, `seed ${seed}`);
  }
});
