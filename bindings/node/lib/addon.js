'use strict';
// The addon, from where build.js put it: beside this package's package.json, or, in a checkout of DOG, in its build
// folder, so that nothing is ever built among the sources.

const fs = require('fs');
const path = require('path');

const places = [
  path.join(__dirname, '..', 'dog.node'),
  path.join(__dirname, '..', '..', '..', 'build', 'bindings', 'node', 'node_modules', 'dog', 'dog.node'),
];

const found = places.find((place) => fs.existsSync(place));
if (found === undefined) {
  throw new Error(`DOG's addon is not built: run "node ${path.join(__dirname, '..', 'build.js')}"`);
}

module.exports = require(found);
