// Responses that somebody else has made: those that fetch gave, passed on to the client.
import assert from 'node:assert/strict';
import { Blob } from 'node:buffer';
import http from 'node:http';
import test from 'node:test';
import zlib from 'node:zlib';
import { Gateway, Response, Shard } from 'libdog';
import { deferred, get, serve } from './support.mjs';

function serveReceive(t, receive) {
  class One extends Shard {}
  One.prototype.receive = receive;
  class All extends Gateway {
    limit = 10;
    child = One;

    identify() {
      return 'anybody';
    }
  }
  return serve(t, { '/:name': All });
}

/** A server of Node's; gives where it is. */
async function upstream(t, answer) {
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.once('listening', resolve); });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}/`;
}

test('what fetch gives is passed on, but for the headers of its connection', async (t) => {
  const url = await upstream(t, (request, response) => {
    response.setHeader('X-Of-Hop', 'never');
    response.setHeader('Connection', 'keep-alive, X-Of-Hop');
    response.setHeader('Keep-Alive', 'timeout=7');
    response.setHeader('Set-Cookie', ['a=1', 'b=2']);
    response.setHeader('X-Kept', 'yes');
    if (request.url === '/gzip') response.setHeader('Content-Encoding', 'gzip');
    const body = request.url === '/gzip' ? zlib.gzipSync('the body') : 'the body';
    if (request.url !== '/chunked') response.setHeader('Content-Length', body.length);
    response.statusCode = 203;
    response.end(body);
  });
  const { at, failures } = serveReceive(t, (request) => fetch(url + request.path.slice(1)));
  for (const path of ['/plain', '/gzip', '/chunked']) {
    const { status, headers, body } = await get(at(path));
    assert.deepEqual([path, status, body, failures], [path, 203, 'the body', []]);
    assert.equal(headers['content-encoding'], undefined);
    assert.equal(headers['x-of-hop'], undefined);
    assert.notEqual(headers['keep-alive'], 'timeout=7');
    assert.equal(headers['x-kept'], 'yes');
    assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2']);
  }
});

test('cookies that an old Headers has joined are several again', async (t) => {
  // As Node 18.13's are, which Debian 12 was released with.
  class Old extends globalThis.Headers {
    get getSetCookie() {
      return undefined;
    }

    * [Symbol.iterator]() {
      yield ['set-cookie', 'a=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT; Path=/, b=2; Secure,c='];
      yield ['x-list', 'one, two=2'];
    }
  }
  const { at } = serveReceive(t, (request) => request.respond({ status: 200, headers: new Old() }));
  const { headers } = await get(at('/a'));
  assert.deepEqual(headers['set-cookie'], ['a=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT; Path=/', 'b=2; Secure', 'c=']);
  assert.equal(headers['x-list'], 'one, two=2');
});

test('a coding that the host has made itself stays', async (t) => {
  const { at } = serveReceive(t, () => new globalThis.Response(zlib.gzipSync('coded'), {
    headers: { 'Content-Encoding': 'gzip', 'Content-Length': '7' },
  }));
  const { headers, body } = await get(at('/a'), { headers: { 'Accept-Encoding': 'gzip' } });
  assert.equal(headers['content-encoding'], 'gzip');
  assert.ok(body.length > 0);
});

test('what is fetched is cancelled when the client has left, though nothing comes', async (t) => {
  const left = deferred();
  const url = await upstream(t, (request, response) => {
    response.write('one');
    response.on('close', left.resolve);
  });
  const { at, failures } = serveReceive(t, () => fetch(url));
  const request = http.get(`http://${at('/a')}`, { agent: false });
  request.on('error', () => {});
  await new Promise((resolve) => {
    request.on('response', (response) => {
      response.on('error', () => {});
      response.once('data', resolve);
    });
  });
  request.destroy();
  await left.promise;
  assert.deepEqual(failures, []);
});

test('a Blob is a body, with its type', async (t) => {
  const { at } = serveReceive(t, () => new Response(new Blob(['<b>', 'x'], { type: 'text/html' })));
  const { headers, body } = await get(at('/a'));
  assert.deepEqual([headers['content-type'], body], ['text/html', '<b>x']);
});

test('a header that is refused is named', async (t) => {
  const wrong = {
    length: [{ 'Content-Length': '5' }, /the header "Content-Length" is the engine's to send/],
    name: [{ 'X Y': '5' }, /the header "X Y" has no valid name/],
    value: [{ 'X-Y': 'a\nb' }, /the header "X-Y" has a control character/],
    half: [{ 'X-Y': 'a\ud800' }, /the header X-Y has a lone surrogate/],
    status: [{}, /the status 99 is not from 200/, 99],
    content: [{}, /the status 204 has no body/, 204],
  };
  const { at, failures } = serveReceive(t, (request) => {
    const [headers, , status = 200] = wrong[request.path.slice(1)];
    return new Response(Buffer.from('x'), { status, headers });
  });
  for (const [path, [, pattern]] of Object.entries(wrong)) {
    assert.equal((await get(at(`/${path}`))).status, 500);
    assert.match(failures.pop().error.message, pattern);
  }
  const streamed = serveReceive(t, () => new Response(['x'], { headers: { Date: 'today' } }));
  assert.equal((await get(streamed.at('/x'))).status, 500);
  assert.match(streamed.failures[0].error.message, /the header "Date"/);
  const upgraded = serveReceive(t, (request) => request.connect({ headers: { Upgrade: 'x' } }));
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
  assert.equal((await get(upgraded.at('/x'), { headers })).status, 500);
  assert.match(upgraded.failures[0].error.message, /the header "Upgrade"/);
});

test('a body that is none says what to do', async (t) => {
  for (const body of [new Map(), { a: 1 }, Promise.resolve('x')]) {
    const { at, failures } = serveReceive(t, () => new Response(body));
    assert.equal((await get(at('/a'))).status, 500);
    assert.match(failures[0].error.message, /Response\.json\(value\)/);
  }
});
