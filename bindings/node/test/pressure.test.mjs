// Too many handlers under way: the engine's queue fills, and with it the clients' connections; nothing else grows.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Gateway, Shard } from 'libdog';
import { Client, get, serve, until } from './support.mjs';

function serveHeld(t, members, options) {
  class Held extends Shard {
    receive(request) {
      return this.connect(request);
    }
  }
  Object.assign(Held.prototype, members);
  class All extends Gateway {
    limit = members.limit ?? 100;
    child = Held;

    identify(request) {
      return request.query('u') ?? 'anybody';
    }
  }
  return serve(t, { '/:name': All }, { workers: 1, ...options });
}

test('from handlersMax on no events are taken until a half has settled', async (t) => {
  const begun = [];
  const { engine, at } = serveHeld(t, {
    onmessage(socket, data) {
      return new Promise((resolve) => {
        begun.push({ data, resolve });
      });
    },
  }, { handlersMax: 4 });
  const client = await Client.open(t, at('/a'));
  for (let index = 0; index < 4; index++) client.send(String(index));
  await until(() => begun.length === 4);
  for (let index = 4; index < 20; index++) client.send(String(index));
  // All of them wait in the engine's queue, and Node goes on.
  await until(() => engine.stats().events === 16);
  assert.equal(begun.length, 4);
  begun[0].resolve();
  begun[1].resolve();
  await until(() => engine.stats().events === 14);
  assert.equal(begun.length, 6);
  for (let index = 2; index < 20; index++) {
    await until(() => begun.length > index);
    begun[index].resolve();
  }
  assert.deepEqual(begun.map(({ data }) => data), Array.from({ length: 20 }, (_, index) => String(index)));
});

test('handlers that wait for the engine itself do not stop it', async (t) => {
  const { at } = serveHeld(t, {
    limit: 1,
    async onmessage(socket, data) {
      const answers = await this.gossip(data);
      socket.send(answers[0] + (await socket.whisper('nobody', 'x')) + (await this.whisper('nobody', 'x')));
    },
    async ongossip(question) {
      await null;
      return question;
    },
  }, { handlersMax: 1 });
  const ann = await Client.open(t, at('/a?u=ann'));
  await Client.open(t, at('/a?u=bob'));
  for (let index = 0; index < 50; index++) ann.send('q');
  for (let index = 0; index < 50; index++) assert.equal(await ann.next(), 'q00');
});

test('what comes while polling must go on is refused at last, and the server lives', async (t) => {
  let answer;
  const { at, failures } = serveHeld(t, {
    limit: 2,
    async onmessage(socket, data) {
      if (data === 'hold') return new Promise(() => {});
      if (data === 'ask') return socket.send(await this.gossip('?'));
    },
    ongossip() {
      return new Promise((resolve) => { answer = resolve; });
    },
  }, { handlersMax: 2, gossipTimeoutMs: 600_000 });
  const ann = await Client.open(t, at('/a?u=ann'));
  const eve = await Client.open(t, at('/a?u=eve'));
  await Client.open(t, at('/a?u=cat'));
  ann.send('ask');
  await until(() => answer !== undefined);
  for (let index = 0; index < 70_000 && eve.socket.readyState === 1; index++) eve.send('hold');
  assert.equal((await eve.closed).code, 1013);
  const { status, headers } = await get(at('/a?u=bob'));
  assert.deepEqual([status, headers['retry-after']], [503, '1']);
  assert.deepEqual(failures.map(({ error, where }) => [error.code, where.handler]), [['DOG_EFULL', 'handlersMax']]);
  answer('well');
  assert.equal(await ann.next(), '["well"]');
});

test('an engine that takes no events can still be stopped', async (t) => {
  let begun = 0;
  const { engine, at } = serveHeld(t, {
    onmessage() {
      begun++;
      return new Promise(() => {});
    },
  }, { handlersMax: 1 });
  const client = await Client.open(t, at('/a'));
  client.send('1');
  client.send('2');
  await until(() => begun === 1);
  await engine.stop(0);
});
