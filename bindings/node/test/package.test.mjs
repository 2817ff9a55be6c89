// The package: both module styles, its types, and npm.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import * as imported from 'libdog';

const here = path.dirname(fileURLToPath(import.meta.url));
const packageFolder = path.join(here, '../node_modules/libdog');

function folderFor(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dog-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

function run(command, args, options) {
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 240_000, ...options });
  return { ...done, said: `${command} ${args.join(' ')}\n${done.stdout}${done.stderr}` };
}

const PLATFORM = `${process.platform}-${process.arch}`;
const isThere = (command) => spawnSync(command, ['--version']).error === undefined;

test('import and require give the same classes', () => {
  const required = createRequire(import.meta.url)('libdog');
  const names = Object.keys(imported).filter((name) => name !== 'default');
  assert.deepEqual(names.sort(), Object.keys(required).sort());
  assert.equal(imported.default, required);
  assert.equal(required.default, required);
  for (const name of Object.keys(required)) assert.equal(imported[name], required[name], name);
});

test('the package says the version that libdog has', () => {
  const { version } = JSON.parse(fs.readFileSync(path.join(packageFolder, 'package.json'), 'utf8'));
  assert.equal(version, imported.version);
});

// ---- types

/** tsc over files of test/types in a folder where dog is installed. */
function check(t, files, compilerOptions) {
  const folder = folderFor(t);
  fs.mkdirSync(path.join(folder, 'node_modules'));
  fs.symlinkSync(packageFolder, path.join(folder, 'node_modules/libdog'));
  for (const [from, to] of Object.entries(files)) {
    fs.copyFileSync(path.join(here, 'types', from), path.join(folder, to));
  }
  const options = { strict: true, noEmit: true, target: 'es2022', types: [], ...compilerOptions };
  fs.writeFileSync(path.join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: Object.values(files) }));
  const { status, error, said } = run('tsc', ['-p', folder]);
  assert.equal(error, undefined, 'tsc is not there: Debian has it in node-typescript');
  assert.equal(status, 0, said);
}

const NODE16 = { module: 'node16', moduleResolution: 'node16' };

test('a program is checked as an ES module', (t) => {
  check(t, { 'consumer.ts': 'consumer.mts' }, { ...NODE16, lib: ['es2022'] });
});

test('a program is checked as a CommonJS module', (t) => {
  check(t, { 'consumer.ts': 'consumer.cts' }, { ...NODE16, lib: ['es2022'] });
});

test('a program is checked with the web\'s types and the older way to find modules', (t) => {
  check(t, { 'consumer.ts': 'consumer.ts', 'web.ts': 'web.ts' },
    { module: 'commonjs', moduleResolution: 'node', lib: ['es2022', 'dom', 'dom.iterable'] });
});

test('a program is checked where Buffer is known', (t) => {
  check(t, { 'buffer.ts': 'buffer.mts' }, { ...NODE16, lib: ['es2022'] });
});

test('a program is checked where each file is compiled by itself, and as it is written', (t) => {
  const [, major] = run('tsc', ['--version']).stdout.match(/(\d+)\./);
  const asWritten = major >= 5
    ? { verbatimModuleSyntax: true }
    : { isolatedModules: true, preserveValueImports: true, importsNotUsedAsValues: 'error' };
  check(t, { 'consumer.ts': 'consumer.mts' }, { ...NODE16, lib: ['es2022'], ...asWritten });
});

// ---- bundles

/** The package's modules in one file, as bundlers write it. `folder` is what the bundle takes for __dirname. */
function bundle(folder) {
  const lib = path.join(packageFolder, 'lib');
  const modules = fs.readdirSync(lib).map((name) =>
    `${JSON.stringify(`./${name}`)}(module, exports, require) {${fs.readFileSync(path.join(lib, name), 'utf8')}\n},`);
  return `const modules = {${modules.join('\n')}}, loaded = {};
    function load(name) {
      if (!(name in modules)) return require(name);
      if (!(name in loaded)) modules[name](loaded[name] = { exports: {} }, loaded[name].exports, load);
      return loaded[name].exports;
    }
    ${folder}
    load('./index.js');`;
}

for (const [how, folder] of [['its own', ''], ['none', 'var __dirname;'], ['another', 'var __dirname = "/";']]) {
  test(`in a bundle whose folder is ${how} the error says what to do`, (t) => {
    const app = folderFor(t);
    fs.writeFileSync(path.join(app, 'package.json'), '{ "name": "app" }');
    fs.mkdirSync(path.join(app, 'dist'));
    const file = path.join(app, 'dist/bundle.cjs');
    fs.writeFileSync(file, bundle(folder));
    const { status, stderr } = run(process.execPath, [file], { cwd: app });
    assert.equal(status, 1);
    assert.match(stderr, /DOG cannot be part of a bundle.*--external:libdog/);
  });
}

// ---- npm

// That the package as it is packed runs elsewhere is for Tests/packages/test_deployed.py.

test('npm packs the addon with its libdog, its sources too', { skip: !isThere('npm') && 'npm is not there' }, (t) => {
  const folder = folderFor(t);
  const { names } = pack(folder);
  for (const name of ['index.mjs', 'index.d.ts', 'lib/index.js', 'src/addon/module.c', 'build.js', 'README.md',
    `prebuilt/${PLATFORM}/dog.node`, `prebuilt/${PLATFORM}/libdog.so.0`]) {
    assert.ok(names.includes(name), name);
  }
  assert.ok(!names.some((name) => /^test|^bench|\.link$/.test(name)), names.join(' '));
  assert.ok(fs.lstatSync(path.join(packageFolder, 'prebuilt', PLATFORM, 'libdog.so.0')).isSymbolicLink());
});

test('where no addon came with it, one is compiled', { skip: !isThere('npm') && 'npm is not there' }, (t) => {
  const folder = folderFor(t);
  const { tarball, environment } = pack(folder);
  const unpacked = run('tar', ['-xzf', tarball, '-C', folder]);
  assert.equal(unpacked.status, 0, unpacked.said);
  fs.rmSync(path.join(folder, 'package/prebuilt'), { recursive: true });
  const app = path.join(folder, 'app');
  fs.mkdirSync(app);
  fs.writeFileSync(path.join(app, 'package.json'), '{ "private": true }');
  const installed = run('npm', ['install', path.join(folder, 'package')], { cwd: app, env: environment });
  assert.equal(installed.status, 0, installed.said);
  const { status, stdout, said } = run(process.execPath, ['-p', 'require("libdog").version'], { cwd: app });
  assert.equal(status, 0, said);
  assert.equal(stdout, `${imported.version}\n`);
});

/** Packs what is built here: a copy, so that two tests may do it at once. */
function pack(folder) {
  const copy = path.join(folder, 'libdog');
  fs.cpSync(packageFolder, copy, { recursive: true });
  const environment = { ...process.env, npm_config_cache: path.join(folder, 'cache'), npm_config_offline: 'true',
    npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false',
    DOG_PREFIX: process.env.DOG_PREFIX ?? findPrefix() };
  const packed = run('npm', ['pack', '--json', copy], { cwd: folder, env: environment });
  assert.equal(packed.status, 0, packed.said);
  const [{ filename, files }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('[')));
  return { tarball: path.join(folder, filename), names: files.map(({ path: name }) => name), environment };
}

/** The prefix that the package here was built against, from where its libdog is. */
function findPrefix() {
  const maps = fs.readFileSync('/proc/self/maps', 'utf8');
  const library = maps.match(/(\/.*)\/lib\/libdog\.so\.\S*/);
  assert.ok(library, 'libdog is loaded');
  return library[1];
}
