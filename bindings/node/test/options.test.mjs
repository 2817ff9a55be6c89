// Options, classes, routes and listeners: all that dog.h has can be said, and nothing else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { DogError, Engine, Gateway, serve, Shard, version } from 'libdog';

const here = path.dirname(fileURLToPath(import.meta.url));

class Task extends Shard {
  receive() {
    return 'task';
  }
}

class Pool extends Gateway {
  limit = 5;
  child = Task;

  identify() {
    return 'ann';
  }
}

const isError = (code, pattern = /./) => (error) =>
  error instanceof DogError && error.code === code && pattern.test(error.message);

const isTypeError = (pattern) => (error) => error instanceof TypeError && pattern.test(error.message);

/** An engine that is not to run. */
function make(t, options) {
  const engine = new Engine(options);
  t.after(() => engine.stop(0));
  return engine;
}

// ---- everything that dog.h has

function dogHeader() {
  const places = [process.env.DOG_INCLUDE, path.join(here, '../../../include'), path.join(here, '../../../../include')];
  const folder = places.find((place) => place && fs.existsSync(path.join(place, 'dog.h')));
  return folder && fs.readFileSync(path.join(folder, 'dog.h'), 'utf8');
}

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** Names of a struct's members, but for those that are pointers to functions. */
function membersOf(header, struct) {
  const [, body] = header.replace(/\/\*[^]*?\*\//g, '').match(new RegExp(`struct ${struct} \\{([^]*?)\\n\\}`));
  const members = body.split(';').filter((line) => line.trim() && !/_fn\s/.test(line));
  return members.map((line) => camel(line.match(/(\w+)\s*$/)[1]));
}

/** Names of an interface's members in index.d.ts, with those of what it extends. */
function typedMembersOf(name) {
  const folder = path.join(here, '../node_modules/libdog');
  const types = ['index.d.ts', 'header.d.ts'].map((file) => fs.readFileSync(path.join(folder, file), 'utf8')).join('');
  const [, base, body] = types.match(new RegExp(`export interface ${name} (?:extends (\\w+) )?\\{([^]*?)\\n?\\}\\n`));
  const own = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[(:]/gm)].map(([, member]) => member);
  return base === undefined ? own : [...own, ...typedMembersOf(base)];
}

/** { NAME: value } of an enum, without the prefix. */
function constantsOf(header, name, prefix) {
  const [, body] = header.replace(/\/\*[^]*?\*\//g, '').match(new RegExp(`typedef enum ${name} \\{([^]*?)\\}`));
  const pairs = [...body.matchAll(/(\w+) = (-?\w+)/g)].filter(([, each]) => !each.endsWith('_MAX'));
  return Object.fromEntries(pairs.map(([, each, value]) => [each.slice(prefix.length), Number(value)]));
}

const same = (names, others) => assert.deepEqual([...names].sort(), [...others].sort());
const without = (names, ...others) => names.filter((name) => !others.includes(name));

test('index.d.ts has every member of dog.h\'s structs', () => {
  const header = dogHeader();
  assert.ok(header, 'dog.h is not there: DOG_INCLUDE says where it is');
  const own = ['classes', 'fetch', 'json', 'log', 'onerror', 'handlersMax'];
  same(without(typedMembersOf('EngineOptions'), ...own),
    without(membersOf(header, 'dog_options'), 'size', 'logUser', 'delivery'));
  same(typedMembersOf('ListenOptions'), without(membersOf(header, 'dog_listen_options'), 'size', 'certificateCount'));
  same(typedMembersOf('Certificate'), membersOf(header, 'dog_certificate'));
  same(typedMembersOf('EngineStats'), without(membersOf(header, 'dog_stats'), 'size'));
  same(typedMembersOf('GatewayStats'), without(membersOf(header, 'dog_gateway_stats'), 'size'));
  same(typedMembersOf('GatewayOptions'), without(membersOf(header, 'dog_gateway_class'),
    'size', 'name', 'child', 'user', 'limit', 'clusterizeEvents'));
  same(without(typedMembersOf('ShardOptions'), 'ordered', 'orderedMax', 'orderedBytesMax'),
    without(membersOf(header, 'dog_shard_class'), 'size', 'name', 'parent', 'user', 'originCount', 'gossipEvents',
      'startLater'));
});

test('statuses, events, log levels and defaults are those of the header and of the library', () => {
  const header = dogHeader();
  const addon = createRequire(import.meta.url)(path.join(here, '../node_modules/libdog/lib/addon.js'));
  const told = { ...constantsOf(header, 'dog_status', 'DOG_'), ...constantsOf(header, 'dog_event_type', 'DOG_EVENT_') };
  assert.ok(told.EFULL === -10 && told.FETCH === 1 && told.CALL === 20);
  for (const [name, value] of Object.entries(told)) assert.equal(addon[name], value, name);
  const levels = Object.entries(constantsOf(header, 'dog_log_level', 'DOG_LOG_'));
  assert.deepEqual(addon.LOG_LEVELS, Object.fromEntries(levels.map(([name, value]) => [name.toLowerCase(), value])));
  // The header says a default in the first words of what it says of a member.
  const [, body] = header.match(/typedef struct dog_options \{([^]*?)\n\}/);
  const numbers = [...body.matchAll(/uint\d+_t (\w+); +\/\* ([\d,]+)[:;,]/g)];
  assert.ok(numbers.length > 40);
  for (const [, name, text] of numbers) {
    assert.equal(addon.DEFAULTS[camel(name)], Number(text.replaceAll(',', '')), name);
  }
  assert.deepEqual([addon.DEFAULTS.logLevel, addon.DEFAULTS.outboxPolicy, addon.DEFAULTS.ratePolicy],
    ['warn', 'close', 'close']);
});

test('every option of an engine reaches it: one of 0 and the highest is refused, by its name', (t) => {
  const anything = ['connectionsPerAddressMax', 'admissionMemoryBytes', 'workers', 'trustedProxies', 'logLevel',
    'outboxPolicy', 'ratePolicy', 'delivery', 'size', 'logUser'];
  for (const name of without(membersOf(dogHeader(), 'dog_options'), ...anything)) {
    const refused = [0, 2 ** 32 - 1].filter((value) => {
      try {
        make(t, { [name]: value });
        return false;
      } catch (error) {
        assert.ok(isError('DOG_EINVAL')(error), error);
        assert.match(camel(error.message), new RegExp(name));
        return true;
      }
    });
    assert.notEqual(refused.length, 0, name);
  }
});

test('every option of an engine is taken', (t) => {
  const values = {
    logLevel: 'debug', outboxPolicy: 'drop-oldest', ratePolicy: 'drop', trustedProxies: '10.0.0.0/8, unix', workers: 2,
    handlersMax: 5, readTurnBytesMax: 65536, writeTurnBytesMax: 65536, fetch() {}, log() {}, onerror() {},
    classes: [Pool], json: {},
  };
  for (const name of typedMembersOf('EngineOptions')) make(t, { [name]: values[name] ?? 2000 });
});

test('an option that there is not, or of another type, is a TypeError that names it', () => {
  const wrong = [
    [{ wokers: 2 }, /wokers/], [{ workers: '2' }, /workers/], [{ workers: -1 }, /workers/],
    [{ workers: 1.5 }, /workers/], [{ workers: 2 ** 32 }, /workers/], [{ workers: NaN }, /workers/],
    [{ admissionMemoryBytes: 2 ** 53 }, /admissionMemory/],
    [{ outboxPolicy: 'drop' }, /outboxPolicy must be one of close, drop-newest, drop-oldest/],
    [{ trustedProxies: 7 }, /trustedProxies/], [{ trustedProxies: 'a\0b' }, /trustedProxies/],
    [{ log: 'file' }, /log/], [{ fetch: true }, /fetch/], [{ onerror: 1 }, /onerror/],
    [{ handlersMax: 0 }, /handlersMax/], [{ delivery: 1 }, /delivery/], ['options', /options/], [null, /options/],
  ];
  for (const [options, pattern] of wrong) assert.throws(() => new Engine(options), isTypeError(pattern));
});

test('an option out of its range is DOG_EINVAL, with the reason', () => {
  assert.throws(() => new Engine({ workers: 65 }), isError('DOG_EINVAL', /workers/));
  assert.throws(() => new Engine({ trustedProxies: 'nonsense' }), isError('DOG_EINVAL', /nonsense/));
});

// ---- classes and routes

test('a class says its own options, and none that there is not', (t) => {
  const withOptions = (Class, options) => class Child extends Class { static options = options; };
  const poolOf = (Child, options) => {
    class Owner extends Pool {
      static options = options;
      child = Child;
    }
    return Owner;
  };
  class Seats extends Task {
    static options = {
      origins: ['https://example.com'], deflate: true, deflateLevel: 9, deflateWindowBits: 9,
      deflateClientWindowBits: 8, deflateClientContext: true, deflateBytesMin: 1,
    };
  }
  make(t).define(poolOf(Seats, {
    stickySeconds: 0, stickyMax: 1, idleSeconds: 1, placement: 'fullest', connectionsMax: 1,
  }));
  const wrong = [
    [poolOf(Seats, { placement: 'emptiest' }), /placement.*least-utilised, fullest/],
    [poolOf(Seats, { stickyMinutes: 1 }), /stickyMinutes/],
    [poolOf(Seats, { limit: 1 }), /limit/],
    [poolOf(Seats, 7), /options/],
    [poolOf(withOptions(Task, { deflate: 1 }), {}), /deflate/],
    [poolOf(withOptions(Task, { origins: 'https://example.com' }), {}), /origins must be an array/],
    [poolOf(withOptions(Task, { origins: [7] }), {}), /origins/],
    [poolOf(withOptions(Task, { gossipEvents: true }), {}), /gossipEvents/],
  ];
  for (const [Class, pattern] of wrong) {
    assert.throws(() => make(t).define(Class), isTypeError(pattern));
  }
  assert.throws(() => make(t).define(poolOf(withOptions(Task, { origins: ['nonsense'] }), {})), isError('DOG_EINVAL'));
});

test('a class that lacks what it needs is refused', (t) => {
  const wrong = [
    [class {}, /extends Gateway/],
    [undefined, /extends Gateway/],
    [class NoIdentify extends Gateway { limit = 1; child = Task; }, /identify/],
    [class NoChild extends Pool { child = Date; }, /child/],
    [class NoLimit extends Gateway { child = Task; identify() {} }, /NoLimit has no limit/],
    [class BadLimit extends Pool { limit = 'many'; }, /limit/],
    [class NoReceive extends Pool { child = class Deaf extends Shard {}; }, /receive/],
    [class Field extends Pool { clusterize = () => 'x'; }, /clusterize must be a method/],
  ];
  for (const [Class, pattern] of wrong) {
    assert.throws(() => make(t).define(Class), isTypeError(pattern));
  }
  assert.throws(() => make(t).define(class Zero extends Pool { limit = 0; }), isError('DOG_EINVAL'));
  // A Shard class has one parent, and a name is taken once.
  const engine = make(t).define(Pool);
  assert.throws(() => engine.define(class Other extends Pool {}), isError('DOG_EEXIST'));
  assert.equal(engine.define(Pool), engine);
});

test('only the engine makes Gateways and Shards', () => {
  assert.throws(() => new Pool(), TypeError);
  assert.throws(() => new Task(), TypeError);
});

test('a route that cannot be is refused', (t) => {
  const engine = make(t);
  assert.throws(() => engine.route('tasks/:name', Pool), isError('DOG_EINVAL'));
  assert.throws(() => engine.route('/:a/:b', Pool), isError('DOG_EINVAL'));
  assert.throws(() => engine.route('/tasks', Pool), isError('DOG_EINVAL'));
  engine.route('/tasks', Pool, 'all');
});

test('connect has no options but its own', async (t) => {
  let thrown;
  class Strict extends Shard {
    receive(request) {
      try {
        return this.connect(request, { protocols: ['a'] });
      } catch (error) {
        thrown = error;
        return 'refused';
      }
    }
  }
  const engine = serve({ workers: 1, routes: { '/': [class All extends Pool { child = Strict; }, 'all'] } });
  t.after(() => engine.stop(0));
  assert.equal(await (await fetch(`http://127.0.0.1:${engine.port}/`)).text(), 'refused');
  assert.ok(thrown instanceof TypeError && /protocols/.test(thrown.message));
});

// ---- listeners

test('an address in use, or none, is refused', async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => { taken.once('listening', resolve); });
  const engine = make(t);
  const { port } = taken.address();
  assert.throws(() => engine.listen({ port }), isError('DOG_EADDRINUSE', new RegExp(`127\\.0\\.0\\.1:${port}`)));
  assert.throws(() => engine.listen({ host: 'nonsense', port: 7 }), isError('DOG_EADDR', /nonsense:7/));
  assert.throws(() => engine.listen({ host: '::1', port: -1 }), TypeError);
  assert.throws(() => engine.listen({ path: '/nowhere/dog.sock' }), isError('DOG_EADDR', /\/nowhere\/dog\.sock/));
  assert.throws(() => engine.listen({ port: 65536 }), TypeError);
  assert.throws(() => engine.listen({ prot: 1 }), /listen has no member prot/);
  assert.ok(engine.listen() > 0);
});

test('after start nothing is defined any more', (t) => {
  const engine = make(t).define(Pool);
  engine.listen();
  engine.start();
  assert.throws(() => engine.listen(), isError('DOG_ESTATE'));
  assert.throws(() => engine.route('/x/:name', Pool), isError('DOG_ESTATE'));
  assert.throws(() => engine.start(), isError('DOG_ESTATE'));
});

test('a Unix-domain socket is listened on', async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dog-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const socketPath = path.join(folder, 'dog.sock');
  const engine = serve({ workers: 1, path: socketPath, routes: { '/tasks/:name': Pool } });
  t.after(() => engine.stop(0));
  const body = await new Promise((resolve, reject) => {
    const socket = net.connect(socketPath);
    let text = '';
    socket.on('data', (data) => { text += data; });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
    socket.end('GET /tasks/a HTTP/1.0\r\nHost: a\r\n\r\n');
  });
  assert.match(body, /200 OK[^]*task$/);
});

test('TLS is served, and what cannot be used is told', async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dog-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const [keyFile, certificateFile] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name));
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-keyout', keyFile, '-out', certificateFile, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
    '-days', '2'], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  assert.throws(() => make(t).listen({ certificates: [{ certificateFile: '/nonsense', keyFile }] }),
    isError('DOG_ETLS', /nonsense/));
  assert.throws(() => make(t).listen({ certificates: [{ certificate: certificateFile, keyFile }] }), TypeError);
  const engine = serve({ workers: 1, certificates: [{ certificateFile, keyFile }], routes: { '/tasks/:name': Pool } });
  t.after(() => engine.stop(0));
  engine.reloadCertificates();
  const ca = fs.readFileSync(certificateFile);
  const status = await new Promise((resolve, reject) => {
    https.get({ host: 'localhost', family: 4, port: engine.port, path: '/tasks/a', ca, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
  assert.equal(status, 200);
  fs.writeFileSync(certificateFile, 'nonsense');
  assert.throws(() => engine.reloadCertificates(), isError('DOG_ETLS'));
});

test('the log comes to its hook, and the counts can be read', async (t) => {
  const lines = [];
  const engine = serve({ workers: 1, logLevel: 'debug', log: (level, line) => lines.push([level, line]), routes: {} });
  t.after(() => engine.stop(0));
  const { status } = await fetch(`http://127.0.0.1:${engine.port}/`);
  assert.equal(status, 404);
  await engine.stop(0);
  assert.ok(lines.length > 0);
  for (const [level, line] of lines) {
    assert.ok(['error', 'warn', 'info', 'debug'].includes(level), level);
    assert.ok(typeof line === 'string' && line.length > 0);
  }
  assert.throws(() => engine.stats(), isError('DOG_ESTALE'));
});

test('the counts are those of dog_stats_t, and the version that of libdog', (t) => {
  const stats = make(t).stats();
  same(Object.keys(stats), typedMembersOf('EngineStats'));
  for (const count of Object.values(stats)) assert.equal(count, 0);
  assert.match(version, /^\d+\.\d+\.\d+$/);
});

test('an error has a code, a status and a sentence', () => {
  const error = new DogError(-2, 'send', { cause: 'why' });
  assert.deepEqual([error.name, error.code, error.status, error.cause], ['DogError', 'DOG_ESTALE', -2, 'why']);
  assert.equal(error.message, 'send: the handle names nothing that is alive');
  assert.ok(error instanceof Error);
});

test('where it listens is in the log', async (t) => {
  for (const [logLevel, wanted] of [['info', 2], ['warn', 0]]) {
    const lines = [];
    const engine = make(t, { workers: 1, logLevel, log: (level, line) => lines.push(`${level}: ${line}`) });
    const ports = [engine.listen(), engine.listen({ host: '127.0.0.1' })];
    engine.start();
    const listening = lines.filter((line) => line.includes('listening'));
    assert.deepEqual(listening, ports.slice(0, wanted).map((port) => `info: listening on http://127.0.0.1:${port}`));
    await engine.stop(0);
  }
});

test('an engine that has ended says so, and a second stop is harmless', async (t) => {
  for (const isStarted of [false, true]) {
    const engine = make(t, { workers: 1 });
    engine.route('/:name', Pool);
    engine.listen();
    if (isStarted) engine.start();
    await engine.stop(0);
    await engine.stop(1000);
    await engine.finished;
    const calls = {
      listen: () => engine.listen(),
      route: () => engine.route('/x/:name', Pool),
      define: () => engine.define(class Other extends Pool { child = class extends Task {}; }),
      start: () => engine.start(),
      stats: () => engine.stats(),
      reloadCertificates: () => engine.reloadCertificates(),
    };
    for (const call of Object.values(calls)) assert.throws(call, isError('DOG_ESTALE', /the engine has ended/));
    assert.equal(engine.find(Pool, 'a'), undefined);
    engine.ref().unref();
  }
});

test('an engine is disposed of by stopping it', { skip: Symbol.asyncDispose === undefined }, async () => {
  const engine = serve({ workers: 1, routes: {} });
  await engine[Symbol.asyncDispose]();
  assert.throws(() => engine.stats(), isError('DOG_ESTALE'));
});

test('a grace is a whole number of milliseconds up to a day', async (t) => {
  const engine = serve({ workers: 1, routes: {} });
  t.after(() => engine.stop(0));
  for (const grace of [-1, 0.5, NaN, 86400001, 2 ** 32, '1', null]) {
    assert.throws(() => engine.stop(grace), { name: 'TypeError', message: /graceMs/ }, String(grace));
  }
  await engine.stop(0);
});
