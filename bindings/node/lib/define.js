'use strict';
// What the host's classes say of themselves: a Gateway class's limit and child, and both classes' options.

const { Gateway } = require('./gateway.js');
const { make } = require('./making.js');
const { Shard } = require('./shard.js');

/** Handlers whose being there tells the engine to ask. A field, which the constructor sets, comes too late for that. */
const TOLD_BY_PROTOTYPE = { Gateway: 'clusterize', Shard: 'ongossip' };

function isClassOf(value, Base) {
  return typeof value === 'function' && value.prototype instanceof Base;
}

function optionsOf(Class) {
  const options = Class.options ?? {};
  if (typeof options !== 'object') throw new TypeError(`${Class.name}.options must be an object`);
  // These go by other ways, and would only contradict them.
  for (const name of ['name', 'child', 'parent', 'limit', 'clusterizeEvents', 'gossipEvents']) {
    if (name in options) throw new TypeError(`${Class.name}.options has no member ${name}`);
  }
  return options;
}

function checkMethod(object, Base) {
  const name = TOLD_BY_PROTOTYPE[Base.name];
  if (!Object.hasOwn(object, name)) return;
  throw new TypeError(`${object.constructor.name}.${name} must be a method of the class`);
}

/** A Gateway class and its child, as the addon takes them. */
function describe(GatewayClass) {
  if (!isClassOf(GatewayClass, Gateway)) throw new TypeError('not a class that extends Gateway');
  if (typeof GatewayClass.prototype.identify !== 'function') {
    throw new TypeError(`${GatewayClass.name} has no method identify`);
  }
  // `limit` and `child` are fields, as in the original; so one object is made to read them from.
  const sample = make(GatewayClass, { host: undefined, low: 0, high: 0, name: '' });
  checkMethod(sample, Gateway);
  const { limit, child: ShardClass } = sample;
  if (!isClassOf(ShardClass, Shard)) {
    throw new TypeError(`${GatewayClass.name}.child must be a class that extends Shard`);
  }
  if (limit === undefined) throw new TypeError(`${GatewayClass.name} has no limit`);
  if (typeof ShardClass.prototype.receive !== 'function') {
    throw new TypeError(`${ShardClass.name} has no method receive`);
  }
  return {
    GatewayClass,
    ShardClass,
    gateway: {
      ...optionsOf(GatewayClass),
      name: GatewayClass.name,
      child: ShardClass.name,
      limit,
      clusterizeEvents: typeof GatewayClass.prototype.clusterize === 'function',
    },
    shard: {
      ...optionsOf(ShardClass),
      name: ShardClass.name,
      parent: GatewayClass.name,
      gossipEvents: typeof ShardClass.prototype.ongossip === 'function',
    },
  };
}

module.exports = { checkMethod, describe };
