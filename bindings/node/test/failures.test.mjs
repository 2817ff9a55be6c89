// Handlers that throw and reject: each is reported, and the server lives on.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Gateway, Shard } from 'libdog';
import { Client, get, serve, until } from './support.mjs';

const lib = path.join(path.dirname(fileURLToPath(import.meta.url)), '../node_modules/libdog/lib');
const { FailureLimiter } = createRequire(import.meta.url)(path.join(lib, 'failures.js'));

const boom = (what) => { throw new Error(what); };
const later = async (what) => { await null; boom(what); };

for (const [how, fail] of [['throws', boom], ['rejects', later]]) {
  test(`receive that ${how} is a 500`, async (t) => {
    class Task extends Shard {
      receive(request) {
        return request.path === '/a/fail' ? fail('receive') : 'well';
      }
    }
    class Pool extends Gateway {
      limit = 5;
      child = Task;

      identify() {
        return 'ann';
      }
    }
    const { at, failures } = serve(t, { '/:name': Pool });
    const { status, body } = await get(at('/a/fail'));
    assert.deepEqual([status, body], [500, '500 Internal Server Error\n']);
    assert.equal(failures.length, 1);
    assert.equal(failures[0].error.message, 'receive');
    assert.equal(failures[0].where.handler, 'Task.receive');
    assert.equal(failures[0].where.request.path, '/a/fail');
    assert.equal((await get(at('/a'))).body, 'well');
  });

  for (const name of ['onopen', 'onmessage']) {
    test(`${name} that ${how} closes its socket with 1011, after onerror`, async (t) => {
      const told = [];
      class Task extends Shard {
        receive(request) {
          return this.connect(request);
        }

        onmessage(socket, data) {
          if (data === 'well') socket.send('well');
        }

        onerror(socket, error) {
          told.push(['onerror', socket.uid, error.code, error.cause.message]);
        }

        onclose(socket, code) {
          told.push(['onclose', socket.uid, code]);
        }
      }
      const before = Task.prototype[name];
      Task.prototype[name] = function handler(socket, data) {
        if (socket.uid === 'eve') return fail(name);
        return before?.call(this, socket, data);
      };
      class Pool extends Gateway {
        limit = 5;
        child = Task;

        identify(request) {
          return request.query('u');
        }
      }
      const { at, failures } = serve(t, { '/:name': Pool });
      const ann = await Client.open(t, at('/a?u=ann'));
      const eve = await Client.open(t, at('/a?u=eve'));
      // The second one comes behind the failure, and is not heard.
      eve.send('1');
      eve.send('2');
      assert.deepEqual((await eve.closed).code, 1011);
      await until(() => told.length === 2);
      assert.deepEqual(told.map((line) => line[0]), ['onerror', 'onclose']);
      assert.deepEqual(told[0], ['onerror', 'eve', 'DOG_EHOST', name]);
      assert.ok(failures.length >= 1);
      assert.equal(failures[0].error.message, name);
      assert.equal(failures[0].where.handler, `Task.${name}`);
      assert.equal(failures[0].where.socket.uid, 'eve');
      assert.equal(await ann.ask('well'), 'well');
    });
  }

  test(`what only tells and ${how} is reported and changes nothing`, async (t) => {
    class Task extends Shard {
      receive(request) {
        return this.connect(request);
      }

      onclose() {
        return fail('onclose');
      }

      onerror() {
        return fail('onerror');
      }

      onstop() {
        return fail('onstop');
      }
    }
    class Pool extends Gateway {
      limit = 5;
      child = Task;

      identify() {
        return 'ann';
      }

      onretire() {
        return fail('onretire');
      }
    }
    const { engine, at, failures } = serve(t, { '/:name': Pool });
    const client = await Client.open(t, at('/a'));
    client.socket._socket.resetAndDestroy();
    await until(() => failures.length === 2);
    await engine.stop(0);
    await engine.stop(0);
    await until(() => failures.length === 4);
    assert.deepEqual(failures.map(({ error }) => error.message), ['onerror', 'onclose', 'onstop', 'onretire']);
  });

  for (const what of ['constructor', 'onstart']) {
    test(`a Shard whose ${what} ${how} ends, and the next request of the room makes another`, async (t) => {
      let left = 3;
      const ended = [];
      class Task extends Shard {
        constructor() {
          super();
          if (what === 'constructor' && left-- > 0) boom(what);
        }

        onstart() {
          if (what === 'onstart' && left-- > 0) return fail(what);
        }

        receive() {
          return 'well';
        }

        onstop() {
          ended.push(this.id);
        }
      }
      class Pool extends Gateway {
        limit = 1;
        child = Task;

        identify() {
          return 'ann';
        }
      }
      const { engine, at, failures } = serve(t, { '/:name': Pool });
      for (let request = 0; request < 3; request++) assert.equal((await get(at('/a'))).status, 500);
      assert.equal((await get(at('/a'))).body, 'well');
      assert.deepEqual(failures.map(({ error, where }) => [error.message, where.handler]),
        Array(3).fill([what, `Task.${what}`]));
      await until(() => engine.stats().shards === 1);
      // What has been made is told of its end; what has not, is not.
      assert.equal(ended.length, what === 'onstart' ? 3 : 0);
    });
  }
}

test('a Gateway whose constructor throws answers 500, and is made anew by the next request', async (t) => {
  let left = 0;
  class Task extends Shard {
    receive() {
      return 'well';
    }
  }
  class Pool extends Gateway {
    limit = 1;
    child = Task;

    constructor() {
      super();
      if (left-- > 0) throw new Error('constructor');
    }

    identify() {
      return 'ann';
    }
  }
  const { at, failures } = serve(t, { '/:name': Pool });
  left = 2;
  for (let request = 0; request < 2; request++) assert.equal((await get(at('/a'))).status, 500);
  assert.equal((await get(at('/a'))).body, 'well');
  assert.deepEqual(failures.map(({ error, where }) => [error.message, where.handler]),
    Array(2).fill(['constructor', 'Pool.constructor']));
});

test('a body that fails is reported, and not taken for whole', async (t) => {
  class Task extends Shard {
    receive(request) {
      if (request.path === '/a') return { body: (async function* parts() { yield 'a part'; boom('body'); })() };
      const stream = request.stream();
      stream.write('a part');
      return boom('handler');
    }
  }
  class Pool extends Gateway {
    limit = 1;
    child = Task;

    identify() {
      return 'ann';
    }
  }
  const { at, failures } = serve(t, { '/:name': Pool });
  await assert.rejects(get(at('/a')));
  await assert.rejects(get(at('/b')));
  assert.deepEqual(failures.map(({ error, where }) => [error.message, where.handler]),
    [['body', 'body'], ['handler', 'Task.receive']]);
});

const program = (options, end) => `
  import { Gateway, Shard, serve } from 'libdog';
  class Task extends Shard { receive() { throw new Error('told to fail'); } }
  class Pool extends Gateway { limit = 1; child = Task; identify() { return 'ann'; } }
  const engine = serve({ workers: 1, routes: { '/:name': Pool }, ${options} });
  ${end}
  const { status } = await fetch('http://127.0.0.1:' + engine.port + '/a');
  console.log(status);
  await engine.stop(0);
`;

function run(source) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source],
    { cwd: import.meta.dirname ?? new URL('.', import.meta.url).pathname, encoding: 'utf8', timeout: 60_000 });
  return { status, stdout, stderr };
}

test('without a hook failures are printed with their stack', () => {
  const { status, stdout, stderr } = run(program('', ''));
  assert.deepEqual([status, stdout], [0, '500\n'], stderr);
  assert.match(stderr, /dog: Task\.receive failed: Error: told to fail\n +at Task\.receive /);
});

test('of one handler\'s failures some are printed in a second, and how many there were more', () => {
  const limiter = new FailureLimiter();
  const at = (time, count, handler = 'a') =>
    Array.from({ length: count }, () => limiter.note(handler, time)).filter(({ isPrinted }) => isPrinted).length;
  assert.equal(at(0, 25), 10);
  assert.equal(at(999, 5), 0);
  assert.equal(at(999, 3, 'another'), 3);
  assert.deepEqual(limiter.note('a', 1000), { isPrinted: true, missed: 20 });
  assert.equal(at(1000, 20), 9);
  assert.deepEqual(limiter.note('another', 5000), { isPrinted: true, missed: 0 });
  const { status, stdout, stderr } = run(program('', `
    for (let index = 0; index < 50; index++) await fetch('http://127.0.0.1:' + engine.port + '/a');`));
  assert.deepEqual([status, stdout], [0, '500\n'], stderr);
  const printed = stderr.match(/Task\.receive failed: /g).length;
  assert.ok(printed < 51 || stderr.includes('times more'), stderr);
});

test('without a hook the log is printed, but not what an error says', () => {
  const { status, stdout, stderr } = run(`
    import { Engine, serve } from 'libdog';
    try { new Engine().listen({ host: 'nonsense' }); } catch (error) { console.log(error.code); }
    const engine = serve({ workers: 1, logLevel: 'info' });
    await fetch('http://127.0.0.1:' + engine.port + '/none').then(({ status }) => console.log(status));
    await engine.stop(0);
  `);
  assert.deepEqual([status, stdout], [0, 'DOG_EADDR\n404\n'], stderr);
  assert.match(stderr, /^dog: info: listening on http:\/\/127\.0\.0\.1:\d+$/m);
  assert.doesNotMatch(stderr, /nonsense/);
});

test('a hook that throws is an uncaught exception, and no event is lost', () => {
  const { status, stdout, stderr } = run(program(
    'onerror() { throw new Error("from the hook"); }',
    'process.on("uncaughtException", (error) => console.log(error.message));',
  ));
  assert.deepEqual([status, stdout], [0, 'from the hook\n500\n'], stderr);
});
