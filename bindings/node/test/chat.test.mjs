// The example: a chat room.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseCommand } from '../examples/chat/command.mjs';
import { Client, get } from './support.mjs';

async function startChat(t) {
  const program = fileURLToPath(new URL('../examples/chat/server.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => { child.once('exit', (code) => resolve(code)); });
  t.after(async () => {
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  });
  const line = await new Promise((resolve) => { child.stdout.once('data', (data) => resolve(String(data))); });
  const [, port] = line.match(/:(\d+)\n$/);
  return (path) => `127.0.0.1:${port}${path}`;
}

class Person extends Client {
  /** The next event of a type, past others. */
  async event(type) {
    for (;;) {
      const { time, ...event } = JSON.parse(await this.next());
      assert.equal(typeof time, 'number');
      if (event.type === type) return event;
    }
  }

  tell(type, members) {
    this.send(JSON.stringify({ type, ...members }));
  }
}

test('three people in two Rooms talk, whisper and leave', async (t) => {
  const at = await startChat(t);
  assert.match((await get(at('/'))).body, /<title>DOG chat<\/title>/);
  assert.equal((await get(at('/nowhere'))).status, 404);
  const people = [];
  for (const name of ['ann', 'bob', 'cat']) {
    const person = await Person.open(t, at(`/ws?u=${name}`));
    assert.deepEqual(await person.event('user:join'), { type: 'user:join', from: name });
    people.push(person);
  }
  const [ann, bob, cat] = people;
  cat.tell('req:user:list');
  assert.deepEqual(await cat.event('user:list'), { type: 'user:list', list: ['ann', 'bob', 'cat'] });
  ann.tell('msg', { text: ' hello ' });
  for (const person of people) {
    assert.deepEqual(await person.event('user:msg'), { type: 'user:msg', from: 'ann', text: 'hello' });
  }
  ann.tell('msg', { text: '/g closer' });
  ann.tell('msg', { text: '/w cat psst' });
  assert.deepEqual(await bob.event('user:msg'), { type: 'user:msg', from: 'ann', text: 'closer', meta: 'group' });
  assert.deepEqual(await cat.event('user:msg'),
    { type: 'user:msg', from: 'ann', text: 'psst', meta: 'whisper', to: 'cat' });
  assert.equal((await ann.event('user:msg')).text, 'closer');
  assert.equal((await ann.event('user:msg')).text, 'psst');
  ann.tell('msg', { text: '/w zoe psst' });
  assert.equal((await ann.event('error')).text, 'zoe is not here.');
  ann.send('nonsense');
  assert.match((await ann.event('error')).text, /JSON/);
  assert.equal((await get(at('/broadcast?text=all'))).body, 'DONE\n');
  for (const person of people) assert.equal((await person.event('user:msg')).text, 'all');
  assert.equal((await get(at('/whisper?target=bob&text=you'))).body, '1 reached\n');
  assert.equal((await bob.event('user:msg')).text, 'you');
  assert.equal((await get(at('/whisper'))).status, 400);
  await ann.close();
  assert.deepEqual(await cat.event('user:exit'), { type: 'user:exit', from: 'ann' });
});

test('a command says whom it is for', () => {
  const all = (text) => ({ verb: 'all', text });
  assert.deepEqual(parseCommand('hello'), all('hello'));
  assert.deepEqual(parseCommand('/a hello'), all('hello'));
  assert.deepEqual(parseCommand('/nonsense hello'), all('/nonsense hello'));
  assert.deepEqual(parseCommand('/group  a b'), { verb: 'group', text: 'a b' });
  assert.deepEqual(parseCommand('/msg ann  a b'), { verb: 'whisper', to: 'ann', text: 'a b' });
  assert.deepEqual(parseCommand('/w ann'), { verb: 'whisper', to: 'ann', text: '' });
});
