// Sockets: what they send and get, how they close, and what they are told.
import { Blob } from 'node:buffer';
import assert from 'node:assert/strict';
import test from 'node:test';
import { DogError, Gateway, Shard } from 'libdog';
import { Client, deferred, serve, until } from './support.mjs';

/** Serves a Shard class that connects everybody; `members` are its handlers. */
function serveSockets(t, members, options) {
  class Sockets extends Shard {
    receive(request) {
      return this.connect(request);
    }
  }
  Object.assign(Sockets.prototype, members);
  class All extends Gateway {
    limit = 100;
    child = Sockets;

    identify(request) {
      return request.query('u') ?? 'anybody';
    }
  }
  return serve(t, { '/:name': All }, options);
}

const echo = {
  onmessage(socket, data) {
    socket.send(data);
  },
};

test('text comes as a string and goes as text, of every length', async (t) => {
  const { at } = serveSockets(t, echo);
  const client = await Client.open(t, at('/a'));
  const texts = ['', 'a', 'grüße', '\u0000', '😀'.repeat(3)];
  // Around the length that is converted in place, in characters of one to four bytes.
  for (const character of ['a', 'ü', '€', '😀']) {
    const bytes = Buffer.byteLength(character);
    for (let more = -2; more <= 2; more++) texts.push(character.repeat(Math.floor(65536 / bytes) + more));
    texts.push(`x${character.repeat(65536 / 2)}`);
  }
  for (const text of texts) assert.equal(await client.ask(text), text);
});

test('binary comes as a Buffer and goes as binary, of every length', async (t) => {
  const { at } = serveSockets(t, echo);
  const client = await Client.open(t, at('/a'));
  const lengths = [0, 1, 7, 8, 9, 4095, 4096, 4097, 8191, 8192, 8193, 70_000, ...Array(300).fill(100)];
  const sent = lengths.map((length, index) => Buffer.alloc(length, index % 256));
  for (const data of sent) client.send(data);
  for (const data of sent) assert.deepEqual(await client.next(), data);
});

test('whoever gives the memory of one message away does not take that of others', async (t) => {
  const { at } = serveSockets(t, {
    onmessage(socket, data) {
      try {
        structuredClone(data, { transfer: [data.buffer] });
      } catch (error) {
        assert.equal(error.name, 'DataCloneError'); // newer Nodes refuse, older ones make a copy
      }
      socket.send(data);
    },
  });
  const client = await Client.open(t, at('/a'));
  for (const text of ['one', 'two', 'three']) assert.equal(String(await client.ask(Buffer.from(text))), text);
});

test('a Buffer that a handler keeps stays as it is', async (t) => {
  const kept = [];
  const { at } = serveSockets(t, {
    onmessage(socket, data) {
      assert.ok(Buffer.isBuffer(data));
      kept.push(data);
      if (kept.length === 500) socket.send('all');
    },
  });
  const client = await Client.open(t, at('/a'));
  for (let index = 0; index < 500; index++) client.send(Buffer.alloc(index, index % 251));
  await client.next();
  kept.forEach((data, index) => assert.deepEqual(data, Buffer.alloc(index, index % 251)));
});

test('bytes of every kind are binary, everything else is its JSON', async (t) => {
  const values = [
    new Uint8Array([1, 2]), new Uint8Array([1, 2]).buffer, new Uint16Array([0x0201]), new DataView(new ArrayBuffer(2)),
    { a: [1, null] }, [1], 7, true, null,
  ];
  const { at } = serveSockets(t, {
    onmessage(socket, data) {
      if (data === 'undefined') assert.throws(() => socket.send(undefined), TypeError);
      else if (data === 'function') assert.throws(() => socket.send(() => {}), TypeError);
      else return socket.send(values[data]);
      socket.send('thrown');
    },
  });
  const client = await Client.open(t, at('/a'));
  const got = [];
  for (let index = 0; index < values.length; index++) got.push(await client.ask(String(index)));
  assert.deepEqual(got, [
    Buffer.from([1, 2]), Buffer.from([1, 2]), Buffer.from([1, 2]), Buffer.from([0, 0]),
    '{"a":[1,null]}', '[1]', '7', 'true', 'null',
  ]);
  assert.equal(await client.ask('undefined'), 'thrown');
  assert.equal(await client.ask('function'), 'thrown');
});

test('half of a character is no text: its sender is told, and nothing is sent; in JSON it is escaped', async (t) => {
  const half = 'a\ud800b';
  const { at, failures } = serveSockets(t, {
    onmessage(socket, data) {
      const calls = [
        () => socket.send(half), () => socket.emit(half, true), () => socket.broadcast(half, true),
        () => socket.whisper('anybody', half), () => socket.whisper(half, 'x'), () => this.emit(half),
        () => this.broadcast(half), () => this.whisper(half, 'x'), () => this.gateway.broadcast(half),
        () => this.gateway.whisper(half, 'x'), () => socket.close(1000, half),
      ];
      for (const call of calls) assert.throws(call, { name: 'TypeError', message: /lone surrogate \(U\+D800 at 1\)/ });
      socket.send(JSON.parse(data));
    },
  });
  const client = await Client.open(t, at('/a'));
  assert.equal(await client.ask('{"text":"\\ud800"}'), '{"text":"\\ud800"}');
  assert.deepEqual(failures, []);
});

test('what JSON would lose is refused, with what to do', async (t) => {
  const blob = new Blob(['x']);
  const wrong = [
    [NaN, /cannot be NaN/], [-Infinity, /-Infinity/], [{ a: [1, NaN] }, /cannot hold \(at "1"\) NaN/],
    [new Map([[1, 2]]), /Object\.fromEntries/], [{ m: new Map() }, /\(at "m"\) a Map/], [new Set([1]), /\.\.\.set/],
    [Promise.resolve(1), /await it/], [{ then() {} }, /await it/], [blob, /await blob\.arrayBuffer\(\)/],
    [new Error('x'), /an? Error/], [/x/, /RegExp/], [{ b: new Uint8Array(2) }, /bytes/],
    [[new ArrayBuffer(2)], /ArrayBuffer/], [new WeakMap(), /WeakMap/],
    [undefined, /undefined/], [() => {}, /function/], [Symbol('x'), /symbol/], [1n, /BigInt/],
  ];
  const { at, failures } = serveSockets(t, {
    async onmessage(socket) {
      for (const [value, pattern] of wrong) {
        assert.throws(() => socket.send(value), { name: 'TypeError', message: pattern });
        assert.throws(() => this.gossip(value), { name: 'TypeError', message: pattern });
      }
      class Empty {}
      socket.send([null, {}, new Empty(), 'null {}', { a: undefined }, new Date(0), Object.create(null)]);
      socket.send(new SharedArrayBuffer(2));
      socket.send(await blob.arrayBuffer());
    },
  });
  const client = await Client.open(t, at('/a'));
  assert.equal(await client.ask('?'), '[null,{},{},"null {}",{},"1970-01-01T00:00:00.000Z",{}]');
  assert.deepEqual([await client.next(), await client.next()], [Buffer.alloc(2), Buffer.from('x')]);
  assert.deepEqual(failures, []);
});

test('JSON may be one\'s own, for all that is sent, asked and answered', async (t) => {
  const json = {
    encode: (value) => JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part)),
    decode: (text) => JSON.parse(text, (_, part) => (/^\d+n$/.test(part) ? BigInt(part.slice(0, -1)) : part)),
  };
  const { at, failures } = serveSockets(t, {
    async onmessage(socket) {
      socket.send([await this.gossip(1n), 2n]);
    },
    ongossip: (question) => [typeof question, 3n],
  }, { json });
  const clients = [];
  for (let index = 0; index < 101; index++) clients.push(await Client.open(t, at('/a')));
  assert.equal(await clients[0].ask('?'), '[[["bigint","3n"]],"2n"]');
  assert.deepEqual(failures, []);
});

test('a close by the client comes with its code and reason', async (t) => {
  const closed = deferred();
  const { at } = serveSockets(t, { onclose: (...values) => closed.resolve(values) });
  const client = await Client.open(t, at('/a?u=ann'));
  await client.close(4001, 'grüße');
  const [socket, code, reason, isClean] = await closed.promise;
  assert.deepEqual([socket.uid, socket.isOpen, code, reason, isClean], ['ann', false, 4001, 'grüße', true]);
});

test('a close by the host reaches the client', async (t) => {
  const { at, failures } = serveSockets(t, { onmessage: (socket) => socket.close(4002, 'enough') });
  const client = await Client.open(t, at('/a'));
  client.send('?');
  assert.deepEqual(await client.closed, { code: 4002, reason: 'enough' });
  assert.deepEqual(failures, []);
});

test('a connection that is lost is an error and a close', async (t) => {
  const told = [];
  const { at } = serveSockets(t, {
    onerror: (socket, error) => told.push([error instanceof DogError, error.code]),
    onclose: (socket, code, reason, isClean) => told.push([code, isClean]),
  });
  const client = await Client.open(t, at('/a'));
  client.socket._socket.resetAndDestroy();
  await until(() => told.length === 2);
  assert.deepEqual(told, [[true, 'DOG_ERESET'], [1006, false]]);
});

test('a socket that has closed sends nothing and says so; to others its Shard speaks', async (t) => {
  const outcomes = deferred();
  const { at } = serveSockets(t, {
    async onclose(socket) {
      outcomes.resolve([
        socket.send('x'), socket.close(), socket.emit('emitted'), socket.broadcast({ said: 1 }, true),
        await socket.whisper('bob', 'whispered'), socket.shard.count,
      ]);
    },
  });
  const bob = await Client.open(t, at('/a?u=bob'));
  const ann = await Client.open(t, at('/a?u=ann'));
  await ann.close();
  assert.deepEqual(await outcomes.promise, [false, false, true, true, 1, 1]);
  assert.deepEqual([await bob.next(), await bob.next(), await bob.next()], ['emitted', '{"said":1}', 'whispered']);
});

test('misuse throws, and the socket stays open', async (t) => {
  const { at } = serveSockets(t, {
    onmessage(socket) {
      const codes = [
        () => socket.close(1005), () => socket.close(1000, 'r'.repeat(124)),
        () => socket.send('b'.repeat(2000)), () => socket.broadcast('b'.repeat(2000)),
        () => socket.whisper('', 'x'), () => socket.whisper('bob', 'b'.repeat(2000)),
      ].map((call) => {
        try {
          return call();
        } catch (error) {
          return error.code;
        }
      });
      assert.throws(() => socket.close('1000'), TypeError);
      assert.throws(() => socket.close(70000), TypeError);
      socket.send(codes);
    },
  }, { outboxBytesMax: 1024 });
  const client = await Client.open(t, at('/a'));
  assert.deepEqual(JSON.parse(await client.ask('?')),
    ['DOG_EINVAL', 'DOG_EINVAL', 'DOG_ETOOBIG', 'DOG_ETOOBIG', 'DOG_EINVAL', 'DOG_ETOOBIG']);
});

test('a socket keeps what the host hangs on it, and its Shard knows its sockets', async (t) => {
  const { at } = serveSockets(t, {
    onopen(socket) {
      socket.data = { seen: 0 };
    },
    onmessage(socket) {
      socket.data.seen++;
      socket.send([socket.data.seen, this.count, this.sockets.map(({ uid }) => uid), socket.shard === this]);
    },
  });
  const ann = await Client.open(t, at('/a?u=ann'));
  await ann.ask('1');
  await Client.open(t, at('/a?u=bob'));
  assert.deepEqual(JSON.parse(await ann.ask('2')), [2, 2, ['ann', 'bob'], true]);
});

test('a full outbox drops by its policy, and ondrain tells how much', async (t) => {
  const drained = deferred();
  const { at } = serveSockets(t, {
    onmessage(socket) {
      for (let index = 0; index < 3000; index++) socket.send(Buffer.alloc(10_000));
    },
    ondrain: (socket, dropped) => drained.resolve(dropped),
  }, { outboxBytesMax: 100_000, outboxPolicy: 'drop-newest' });
  const client = await Client.open(t, at('/a'));
  client.socket.pause();
  client.send('?');
  // The engine has said all of it before it answers another.
  const other = await Client.open(t, at('/a'));
  await other.close();
  client.socket.resume();
  const dropped = await drained.promise;
  assert.ok(dropped > 0 && dropped < 3000, `${dropped} dropped`);
});

test('handlers of a Shard begin in the order of their events', async (t) => {
  const seen = [];
  const { at, engine } = serveSockets(t, {
    onstart: () => seen.push('start'),
    onopen: () => seen.push('open'),
    async onmessage(socket, data) {
      seen.push(data);
      await null;
      if (data === '9') socket.send('all');
    },
    onclose: () => seen.push('close'),
    onstop: () => seen.push('stop'),
  });
  const client = await Client.open(t, at('/a'));
  for (let index = 0; index < 10; index++) client.send(String(index));
  await client.next();
  await client.close();
  await engine.stop(1000);
  assert.deepEqual(seen, ['start', 'open', ...'0123456789', 'close', 'stop']);
});
