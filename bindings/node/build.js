#!/usr/bin/env node
'use strict';
// Compiles the addon with the system's C compiler against libdog and Node's own headers: no node-gyp, no download.
//
//   node build.js [--out FOLDER] [--prefix PREFIX]
//
// In a checkout of DOG the whole package is laid out in FOLDER/node_modules/dog, by default in build/bindings/node,
// with the tests, examples and benchmarks beside it; nothing is written among the sources. Elsewhere (npm install runs
// this) the addon is put beside this file.
//
// libdog is looked for in PREFIX (or the environment's DOG_PREFIX), in the checkout's build folder (BUILD), then by
// pkg-config. Node's headers are those beside the running Node (NODE_INCLUDE names another folder).

const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const HERE = __dirname;
const CHECKOUT = path.join(HERE, '..', '..');
const IS_CHECKOUT = fs.existsSync(path.join(CHECKOUT, 'include', 'dog.h'));
const BUILD = path.resolve(process.env.BUILD || path.join(CHECKOUT, 'build'));
const PACKAGE_FILES = ['package.json', 'README.md', 'build.js', 'index.mjs', 'index.d.ts', 'index.d.mts', 'lib', 'src'];
const COMPANIONS = ['test', 'examples', 'bench', 'conformance'];

function fail(message) {
  console.error(`build.js: ${message}`);
  process.exit(1);
}

function parseArguments(list) {
  const options = {};
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index];
    if ((name !== '--out' && name !== '--prefix') || list[index + 1] === undefined) {
      fail('usage: node build.js [--out FOLDER] [--prefix PREFIX]');
    }
    options[name.slice(2)] = path.resolve(list[index + 1]);
  }
  return options;
}

// ---- what it is compiled against

function pkgConfig(variable) {
  const { status, stdout } = spawnSync('pkg-config', [`--variable=${variable}`, 'dog'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** { include, lib }: where dog.h and libdog.so are. */
function findLibrary(prefix) {
  const places = [];
  if (prefix) places.push({ include: path.join(prefix, 'include'), lib: path.join(prefix, 'lib') });
  else {
    if (IS_CHECKOUT) places.push({ include: path.join(CHECKOUT, 'include'), lib: path.join(BUILD, 'lib') });
    const include = pkgConfig('includedir');
    if (include) places.push({ include, lib: pkgConfig('libdir') });
    places.push({ include: '/usr/local/include', lib: '/usr/local/lib' });
  }
  const found = places.find(({ include, lib }) =>
    fs.existsSync(path.join(include, 'dog.h')) && fs.existsSync(path.join(lib, 'libdog.so')));
  if (found === undefined) {
    const looked = places.map(({ include, lib }) => `${include} and ${lib}`).join('; ');
    fail(`libdog is not there. Install it, or say where it is by DOG_PREFIX. Looked in ${looked}.`);
  }
  return found;
}

/** Folders with node_api.h and uv.h: a distribution may keep uv.h apart. */
function findHeaders() {
  const prefix = path.dirname(path.dirname(fs.realpathSync(process.execPath)));
  const folders = [process.env.NODE_INCLUDE, path.join(prefix, 'include', 'node'), '/usr/include/node',
    '/usr/local/include/node'].filter(Boolean);
  const node = folders.find((folder) => fs.existsSync(path.join(folder, 'node_api.h')));
  const uv = [node, '/usr/include'].filter(Boolean).find((folder) => fs.existsSync(path.join(folder, 'uv.h')));
  if (node === undefined || uv === undefined) {
    fail(`Node's headers are not there (Debian: libnode-dev; or set NODE_INCLUDE). Looked in ${folders.join(', ')}.`);
  }
  return [...new Set([node, uv])].filter((folder) => folder !== '/usr/include');
}

// ---- building

/** How the addon finds libdog when it runs: beside it where both are in one build folder, which may then be moved. */
function runPath(addon, lib) {
  const relative = path.relative(path.dirname(addon), lib);
  return lib.startsWith(BUILD + path.sep) && addon.startsWith(BUILD + path.sep) ? `$ORIGIN/${relative}` : lib;
}

function compile(addon, library) {
  const folder = path.join(HERE, 'src', 'addon');
  const sources = fs.readdirSync(folder).filter((name) => name.endsWith('.c')).map((name) => path.join(folder, name));
  const words = (text) => text.split(/\s+/).filter(Boolean);
  const [compiler, ...flags] = words(process.env.CC || 'cc');
  const built = `${addon}.new`; // renamed when it is whole: a Node that runs keeps the one that it has
  const { status, error } = spawnSync(compiler, [
    ...flags, '-std=gnu11', ...words(process.env.CFLAGS || '-O2'), '-Wall', '-Wextra', '-fPIC', '-fvisibility=hidden',
    '-shared', '-pthread', `-I${library.include}`, ...findHeaders().map((include) => `-I${include}`),
    ...sources, '-o', built, '-ldl', `-Wl,-rpath,${runPath(addon, library.lib)}`,
  ], { stdio: 'inherit' });
  if (error) fail(`the C compiler cannot be run: ${error.message}`);
  if (status !== 0) fail('the addon does not compile');
  fs.renameSync(built, addon);
}

function copy(names, to) {
  for (const name of names) {
    fs.rmSync(path.join(to, name), { recursive: true, force: true });
    const from = path.join(HERE, name);
    if (fs.existsSync(from)) fs.cpSync(from, path.join(to, name), { recursive: true });
  }
}

function main() {
  const options = parseArguments(process.argv.slice(2));
  const library = findLibrary(options.prefix || process.env.DOG_PREFIX);
  let folder = HERE;
  if (IS_CHECKOUT || options.out) {
    const out = options.out || path.join(BUILD, 'bindings', 'node');
    folder = path.join(out, 'node_modules', 'dog');
    fs.mkdirSync(folder, { recursive: true });
    copy(PACKAGE_FILES, folder);
    copy(COMPANIONS, out);
  }
  compile(path.join(folder, 'dog.node'), library);
  console.log(`Built ${path.relative('', folder) || folder}`);
}

main();
