'use strict';
// DOG, the Durable Object Gateway, for Node.

const addon = require('./addon.js');
const { DogError } = require('./error.js');
const { Engine, serve } = require('./engine.js');
const { Gateway } = require('./gateway.js');
const { Response } = require('./response.js');
const { Shard } = require('./shard.js');

const packed = addon.version();
/** The version of libdog. */
const version = `${packed >> 16}.${(packed >> 8) & 255}.${packed & 255}`;

module.exports = { DogError, Engine, Gateway, Response, Shard, serve, version };
// For `import dog from 'libdog'` as compilers to CommonJS write it.
Object.defineProperty(module.exports, 'default', { value: module.exports });
