#!/usr/bin/env node
'use strict';
// Compiles the addon with the system's C compiler against libdog and Node's own headers: no node-gyp, no download.
//
//   node build.js [--out FOLDER] [--prefix PREFIX]
//   node build.js --pack, node build.js --packed      what `npm pack` runs, before and after
//
// In a checkout of DOG the whole package is laid out in FOLDER/node_modules/libdog, by default in build/bindings/node,
// with the tests, examples and benchmarks beside it; nothing is written among the sources. Elsewhere (npm install runs
// this) the addon is put into this package, unless it came with it.
//
// libdog is looked for in PREFIX (or the environment's DOG_PREFIX), in the checkout's build folder (BUILD), then by
// pkg-config. Node's headers are those beside the running Node (NODE_INCLUDE names another folder).
//
// The addon is in prebuilt/PLATFORM-ARCH and finds libdog beside it: a link to the libdog that it was compiled against,
// which npm does not pack, or, in a package, a copy.

const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const HERE = __dirname;
const CHECKOUT = path.join(HERE, '..', '..');
const IS_CHECKOUT = fs.existsSync(path.join(CHECKOUT, 'include', 'dog.h'));
const BUILD = path.resolve(process.env.BUILD || path.join(CHECKOUT, 'build'));
const PREBUILT = path.join('prebuilt', `${process.platform}-${process.arch}`);
const PACKAGE_FILES = ['package.json', 'README.md', 'build.js', 'header.d.ts', 'index.mjs', 'index.d.ts', 'index.d.mts',
  'lib', 'src'];
const COMPANIONS = ['test', 'examples', 'bench', 'conformance'];

function fail(message) {
  console.error(`build.js: ${message}`);
  process.exit(1);
}

function parseArguments(list) {
  const options = {};
  for (let index = 0; index < list.length; index += 1) {
    const name = list[index];
    if (name === '--pack' || name === '--packed') {
      options[name.slice(2)] = true;
      continue;
    }
    index += 1;
    if ((name !== '--out' && name !== '--prefix') || list[index] === undefined) {
      fail('usage: node build.js [--out FOLDER] [--prefix PREFIX] | --pack | --packed');
    }
    options[name.slice(2)] = path.resolve(list[index]);
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

/** The name that libdog goes by when it is loaded. */
function sonameIn(include) {
  const [, major] = fs.readFileSync(path.join(include, 'dog.h'), 'utf8').match(/#define DOG_VERSION_MAJOR (\d+)/);
  return `libdog.so.${major}`;
}

/** Puts the link to libdog beside the addon. Within one build folder, which may be moved, it is relative. */
function link(folder, { include, lib }) {
  const isMovable = [folder, lib].every((place) => place.startsWith(BUILD + path.sep));
  const target = path.join(isMovable ? path.relative(folder, lib) : lib, 'libdog.so');
  const place = path.join(folder, sonameIn(include));
  for (const old of [place, `${place}.link`]) fs.rmSync(old, { force: true });
  fs.symlinkSync(target, place);
}

function compile(addon, library) {
  fs.mkdirSync(path.dirname(addon), { recursive: true });
  const folder = path.join(HERE, 'src', 'addon');
  const sources = fs.readdirSync(folder).filter((name) => name.endsWith('.c')).map((name) => path.join(folder, name));
  const words = (text) => text.split(/\s+/).filter(Boolean);
  const [compiler, ...flags] = words(process.env.CC || 'cc');
  const built = `${addon}.new`; // renamed when it is whole: a Node that runs keeps the one that it has
  const { status, error } = spawnSync(compiler, [
    ...flags, '-std=gnu11', ...words(process.env.CFLAGS || '-O2'), '-Wall', '-Wextra', '-fPIC', '-fvisibility=hidden',
    '-shared', '-pthread', `-I${library.include}`, ...findHeaders().map((include) => `-I${include}`),
    ...sources, '-o', built, '-ldl', '-Wl,-rpath,$ORIGIN',
  ], { stdio: 'inherit' });
  if (error) fail(`the C compiler cannot be run: ${error.message}`);
  if (status !== 0) fail('the addon does not compile');
  fs.renameSync(built, addon);
  link(path.dirname(addon), library);
}

function copy(names, to) {
  for (const name of names) {
    fs.rmSync(path.join(to, name), { recursive: true, force: true });
    const from = path.join(HERE, name);
    if (fs.existsSync(from)) fs.cpSync(from, path.join(to, name), { recursive: true });
  }
}

// ---- packing

/** The link to libdog in the folder of an addon, or where it is while its copy is packed. */
function linksIn(folder) {
  return fs.readdirSync(folder).filter((name) => /^libdog\.so\.\d+(\.link)?$/.test(name))
    .map((name) => path.join(folder, name)).filter((place) => fs.lstatSync(place).isSymbolicLink());
}

/** Has a copy of libdog beside the addon, which is compiled where it is not there. */
function pack(folder) {
  if (!fs.existsSync(path.join(folder, 'dog.node'))) {
    compile(path.join(folder, 'dog.node'), findLibrary(process.env.DOG_PREFIX));
  }
  for (const place of linksIn(folder)) {
    if (place.endsWith('.link')) continue;
    fs.renameSync(place, `${place}.link`);
    fs.copyFileSync(fs.realpathSync(`${place}.link`), place);
    spawnSync('strip', ['--strip-unneeded', place]); // without strip it only stays larger
  }
}

/** Takes away what was there to be packed: a checkout has none of it among its sources. */
function packed(folder) {
  if (IS_CHECKOUT) return fs.rmSync(path.join(HERE, 'prebuilt'), { recursive: true, force: true });
  for (const place of linksIn(folder)) fs.renameSync(place, place.replace(/\.link$/, ''));
  return undefined;
}

function main() {
  const options = parseArguments(process.argv.slice(2));
  const own = path.join(HERE, PREBUILT);
  if (options.pack) return pack(own);
  if (options.packed) return packed(own);
  const isHere = fs.existsSync(path.join(own, 'dog.node')) && !options.out && !options.prefix;
  if (isHere && !IS_CHECKOUT) return console.log('The addon came with the package');
  const library = findLibrary(options.prefix || process.env.DOG_PREFIX);
  let folder = HERE;
  if (IS_CHECKOUT || options.out) {
    const out = options.out || path.join(BUILD, 'bindings', 'node');
    folder = path.join(out, 'node_modules', 'libdog');
    fs.mkdirSync(folder, { recursive: true });
    copy(PACKAGE_FILES, folder);
    copy(COMPANIONS, out);
  }
  compile(path.join(folder, PREBUILT, 'dog.node'), library);
  return console.log(`Built ${path.relative('', folder) || folder}`);
}

main();
