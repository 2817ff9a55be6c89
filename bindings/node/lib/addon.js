'use strict';
// The addon, from where build.js put it: in this package's folder `prebuilt`, or, in a checkout of DOG, in its build
// folder, so that nothing is ever built among the sources.

const fs = require('fs');
const path = require('path');

/** This file's folder. A bundler may change the name, or leave it out. */
const here = typeof __dirname === 'string' ? __dirname : undefined;

/** Whether this file still is where it was installed. */
function isAtHome() {
  try {
    return JSON.parse(fs.readFileSync(path.join(here, '..', 'package.json'), 'utf8')).name === 'libdog'
      && fs.existsSync(path.join(here, 'addon.js'));
  } catch {
    return false;
  }
}

function load() {
  if (!isAtHome()) {
    throw new Error('DOG cannot be part of a bundle: its addon is a shared library, which no bundler carries. Leave '
      + 'the package "libdog" out of the bundle (esbuild: --external:libdog; webpack, Rollup, Vite: external) and '
      + 'install it where the bundle runs');
  }
  const platform = `${process.platform}-${process.arch}`;
  const root = path.join(here, '..');
  const found = [root, path.join(root, '..', '..', 'build', 'bindings', 'node', 'node_modules', 'libdog')]
    .map((folder) => path.join(folder, 'prebuilt', platform, 'dog.node')).find((place) => fs.existsSync(place));
  if (found === undefined) {
    throw new Error(`DOG's addon is not built for ${platform}: run "node ${path.join(root, 'build.js')}"`);
  }
  return require(found);
}

module.exports = load();
