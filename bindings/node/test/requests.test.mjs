// Requests and what answers them.
import assert from 'node:assert/strict';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Readable } from 'node:stream';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { DogError, Gateway, Response, Shard } from 'libdog';
import { Client, deferred, get, serve } from './support.mjs';

const lib = path.join(path.dirname(fileURLToPath(import.meta.url)), '../node_modules/libdog/lib');
const require = createRequire(import.meta.url);
const { ipOf } = require(path.join(lib, 'request.js'));
const { Routes } = require(path.join(lib, 'routes.js'));

/** Serves one `receive`, on every path below /x. */
function serveReceive(t, receive, options) {
  class One extends Shard {}
  One.prototype.receive = receive;
  class All extends Gateway {
    limit = 10;
    child = One;

    identify() {
      return 'anybody';
    }
  }
  return serve(t, { '/:name': All }, options);
}

test('a request is read as the client sent it', async (t) => {
  let read;
  const { at } = serveReceive(t, (request) => {
    read = {
      method: request.method,
      target: request.target,
      path: request.path,
      url: request.url,
      uid: request.uid,
      q: request.query('q'),
      none: request.query('none'),
      text: request.text(),
      json: request.json(),
      body: request.body,
      remote: request.remote,
      subject: request.clientSubject,
      protocols: request.protocols,
      headers: [...request.headers].filter(([name]) => name.startsWith('x-')),
      raw: request.headers.raw.filter((text) => /x-/i.test(text)),
      has: [request.headers.has('X-A'), request.headers.has('x-none')],
      host: request.headers.get('HOST'),
    };
    return 'read';
  });
  const body = JSON.stringify({ grüße: 1 });
  await get(at('/a%20b?q=c%20d&q=e'), { method: 'POST', body, headers: { 'X-A': ['1', '2'], 'x-b': 'three' } });
  assert.match(read.remote, /^127\.0\.0\.1:\d+$/);
  assert.ok(Buffer.isBuffer(read.body));
  assert.equal(read.body.toString(), body);
  delete read.remote;
  delete read.body;
  assert.deepEqual(read, {
    method: 'POST',
    target: '/a%20b?q=c%20d&q=e',
    path: '/a%20b',
    url: `http://${at('/a%20b?q=c%20d&q=e')}`,
    uid: 'anybody',
    q: 'c d',
    none: null,
    text: body,
    json: { grüße: 1 },
    subject: null,
    protocols: [],
    headers: [['x-a', '1, 2'], ['x-b', 'three']],
    raw: ['X-A', 'X-A', 'x-b'],
    has: [true, false],
    host: at(''),
  });
});

test('what is asked of a request most often has a name', async (t) => {
  const read = [];
  const { at } = serveReceive(t, (request) => {
    read.push([request.rest, request.remoteIp, request.isWebSocket, request.queryAll('q'), request.queryAll('z')]);
    return 'read';
  });
  await get(at('/a/b%20c/?q=1&p=2&q=%203'));
  await get(at('/a'), { headers: { Upgrade: 'x, WebSocket', Connection: 'upgrade' } });
  await get(at('/a'), { method: 'POST', headers: { Upgrade: 'websocket', Connection: 'upgrade' } });
  assert.deepEqual(read, [
    ['/b%20c/', '127.0.0.1', false, ['1', ' 3'], []],
    ['', '127.0.0.1', true, [], []],
    ['', '127.0.0.1', false, [], []],
  ]);
});

test('an address is told without its port', () => {
  const told = ['127.0.0.1:51234', '203.0.113.9', '[::1]:51234', '::1', '[2001:db8::7]:1', '2001:db8::7', 'unix:'];
  assert.deepEqual(told.map(ipOf), ['127.0.0.1', '203.0.113.9', '::1', '::1', '2001:db8::7', '2001:db8::7', null]);
});

test('what is behind a route is the rest of the first pattern that takes the path', () => {
  const routes = new Routes();
  for (const pattern of ['/lobby', '/rooms/:name', '/x/:name/y/', '/:any']) routes.add(pattern);
  const rests = {
    '/lobby': '', '/lobby/': '/', '/lobby/a/b': '/a/b', '/lobbyist': '', '/rooms/den/ws': '/ws', '/rooms/a%2Fb/c': '/c',
    '/rooms': '', '/rooms/': '/', '/rooms/%/x': '/%/x', '/rooms/%00/x': '/%00/x', '/x/n/y/z': '/z', '/x/n/z': '/n/z',
    '/': '/', '*': '*', '//a': '//a', [`/${'n'.repeat(257)}/a`]: `/${'n'.repeat(257)}/a`,
  };
  for (const [path, rest] of Object.entries(rests)) assert.equal(routes.rest(path), rest, path);
  routes.add('/');
  assert.equal(routes.rest('//a'), '//a');
});

test('every shape of a response is sent', async (t) => {
  const shapes = {
    string: () => 'grüße',
    bytes: () => Buffer.from('bytes'),
    'array buffer': () => new Uint8Array([104, 105]).buffer,
    view: () => new DataView(new Uint8Array([120, 104, 105]).buffer, 1),
    literal: () => ({ status: 201, headers: { 'X-N': 1, 'X-L': ['a', 'b'], 'X-U': undefined }, body: 'made' }),
    pairs: () => new Response('p', { headers: [['X-P', '1'], ['X-P', '2']] }),
    map: () => new Response('m', { headers: new Map([['X-M', 'm']]) }),
    json: () => Response.json({ a: [1] }, { status: 202, headers: { 'X-J': 'j' } }),
    redirect: () => Response.redirect('/else'),
    empty: () => new Response(null, { status: 204 }),
    web: () => new globalThis.Response('web', { status: 203, headers: { 'X-W': 'w' } }),
    generator: () => new Response((function* parts() { yield 'one '; yield Buffer.from('two'); })()),
    async: () => new Response((async function* parts() { yield 'three '; yield 'four'; })()),
    readable: () => new Response(Readable.from(['five ', 'six'])),
  };
  const { at } = serveReceive(t, (request) => shapes[decodeURIComponent(request.path.slice(1))]());
  const expected = {
    string: [200, 'grüße'],
    bytes: [200, 'bytes'],
    'array buffer': [200, 'hi'],
    view: [200, 'hi'],
    literal: [201, 'made', { 'x-n': '1', 'x-l': 'a, b', 'x-u': undefined }],
    pairs: [200, 'p', { 'x-p': '1, 2' }],
    map: [200, 'm', { 'x-m': 'm' }],
    json: [202, '{"a":[1]}', { 'content-type': 'application/json', 'x-j': 'j' }],
    redirect: [302, '', { location: '/else' }],
    empty: [204, ''],
    web: [203, 'web', { 'x-w': 'w' }],
    generator: [200, 'one two'],
    async: [200, 'three four'],
    readable: [200, 'five six'],
  };
  for (const [shape, [status, body, headers = {}]] of Object.entries(expected)) {
    const got = await get(at(`/${encodeURIComponent(shape)}`));
    assert.deepEqual([shape, got.status, got.body], [shape, status, body]);
    for (const [name, value] of Object.entries(headers)) assert.equal(got.headers[name], value, `${shape}: ${name}`);
  }
});

test('headers that can be read but once are sent', async (t) => {
  const { at } = serveReceive(t, () => ({ headers: new Map([['X-Once', 'yes']]).entries(), body: 'read' }));
  const { headers, body } = await get(at('/x'));
  assert.deepEqual([headers['x-once'], body], ['yes', 'read']);
});

test('what is no response is the host\'s fault, and a 500', async (t) => {
  const { at, failures } = serveReceive(t, (request) => {
    const path = request.path.slice(1);
    if (path === 'nothing') return undefined;
    if (path === 'number') return 7;
    if (path === 'status') return { status: '200' };
    if (path === 'body') return { body: 7 };
    if (path === 'headers') return { headers: 7, body: '' };
    return { status: 99, body: '' };
  });
  for (const path of ['nothing', 'number', 'status', 'body', 'headers', 'range']) {
    assert.equal((await get(at(`/${path}`))).status, 500, path);
  }
  assert.deepEqual(failures.map(({ error }) => error.name), [...Array(5).fill('TypeError'), 'DogError']);
  assert.equal(failures[5].error.code, 'DOG_EINVAL');
});

test('an answer may come later and from elsewhere, and only once', async (t) => {
  const requests = [];
  const arrived = deferred();
  const { at } = serveReceive(t, (request) => {
    requests.push(request);
    arrived.resolve();
    return new Promise((resolve) => { request.later = resolve; });
  });
  const answer = get(at('/a'), { method: 'POST', body: 'text' });
  await arrived.promise;
  const [request] = requests;
  assert.equal(request.isAnswered, false);
  assert.equal(request.respond('first'), true);
  assert.equal(request.isAnswered, true);
  assert.throws(() => request.respond('second'), (error) => error instanceof DogError && error.code === 'DOG_ESTALE');
  request.later(undefined);
  assert.equal((await answer).body, 'first');
  // What a handler that goes on later has, it keeps.
  assert.equal(request.text(), 'text');
  assert.equal(request.path, '/a');
});

test('nobody waits any more: false, and no error', async (t) => {
  const arrived = deferred();
  const { at, failures } = serveReceive(t, (request) => new Promise((resolve) => {
    arrived.resolve({ request, resolve });
  }), { receiveTimeoutMs: 20 });
  const { status } = await get(at('/a'));
  assert.equal(status, 503);
  const { request, resolve } = await arrived.promise;
  assert.equal(request.headers.get('host'), at(''));
  resolve('too late');
  assert.equal((await get(at('/b'))).status, 503);
  assert.deepEqual(failures, []);
});

test('identify may refuse, and fail', async (t) => {
  class Task extends Shard {
    receive(request) {
      return request.uid;
    }
  }
  class Door extends Gateway {
    limit = 1;
    child = Task;

    async identify(request) {
      const uid = request.query('u');
      if (uid === 'nobody') return undefined;
      if (uid === 'eve') return new Response('not you', { status: 403 });
      if (uid === 'fail') throw new Error('told to fail');
      return uid;
    }
  }
  const { at, failures } = serve(t, { '/:name': Door });
  assert.equal((await get(at('/a?u=ann'))).body, 'ann');
  const { status, body } = await get(at('/a?u=eve'));
  assert.deepEqual([status, body], [403, 'not you']);
  assert.equal((await get(at('/a?u=fail'))).status, 500);
  assert.equal((await get(at('/a?u=nobody'))).status, 500);
  // What a client chose and what is no uid is that client's fault.
  assert.equal((await get(at('/a?u=%01'))).status, 400);
  assert.equal((await get(at(`/a?u=${'x'.repeat(257)}`))).status, 400);
  assert.deepEqual(failures.map(({ error }) => error.code ?? error.message), [
    'told to fail', 'identify must return a uid or a response',
  ]);
  assert.equal(failures[0].where.handler, 'Door.identify');
});

test('a large body is streamed no faster than the client takes it', async (t) => {
  const part = Buffer.alloc(100_000, 'x');
  let written = 0;
  const { at } = serveReceive(t, () => new Response((async function* parts() {
    for (let index = 0; index < 200; index++) {
      written += part.length;
      yield part;
    }
  })()), { outboxBytesMax: 100_000 });
  const response = await new Promise((resolve, reject) => {
    http.get(`http://${at('/a')}`, { agent: false }, resolve).on('error', reject);
  });
  // Nothing was read yet, and the buffers between hold less than the whole.
  assert.ok(written < 200 * part.length, `${written} bytes`);
  let length = 0;
  for await (const bytes of response) length += bytes.length;
  assert.equal(length, 200 * part.length);
  assert.equal(written, length);
});

test('a stream is told when its client has left', async (t) => {
  const begun = deferred();
  const cleaned = deferred();
  const { at, failures } = serveReceive(t, (request) => new Response((async function* parts() {
    try {
      yield 'data: one\n\n';
      await new Promise((resolve) => {
        request.signal.addEventListener('abort', resolve);
        begun.resolve(request);
      });
      yield 'nobody hears this';
    } finally {
      cleaned.resolve();
    }
  })(), { headers: { 'Content-Type': 'text/event-stream' } }));
  const request = http.get(`http://${at('/a')}`, { agent: false });
  request.on('error', () => {});
  const [response] = await new Promise((resolve) => { request.on('response', (...all) => resolve(all)); });
  response.on('error', () => {});
  await new Promise((resolve) => { response.once('data', resolve); });
  const { signal } = await begun.promise;
  assert.equal(signal.aborted, false);
  request.destroy();
  await cleaned.promise;
  assert.equal(signal.aborted, true);
  assert.equal(signal.reason.name, 'DogError');
  assert.deepEqual(failures, []);
});

test('one of Node\'s streams is destroyed when the client has left', async (t) => {
  const source = new Readable({ read() {} });
  source.push('one');
  const { at, failures } = serveReceive(t, () => new Response(source));
  const request = http.get(`http://${at('/a')}`, { agent: false });
  request.on('error', () => {});
  await new Promise((resolve) => {
    request.on('response', (response) => {
      response.on('error', () => {});
      response.once('data', resolve);
    });
  });
  request.destroy();
  await new Promise((resolve) => { source.once('close', resolve); });
  assert.deepEqual(failures, []);
});

test('a response is written by hand, and told when it is over', async (t) => {
  const over = deferred();
  const { at } = serveReceive(t, async (request) => {
    const stream = request.stream({ status: 201, headers: { 'Content-Type': 'text/event-stream' } });
    assert.equal(stream.isOpen, true);
    assert.equal(stream.write('one '), true);
    assert.throws(() => stream.write(7), TypeError);
    assert.equal(stream.write(Buffer.from('two')), true);
    assert.equal(stream.end(), true);
    assert.equal(stream.isOpen, false);
    assert.equal(stream.write('three'), false);
    assert.equal(stream.end(), false);
    over.resolve(await stream.finished());
  });
  const { status, body } = await get(at('/a'));
  assert.deepEqual([status, body], [201, 'one two']);
  assert.equal(await over.promise, undefined);
});

test('connect takes a subprotocol and headers, and refuses what is no upgrade', async (t) => {
  class Chat extends Shard {
    receive(request) {
      assert.deepEqual(request.headers.has('sec-websocket-protocol') ? request.protocols : ['a', 'b'], ['a', 'b']);
      const protocol = request.protocols.includes('b') ? 'b' : undefined;
      return this.connect(request, { protocol, headers: { 'X-Shard': this.id } });
    }
  }
  class Room extends Gateway {
    limit = 2;
    child = Chat;

    identify() {
      return 'ann';
    }
  }
  const { at, failures } = serve(t, { '/:name': Room });
  const upgraded = deferred();
  const client = new Client(at('/a'), { protocols: ['a', 'b'] });
  t.after(() => client.socket.terminate());
  client.socket.once('upgrade', upgraded.resolve);
  await client.opened;
  assert.equal(client.socket.protocol, 'b');
  assert.match((await upgraded.promise).headers['x-shard'], /^[0-9a-f]{32}$/);
  assert.equal((await get(at('/a'))).status, 426);
  assert.deepEqual(failures, []);
});
