'use strict';
// One running DOG: its options, classes, routes and listeners, and its place in Node's loop.

const addon = require('./addon.js');
const { describe } = require('./define.js');
const { Dispatcher } = require('./dispatch.js');
const { Ending } = require('./ending.js');
const { DogError, check, mustLive } = require('./error.js');
const { printer } = require('./failures.js');
const { Handlers } = require('./handlers.js');
const { Codec } = require('./message.js');
const { checkNames } = require('./names.js');
const { Routes } = require('./routes.js');
const { Tokens } = require('./tokens.js');

const LEVELS = new Map(Object.entries(addon.LOG_LEVELS).map(([word, level]) => [level, word]));
const INFO = addon.LOG_LEVELS.info;
const HANDLERS_MAX = 16384;
const PIECE_BYTES_MAX = 65536;
/** A day: the longest grace that libdog takes. */
const GRACE_MS_MAX = 86400000;
/** Options that are this module's own and not libdog's. */
const OWN_OPTIONS = ['classes', 'fetch', 'json', 'log', 'onerror', 'handlersMax'];
const ENGINE_OPTIONS = [...OWN_OPTIONS, ...addon.MEMBERS.options];
const LISTEN_OPTIONS = addon.MEMBERS.listen;

/** Engines that run: when the process ends, they end before libdog is unloaded under their workers. */
const running = new Set();
let isWatchingExit = false;

function endAll() {
  for (const external of running) addon.engineDestroy(external);
}

/** The log of a host that has no hook for it. */
function printLine(level, line) {
  console.error(`dog: ${level}: ${line}`);
}

function split(options, names) {
  const own = {};
  const rest = {};
  for (const name of Object.keys(options)) (names.includes(name) ? own : rest)[name] = options[name];
  return [own, rest];
}

/** What everything that belongs to one engine shares. */
class Host {
  external;
  fields = new Int32Array(addon.FIELDS_MAX);
  tokens = new Tokens();
  /** What the addon knows by its index: a Gateway class and its child. */
  classes = [];
  routes = new Routes();
  isEnded = false;
  /** While true, the log is not printed: the error that is thrown says the same. */
  isQuiet = false;

  constructor(options) {
    this.options = options;
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    /** What libdog has of them, with its defaults. */
    this.engineOptions = { ...addon.DEFAULTS, ...Object.fromEntries(given) };
    const pause = (isPaused) => addon.enginePause(this.external, isPaused);
    const report = (error, where) => this.report(error, where);
    this.handlers = new Handlers(options.handlersMax ?? HANDLERS_MAX, this.fields, pause, report);
    const { outboxBytesMax } = this.engineOptions;
    this.pieceBytesMax = Math.min(PIECE_BYTES_MAX, Math.ceil(outboxBytesMax / 2));
    this.codec = new Codec(options.json);
    this.ending = new Ending(this.handlers, report);
    this.onerror = options.onerror ?? printer();
  }

  /** The engine has ended; handlers may go on. */
  stopped() {
    this.isEnded = true;
    running.delete(this.external);
    addon.engineDestroy(this.external);
    this.tokens.dropAll();
    this.ending.begin();
  }

  knows(gatewayClass) {
    return this.classes.some(({ GatewayClass }) => GatewayClass === gatewayClass);
  }

  log(level, line) {
    if (this.options.log === undefined && this.isQuiet) return;
    this.#call(this.options.log ?? printLine, LEVELS.get(level) ?? String(level), line);
  }

  /** A line of this module's own in the log. */
  say(level, line) {
    if (addon.LOG_LEVELS[this.engineOptions.logLevel] >= level) this.log(level, line);
  }

  report(error, where) {
    this.#call(this.onerror, error, where);
  }

  /** An exception of a hook is not caught: it is like one in a callback of Node's. */
  #call(hook, ...values) {
    try {
      hook(...values);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}

function checkOptions(options) {
  checkNames(options, ENGINE_OPTIONS, 'options');
  const { classes = [], handlersMax, json = {} } = options;
  if (!Array.isArray(classes)) throw new TypeError('options.classes must be an array of Gateway classes');
  if (typeof json !== 'object' || json === null) throw new TypeError('options.json must be an object');
  checkNames(json, ['encode', 'decode'], 'options.json');
  for (const name of ['encode', 'decode']) {
    if (json[name] !== undefined && typeof json[name] !== 'function') {
      throw new TypeError(`options.json.${name} must be a function`);
    }
  }
  for (const name of ['fetch', 'log', 'onerror']) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      throw new TypeError(`options.${name} must be a function`);
    }
  }
  if (handlersMax !== undefined && !(Number.isInteger(handlersMax) && handlersMax >= 1 && handlersMax <= 1 << 24)) {
    throw new TypeError('options.handlersMax must be an integer from 1 to 16,777,216');
  }
}

class Engine {
  #host;
  #external;
  #dispatcher;
  #dispatch;
  #port;
  /** What is listened on: 'http://127.0.0.1:8787', '/run/dog.sock'. */
  #places = [];
  #state = 'new';
  #isReferenced = true;

  constructor(options = {}) {
    if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object');
    checkOptions(options);
    const [, rest] = split(options, OWN_OPTIONS);
    this.#host = new Host({ ...options });
    this.#dispatcher = new Dispatcher(this.#host);
    this.#dispatch = (records, ...values) => this.#dispatcher.dispatch(records, values);
    const made = addon.engineCreate(rest, this.#host.fields);
    if (typeof made === 'number') throw new DogError(made, 'new Engine', { detail: addon.lastReason() });
    this.#external = this.#host.external = made;
    if (options.fetch !== undefined) this.#check(addon.engineOnFetch(made), 'fetch');
    for (const GatewayClass of options.classes ?? []) this.define(GatewayClass);
  }

  /** Throws what a status says, and why. What the log has on it comes first. */
  #check(status, what) {
    if (status >= 0) return status;
    mustLive(this.#host, what);
    const detail = addon.lastReason();
    this.#host.isQuiet = true;
    addon.engineDrain(this.#external, this.#dispatch);
    this.#host.isQuiet = false;
    throw new DogError(status, what, { detail });
  }

  // ---- before start

  /** Makes a Gateway class and its child known. `route` does it by itself. */
  define(GatewayClass) {
    if (this.#host.classes.some((known) => known.GatewayClass === GatewayClass)) return this;
    const known = describe(GatewayClass);
    const { gateway, shard } = known;
    const index = this.#host.classes.length;
    this.#check(addon.engineDefine(this.#external, gateway, shard, index), `define ${gateway.name} and ${shard.name}`);
    this.#host.classes.push(known);
    return this;
  }

  route(pattern, GatewayClass, name) {
    this.define(GatewayClass);
    const status = addon.engineRoute(this.#external, String(pattern), GatewayClass.name,
      name === undefined ? undefined : String(name));
    this.#check(status, `route ${pattern}`);
    this.#host.routes.add(String(pattern));
    return this;
  }

  /** Binds a listener, of a port or of options, and gives its port. */
  listen(options = {}) {
    const wanted = typeof options === 'number' ? { port: options } : options;
    if (typeof wanted === 'object' && wanted !== null) checkNames(wanted, LISTEN_OPTIONS, 'listen');
    const port = this.#check(addon.engineListen(this.#external, wanted), `listen on ${addressOf(wanted)}`);
    this.#port ??= port;
    this.#places.push(placeOf(wanted, port));
    return port;
  }

  // ---- running

  start() {
    mustLive(this.#host, 'start');
    if (this.#state !== 'new') check(addon.ESTATE, 'start');
    this.#check(addon.engineStart(this.#external, this.#dispatch), 'start');
    this.#state = 'running';
    if (!this.#isReferenced) this.unref();
    for (const place of this.#places) this.#host.say(INFO, `listening on ${place}`);
    running.add(this.#external);
    if (!isWatchingExit) {
      isWatchingExit = true;
      process.on('exit', endAll);
    }
    return this;
  }

  /** Resolves when all that the engine had has ended. */
  stop(graceMs = 5000) {
    if (!Number.isInteger(graceMs) || graceMs < 0 || graceMs > GRACE_MS_MAX) {
      throw new TypeError(`graceMs must be an integer from 0 to ${GRACE_MS_MAX}`);
    }
    this.#host.ending.allow(graceMs);
    if (this.#state === 'new') {
      this.#state = 'stopped';
      this.#host.stopped();
    } else if (this.#state === 'running') {
      const status = addon.engineStop(this.#external, graceMs);
      if (status !== addon.ESTALE) check(status, 'stop'); // stale: it has ended already
      this.#host.handlers.end();
    }
    return this.#host.ending.finished;
  }

  /** Resolves when the engine has stopped. */
  get finished() {
    return this.#host.ending.finished;
  }

  /** Whether this engine keeps Node alive; from the start it does. */
  ref() {
    return this.#refer(true);
  }

  unref() {
    return this.#refer(false);
  }

  #refer(isReferenced) {
    this.#isReferenced = isReferenced;
    addon.engineReference(this.#external, isReferenced);
    this.#host.ending.refer(isReferenced);
    return this;
  }

  /** The port of the first listener. */
  get port() {
    return this.#port;
  }

  /** The Gateway `name` of a class, if it is alive. */
  find(GatewayClass, name) {
    const classIndex = this.#host.classes.findIndex((known) => known.GatewayClass === GatewayClass);
    if (classIndex < 0) throw new TypeError('not a Gateway class of this engine');
    const found = addon.gatewayFind(this.#external, GatewayClass.name, String(name));
    if (found === addon.ENOENT || found === addon.ESTALE) return undefined;
    if (typeof found === 'number') throw new DogError(found, 'find');
    const [low, high, number, isNew] = found;
    if (isNew) this.#dispatcher.addGateway(number, low, high, classIndex, String(name));
    return this.#dispatcher.gateway(number);
  }

  stats() {
    mustLive(this.#host, 'stats');
    const stats = addon.engineStats(this.#external);
    if (typeof stats === 'number') throw new DogError(stats, 'stats');
    return stats;
  }

  reloadCertificates() {
    this.#check(addon.engineReloadCertificates(this.#external), 'reloadCertificates');
  }
}

// Nodes that know `await using` know this symbol.
if (Symbol.asyncDispose !== undefined) {
  Object.defineProperty(Engine.prototype, Symbol.asyncDispose, {
    configurable: true,
    writable: true,
    value() {
      return this.stop();
    },
  });
}

/** Where a listener is to be, for an error. */
function addressOf({ host = '127.0.0.1', port = 0, path }) {
  if (path !== undefined) return String(path);
  return String(host).includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function placeOf(wanted, port) {
  const scheme = wanted.certificates?.length > 0 ? 'https' : 'http';
  return wanted.path === undefined ? `${scheme}://${addressOf({ ...wanted, port })}` : `${scheme} at ${wanted.path}`;
}

/** An engine that serves: `routes` are patterns and what they lead to; the rest are options of the engine and of a
 * listener. */
function serve(options = {}) {
  checkNames(options, ['routes', ...LISTEN_OPTIONS, ...ENGINE_OPTIONS], 'serve');
  const { routes = {}, ...others } = options;
  const [listen, rest] = split(others, LISTEN_OPTIONS);
  const engine = new Engine(rest);
  try {
    for (const [pattern, target] of Object.entries(routes)) {
      if (Array.isArray(target)) engine.route(pattern, ...target);
      else engine.route(pattern, target);
    }
    engine.listen(listen);
    return engine.start();
  } catch (error) {
    engine.stop(0); // what it has bound by then is free at once
    throw error;
  }
}

module.exports = { Engine, serve };
