// What dog.h has: made by scripts/tables.py from include/dog.h, and not to be changed by hand.

/** The members of dog_options_t. */
export interface EngineMembers {
  /**
   * 0, at most DOG_WORKERS_MAX: threads. 0: one per processor that this process may use, by its affinity and by its
   * cgroup's quota (rounded up)
   */
  workers?: number;
  /** 'warn' */
  logLevel?: 'error' | 'warn' | 'info' | 'debug';
  /** 1,000,000: TCP connections that are let in; one more is answered 503 and closed */
  connectionsMax?: number;
  /**
   * What is empty makes room for a new name. With gatewaysMax Gateways alive, a new one ends the Gateway that has
   * been empty for longest. With shardsTotalMax Shards, a new one ends a Shard that is empty. The client gets 503
   * only if none is empty. 100,000, at most 4,194,303: Gateways alive
   */
  gatewaysMax?: number;
  /** 100,000, at most 4,194,303: Shards of one Gateway; one more is 503 */
  shardsMax?: number;
  /** 1,000,000: Shards of all Gateways */
  shardsTotalMax?: number;
  /**
   * 1,000,000: uids remembered without a connection, by all Gateways; divided among the workers. One more, and one
   * is forgotten: the least recently used of the Gateway that no client has left for longest
   */
  uidsMax?: number;
  /**
   * 67,108,864, at least 1,024, at most 4,294,967,295: bytes waiting for a worker, with 128 added for each message.
   * A send past it is DOG_EFULL; a message that is larger by itself is DOG_ETOOBIG. Answers count too and are always
   * accepted: there is at most one for each question that waits. A broadcast may wait in two compressed forms as
   * well, each shorter than the message. They count too, but the message's own length decides whether it is sent
   */
  mailboxBytesMax?: number;
  /** 8,192: a longer request target is 414 */
  targetBytesMax?: number;
  /**
   * 16,384, at least 64: request line and headers; more is 431, even if the target alone is within targetBytesMax.
   * It is also the limit of the trailers and chunk extensions of one body
   */
  headerBytesMax?: number;
  /** 100, at most 65,535: headers; more is 431 */
  headerCountMax?: number;
  /** 1,048,576, at least 0: a larger request body is 413 */
  bodyBytesMax?: number;
  /** 1,048,576: a larger WebSocket message from a client is closed with 1009 */
  messageBytesMax?: number;
  /** 4,194,304, at least 1,024: bytes queued to one socket; also the largest message to send */
  outboxBytesMax?: number;
  /** 'close' */
  outboxPolicy?: 'close' | 'drop-newest' | 'drop-oldest';
  /**
   * 4,194,304, at least 65,536: bytes that a worker reads from clients in one turn of its loop, with 256 added for
   * each read and each frame, and 8,192 for each request. Clients that have sent more are read in the next turns,
   * one after another
   */
  readTurnBytesMax?: number;
  /**
   * 4,194,304, at least 16,384: bytes that a worker writes to clients at the end of one turn of its loop, with 512
   * added for each write, and as many again before that end. The rest is written in the next turns, in order and
   * between what others do. A turn writes more only if an outbox would otherwise be over its limit
   */
  writeTurnBytesMax?: number;
  /**
   * 1,048,576, at least 1,024: bytes that a worker compresses in one turn of its loop. A byte at level 6 counts as
   * 3, at 7 as 4, at 8 as 16, at 9 as 32. A message that would go past it is sent uncompressed
   */
  deflateTurnBytesMax?: number;
  /** 1,048,576: a question or a reply */
  gossipBytesMax?: number;
  /** 1,024, at most 1,000,000: questions of one Shard waiting for replies */
  gossipsMax?: number;
  /** 1,024, at most 1,000,000: calls of one Shard that dog_shard_after has delayed */
  timersMax?: number;
  /**
   * 10,000: from the first byte (or the accept) to a whole head, else 408. A client that has sent nothing at all is
   * closed without an answer
   */
  headerTimeoutMs?: number;
  /**
   * 30,000: between two parts of a body, else 408. It is also how long a client may receive nothing of a response
   * that waits for it; then it is reset. A client has received what its system has acknowledged
   */
  bodyTimeoutMs?: number;
  /** 300,000: from the head to the last byte of a body, however it comes, else 408 */
  bodyTotalTimeoutMs?: number;
  /**
   * 600,000: how long a client may take to receive all that waits for it at one time, or it is reset: a response,
   * what was sent before a close, what was sent before a ping. Each byte that it receives starts bodyTimeoutMs,
   * closeTimeoutMs and pingTimeoutMs again; this limit ends a client that receives a byte at a time. A streamed
   * response may go on as long as its client receives outboxBytesMax in this time
   */
  sendTotalTimeoutMs?: number;
  /**
   * How peers that vanish without a word are found, on TCP. These are the system's own checks, so no program has to
   * answer them. 30,000: a connection that was silent for so long is probed (in whole seconds, at least one). It is
   * lost when three probes, a third of that time apart, get no answer; 0: never
   */
  tcpKeepaliveMs?: number;
  /**
   * 60,000: a connection is lost if for so long its peer acknowledges nothing of what was sent, or keeps its window
   * shut; 0: the system's own limit
   */
  tcpUserTimeoutMs?: number;
  /**
   * 75,000: an idle HTTP connection is closed. Longer than the 60 s of the usual proxies, so that the proxy is the
   * one that closes
   */
  keepaliveTimeoutMs?: number;
  /** 10,000: for identify, clusterize and on_fetch, each; then the client gets 503 */
  identifyTimeoutMs?: number;
  /** 30,000: for receive; then the client gets 503 */
  receiveTimeoutMs?: number;
  /**
   * 30,000: for a start that is answered later (dog_shard_class_t.startLater); then the Shard ends, and the clients
   * that wait for it get 503
   */
  startTimeoutMs?: number;
  /** 30,000: a socket that was silent for so long is pinged; 0: never */
  pingIntervalMs?: number;
  /**
   * 20,000: a pinged socket that stays silent is dropped, with close code 1006. The timeout restarts while the
   * client still receives data that was queued before the ping
   */
  pingTimeoutMs?: number;
  /**
   * 5,000: how long a client may receive nothing of what was sent before we close; then it is reset. It is also how
   * long a client that has received everything may leave its side open; then the connection is closed
   */
  closeTimeoutMs?: number;
  /**
   * 0: any number. One more from the same IP address (IPv6: the same /64) is answered 503. Peers are counted, and
   * the clients that a PROXY header names. Clients in X-Forwarded-For and trusted proxies are not counted
   */
  connectionsPerAddressMax?: number;
  /**
   * NULL: none. Addresses that may name another client, by X-Forwarded-For or the PROXY protocol: a comma-separated
   * list of IP addresses, networks ("10.0.0.0/8") and "unix", which is every peer on a Unix-domain socket. Copied.
   * 10.0.0.1 and ::ffff:10.0.0.1 are equal; ::/0 does not match IPv4. Another entry makes dog_engine_create return
   * DOG_EINVAL.
   */
  trustedProxies?: string;
  /** 0: as messageBytesMax. A larger WebSocket frame is closed with 1009 */
  frameBytesMax?: number;
  /**
   * 67,108,864, at least 1,024, at most 4,294,967,295: bytes that one worker keeps of messages and requests that
   * have begun and are not complete, counted after inflating. Over it the one that began first ends, as often as
   * needed: a socket with 1013 and onerror(DOG_EFULL), a request with 503. One message or body may exceed it for a
   * moment
   */
  unfinishedBytesMax?: number;
  /**
   * 60,000: from the first byte of a message to its last, whatever control frames come in between; then the socket
   * is closed with 1008 and onerror(DOG_ETIMEDOUT)
   */
  messageTimeoutMs?: number;
  /** 10,000: for the PROXY header and the TLS handshake, from the accept; then the connection is closed */
  handshakeTimeoutMs?: number;
  /** 0: never. A socket is closed with 1001 if for so long no message came or went (pings and pongs do not count) */
  idleTimeoutMs?: number;
  /** 5,000: the time of a gossip for which dog_shard_gossip is given 0 */
  gossipTimeoutMs?: number;
  /**
   * Token buckets, one pair per socket: how much a client may send in a second on average (rate), and at once
   * (burst). Pings count as messages. Bytes are those of the frames that come, headers included, whether or not a
   * message is ever complete. A compressed message counts for its inflated length if that is more. A rate of 0 is no
   * limit. A burst of 0 is as much as the rate. Nothing that is larger than the burst can pass. 0: messages a second
   */
  messageRateMax?: number;
  /** 0 */
  messageBurstMax?: number;
  /** 0: bytes a second */
  byteRateMax?: number;
  /** 0 */
  byteBurstMax?: number;
  /** 'close' */
  ratePolicy?: 'close' | 'drop';
  /**
   * Past one of these marks new connections are answered 503 with Retry-After, until the value was well below the
   * mark for a second (lag: half of the mark, memory: a sixteenth less). Connections that are in are served as
   * before. 0: never. How late a worker's loop runs; for that worker's own new connections
   */
  admissionLagMs?: number;
  /** 0: never. Any size: the process's resident memory, measured four times a second */
  admissionMemoryBytes?: number;
  /** 1, at most 86,400: the Retry-After of every 503 of the engine's own */
  retryAfterSeconds?: number;
  /**
   * With DOG_DELIVERY_EVENTS: how many events wait for dog_engine_poll, and the bytes that they carry, requests with
   * their bodies included. At either limit the workers stop reading from their connections until the host has
   * fetched half. Nothing is lost: TCP slows the clients down, their deadlines stop meanwhile, and what they send
   * within their rate stays within it. Events that need no reading still come. Their number is bounded by the number
   * of connections, Shards and questions, and by what the host itself does. What a poll has given out counts until
   * the next poll. 65,536, at most 16,777,216
   */
  eventsMax?: number;
  /** 16,777,216, at least 1,024 */
  eventBytesMax?: number;
}

/** The members of dog_listen_options_t. */
export interface ListenMembers {
  /** as in dog_engine_listen */
  host?: string;
  port?: number;
  /**
   * NULL: TCP. Otherwise the path of a Unix-domain socket; `host` must then be NULL and `port` 0. A socket file that
   * nobody listens behind is replaced. The file is removed when the engine stops listening.
   */
  path?: string;
  /**
   * The first is for clients that name no host, or a host that is in none of them. Others are chosen by the name
   * that the client asks for (SNI), from the DNS names in their subjectAltName.
   */
  certificates?: readonly Certificate[];
  /** PEM; needed unless clientCertificate is NONE, and only then */
  clientCaFile?: string;
  clientCertificate?: 'none' | 'optional' | 'required';
  /**
   * 1: a PROXY header (version 1 or 2, of at most 4,096 bytes) comes before all else, TLS too; needs trustedProxies.
   * A connection from an address that is not in that list is closed, and so is one that begins with anything else.
   * The log says why.
   */
  proxyProtocol?: boolean;
  /**
   * 1: an IPv6 address that stands for IPv4 too ("::") listens on IPv6 alone, and another listener may have the port
   * for IPv4. 0: it listens on both; a client that came by IPv4 has its IPv4 address everywhere. Not with `path`.
   */
  ipv6Only?: boolean;
  /**
   * With `path` alone: the permissions of the socket's file, up to 0777 (octal). A process that may write to it may
   * connect. 0: what the process's umask leaves. No client can connect before they are set.
   */
  mode?: number;
}

/** The members of dog_gateway_class_t that are options. */
export interface GatewayMembers {
  /** 300: how long a uid is remembered after its last connection; at most 604,800 */
  stickySeconds?: number;
  /** 65,536: uids remembered without a connection; the least recently used goes first */
  stickyMax?: number;
  /** 60: a Shard empty for so long is retired; at most 604,800 */
  idleSeconds?: number;
  /** 'least-utilised' */
  placement?: 'least-utilised' | 'fullest';
  /** 0: any number. Connections of one cluster, requests in flight included; one more is 503 */
  connectionsMax?: number;
}

/** The members of dog_shard_class_t that are options. */
export interface ShardMembers {
  /**
   * Origins (RFC 6454) from which a browser may open a socket: "https://example.com", with the port if it is not the
   * scheme's. Pages in Electron and the like send "file://" or "app://-"; pages without an origin send "null". A
   * valid upgrade with an Origin header that is not in the list is answered 403. An upgrade without the header does
   * not come from a browser and passes. NULL: any. NUL-terminated, copied. An entry that is not an origin, or an
   * array of none, is DOG_EINVAL.
   */
  origins?: readonly string[];
  /**
   * permessage-deflate (RFC 7692). A message is compressed once, however many sockets get it. So the engine always
   * says server_no_context_takeover, and it compresses with two windows at most: a client that accepts
   * deflateWindowBits gets that window, a client that accepts less gets 9 bits. Only a message that is longer than
   * the smaller window is compressed twice, if clients of both kinds receive it. A message that does not shrink is
   * sent uncompressed. messageBytesMax limits what a message inflates to, and ends it while it inflates. Memory of a
   * socket: about 100 bytes while it is idle. While a message from it is incomplete, an inflater of
   * 2^client_window_bits + 7,400 bytes is added, and the part of the message that has come. 0: never; 1: if the
   * client offers it
   */
  deflate?: boolean;
  /** 1: fastest, to 9: smallest */
  deflateLevel?: number;
  /** 15: the largest window to compress with, 9 to 15 */
  deflateWindowBits?: number;
  /** 15: the largest window for a client, 8 to 15, if the client lets us choose */
  deflateClientWindowBits?: number;
  /**
   * 0: client_no_context_takeover, no memory is kept between messages; 1: a client may refer to its earlier
   * messages, and its inflater stays from its first message on
   */
  deflateClientContext?: boolean;
  /** 64: a shorter message is sent uncompressed */
  deflateBytesMin?: number;
}

/** Two files in PEM, as in dog_certificate_t. */
export interface Certificate {
  certificateFile: string;
  keyFile: string;
}

/** The counts of dog_stats_t. */
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

/** The counts of dog_gateway_stats_t. */
export interface GatewayStats {
  shards: number;
  connections: number;
}
