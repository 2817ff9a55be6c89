'use strict';
// Reads the host's classes: a Gateway class's limit and child, and both classes' options.

const addon = require('./addon.js');
const { Gateway } = require('./gateway.js');
const { make } = require('./making.js');
const { checkNames, lookAtClass, lookAtObject } = require('./names.js');
const { Shard } = require('./shard.js');

/** Handlers that the engine asks only if the class has them as methods. A field, which the constructor sets, comes too
 * late. */
const TOLD_BY_PROTOTYPE = { Gateway: 'clusterize', Shard: 'ongossip' };
/** Options that are set in other ways. */
const NO_OPTIONS = ['name', 'child', 'parent', 'limit', 'clusterizeEvents', 'gossipEvents', 'startLater'];

/** Options of Shards that are this module's own: messages of one socket wait for one another. */
const ORDERED_MAX = 1024;
const ORDERED_BYTES_MAX = 4194304;
const OWN_OPTIONS = ['ordered', 'orderedMax', 'orderedBytesMax'];

const optionsIn = (members) => members.filter((name) => !NO_OPTIONS.includes(name));

/** The names of members of classes: handlers, options, and others that must not be mistaken for these. */
const GATEWAY_NAMES = {
  handlers: ['identify', 'clusterize', 'onretire'],
  options: optionsIn(addon.MEMBERS.gateway),
  own: ['limit', 'child', 'name', 'constructor', 'length', 'prototype'],
};
const SHARD_NAMES = {
  handlers: ['receive', 'onstart', 'onopen', 'onmessage', 'onclose', 'onerror', 'ondrain', 'ongossip', 'onstop'],
  options: [...optionsIn(addon.MEMBERS.shard), ...OWN_OPTIONS],
  own: ['constructor', 'length', 'prototype', 'name'],
};

function isClassOf(value, Base) {
  return typeof value === 'function' && value.prototype instanceof Base;
}

function optionsOf(Class, names) {
  const options = Class.options ?? {};
  if (typeof options !== 'object') throw new TypeError(`${Class.name}.options must be an object`);
  checkNames(options, names.options, `${Class.name}.options`);
  return options;
}

function limitIn(options, name, usual, Class) {
  const limit = options[name] ?? usual;
  if (Number.isInteger(limit) && limit >= 1 && limit <= 2 ** 30) return limit;
  throw new TypeError(`${Class.name}.options.${name} must be an integer from 1 to 1,073,741,824`);
}

/** How messages of one socket wait for one another; undefined: they do not. */
function orderOf(Class, { ordered = false, ...options }) {
  if (typeof ordered !== 'boolean') throw new TypeError(`${Class.name}.options.ordered must be true or false`);
  const limits = {
    messagesMax: limitIn(options, 'orderedMax', ORDERED_MAX, Class),
    bytesMax: limitIn(options, 'orderedBytesMax', ORDERED_BYTES_MAX, Class),
  };
  return ordered ? limits : undefined;
}

function without(options, names) {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name)));
}

function checkMethod(object, Base) {
  const name = TOLD_BY_PROTOTYPE[Base.name];
  if (!Object.hasOwn(object, name)) return;
  throw new TypeError(`${object.constructor.name}.${name} must be a method of the class`);
}

/** Looks at the first object of a Shard class for fields that look like handlers. */
function lookAtShard(shard, known) {
  if (known.isLookedAt) return;
  known.isLookedAt = true;
  lookAtObject(shard, { ...SHARD_NAMES, options: [] }); // its fields are the host's
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
  const shardOptions = optionsOf(ShardClass, SHARD_NAMES);
  const described = {
    GatewayClass,
    ShardClass,
    order: orderOf(ShardClass, shardOptions),
    isLookedAt: false,
    gateway: {
      ...optionsOf(GatewayClass, GATEWAY_NAMES),
      name: GatewayClass.name,
      child: ShardClass.name,
      limit,
      clusterizeEvents: typeof GatewayClass.prototype.clusterize === 'function',
    },
    shard: {
      ...without(shardOptions, OWN_OPTIONS),
      name: ShardClass.name,
      parent: GatewayClass.name,
      gossipEvents: typeof ShardClass.prototype.ongossip === 'function',
      startLater: true, // so that a constructor or an onstart that fails can say so
    },
  };
  lookAtClass(GatewayClass, Gateway, GATEWAY_NAMES);
  lookAtClass(ShardClass, Shard, SHARD_NAMES);
  lookAtObject(sample, GATEWAY_NAMES);
  return described;
}

module.exports = { checkMethod, describe, lookAtShard };
