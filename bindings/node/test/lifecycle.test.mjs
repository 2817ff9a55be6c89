// From start to the end of an engine, of its thread and of its process; and that nothing stays behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Engine, Gateway, Shard } from 'libdog';
import { Client, deferred, get, serve, until } from './support.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const CLASSES = `
  import { Engine, Gateway, Shard, serve } from 'libdog';
  import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
  class Task extends Shard {
    receive(request) { return request.path.endsWith('/ws') ? this.connect(request) : 'task'; }
    onmessage(socket, data) { socket.send(data); }
  }
  class Pool extends Gateway { limit = 50; child = Task; identify() { return 'ann'; } }
  const routes = { '/tasks/:name': Pool };
`;

/** Runs a program to its end; what it writes a line at a time goes to `heard`. */
function run(source, heard = () => {}, options = []) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...options, '--input-type=module', '-e', CLASSES + source], {
      cwd: here, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000,
    });
    let [stdout, stderr, rest] = ['', '', ''];
    child.stdout.on('data', (data) => {
      stdout += data;
      rest += data;
      const lines = rest.split('\n');
      rest = lines.pop();
      for (const line of lines) heard(line, child);
    });
    child.stderr.on('data', (data) => { stderr += data; });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

function assertEnded({ code, signal, stderr }, wanted = 0) {
  assert.deepEqual([code, signal], [wanted, null], stderr);
}

/** Sockets of a server in another process that send without end; each failure is their server's end. */
async function flood(port, count) {
  const clients = [];
  for (let index = 0; index < count; index++) {
    const client = new Client(`127.0.0.1:${port}/tasks/a/ws`);
    await client.opened;
    client.socket.on('message', (data) => client.socket.send(data));
    client.send('x'.repeat(100));
    clients.push(client);
  }
  return clients;
}

test('Node goes on while an engine runs, and ends after it has stopped', async () => {
  const ended = await run(`
    const engine = serve({ workers: 2, routes });
    process.once('SIGTERM', async () => { await engine.stop(1000); console.log('stopped'); });
    console.log(engine.port);
  `, async (line, child) => {
    if (!/^\d+$/.test(line)) return;
    assert.equal((await get(`127.0.0.1:${line}/tasks/a`)).body, 'task');
    child.kill('SIGTERM');
  });
  assertEnded(ended);
  assert.match(ended.stdout, /stopped\n$/);
});

test('an engine that nobody refers to keeps nobody', async () => {
  assertEnded(await run('const engine = serve({ workers: 1, routes }).unref(); console.log(engine.port);'));
  assertEnded(await run('serve({ workers: 1, routes }).unref().ref().unref();'));
  assertEnded(await run('new Engine({ workers: 1 }).unref().start();'));
  assertEnded(await run('new Engine().route("/x/:name", Pool).listen();'));
});

for (const [how, end] of [['process.exit', 'process.exit(3)'], ['an exception', 'throw new Error("the end")']]) {
  test(`${how} under load ends a process with its engine`, async () => {
    let clients = [];
    const ended = await run(`
      const engine = serve({ workers: 2, routes });
      let heard = 0;
      Task.prototype.onmessage = (socket, data) => { socket.send(data); if (++heard === 500) ${end}; };
      // A handler's exception is reported; the end is to be outside of one.
      const timer = setInterval(() => { if (heard >= 500) { clearInterval(timer); ${end}; } }, 1);
      console.log(engine.port);
    `, async (line) => {
      if (/^\d+$/.test(line)) clients = await flood(line, 10);
    });
    assertEnded(ended, how === 'process.exit' ? 3 : 1);
    for (const client of clients) client.socket.terminate();
  });
}

test('process.exit ends the engine first: the file of its socket is removed', async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dog-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const socket = path.join(folder, 'dog.sock');
  assertEnded(await run(`
    import fs from 'node:fs';
    serve({ workers: 1, path: ${JSON.stringify(socket)}, routes });
    console.log(fs.existsSync(${JSON.stringify(socket)}));
    process.exit(5);
  `, (line) => assert.equal(line, 'true')), 5);
  assert.equal(fs.existsSync(socket), false);
});

test('each Worker has engines of its own, which end with it', async () => {
  const ended = await run(`
    const source = ${JSON.stringify(CLASSES.replace(/import (.*) from (.*);/g, 'const $1 = require($2);'))} + \`
      const engine = serve({ workers: 1, routes });
      parentPort.postMessage(engine.port);
      parentPort.on('message', async (what) => {
        if (what === 'exit') process.exit(4);
        await engine.stop(100);
        parentPort.close();
      });
    \`;
    const main = serve({ workers: 1, routes });
    const ask = async (port) => (await (await fetch('http://127.0.0.1:' + port + '/tasks/a')).text());
    for (const end of ['stop', 'exit', 'terminate']) {
      const worker = new Worker(source, { eval: true, execArgv: [] });
      const over = new Promise((resolve) => worker.once('exit', resolve));
      const port = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      console.log(end, await ask(port), await ask(main.port));
      if (end === 'terminate') worker.terminate();
      else worker.postMessage(end);
      console.log('ended', await over);
      console.log(await ask(port).catch(() => 'gone'));
    }
    console.log(await ask(main.port));
    await main.stop(0);
  `);
  assertEnded(ended);
  assert.equal(ended.stdout.replace(/ended \d\n/g, ''), `${['stop', 'exit', 'terminate'].map((end) =>
    `${end} task task\ngone\n`).join('')}task\n`);
});

test('an engine may be stopped within a handler, and before it was started', async (t) => {
  class Task extends Shard {
    receive(request) {
      return this.connect(request);
    }

    onmessage() {
      over = server.engine.stop(1000);
    }
  }
  class Pool extends Gateway {
    limit = 1;
    child = Task;

    identify() {
      return 'ann';
    }
  }
  let over;
  const server = serve(t, { '/:name': Pool });
  const client = await Client.open(t, server.at('/a'));
  client.send('stop');
  assert.equal((await client.closed).code, 1001);
  await over;
  await server.engine.finished;
  await new Engine().stop();
});

/** A Shard whose state is loaded when `gate` says so. */
function serveLoaded(t, gate, seen, options) {
  class Task extends Shard {
    async onstart() {
      seen.push('begins');
      this.state = await gate.promise;
      seen.push('loaded');
    }

    receive(request) {
      seen.push(request.uid);
      return request.path === '/a/ws' ? this.connect(request) : this.state;
    }

    onmessage(socket) {
      socket.send(this.state);
    }

    onstop() {
      seen.push('stop');
    }
  }
  class Pool extends Gateway {
    limit = 10;
    child = Task;

    identify(request) {
      return request.query('u');
    }
  }
  return serve(t, { '/:name': Pool }, options);
}

test('what is asked of a Shard waits for its onstart', async (t) => {
  const gate = deferred();
  const seen = [];
  const { engine, at, failures } = serveLoaded(t, gate, seen);
  const ann = new Client(at('/a/ws?u=ann'));
  t.after(() => ann.socket.terminate());
  const bob = get(at('/a?u=bob'));
  await until(() => engine.stats().requests === 2 && seen.length === 1);
  gate.resolve('the state');
  await ann.opened;
  assert.equal(await ann.ask('?'), 'the state');
  assert.equal((await bob).body, 'the state');
  assert.deepEqual([...seen.slice(0, 2), ...seen.slice(2).sort()], ['begins', 'loaded', 'ann', 'bob']);
  assert.deepEqual(failures, []);
});

test('a start that takes too long ends its Shard; that it comes later is no failure', async (t) => {
  const gate = deferred();
  const seen = [];
  const { at, failures } = serveLoaded(t, gate, seen, { startTimeoutMs: 20 });
  assert.equal((await get(at('/a?u=ann'))).status, 503);
  await until(() => seen.includes('stop'));
  gate.resolve('the state');
  let answer;
  do answer = await get(at('/a?u=ann')); while (answer.status === 503); // a machine may be slower than that
  assert.equal(answer.body, 'the state');
  assert.deepEqual(failures, []);
});

test('a stop waits for what is to be saved, in every handler that tells', async (t) => {
  const saved = [];
  const gate = deferred();
  const save = async (what) => {
    saved.push(`${what} begins`);
    await gate.promise;
    saved.push(what);
  };
  class Task extends Shard {
    receive(request) {
      return this.connect(request);
    }

    onmessage() {
      return save('onmessage');
    }

    onclose() {
      return save('onclose');
    }

    onstop() {
      return save('onstop');
    }
  }
  class Pool extends Gateway {
    limit = 1;
    child = Task;

    identify() {
      return 'ann';
    }

    onretire() {
      return save('onretire');
    }
  }
  const { engine, at, failures } = serve(t, { '/:name': Pool });
  const client = await Client.open(t, at('/a'));
  client.send('save');
  await until(() => saved.length === 1);
  let isOver = false;
  const over = engine.stop(60_000).then(() => { isOver = true; });
  await until(() => saved.length === 4);
  assert.equal(isOver, false);
  gate.resolve();
  await over;
  assert.deepEqual(saved.slice(4).sort(), ['onclose', 'onmessage', 'onretire', 'onstop']);
  assert.deepEqual(failures, []);
});

test('what the grace is over for is cut off and reported, and a shorter stop wins', async (t) => {
  class Task extends Shard {
    receive(request) {
      return request.path === '/a/ws' ? this.connect(request) : new Promise(() => {}); // who would hear the answer?
    }

    onstop() {
      return new Promise(() => {});
    }

    onclose() {
      return new Promise(() => {});
    }
  }
  class Pool extends Gateway {
    limit = 100;
    child = Task;

    identify() {
      return 'ann';
    }
  }
  const { engine, at, failures } = serve(t, { '/:name': Pool });
  const clients = [];
  for (let index = 0; index < 12; index++) clients.push(await Client.open(t, at('/a/ws')));
  get(at('/a')).catch(() => {});
  await until(() => engine.stats().requests === 1);
  engine.stop(60_000);
  await Promise.all(clients.map(({ closed }) => closed));
  await engine.stop(0);
  assert.deepEqual(failures.map(({ error, where }) => [error.code, where.handler]), [
    ...Array(10).fill(['DOG_ETIMEDOUT', 'Task.onclose']), ['DOG_ETIMEDOUT', 'stop']]);
  assert.match(failures[0].error.message, /the stop has cut it off/);
  assert.match(failures[10].error.message, /3 more were cut off/);
  assert.equal(failures[0].where.socket.uid, 'ann');
});

test('a stop goes through what is under way but once, however much settles', async () => {
  const lib = createRequire(import.meta.url);
  const folder = path.join(here, '../node_modules/libdog/lib');
  const load = (name) => lib(path.join(folder, `${name}.js`));
  const [{ Handlers }, { Ending }, { Place }] = ['handlers', 'ending', 'place'].map(load);
  let looks = 0;
  class Counted extends Handlers {
    places() {
      looks++;
      return super.places();
    }
  }
  for (const isCutOff of [false, true]) {
    looks = 0;
    const told = [];
    const fields = new Int32Array(lib(path.join(folder, 'addon.js')).FIELDS_MAX);
    const handlers = new Counted(10, fields, () => {}, (error) => told.push(error));
    const gates = Array.from({ length: 1000 }, deferred);
    for (const { promise } of gates) {
      handlers.track(promise, new Place(undefined, 'x', undefined, false), () => {}, () => {});
    }
    const [never, unheard] = [new Promise(() => {}), new Place(undefined, 'y', undefined, true)];
    handlers.track(never, unheard, () => {}, () => {});
    const ending = new Ending(handlers, (error) => told.push(error.message));
    ending.allow(60_000);
    ending.begin();
    for (const { resolve } of gates.slice(isCutOff ? 20 : 0)) resolve();
    if (isCutOff) ending.allow(0);
    await ending.finished;
    assert.equal(looks, isCutOff ? 1 : 0);
    assert.equal(told.length, isCutOff ? 11 : 0);
  }
});

test('what an engine had says so when it has ended', async (t) => {
  let kept;
  class Task extends Shard {
    receive(request) {
      return this.connect(request);
    }

    onopen(socket) {
      kept = { shard: this, socket, gateway: this.gateway };
    }
  }
  class Pool extends Gateway {
    limit = 1;
    child = Task;

    identify() {
      return 'ann';
    }
  }
  const { engine, at } = serve(t, { '/:name': Pool });
  await Client.open(t, at('/a'));
  await until(() => kept !== undefined);
  await engine.stop(0);
  const { shard, socket, gateway } = kept;
  const said = [socket.send('x'), socket.emit('x'), socket.broadcast('x'), socket.close(), shard.emit('x'),
    shard.broadcast('x'), gateway.broadcast('x')];
  assert.deepEqual(said, said.map(() => false));
  assert.deepEqual(await Promise.all([socket, shard, gateway].map((who) => who.whisper('ann', 'x'))), [0, 0, 0]);
  for (const call of [() => gateway.stats(), () => shard.gossipSettled('x'), () => shard.gossip('x')]) {
    assert.throws(call, { code: 'DOG_ESTALE', message: /the engine has ended/ });
  }
});

test('what waits for an answer of an engine that stops is told so', async (t) => {
  const outcomes = [];
  let isAsked = false;
  class Task extends Shard {
    receive(request) {
      return this.connect(request);
    }

    async onmessage(socket, data) {
      outcomes.push(await this.gossip(data).catch((error) => error.code));
    }

    ongossip() {
      isAsked = true;
      return new Promise(() => {});
    }
  }
  class Pool extends Gateway {
    limit = 1;
    child = Task;

    identify(request) {
      return request.query('u');
    }
  }
  const { engine, at } = serve(t, { '/:name': Pool });
  const ann = await Client.open(t, at('/a?u=ann'));
  await Client.open(t, at('/a?u=bob'));
  ann.send('anybody?');
  await until(() => isAsked);
  await engine.stop(0);
  await until(() => outcomes.length === 1);
  // Either the sibling went first, and gave no answer, or the one who asked did.
  assert.ok(['[[]]', '["DOG_EGONE"]'].includes(JSON.stringify(outcomes)), JSON.stringify(outcomes));
});

test('what waits for an answer of a Shard that goes is told so', async (t) => {
  const outcomes = [];
  class Task extends Shard {
    receive(request) {
      if (request.path.endsWith('/ws')) return this.connect(request);
      this.gossip('anybody?').catch((error) => outcomes.push(error.code));
      this.gossip('whoever'); // nobody awaits this one: it must not end the process
      return 'asked';
    }

    ongossip() {
      return new Promise(() => {});
    }
  }
  class Pool extends Gateway {
    static options = { idleSeconds: 0 };
    limit = 1;
    child = Task;

    identify(request) {
      return request.query('u');
    }
  }
  const { at } = serve(t, { '/:name': Pool });
  await Client.open(t, at('/a/ws?u=ann'));
  assert.equal((await get(at('/a?u=bob'))).body, 'asked');
  await until(() => outcomes.length === 1);
  assert.deepEqual(outcomes, ['DOG_EGONE']);
});

// ---- nothing stays behind

const COLLECT = `
  const collected = async (reference) => {
    for (let turn = 0; turn < 200 && reference.deref() !== undefined; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      gc();
    }
    return reference.deref() === undefined;
  };
`;

test('sockets, Shards, Gateways and engines are let go when they are over', async () => {
  const ended = await run(`
    ${COLLECT}
    import { createRequire } from 'node:module';
    import { WebSocket } from './support.mjs';
    const kept = {};
    const refer = (name, object) => { kept[name] = new WeakRef(object); };
    class Noted extends Task {
      onstart() { refer('shard', this); }
      onopen(socket) { refer('socket', socket); refer('gateway', this.gateway); }
    }
    class Short extends Gateway {
      static options = { idleSeconds: 0, stickySeconds: 0 };
      limit = 1;
      child = Noted;
      identify(request) { refer('request', request); return 'ann'; }
      onretire() { console.log(this.name, 'retires'); }
    }
    let engine = serve({ workers: 1, routes: { '/:name': Short } });
    const open = async (name) => {
      const client = new WebSocket('ws://127.0.0.1:' + engine.port + '/' + name + '/ws');
      await new Promise((resolve) => client.once('open', resolve));
      client.close();
      await new Promise((resolve) => client.once('close', resolve));
    };
    await open('a');
    console.log('request', await collected(kept.request));
    console.log('socket', await collected(kept.socket));
    while (engine.stats().gateways > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    console.log('shard', await collected(kept.shard));
    console.log('gateway', await collected(kept.gateway));
    await engine.stop(0);
    kept.engine = new WeakRef(engine);
    engine = undefined;
    console.log('engine', await collected(kept.engine));
    const unused = (() => new WeakRef(new Engine()))();
    console.log('unused', await collected(unused));
  `, undefined, ['--expose-gc']);
  assertEnded(ended);
  assert.match(ended.stdout, /^a retires$/m);
  assert.equal(ended.stdout.replace('a retires\n', ''), ['request', 'socket', 'shard', 'gateway', 'engine', 'unused']
    .map((name) => `${name} true\n`).join(''));
});
