/**
 * DOG, the Durable Object Gateway, for Node.
 *
 * What is said here is how it looks from JavaScript; what the engine does, and every limit and deadline, is documented
 * in dog.h, whose names these are in camel case.
 */

type Awaitable<T> = T | PromiseLike<T>;

/** Node's Buffer, where its types are known, else the Uint8Array that it is. */
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
 * They give true where the answer is on its way, false where nobody waits any more, and throw DogError for an answer
 * that cannot be (the client gets 500) and for a second one (DOG_ESTALE).
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
  /** The verified subject of the client's certificate. */
  readonly clientSubject: string | null;
  /** The subprotocols that the client offers. */
  readonly protocols: readonly string[];
  /** Aborted when the client leaves a streamed response before its end. */
  readonly signal: Signal;
  readonly isAnswered: boolean;

  /** The first value of a parameter of the query, decoded. */
  query(name: string): string | null;
  text(): string;
  json(): unknown;

  respond(response: Respondable): boolean;
  /** Begins a response that is written part by part. */
  stream(init?: ResponseInit): BodyStream;
  /** To identify. */
  identify(uid: string): boolean;
  /** To clusterize. */
  clusterize(id: string): boolean;
  /** To fetch: sends the request to the Gateway `name` of a class; return what this gives. */
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

/** What is streamed is written no faster than the client takes it. */
export type Body = string | BytesLike | Iterable<string | BytesLike> | AsyncIterable<string | BytesLike>;

/** The web's ReadableStream, whose types do not tell that it can be iterated. */
interface WebStream {
  getReader(): unknown;
}

/** Anything of this shape is a response: this module's, the web's, an object literal. */
export interface ResponseLike {
  readonly status?: number;
  readonly headers?: HeadersInit;
  readonly body?: Body | WebStream | null;
}

/** A string and bytes are the body of a 200. */
export type Respondable = string | BytesLike | ResponseLike;

export class Response implements ResponseLike {
  constructor(body?: Body | null, init?: ResponseInit);
  readonly status: number;
  readonly headers: HeadersInit;
  readonly body: Body | null;
  static json(value: unknown, init?: ResponseInit): Response;
  static redirect(location: string, status?: number): Response;
}

/** A response that is written part by part. */
export interface BodyStream {
  /** True until it was ended or the client has left. */
  readonly isOpen: boolean;
  /** True: all of it is queued. False: nothing is, for want of room or because the stream is over. */
  write(part: string | BytesLike): boolean;
  /** Resolves when there may be room again; to false once the stream is over. */
  ready(): Promise<boolean>;
  /** The body is whole. */
  end(): boolean;
  /** The body cannot be finished: the connection is reset, so that what came is not taken for the whole. */
  abort(): boolean;
  /** Resolves when the response is over: to undefined if all of it went out, else to what happened. */
  finished(): Promise<DogError | undefined>;
}

// ---- sockets

/**
 * An open WebSocket. Strings go as text, bytes as binary, everything else as its JSON. What sends gives true where it
 * was queued, false where the receiver (or the cluster) has gone or is closing, and throws DogError else.
 */
export interface Socket<Message = unknown, Data = unknown> {
  readonly uid: string;
  readonly shard: Shard<Message, any, any, Data>;
  /** True until onclose. */
  readonly isOpen: boolean;
  /** The host's own. */
  data: Data;
  send(message: Message): boolean;
  /** Code and reason as in dog_socket_close. */
  close(code?: number, reason?: string): boolean;
  /** To the sockets of its Shard, with `toSelf` itself too. */
  emit(message: Message, toSelf?: boolean): boolean;
  /** To the sockets of its whole cluster, with `toSelf` itself too. */
  broadcast(message: Message, toSelf?: boolean): boolean;
  /** To every socket of a uid in the cluster; resolves to how many that were. */
  whisper(uid: string, message: Message): Promise<number>;
}

// ---- Shards

export interface GossipOptions {
  /** How long to wait for answers; 0: the engine's gossipTimeoutMs. */
  timeoutMs?: number;
}

/** What came of one sibling. */
export type GossipResult<Answer> =
  | { readonly shard: string; readonly answer: Answer; readonly error?: undefined }
  | { readonly shard: string; readonly answer?: undefined; readonly error: DogError };

/**
 * The base class of Shards. `Message` is what its sockets are sent, `Question` what its siblings ask, `Answer` what
 * they answer, `Data` what hangs on a socket.
 *
 * Handlers may be async; those of one Shard begin in the order of their events and do not wait for one another. One
 * that throws or rejects is reported to EngineOptions.onerror; its request gets 500, its socket onerror and the code
 * 1011.
 */
export abstract class Shard<Message = unknown, Question = unknown, Answer = unknown, Data = unknown> {
  /** Read once, when the class is defined. */
  static options?: ShardOptions;

  readonly id: string;
  readonly gateway: Gateway;
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
  /** Of DOG_EHOST, `cause` is what a handler threw. onclose follows. */
  onerror?(socket: Socket<Message, Data>, error: DogError): unknown;
  /** The socket's outbox was over a half and is empty again; so many messages were dropped meanwhile. */
  ondrain?(socket: Socket<Message, Data>, dropped: number): unknown;
  /** A sibling asks. Without this method it gets DOG_ENOHANDLER. */
  ongossip?(question: Question): Awaitable<Answer>;
  onstop?(): unknown;

  /** Upgrades to a WebSocket on this Shard: return what this gives. No valid upgrade is answered by the engine. */
  connect(request: Request, options?: ConnectOptions): Response;
  /** To the sockets of this Shard. */
  emit(message: Message): boolean;
  /** To the sockets of the whole cluster. */
  broadcast(message: Message): boolean;
  /** To every socket of a uid in the cluster; resolves to how many that were. */
  whisper(uid: string, message: Message): Promise<number>;
  /** The answers of the siblings that gave one. */
  gossip(question: Question, options?: GossipOptions): Promise<Answer[]>;
  /** What came of each sibling. */
  gossipSettled(question: Question, options?: GossipOptions): Promise<GossipResult<Answer>[]>;
}

export type ShardClass<S extends Shard<any, any, any, any> = Shard<any, any, any, any>> = new () => S;

/** The members of dog_shard_class_t that are no handlers. */
export interface ShardOptions {
  /** Origins from which a browser may open a socket; any. */
  origins?: readonly string[];
  /** permessage-deflate where the client offers it; false. */
  deflate?: boolean;
  deflateLevel?: number;
  deflateWindowBits?: number;
  deflateClientWindowBits?: number;
  deflateClientContext?: boolean;
  deflateBytesMin?: number;
}

// ---- Gateways

type MessageOf<S> = S extends Shard<infer Message, any, any, any> ? Message : never;

/** The base class of Gateways. */
export abstract class Gateway<Child extends Shard<any, any, any, any> = Shard<any, any, any, any>> {
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
  /** It has no Shard and nobody to remember, or the engine stops. The next request of its name begins another. */
  onretire?(): unknown;
  /** How many Shards it has, and how many places on them are taken. Throws DOG_ESTALE once it was retired. */
  stats(): GatewayStats;
}

export type GatewayClass<G extends Gateway<any> = Gateway<any>> = new () => G;

/** The members of dog_gateway_class_t that are neither handlers nor `limit` and `child`. */
export interface GatewayOptions {
  stickySeconds?: number;
  stickyMax?: number;
  idleSeconds?: number;
  connectionsMax?: number;
}

export interface GatewayStats {
  shards: number;
  connections: number;
}

// ---- the engine

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Where it was that a handler failed. */
export interface FailurePlace {
  /** "Task.onmessage", "fetch", "Task.constructor", "body". */
  readonly handler: string;
  readonly request?: Request;
  readonly gateway?: Gateway<any>;
  readonly shard?: Shard<any, any, any, any>;
  readonly socket?: Socket<any, any>;
}

/** The members of dog_options_t, with its defaults, and this module's own, which come first. */
export interface EngineOptions {
  /** Answers what no route takes; without it that is 404. */
  fetch?(request: Request): Awaitable<Respondable | void>;
  /** Gets the engine's log, a line at a time. */
  log?(level: LogLevel, line: string): void;
  /** Gets what handlers throw and reject with; console.error. */
  onerror?(error: unknown, where: FailurePlace): void;
  /** Promises of handlers under way from which on no events are taken until a half have settled; 16,384. */
  handlersMax?: number;

  workers?: number;
  logLevel?: LogLevel;
  connectionsMax?: number;
  gatewaysMax?: number;
  shardsMax?: number;
  mailboxBytesMax?: number;
  targetBytesMax?: number;
  headerBytesMax?: number;
  headerCountMax?: number;
  bodyBytesMax?: number;
  messageBytesMax?: number;
  outboxBytesMax?: number;
  outboxPolicy?: 'close' | 'drop-newest' | 'drop-oldest';
  gossipBytesMax?: number;
  gossipsMax?: number;
  headerTimeoutMs?: number;
  bodyTimeoutMs?: number;
  keepaliveTimeoutMs?: number;
  identifyTimeoutMs?: number;
  receiveTimeoutMs?: number;
  pingIntervalMs?: number;
  pingTimeoutMs?: number;
  closeTimeoutMs?: number;
  connectionsPerAddressMax?: number;
  trustedProxies?: string;
  frameBytesMax?: number;
  handshakeTimeoutMs?: number;
  idleTimeoutMs?: number;
  gossipTimeoutMs?: number;
  messageRateMax?: number;
  messageBurstMax?: number;
  byteRateMax?: number;
  byteBurstMax?: number;
  ratePolicy?: 'close' | 'drop';
  admissionLagMs?: number;
  admissionMemoryBytes?: number;
  retryAfterSeconds?: number;
  eventsMax?: number;
  eventBytesMax?: number;
}

/** The members of dog_listen_options_t. */
export interface ListenOptions {
  /** A numeric address; 127.0.0.1. */
  host?: string;
  /** 0: a free one. */
  port?: number;
  /** A Unix-domain socket in place of host and port. */
  path?: string;
  /** With them it is TLS. */
  certificates?: readonly Certificate[];
  clientCaFile?: string;
  clientCertificate?: 'none' | 'optional' | 'required';
  proxyProtocol?: boolean;
}

export interface Certificate {
  certificateFile: string;
  keyFile: string;
}

export interface EngineStats {
  connections: number;
  sockets: number;
  requests: number;
  gateways: number;
  shards: number;
  places: number;
  connectionsTotal: number;
  requestsTotal: number;
  messagesIn: number;
  messagesOut: number;
  bytesIn: number;
  bytesOut: number;
  dropped: number;
  refused: number;
  rateLimited: number;
  events: number;
}

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
  /** Stops as dog_engine_stop does; resolves when all has ended. */
  stop(graceMs?: number): Promise<void>;
  /** Resolves when the engine has stopped. */
  readonly finished: Promise<void>;
  /** Whether Node goes on for the engine's sake while nothing else does. */
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
  /** Patterns, and the Gateway class that each leads to, with the Gateway's name where the pattern has no parameter. */
  routes?: { readonly [pattern: string]: GatewayClass | readonly [gatewayClass: GatewayClass, name: string] };
}

/** An engine that serves: made, routed, listening and started. */
export function serve(options?: ServeOptions): Engine;
