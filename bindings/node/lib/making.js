'use strict';
// How Gateways and Shards come to be: the engine alone makes them, by the constructors of the host's classes, which
// get no arguments. What the base class needs to know lies here while the constructor runs.

let inside;

/** Makes an object of the class; its base class takes `what`. */
function make(Class, what) {
  const outer = inside;
  inside = what;
  try {
    return new Class();
  } finally {
    inside = outer;
  }
}

/** For the base class's constructor: what `make` laid down. */
function takeInside(name) {
  if (inside === undefined) throw new TypeError(`a ${name} is made by its engine, when there is need of one`);
  const taken = inside;
  inside = undefined;
  return taken;
}

module.exports = { make, takeInside };
