/**
 * DOG, the Durable Object Gateway, for Node.
 *
 * This file tells how it looks from JavaScript. dog.h documents what the engine does, and every limit and deadline; its
 * names are in camel case here. header.d.ts has its options.
 */
import type { EngineMembers, EngineStats, GatewayMembers, GatewayStats, ListenMembers, ShardMembers } from './header';

export type { Certificate, EngineStats, GatewayStats } from './header';

// As in lib.esnext.disposable, for older compilers and libs.
declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

type Awaitable<T> = T | PromiseLike<T>;

/** Node's Buffer if its types are known, else Uint8Array, which a Buffer is. */
export type Bytes = typeof globalThis extends { Buffer: { alloc(size: number): infer B } } ? B : Uint8Array;

/** Bytes to send. */
export type BytesLike = ArrayBuffer | ArrayBufferView;

type Signal = typeof globalThis extends { AbortController: { prototype: { readonly signal: infer S } } }
  ? S
  : { readonly aborted: boolean };

/** The version of libdog: "0.1.0". */
export const version: string;

/** What the engine refused. */
export class DogError extends Error {
  constructor(status: number, what: string, options?: { detail?: string; cause?: unknown });
  /** The status's name in dog.h: "DOG_ESTALE". */
  readonly code: string;
  /** Its number. */
  readonly status: number;
  /** Of DOG_EHOST: what a handler threw. */
  readonly cause?: unknown;
  /** Of a gossip result with DOG_EHOST: the text that the sibling failed with. */
  readonly text?: string;
}

// ---- requests and responses

export interface RequestHeaders extends Iterable<[name: string, value: string]> {
  /** The value, several of one name joined by ", "; letter case aside. */
  get(name: string): string | null;
  has(name: string): boolean;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  entries(): IterableIterator<[name: string, value: string]>;
  /** [name, value, name, value, ...] as the client sent them. */
  readonly raw: readonly string[];
}

/**
 * One question to the host, which waits for one answer. Handlers answer by what they return; the methods do it at once.
 * They return true if the answer is on its way, and false if nobody waits any more. They throw DogError for an answer
 * that cannot be used (the client gets 500) and for a second one (DOG_ESTALE).
 */
export interface Request {
  readonly method: string;
  /** As sent: "/a%20b?c=d". */
  readonly target: string;
  /** Without the query, not decoded: "/a%20b". */
  readonly path: string;
  /** The target as an absolute URL. The engine does not tell the scheme: it is always http. */
  readonly url: string;
  /** The identity that identify gave; undefined in identify and fetch. */
  readonly uid: string | undefined;
  readonly headers: RequestHeaders;
  readonly body: Bytes;
  /** "127.0.0.1:51234": the client's address, by the rules of dog.h about proxies. */
  readonly remote: string;
  /** The same without its port: "127.0.0.1", "::1"; null on a Unix-domain socket. */
  readonly remoteIp: string | null;
  /** Whether it asks for a WebSocket; `connect` says whether it does so by the rules. */
  readonly isWebSocket: boolean;
  /** The path behind the part that its route matched, as it was sent: "/ws" of "/rooms/den/ws" for "/rooms/:name", ""
   * of "/rooms/den". The whole path if no route matched. */
  readonly rest: string;
  /** The verified subject of the client's certificate. */
  readonly clientSubject: string | null;
  /** The subprotocols that the client offers. */
  readonly protocols: readonly string[];
  /** Aborted when the client leaves a streamed response before its end. */
  readonly signal: Signal;
  readonly isAnswered: boolean;

  /** The first value of a parameter of the query, decoded. */
  query(name: string): string | null;
  /** All of its values, in their order. */
  queryAll(name: string): string[];
  text(): string;
  json(): unknown;

  respond(response: Respondable): boolean;
  /** Begins a response that is written part by part. */
  stream(init?: ResponseInit): BodyStream;
  /** To identify. */
  identify(uid: string): boolean;
  /** To clusterize. */
  clusterize(id: string): boolean;
  /** To fetch: sends the request to the Gateway `name` of a class that a route or the option `classes` names; return
   * what this gives. */
  forward(gatewayClass: GatewayClass | string, name: string): Response;
  /** To receive: as Shard.connect. */
  connect(options?: ConnectOptions): Response;
}

export interface ConnectOptions {
  /** One of request.protocols. */
  protocol?: string;
  /** More headers for the 101. */
  headers?: HeadersInit;
}

export type HeaderValue = string | number | readonly string[] | undefined;
type HeaderPair = readonly [name: string, value: HeaderValue];
export type HeadersInit = readonly HeaderPair[] | Iterable<HeaderPair> | { readonly [name: string]: HeaderValue };

export interface ResponseInit {
  /** 200 to 599; 200. */
  status?: number;
  headers?: HeadersInit;
}

/** A streamed body is written no faster than the client takes it. */
export type Body = string | BytesLike | Iterable<string | BytesLike> | AsyncIterable<string | BytesLike>;

/** The web's ReadableStream, whose types do not tell that it can be iterated. */
interface WebStream {
  getReader(): unknown;
}

/** The web's Blob: its bytes are streamed, its type is the Content-Type if the headers have none. */
interface WebBlob {
  readonly type: string;
  stream(): unknown;
  arrayBuffer(): PromiseLike<unknown>;
}

/** Anything of this shape is a response: this module's, the web's, an object literal. A Response of the web, such as
 * fetch returns, is sent without the headers of the connection that it came on. */
export interface ResponseLike {
  readonly status?: number;
  readonly headers?: HeadersInit;
  readonly body?: Body | WebStream | WebBlob | null;
}

/** A string and bytes are the body of a 200. */
export type Respondable = string | BytesLike | ResponseLike;

export class Response implements ResponseLike {
  constructor(body?: Body | WebStream | WebBlob | null, init?: ResponseInit);
  readonly status: number;
  readonly headers: HeadersInit;
  readonly body: Body | WebStream | WebBlob | null;
  static json(value: unknown, init?: ResponseInit): Response;
  static redirect(location: string, status?: number): Response;
}

/** A response that is written part by part. */
export interface BodyStream {
  /** True until it was ended or the client has left. */
  readonly isOpen: boolean;
  /** True: all of it is queued. False: nothing is, because there is no room or the stream is over. */
  write(part: string | BytesLike): boolean;
  /** Resolves when there may be room again; to false once the stream is over. */
  ready(): Promise<boolean>;
  /** The body is whole. */
  end(): boolean;
  /** The body cannot be finished: the connection is reset, so that the client does not take what came for the whole. */
  abort(): boolean;
  /** Resolves when the response is over: to undefined if all of it went out, else to what happened. */
  finished(): Promise<DogError | undefined>;
}

// ---- sockets

/**
 * An open WebSocket. Strings are sent as text, bytes as binary, everything else as its JSON. Methods that send return
 * true if the message was queued, and false if the receiver (or the cluster) has gone or is closing. They throw a
 * TypeError for what cannot be sent (a string with half of a surrogate pair, NaN, a Map, a Promise, a Blob), else
 * DogError.
 */
export interface Socket<Message = unknown, Data = unknown> {
  readonly uid: string;
  readonly shard: Shard<Message, any, any, Data, any>;
  /** True until onclose. */
  readonly isOpen: boolean;
  /** The host's own. */
  data: Data;
  send(message: Message): boolean;
  /** Code and reason as in dog_socket_close. */
  close(code?: number, reason?: string): boolean;
  /** To the sockets of its Shard; with `toSelf` to itself too. */
  emit(message: Message, toSelf?: boolean): boolean;
  /** To the sockets of its whole cluster; with `toSelf` to itself too. */
  broadcast(message: Message, toSelf?: boolean): boolean;
  /** To every socket of a uid in the cluster; resolves to how many that were. */
  whisper(uid: string, message: Message): Promise<number>;
}

// ---- Shards

export interface GossipOptions {
  /** How long to wait for answers; 0: the engine's gossipTimeoutMs. */
  timeoutMs?: number;
}

/** The result of one sibling. */
export type GossipResult<Answer> =
  | { readonly shard: string; readonly answer: Answer; readonly error?: undefined }
  | { readonly shard: string; readonly answer?: undefined; readonly error: DogError };

/**
 * The base class of Shards. `Message` is what its sockets are sent, `Question` what its siblings ask, `Answer` what
 * they answer, `Data` what hangs on a socket, `Owner` the class of its Gateway.
 *
 * Handlers may be async; those of one Shard begin in the order of their events and do not wait for one another, unless
 * its options say `ordered`. A handler that throws or rejects is reported to EngineOptions.onerror; its request gets
 * 500, its socket onerror and the code 1011.
 */
export abstract class Shard<
  Message = unknown, Question = unknown, Answer = unknown, Data = unknown, Owner extends Gateway<any> = Gateway<any>,
> {
  /** Read once, when the class is defined. */
  static options?: ShardOptions;

  readonly id: string;
  readonly gateway: Owner;
  /** The open sockets, in the order in which they came. */
  readonly sockets: Socket<Message, Data>[];
  readonly count: number;

  /** Answers a request: with a response, or what `connect` gives. */
  abstract receive(request: Request): Awaitable<Respondable | void>;
  onstart?(): unknown;
  onopen?(socket: Socket<Message, Data>): unknown;
  /** Text comes as a string, binary as a Buffer. */
  onmessage?(socket: Socket<Message, Data>, data: string | Bytes): unknown;
  onclose?(socket: Socket<Message, Data>, code: number, reason: string, isClean: boolean): unknown;
  /** With DOG_EHOST `cause` is what a handler threw. onclose follows. */
  onerror?(socket: Socket<Message, Data>, error: DogError): unknown;
  /** The socket's outbox was over half its limit and is empty again; so many messages were dropped meanwhile. */
  ondrain?(socket: Socket<Message, Data>, dropped: number): unknown;
  /** A sibling asks. Without this method it gets DOG_ENOHANDLER. */
  ongossip?(question: Question): Awaitable<Answer>;
  onstop?(): unknown;

  /** Upgrades to a WebSocket on this Shard: return what this gives. The engine answers a request that is no valid
   * upgrade. */
  connect(request: Request, options?: ConnectOptions): Response;
  /** To the sockets of this Shard. */
  emit(message: Message): boolean;
  /** To the sockets of the whole cluster. */
  broadcast(message: Message): boolean;
  /** To every socket of a uid in the cluster; resolves to how many that were. */
  whisper(uid: string, message: Message): Promise<number>;
  /** The answers of the siblings that gave one. */
  gossip(question: Question, options?: GossipOptions): Promise<Answer[]>;
  /** The result of each sibling. */
  gossipSettled(question: Question, options?: GossipOptions): Promise<GossipResult<Answer>[]>;
}

type AnyShard = Shard<any, any, any, any, any>;

export type ShardClass<S extends AnyShard = AnyShard> = new () => S;

/** The members of dog_shard_class_t that are no handlers, and this module's own. */
export interface ShardOptions extends ShardMembers {
  /** Handlers of one socket (onopen, onmessage, onerror, onclose) wait for one another: each begins when the promise of
   * the one before has settled; false. */
  ordered?: boolean;
  /** With `ordered`: messages of one socket that may wait for their turn, 1,024, and their length together, 4,194,304.
   * A socket that sends more gets onerror with DOG_EFULL and the close code 1013. */
  orderedMax?: number;
  orderedBytesMax?: number;
}

// ---- Gateways

type MessageOf<S> = S extends Shard<infer Message, any, any, any, any> ? Message : never;

/** The base class of Gateways. */
export abstract class Gateway<Child extends AnyShard = AnyShard> {
  /** Read once, when the class is defined. */
  static options?: GatewayOptions;

  /** The cluster's name. */
  readonly name: string;
  /** Connections that a Shard may hold. Read from one object that is made when the class is defined. */
  abstract limit: number;
  /** The Shard class that it places onto. Read as `limit` is. */
  abstract child: ShardClass<Child>;

  /** Who is this? A uid, or a response that refuses. */
  abstract identify(request: Request): Awaitable<string | ResponseLike | BytesLike | void>;
  /** All Shards are full: names the next one. Without this method it gets a random id. */
  clusterize?(request: Request): Awaitable<string | ResponseLike | BytesLike | void>;

  broadcast(message: MessageOf<Child>): boolean;
  whisper(uid: string, message: MessageOf<Child>): Promise<number>;
  /** Nobody is in it any more, or the engine stops. The next request of its name begins another. */
  onretire?(): unknown;
  /** How many Shards it has, and how many places on them are taken. Throws DOG_ESTALE once it was retired. */
  stats(): GatewayStats;
}

export type GatewayClass<G extends Gateway<any> = Gateway<any>> = new () => G;

/** The members of dog_gateway_class_t that are neither handlers nor `limit` and `child`. */
export interface GatewayOptions extends GatewayMembers {}

// ---- the engine

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Where a handler failed. */
export interface FailurePlace {
  /** "Task.onmessage", "fetch", "Task.constructor", "body". */
  readonly handler: string;
  readonly request?: Request;
  readonly gateway?: Gateway<any>;
  readonly shard?: AnyShard;
  readonly socket?: Socket<any, any>;
}

/** The members of dog_options_t, with its defaults, and this module's own. */
export interface EngineOptions extends EngineMembers {
  /** Answers requests that no route matches; without it they get 404. */
  fetch?(request: Request): Awaitable<Respondable | void>;
  /** Gateway classes that no route leads to, for request.forward. */
  classes?: readonly GatewayClass[];
  /** How values are turned into JSON and back, in place of JSON.stringify and JSON.parse. */
  json?: JsonOptions;
  /** Gets the engine's log, a line at a time: with `logLevel: 'info'` also where it listens. Without it console.error
   * does. */
  log?(level: LogLevel, line: string): void;
  /** Gets what handlers throw and reject with. Without it some of each handler's failures are printed by console.error,
   * at most ten a second. */
  onerror?(error: unknown, where: FailurePlace): void;
  /** If the promises of so many handlers are pending, no events are taken until half of them have settled; 16,384. */
  handlersMax?: number;
}

export interface JsonOptions {
  /** Gives the text of a message, a question or an answer. */
  encode?(value: any): string;
  /** Parses a question, an answer and request.json(). */
  decode?(text: string): any;
}

/** The members of dog_listen_options_t. `host` and `port` are where it listens, unless `path` is given. */
export interface ListenOptions extends ListenMembers {}

/** One running DOG. It belongs to the thread of Node that made it, and ends with it. */
export class Engine {
  constructor(options?: EngineOptions);
  /** Makes a Gateway class and its child known; `route` does it by itself. Before start. */
  define(gatewayClass: GatewayClass): this;
  /** "/tasks/:name" leads to the Gateway of that name; a pattern without a parameter to the Gateway `name`. */
  route(pattern: string, gatewayClass: GatewayClass, name?: string): this;
  /** Binds a port or what the options say, and gives the port. Before start. */
  listen(options?: number | ListenOptions): number;
  /** From here on clients are served, and Node goes on until the engine has stopped. */
  start(): this;
  /** Stops as dog_engine_stop does. Handlers that still run then, above all onstop and onclose, get the grace once
   * more. It resolves when they have settled or were cut off, which is reported. It may be called before start, and
   * more than once. */
  stop(graceMs?: number): Promise<void>;
  /** `await using engine = serve(...)` stops it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
  /** Resolves when the engine has stopped. */
  readonly finished: Promise<void>;
  /** Whether a running engine keeps Node alive. */
  ref(): this;
  unref(): this;
  /** The port of the first listener. */
  readonly port: number | undefined;
  /** The Gateway `name` of a class, if it is alive. */
  find<G extends Gateway<any>>(gatewayClass: GatewayClass<G>, name: string): G | undefined;
  stats(): EngineStats;
  /** Reads the files of TLS certificates again. */
  reloadCertificates(): void;
}

export interface ServeOptions extends EngineOptions, ListenOptions {
  /** Patterns, and the Gateway class that each leads to, with the Gateway's name if the pattern has no parameter. */
  routes?: { readonly [pattern: string]: GatewayClass | readonly [gatewayClass: GatewayClass, name: string] };
}

/** An engine that serves: made, routed, listening and started. */
export function serve(options?: ServeOptions): Engine;

declare const dog: {
  readonly DogError: typeof DogError;
  readonly Engine: typeof Engine;
  readonly Gateway: typeof Gateway;
  readonly Response: typeof Response;
  readonly Shard: typeof Shard;
  readonly serve: typeof serve;
  readonly version: string;
};
export default dog;
