// Names that are nearly those of handlers and options: the right one is said.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Engine, Gateway, Shard, serve as engineOf } from 'libdog';
import { get, serve } from './support.mjs';

const lib = path.join(path.dirname(fileURLToPath(import.meta.url)), '../node_modules/libdog/lib');
const { nearest } = createRequire(import.meta.url)(path.join(lib, 'names.js'));

/** Runs `define` and gives the warnings of it. */
async function warningsOf(define) {
  const warnings = [];
  const note = (warning) => { if (warning.name === 'DogWarning') warnings.push(warning.message); };
  process.on('warning', note);
  await define();
  await new Promise((resolve) => { setImmediate(resolve); }); // they are emitted in the next tick
  process.off('warning', note);
  return warnings;
}

test('a name is recognised by its letters, and with one edit', () => {
  const names = ['onmessage', 'onopen', 'idleSeconds', 'port'];
  const written = ['on_message', 'onMessage', 'onmesage', 'onmessages', 'onmsesage', 'idle_second', 'IDLE-SECONDS',
    'prot'];
  assert.deepEqual(written.map((name) => nearest(name, names)), [
    'onmessage', 'onmessage', 'onmessage', 'onmessage', 'onmessage', 'idleSeconds', 'idleSeconds', 'port']);
  const others = ['message', 'on', '', 'open', 'idle', 'onmessageto'];
  for (const name of others) assert.equal(nearest(name, names), undefined, name);
});

test('members that look like handlers and options are warned of, once', async () => {
  class Task extends Shard {
    static Options = {};

    received = 0; // a field as any other

    receive() {
      return 'task';
    }

    on_message() {}

    onMessage() {}

    onclsoe() {}

    broadcastAll() {}
  }
  class Pool extends Gateway {
    static idle_second = 5;

    limit = 1;
    child = Task;
    stickySeconds = 10;

    identify() {
      return 'ann';
    }

    onRetire() {}
  }
  const define = async () => {
    const engine = new Engine({ workers: 1 });
    engine.define(Pool);
    await engine.stop(0);
  };
  const warnings = await warningsOf(define);
  assert.deepEqual(warnings.sort(), [
    "Pool.idle_second is no option: say it as static options = { idleSeconds: ... }",
    "Pool.onRetire is no handler: did you mean onretire?",
    "Pool.stickySeconds is no option: say it as static options = { stickySeconds: ... }",
    "Task.Options does nothing: its name is options",
    "Task.on_message is no handler: did you mean onmessage?",
    "Task.onMessage is no handler: did you mean onmessage?",
    "Task.onclsoe is no handler: did you mean onclose?",
  ].sort());
  assert.deepEqual(await warningsOf(define), []);
});

test('fields of a Shard that look like handlers are warned of when the first is made', async (t) => {
  class Task extends Shard {
    onOpen = () => {};

    receive() {
      return 'task';
    }
  }
  class Pool extends Gateway {
    limit = 1;
    child = Task;

    identify() {
      return 'ann';
    }
  }
  const { at } = serve(t, { '/:name': Pool });
  const warnings = await warningsOf(async () => {
    for (const name of ['a', 'b']) assert.equal((await get(at(`/${name}`))).status, 200);
  });
  assert.deepEqual(warnings, ["Task.onOpen is no handler: did you mean onopen?"]);
});

test('an option that there is not is refused, with the right name', () => {
  const wrong = (options) => {
    class Task extends Shard {
      receive() {}
    }
    return class Pool extends Gateway {
      static options = options;

      limit = 1;
      child = Task;

      identify() {}
    };
  };
  assert.throws(() => new Engine({ wokers: 2 }), /options has no member wokers: did you mean workers\?/);
  assert.throws(() => new Engine({ json: { decoder() {} } }), /options\.json has no member decoder/);
  assert.throws(() => engineOf({ route: {} }), /serve has no member route: did you mean routes\?/);
  assert.throws(() => engineOf({ prot: 1 }), /serve has no member prot: did you mean port\?/);
  assert.throws(() => new Engine().listen({ prot: 1 }), /listen has no member prot: did you mean port\?/);
  assert.throws(() => new Engine().define(wrong({ idle_second: 1 })), /idle_second: did you mean idleSeconds\?/);
});
