// The addon by itself: its table of handles, and how it finds libdog.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const addonFolder = path.join(here, '../node_modules/libdog/src/addon');

function folderFor(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dog-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

function run(command, args, options = {}) {
  return spawnSync(command, args, { encoding: 'utf8', timeout: 120_000, ...options });
}

function compile(...args) {
  const { status, stderr } = run(process.env.CC ?? 'cc', ['-std=gnu11', '-Wall', '-Wextra', '-Werror', ...args]);
  assert.equal(status, 0, stderr);
}

test('a handle has a number of its own as long as it is there', (t) => {
  const program = path.join(folderFor(t), 'table');
  compile('-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover', `-I${addonFolder}`,
    path.join(here, 'table.c'), path.join(addonFolder, 'table.c'), '-o', program);
  const seed = String(Math.floor(Math.random() * 2 ** 48));
  const { status, stderr } = run(program, [seed]);
  assert.equal(status, 0, `seed ${seed}: ${stderr}`);
});

const CHAT = `
  import { Gateway, Shard, serve } from 'libdog';
  import { WebSocket } from './support.mjs';
  class Task extends Shard {
    receive(request) { return this.connect(request); }
    onmessage(socket, data) { socket.send(data); }
  }
  class Pool extends Gateway { limit = 1; child = Task; identify() { return 'ann'; } }
  const engine = serve({ workers: 2, routes: { '/:name': Pool } });
  const client = new WebSocket('ws://127.0.0.1:' + engine.port + '/a');
  client.once('open', () => client.send('hello'));
  client.once('message', async (data) => { console.log(String(data)); client.close(); await engine.stop(1000); });
`;

/** Runs the chat; what the dynamic linker bound libdog's `names` to, as 'name library'. */
function runBound(t, names, environment = {}) {
  const output = path.join(folderFor(t), 'bindings');
  const { status, signal, stdout, stderr } = run(process.execPath, ['--input-type=module', '-e', CHAT],
    { cwd: here, env: { ...process.env, LD_DEBUG: 'bindings', LD_DEBUG_OUTPUT: output, ...environment } });
  assert.deepEqual([status, signal, stdout], [0, null, 'hello\n'], stderr);
  const [file] = fs.readdirSync(path.dirname(output)).filter((name) => name.startsWith('bindings.'));
  const lines = fs.readFileSync(path.join(path.dirname(output), file), 'utf8');
  const bound = lines.matchAll(/binding file \S*\/libdog\.so\S* \[\d+\] to (\S+) \[\d+\]: \w+ symbol `(\w+)'/g);
  const found = new Map([...bound].map(([, library, name]) => [name, path.basename(library)]));
  return names.map((name) => `${name} ${found.get(name)}`);
}

test('libdog has libraries of its own, whatever Node has built in', (t) => {
  assert.deepEqual(runBound(t, ['uv_loop_init', 'SSL_new', 'inflate', 'malloc', 'environ']),
    ['uv_loop_init libuv.so.1', 'SSL_new libssl.so.3', 'inflate libz.so.1', 'malloc libc.so.6', 'environ libc.so.6']);
});

test('an allocator in front of libc\'s serves libdog too', (t) => {
  const folder = folderFor(t);
  const source = path.join(folder, 'allocator.c');
  const library = path.join(folder, 'allocator.so');
  // One that tells its own memory from libc's: what it gave cannot be freed by another.
  fs.writeFileSync(source, `
    #include <stddef.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>
    extern void *__libc_malloc(size_t), *__libc_memalign(size_t, size_t);
    extern void __libc_free(void *);
    enum { HEAD = 64, MARK = 0x5ca1ab1e };
    typedef struct { size_t size, mark, offset; } head_t;
    static head_t *head(void *p) { return (head_t *)((char *)p - sizeof(head_t)); }
    void *memalign(size_t a, size_t n) {
      size_t offset = a > HEAD ? a : HEAD;
      char *block = __libc_memalign(a > 16 ? a : 16, n + offset);
      if (!block) return NULL;
      *head(block + offset) = (head_t){n, MARK, offset};
      return block + offset;
    }
    void *malloc(size_t n) { return memalign(16, n); }
    void free(void *p) {
      if (!p) return;
      if (head(p)->mark != MARK) abort();
      head(p)->mark = 0;
      __libc_free((char *)p - head(p)->offset);
    }
    void *calloc(size_t a, size_t b) { void *p = malloc(a * b); return p ? memset(p, 0, a * b) : p; }
    void *realloc(void *p, size_t n) {
      void *q = malloc(n);
      if (p && q) { memcpy(q, p, head(p)->size < n ? head(p)->size : n); free(p); }
      return q;
    }
    int posix_memalign(void **p, size_t a, size_t n) { return (*p = memalign(a, n)) ? 0 : 12; }
    void *aligned_alloc(size_t a, size_t n) { return memalign(a, n); }
    size_t malloc_usable_size(void *p) { return p ? head(p)->size : 0; }
  `);
  compile('-O1', '-fPIC', '-shared', '-fno-builtin', source, '-o', library);
  assert.deepEqual(runBound(t, ['malloc', 'free'], { LD_PRELOAD: library }),
    ['malloc allocator.so', 'free allocator.so']);
});

test('without the addon, or libdog, the error says what to do', (t) => {
  const folder = folderFor(t);
  fs.cpSync(path.join(here, '../node_modules/libdog'), path.join(folder, 'node_modules/libdog'), { recursive: true });
  const load = () => run(process.execPath, ['-e', 'require("libdog")'],
    { cwd: folder, env: { ...process.env, DOG_LIBRARY: '/nowhere/libdog.so' } });
  const addon = path.join(folder, 'node_modules/libdog/prebuilt', `${process.platform}-${process.arch}`, 'dog.node');
  fs.renameSync(addon, `${addon}.gone`);
  assert.match(load().stderr, /DOG's addon is not built for \S+: run "node .*build\.js"/);
  fs.renameSync(`${addon}.gone`, addon);
  const { status, stderr } = load();
  assert.notEqual(status, 0);
  assert.match(stderr, /nowhere\/libdog\.so: cannot open shared object file/);
});
