'use strict';
// One running DOG: its options, classes, routes and listeners, and its place in Node's loop.

const addon = require('./addon.js');
const { describe } = require('./define.js');
const { Dispatcher } = require('./dispatch.js');
const { DogError, check } = require('./error.js');
const { Handlers } = require('./handlers.js');
const { Tokens } = require('./tokens.js');

const LEVELS = ['', 'error', 'warn', 'info', 'debug'];
const HANDLERS_MAX = 16384;
const PIECE_BYTES_MAX = 65536;
/** A day: the longest grace that libdog takes. */
const GRACE_MS_MAX = 86400000;
const OUTBOX_BYTES_DEFAULT = 4194304;
/** Options that are this module's own and not libdog's. */
const OWN_OPTIONS = ['fetch', 'log', 'onerror', 'handlersMax'];
const LISTEN_OPTIONS = ['host', 'port', 'path', 'certificates', 'clientCaFile', 'clientCertificate', 'proxyProtocol'];

/** Engines that run: when the process ends, they end before libdog is unloaded under their workers. */
const running = new Set();
let isWatchingExit = false;

function endAll() {
  for (const external of running) addon.engineDestroy(external);
}

function printError(error, { handler }) {
  console.error(`dog: ${handler} failed:`, error);
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
  /** The last line of the log that says what was wrong. */
  complaint = '';

  constructor(options) {
    this.options = options;
    const pause = (isPaused) => addon.enginePause(this.external, isPaused);
    const report = (error, where) => this.report(error, where);
    this.handlers = new Handlers(options.handlersMax ?? HANDLERS_MAX, this.fields, pause, report);
    this.pieceBytesMax = Math.min(PIECE_BYTES_MAX, Math.ceil((options.outboxBytesMax ?? OUTBOX_BYTES_DEFAULT) / 2));
    this.finished = new Promise((resolve) => {
      this.stopped = () => {
        running.delete(this.external);
        addon.engineDestroy(this.external);
        this.tokens.dropAll();
        resolve();
      };
    });
  }

  log(level, line) {
    if (level === 1) this.complaint = line;
    if (this.options.log === undefined) return;
    this.#call(this.options.log, LEVELS[level] ?? String(level), line);
  }

  report(error, where) {
    this.#call(this.options.onerror ?? printError, error, where);
  }

  /** What the hooks throw is nobody's to catch: it is as an exception in a callback of Node's. */
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
  const { handlersMax } = options;
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
  #state = 'new';

  constructor(options = {}) {
    if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object');
    checkOptions(options);
    const [, rest] = split(options, OWN_OPTIONS);
    this.#host = new Host({ ...options });
    this.#dispatcher = new Dispatcher(this.#host);
    this.#dispatch = (records, ...values) => this.#dispatcher.dispatch(records, values);
    const made = addon.engineCreate(rest, this.#host.fields);
    if (typeof made === 'string') throw new DogError(addon.EINVAL, 'new Engine', { detail: made });
    if (typeof made === 'number') throw new DogError(made, 'new Engine');
    this.#external = this.#host.external = made;
    if (options.fetch !== undefined) this.#check(addon.engineOnFetch(made), 'fetch');
  }

  /** Throws what a status says, with the line that the log has on it. */
  #check(status, what) {
    if (status >= 0) return status;
    this.#host.complaint = '';
    addon.engineDrain(this.#external, this.#dispatch);
    throw new DogError(status, what, { detail: this.#host.complaint });
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
    return this;
  }

  /** Binds a listener, of a port or of options, and gives its port. */
  listen(options = {}) {
    const wanted = typeof options === 'number' ? { port: options } : options;
    const port = this.#check(addon.engineListen(this.#external, wanted), 'listen');
    this.#port ??= port;
    return port;
  }

  // ---- running

  start() {
    if (this.#state !== 'new') check(addon.ESTATE, 'start');
    this.#check(addon.engineStart(this.#external, this.#dispatch), 'start');
    this.#state = 'running';
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
    if (this.#state === 'new') {
      this.#state = 'stopped';
      this.#host.stopped();
    } else if (this.#state === 'running') {
      const status = addon.engineStop(this.#external, graceMs);
      if (status !== addon.ESTALE) check(status, 'stop'); // stale: it has ended already
      this.#host.handlers.end();
    }
    return this.#host.finished;
  }

  /** Resolves when the engine has stopped. */
  get finished() {
    return this.#host.finished;
  }

  /** Whether Node goes on for this engine's sake, while nothing else does; from the start it does. */
  ref() {
    addon.engineReference(this.#external, true);
    return this;
  }

  unref() {
    addon.engineReference(this.#external, false);
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
    const stats = addon.engineStats(this.#external);
    if (typeof stats === 'number') throw new DogError(stats, 'stats');
    return stats;
  }

  reloadCertificates() {
    check(addon.engineReloadCertificates(this.#external), 'reloadCertificates');
  }
}

/** An engine that serves: `routes` are patterns and what they lead to, the rest is the engine's and a listener's. */
function serve(options = {}) {
  const { routes = {}, ...others } = options;
  const [listen, rest] = split(others, LISTEN_OPTIONS);
  const engine = new Engine(rest);
  for (const [pattern, target] of Object.entries(routes)) {
    if (Array.isArray(target)) engine.route(pattern, ...target);
    else engine.route(pattern, target);
  }
  engine.listen(listen);
  return engine.start();
}

module.exports = { Engine, serve };
