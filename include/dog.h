/*
 * dog.h - DOG, the Durable Object Gateway: an embeddable realtime engine.
 *
 * What is not in this file is not API.
 *
 * A program defines two classes. A *Gateway* owns a named cluster: it identifies each request and places it on a
 * *Shard* with room. A Shard answers HTTP requests and holds WebSockets. It can emit (to its own sockets), broadcast
 * (to the whole cluster), whisper (to one identity, wherever it is) and gossip (ask its sibling Shards).
 *
 * In order of use: status, handles, options, engine, classes, routes, requests, sockets, Shards, gossip, Gateways,
 * events, statistics. examples/c has programs that CI builds and runs. Apart from the preprocessor's lines, and two
 * lines that are for C++, this file is plain declarations that a foreign function interface can read. No macro is
 * needed to call anything.
 *
 * What holds for every function here
 *
 *  - It returns a dog_status_t: DOG_OK (0) or a negative code. (Exceptions: dog_version and the two functions that give
 *    a status in words.) It never aborts, whatever it is given: NULL, a stale or invented handle, a wrong kind, a wrong
 *    thread each have a code.
 *  - Bytes are a pointer and a length in bytes. Text is UTF-8 and needs no NUL at its end. Pointers passed in are
 *    borrowed for the call: the engine copies what it keeps. A pointer may be NULL if its length is 0.
 *  - The engine calls the host in one of two ways (dog_options_t.delivery): by callbacks on its own threads, or by
 *    events, which the host fetches with dog_engine_poll on a thread of its own ("events", below). What is said here of
 *    callbacks and workers is for the first way; the section on events says what is different with the second.
 *  - Pointers handed to a callback are the engine's and are good until that callback returns. So are the pointers that
 *    a getter gives: call getters inside a callback of the object's own worker, and copy what must live longer. The
 *    engine never hands out memory for the caller to free.
 *  - Functions that send, post or answer may be called from any thread. On the object's own worker thread they act at
 *    once. Elsewhere they put the work into that worker's mailbox and return; DOG_OK then says that it was queued.
 *    Getters are for the object's own worker and return DOG_ETHREAD elsewhere, unless they say otherwise.
 *  - No callback ever runs inside a call that the host makes. If a call leads to a callback, that comes after the
 *    callback that made the call has returned. The callbacks of one Shard never run at the same time, nor do those of
 *    one Gateway. A callback must not block: its worker serves many others.
 *  - No C++ exception may leave a callback. One that leaves it on a worker's own thread calls std::terminate. A `try`
 *    around dog_engine_run may catch one, and the engine cannot be used any more then.
 *  - The engine makes no thread before dog_engine_start or dog_engine_run. It installs no signal handler, raises no
 *    SIGPIPE and prints nothing. After fork() the child may call nothing here: every function returns DOG_EFORKED
 *    there. A program that a child executes inherits no descriptor of the engine's. A child that only forks has them
 *    all, and delays no client by it.
 *  - A worker blocks SIGPIPE while it runs, in callbacks too. After fork() in a callback the child has the signal mask
 *    that the thread had before. vfork() and posix_spawn() do not restore it: there the host sets
 *    POSIX_SPAWN_SETSIGMASK with the mask that it wants.
 */
#ifndef DOG_H
#define DOG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DOG_VERSION_MAJOR 0
#define DOG_VERSION_MINOR 1
#define DOG_VERSION_PATCH 0

/* The version of the library that is loaded: major << 16 | minor << 8 | patch. Any thread, any time. */
uint32_t dog_version(void);

/* ---- status ------------------------------------------------------------------------------------------------------ */

typedef enum dog_status {
  DOG_OK = 0,
  DOG_EINVAL = -1,
  DOG_ESTALE = -2,
  DOG_EKIND = -3,
  DOG_ETHREAD = -4,
  DOG_EFORKED = -5,
  DOG_ENOENT = -6,
  DOG_EEXIST = -7,
  DOG_ESTATE = -8,
  DOG_ETOOBIG = -9,
  DOG_EFULL = -10,
  DOG_EUPGRADE = -11,
  DOG_ECLOSED = -12,
  DOG_EADDRINUSE = -13,
  DOG_EADDR = -14,
  DOG_ENOMEM = -15,
  DOG_ESYSTEM = -16,
  DOG_EHOST = -17,
  DOG_ETIMEDOUT = -18,
  DOG_EGONE = -19,
  DOG_ENOHANDLER = -20,
  DOG_EPROTOCOL = -21,
  DOG_ERESET = -22,
  DOG_ESLOW = -23,
  DOG_ERATE = -24,
  DOG_ETLS = -25,
  DOG_ECANCELLED = -26,
  DOG_STATUS_MAX = 0x7fffffff
} dog_status_t;

/* The sentence of each. dog_status_name, dog_status_text and the Swift constants come from this list. */
#define DOG_STATUS_MAP(X)                                                                                              \
  X(OK, 0, "done")                                                                                                     \
  X(EINVAL, -1, "an argument is not valid")                                                                            \
  X(ESTALE, -2, "the handle names nothing that is alive")                                                              \
  X(EKIND, -3, "the handle is of another kind")                                                                        \
  X(ETHREAD, -4, "not on this thread")                                                                                 \
  X(EFORKED, -5, "the process forked; the engine stayed with the parent")                                              \
  X(ENOENT, -6, "there is none by that name")                                                                          \
  X(EEXIST, -7, "there is one by that name already")                                                                   \
  X(ESTATE, -8, "not in this state of the engine")                                                                     \
  X(ETOOBIG, -9, "longer than its limit")                                                                              \
  X(EFULL, -10, "a queue or table is at its limit")                                                                    \
  X(EUPGRADE, -11, "the request is not a valid WebSocket upgrade; the client was told")                                \
  X(ECLOSED, -12, "the socket is closing")                                                                             \
  X(EADDRINUSE, -13, "the address is in use")                                                                          \
  X(EADDR, -14, "the address cannot be listened on")                                                                   \
  X(ENOMEM, -15, "out of memory")                                                                                      \
  X(ESYSTEM, -16, "the operating system refused")                                                                      \
  X(EHOST, -17, "the host's callback returned an error")                                                               \
  X(ETIMEDOUT, -18, "no answer before the deadline")                                                                   \
  X(EGONE, -19, "it went away before it answered")                                                                     \
  X(ENOHANDLER, -20, "the class has no such callback")                                                                 \
  X(EPROTOCOL, -21, "the peer broke the protocol")                                                                     \
  X(ERESET, -22, "the connection was lost")                                                                            \
  X(ESLOW, -23, "the receiver did not keep up")                                                                        \
  X(ERATE, -24, "the sender went over its rate")                                                                       \
  X(ETLS, -25, "a certificate, a key or a list of authorities cannot be used")                                         \
  X(ECANCELLED, -26, "it was cancelled")

/* "DOG_ESTALE" and its sentence. Never NULL: an unknown status is "DOG_EUNKNOWN". Static, any thread. */
const char *dog_status_name(dog_status_t status);
const char *dog_status_text(dog_status_t status);

/* ---- handles ----------------------------------------------------------------------------------------------------- */

/*
 * An engine is named by a pointer that is never dereferenced: after dog_engine_destroy it is stale, not dangling.
 * Everything else is named by a 64-bit handle; 0 is none. A handle has its kind, engine, worker, index and generation
 * in it. So a handle whose object is gone is DOG_ESTALE, and a handle of another kind is DOG_EKIND.
 */
typedef struct dog_engine dog_engine_t;
typedef uint64_t dog_gateway_t; /* a Gateway: until it is retired, empty and forgotten, or the engine stops */
typedef uint64_t dog_shard_t;   /* a Shard: from onstart until onstop */
typedef uint64_t dog_socket_t;  /* an open WebSocket: from onopen until its onclose has returned */
typedef uint64_t dog_request_t; /* a request that waits for one answer: good until it is answered, refused or gone. A
                                 * streamed answer keeps it good to the end */
typedef uint64_t dog_gossip_t;  /* a question from a sibling that waits for one reply */
typedef uint64_t dog_timer_t;   /* a call that dog_shard_after has delayed: until it is called or cancelled */

/* Bounds that no option changes. */
enum {
  DOG_WORKERS_MAX = 64,    /* workers of one engine */
  DOG_ENGINES_MAX = 255,   /* engines alive at once in one process */
  DOG_NAME_BYTES_MAX = 256 /* a uid, a Gateway's name, a Shard's id, a class name: 1 to this many bytes of UTF-8 */
};

/* A header of a request or response. Neither string needs a NUL at its end. */
typedef struct dog_header {
  const char *name;
  size_t name_length;
  const char *value;
  size_t value_length;
} dog_header_t;

/* The kind of a message (RFC 6455, section 5.6). A text message is always valid UTF-8, both ways. */
typedef enum dog_kind { DOG_TEXT = 1, DOG_BINARY = 2, DOG_KIND_MAX = 0x7fffffff } dog_kind_t;

/* ---- options ----------------------------------------------------------------------------------------------------- */

typedef enum dog_log_level {
  DOG_LOG_ERROR = 1,
  DOG_LOG_WARN = 2,
  DOG_LOG_INFO = 3,
  DOG_LOG_DEBUG = 4,
  DOG_LOG_LEVEL_MAX = 0x7fffffff
} dog_log_level_t;

/* What a client or another peer did, with its address and what the engine did about it, is DOG_LOG_INFO: refusals above
 * all. If the host is late or fails it is DOG_LOG_WARN or DOG_LOG_ERROR. The function gets one line of the engine's
 * log, without a newline. Control characters in it are escaped, and it is at most 1,027 bytes long. Lines that a client
 * can cause are limited to some a second, each kind to its share. Called on any thread, several at once; must not call
 * the engine. */
typedef void (*dog_log_fn)(void *user, dog_log_level_t level, const char *line, size_t length);

/* What happens to a message for a socket whose outbox is at outbox_bytes_max. Other receivers are not affected. */
typedef enum dog_outbox_policy {
  DOG_OUTBOX_CLOSE = 1,       /* the socket is closed with 1013 and onerror(DOG_ESLOW): no message is lost in silence */
  DOG_OUTBOX_DROP_NEWEST = 2, /* this message is not queued to this socket; it is counted, and ondrain tells it */
  DOG_OUTBOX_DROP_OLDEST = 3, /* the oldest messages that the kernel does not have yet are dropped to make room; counted
                               * and told likewise */
  DOG_OUTBOX_POLICY_MAX = 0x7fffffff
} dog_outbox_policy_t;

/* What happens to a message of a socket that went over its rate. */
typedef enum dog_rate_policy {
  DOG_RATE_CLOSE = 1, /* the socket is closed with 1008 and onerror(DOG_ERATE) */
  DOG_RATE_DROP = 2,  /* the message, or ping, is thrown away; counted in dog_stats_t.rate_limited */
  DOG_RATE_POLICY_MAX = 0x7fffffff
} dog_rate_policy_t;

/* How the engine calls the host. */
typedef enum dog_delivery {
  DOG_DELIVERY_CALLBACKS = 1, /* the classes' callbacks, on the workers' threads, several at once */
  DOG_DELIVERY_EVENTS = 2,    /* dog_engine_poll, on a thread of the host's. No other thread ever enters the host's
                               * code, except for dog_options_t.log if that is set */
  DOG_DELIVERY_MAX = 0x7fffffff
} dog_delivery_t;

/*
 * Filled in by dog_options_init, then changed by the host. It grows only at its end; `size` says how much of it the
 * caller knows. A number's comment begins with its default. Durations are in milliseconds, from 1 to 86,400,000 (a
 * day). Bytes, rates and bursts are 1 to 1,073,741,824, and other numbers 1 to 4,294,967,295, unless "at least" or "at
 * most" says otherwise. 0 is allowed where it is the default or has a meaning of its own.
 */
typedef struct dog_options {
  size_t size;
  uint32_t workers;              /* 0, at most DOG_WORKERS_MAX: threads. 0: one per processor that this process may use,
                                  * by its affinity and by its cgroup's quota (rounded up) */
  dog_log_level_t log_level;     /* DOG_LOG_WARN */
  dog_log_fn log;                /* NULL: no log */
  void *log_user;

  uint32_t connections_max;      /* 1,000,000: TCP connections that are let in; one more is answered 503 and closed */
  /* What is empty makes room for a new name. With gateways_max Gateways alive, a new one ends the Gateway that has been
   * empty for longest. With shards_total_max Shards, a new one ends a Shard that is empty. The client gets 503 only if
   * none is empty. */
  uint32_t gateways_max;         /* 100,000, at most 4,194,303: Gateways alive */
  uint32_t shards_max;           /* 100,000, at most 4,194,303: Shards of one Gateway; one more is 503 */
  uint32_t shards_total_max;     /* 1,000,000: Shards of all Gateways */
  uint32_t uids_max;             /* 1,000,000: uids remembered without a connection, by all Gateways; divided among the
                                  * workers. One more, and one is forgotten: the least recently used of the Gateway that
                                  * no client has left for longest */
  uint32_t mailbox_bytes_max;    /* 67,108,864, at least 1,024, at most 4,294,967,295: bytes waiting for a worker, with
                                  * 128 added for each message. A send past it is DOG_EFULL; a message that is larger by
                                  * itself is DOG_ETOOBIG. Answers count too and are always accepted: there is at most
                                  * one for each question that waits. A broadcast may wait in two compressed forms as
                                  * well, each shorter than the message. They count too, but the message's own length
                                  * decides whether it is sent */

  uint32_t target_bytes_max;     /* 8,192: a longer request target is 414 */
  uint32_t header_bytes_max;     /* 16,384, at least 64: request line and headers; more is 431, even if the target alone
                                  * is within target_bytes_max. It is also the limit of the trailers and chunk
                                  * extensions of one body */
  uint32_t header_count_max;     /* 100, at most 65,535: headers; more is 431 */
  uint32_t body_bytes_max;       /* 1,048,576, at least 0: a larger request body is 413 */
  uint32_t message_bytes_max;    /* 1,048,576: a larger WebSocket message from a client is closed with 1009 */
  uint32_t outbox_bytes_max;     /* 4,194,304, at least 1,024: bytes queued to one socket; also the largest message to
                                  * send */
  dog_outbox_policy_t outbox_policy; /* DOG_OUTBOX_CLOSE */
  uint32_t read_turn_bytes_max;  /* 4,194,304, at least 65,536: bytes that a worker reads from clients in one turn of
                                  * its loop, with 256 added for each read and each frame, and 8,192 for each request.
                                  * Clients that have sent more are read in the next turns, one after another */
  uint32_t write_turn_bytes_max; /* 4,194,304, at least 16,384: bytes that a worker writes to clients at the end of one
                                  * turn of its loop, with 512 added for each write, and as many again before that end.
                                  * The rest is written in the next turns, in order and between what others do. A turn
                                  * writes more only if an outbox would otherwise be over its limit */
  uint32_t deflate_turn_bytes_max; /* 1,048,576, at least 1,024: bytes that a worker compresses in one turn of its loop.
                                    * A byte at level 6 counts as 3, at 7 as 4, at 8 as 16, at 9 as 32. A message that
                                    * would go past it is sent uncompressed */
  uint32_t gossip_bytes_max;     /* 1,048,576: a question or a reply */
  uint32_t gossips_max;          /* 1,024, at most 1,000,000: questions of one Shard waiting for replies */
  uint32_t timers_max;           /* 1,024, at most 1,000,000: calls of one Shard that dog_shard_after has delayed */

  uint32_t header_timeout_ms;    /* 10,000: from the first byte (or the accept) to a whole head, else 408. A client that
                                  * has sent nothing at all is closed without an answer */
  uint32_t body_timeout_ms;      /* 30,000: between two parts of a body, else 408. It is also how long a client may
                                  * receive nothing of a response that waits for it; then it is reset. A client has
                                  * received what its system has acknowledged */
  uint32_t body_total_timeout_ms; /* 300,000: from the head to the last byte of a body, however it comes, else 408 */
  uint32_t send_total_timeout_ms; /* 600,000: how long a client may take to receive all that waits for it at one time,
                                   * or it is reset: a response, what was sent before a close, what was sent before a
                                   * ping. Each byte that it receives starts body_timeout_ms, close_timeout_ms and
                                   * ping_timeout_ms again; this limit ends a client that receives a byte at a time. A
                                   * streamed response may go on as long as its client receives outbox_bytes_max in this
                                   * time */
  /* How peers that vanish without a word are found, on TCP. These are the system's own checks, so no program has to
   * answer them. */
  uint32_t tcp_keepalive_ms;     /* 30,000: a connection that was silent for so long is probed (in whole seconds, at
                                  * least one). It is lost when three probes, a third of that time apart, get no answer;
                                  * 0: never */
  uint32_t tcp_user_timeout_ms;  /* 60,000: a connection is lost if for so long its peer acknowledges nothing of what
                                  * was sent, or keeps its window shut; 0: the system's own limit */
  uint32_t keepalive_timeout_ms; /* 75,000: an idle HTTP connection is closed. Longer than the 60 s of the usual
                                  * proxies, so that the proxy is the one that closes */
  uint32_t identify_timeout_ms;  /* 10,000: for identify, clusterize and on_fetch, each; then the client gets 503 */
  uint32_t receive_timeout_ms;   /* 30,000: for receive; then the client gets 503 */
  uint32_t start_timeout_ms;     /* 30,000: for a start that is answered later (dog_shard_class_t.start_later); then the
                                  * Shard ends, and the clients that wait for it get 503 */
  uint32_t ping_interval_ms;     /* 30,000: a socket that was silent for so long is pinged; 0: never */
  uint32_t ping_timeout_ms;      /* 20,000: a pinged socket that stays silent is dropped, with close code 1006. The
                                  * timeout restarts while the client still receives data that was queued before the
                                  * ping */
  uint32_t close_timeout_ms;     /* 5,000: how long a client may receive nothing of what was sent before we close; then
                                  * it is reset. It is also how long a client that has received everything may leave its
                                  * side open; then the connection is closed */

  uint32_t connections_per_address_max; /* 0: any number. One more from the same IP address (IPv6: the same /64) is
                                         * answered 503. Peers are counted, and the clients that a PROXY header names.
                                         * Clients in X-Forwarded-For and trusted proxies are not counted */
  /* NULL: none. Addresses that may name another client, by X-Forwarded-For or the PROXY protocol: a comma-separated
   * list of IP addresses, networks ("10.0.0.0/8") and "unix", which is every peer on a Unix-domain socket. Copied.
   * 10.0.0.1 and ::ffff:10.0.0.1 are equal; ::/0 does not match IPv4. Another entry makes dog_engine_create return
   * DOG_EINVAL. */
  const char *trusted_proxies;
  uint32_t frame_bytes_max;      /* 0: as message_bytes_max. A larger WebSocket frame is closed with 1009 */
  uint32_t unfinished_bytes_max; /* 67,108,864, at least 1,024, at most 4,294,967,295: bytes that one worker keeps of
                                  * messages and requests that have begun and are not complete, counted after inflating.
                                  * Over it the one that began first ends, as often as needed: a socket with 1013 and
                                  * onerror(DOG_EFULL), a request with 503. One message or body may exceed it for a
                                  * moment */
  uint32_t message_timeout_ms;   /* 60,000: from the first byte of a message to its last, whatever control frames come
                                  * in between; then the socket is closed with 1008 and onerror(DOG_ETIMEDOUT) */
  uint32_t handshake_timeout_ms; /* 10,000: for the PROXY header and the TLS handshake, from the accept; then the
                                  * connection is closed */
  uint32_t idle_timeout_ms;      /* 0: never. A socket is closed with 1001 if for so long no message came or went (pings
                                  * and pongs do not count) */
  uint32_t gossip_timeout_ms;    /* 5,000: the time of a gossip for which dog_shard_gossip is given 0 */
  /* Token buckets, one pair per socket: how much a client may send in a second on average (rate), and at once (burst).
   * Pings count as messages. Bytes are those of the frames that come, headers included, whether or not a message is
   * ever complete. A compressed message counts for its inflated length if that is more. A rate of 0 is no limit. A
   * burst of 0 is as much as the rate. Nothing that is larger than the burst can pass. */
  uint32_t message_rate_max;     /* 0: messages a second */
  uint32_t message_burst_max;    /* 0 */
  uint32_t byte_rate_max;        /* 0: bytes a second */
  uint32_t byte_burst_max;       /* 0 */
  dog_rate_policy_t rate_policy; /* DOG_RATE_CLOSE */
  /* Past one of these marks new connections are answered 503 with Retry-After, until the value was well below the mark
   * for a second (lag: half of the mark, memory: a sixteenth less). Connections that are in are served as before. */
  uint32_t admission_lag_ms;     /* 0: never. How late a worker's loop runs; for that worker's own new connections */
  uint64_t admission_memory_bytes; /* 0: never. Any size: the process's resident memory, measured four times a second */
  uint32_t retry_after_seconds;  /* 1, at most 86,400: the Retry-After of every 503 of the engine's own */
  dog_delivery_t delivery;       /* DOG_DELIVERY_CALLBACKS */
  /* With DOG_DELIVERY_EVENTS: how many events wait for dog_engine_poll, and the bytes that they carry, requests with
   * their bodies included. At either limit the workers stop reading from their connections until the host has fetched
   * half. Nothing is lost: TCP slows the clients down, their deadlines stop meanwhile, and what they send within their
   * rate stays within it. Events that need no reading still come. Their number is bounded by the number of connections,
   * Shards and questions, and by what the host itself does. What a poll has given out counts until the next poll. */
  uint32_t events_max;           /* 65,536, at most 16,777,216 */
  uint32_t event_bytes_max;      /* 16,777,216, at least 1,024 */
} dog_options_t;

/* Fills `options` with the defaults above. `size` is sizeof(dog_options_t). DOG_EINVAL: NULL, or a size too small. */
dog_status_t dog_options_init(dog_options_t *options, size_t size);

/* ---- engine ------------------------------------------------------------------------------------------------------ */

/*
 * Makes an engine that is not running yet. `options` may be NULL for the defaults. Any thread.
 * DOG_EINVAL: an option is out of its range (dog_last_reason says which). DOG_EFULL: DOG_ENGINES_MAX engines are alive.
 * DOG_ESYSTEM: there is no descriptor for the queue of events.
 */
dog_status_t dog_engine_create(const dog_options_t *options, dog_engine_t **engine);

/*
 * Why the last of these calls on the calling thread failed: create, define_gateway, define_shard, route, on_fetch,
 * listen, listen_with, reload_certificates, start and run. It is one line of UTF-8 for a person to read, of at most
 * 1,027 bytes and a NUL. It names the option, the member, the address or the file. It is empty, and never NULL, if that
 * call did not fail. The text is good until the next of these calls on this thread. Any thread.
 */
dog_status_t dog_last_reason(const char **text, size_t *length);

/*
 * Binds a TCP listener; before start only. `host` is a numeric IPv4 or IPv6 address as a NUL-terminated string, or
 * "localhost", or NULL. The last two are 127.0.0.1 (and not ::1); no other name is looked up. "0.0.0.0" is every IPv4
 * address of this machine, "::" every IPv6 and every IPv4 address (ipv6_only in dog_listen_options_t leaves IPv4 out).
 * `port` 0 chooses a free one. `bound_port`, if not NULL, gets the port. Clients are served once the engine runs.
 *
 * DOG_EADDRINUSE. DOG_EADDR: `host` is none of these, or is not this machine's, or the port is not allowed.
 * DOG_ESYSTEM: there is no descriptor. DOG_ESTATE: the engine was started.
 */
dog_status_t dog_engine_listen(dog_engine_t *engine, const char *host, uint16_t port, uint16_t *bound_port);

/* Whether a TLS client is asked for a certificate of its own. A certificate that it shows must come from
 * client_ca_file. */
typedef enum dog_client_certificate {
  DOG_CLIENT_CERTIFICATE_NONE = 0,     /* it is not asked */
  DOG_CLIENT_CERTIFICATE_OPTIONAL = 1, /* asked; it may have none */
  DOG_CLIENT_CERTIFICATE_REQUIRED = 2, /* without one its handshake fails */
  DOG_CLIENT_CERTIFICATE_MAX = 0x7fffffff
} dog_client_certificate_t;

/* Two files in PEM, as NUL-terminated names: the certificate with its chain after it, and its key, not encrypted. This
 * struct never grows. */
typedef struct dog_certificate {
  const char *certificate_file;
  const char *key_file;
} dog_certificate_t;

/*
 * Filled in by dog_listen_options_init: all members are 0. It grows only at its end. Everything pointed to is copied.
 *
 * TLS is 1.2 and 1.3 with forward secrecy and AEAD, ALPN "http/1.1" and "http/1.0", tickets and no renegotiation. It
 * takes about 16 KiB of memory for each idle connection. A client that is not let in gets its 503 after its PROXY
 * header and TLS handshake. If 256 such clients of a worker have not left yet, more that come over TLS, or with a PROXY
 * header, are reset.
 */
typedef struct dog_listen_options {
  size_t size;
  const char *host; /* as in dog_engine_listen */
  uint16_t port;
  /* NULL: TCP. Otherwise the path of a Unix-domain socket; `host` must then be NULL and `port` 0. A socket file that
   * nobody listens behind is replaced. The file is removed when the engine stops listening. */
  const char *path;
  /* The first is for clients that name no host, or a host that is in none of them. Others are chosen by the name that
   * the client asks for (SNI), from the DNS names in their subjectAltName. */
  const dog_certificate_t *certificates;
  size_t certificate_count; /* 0: no TLS */
  const char *client_ca_file; /* PEM; needed unless client_certificate is NONE, and only then */
  dog_client_certificate_t client_certificate;
  /* 1: a PROXY header (version 1 or 2, of at most 4,096 bytes) comes before all else, TLS too; needs trusted_proxies. A
   * connection from an address that is not in that list is closed, and so is one that begins with anything else. The
   * log says why. */
  uint32_t proxy_protocol;
  /* 1: an IPv6 address that stands for IPv4 too ("::") listens on IPv6 alone, and another listener may have the port
   * for IPv4. 0: it listens on both; a client that came by IPv4 has its IPv4 address everywhere. Not with `path`. */
  uint32_t ipv6_only;
  /* With `path` alone: the permissions of the socket's file, up to 0777 (octal). A process that may write to it may
   * connect. 0: what the process's umask leaves. No client can connect before they are set. */
  uint32_t mode;
} dog_listen_options_t;

/* DOG_EINVAL: NULL, or a size too small. */
dog_status_t dog_listen_options_init(dog_listen_options_t *options, size_t size);

/*
 * Binds a listener as `options` say; before start only. `bound_port`, if not NULL, gets the port (0 for a path).
 * DOG_EINVAL: members that do not go together. DOG_ETLS: a certificate, a key, or what client_ca_file names cannot be
 * used. DOG_EADDRINUSE. DOG_EADDR: as in dog_engine_listen; also a path that is too long (more than 107 bytes) or that
 * names a file of another kind. DOG_ESYSTEM, DOG_ESTATE. dog_last_reason says what, and why.
 */
dog_status_t dog_engine_listen_with(dog_engine_t *engine, const dog_listen_options_t *options, uint16_t *bound_port);

/*
 * Reads the files of all TLS listeners again. Any thread, before or after start. It reads files, so it is better not
 * called on a worker. All or nothing: DOG_ETLS leaves everything as it was. Connections that are open keep what they
 * have; later ones get the new certificates.
 */
dog_status_t dog_engine_reload_certificates(dog_engine_t *engine);

/*
 * Starts the workers on threads of their own and returns. Classes, routes and listeners are fixed from here on.
 * DOG_ESTATE: it was started before. DOG_ENOENT: a class names a child or a parent that is not defined, or a route
 * names a class that is not.
 */
dog_status_t dog_engine_start(dog_engine_t *engine);

/* As start, but the calling thread is the first worker: returns when the engine has stopped. */
dog_status_t dog_engine_run(dog_engine_t *engine);

/*
 * Stops: the engine accepts no more connections, lets requests in flight be answered, and closes every socket with
 * 1001. After `grace_ms` (0 to 86,400,000) it resets what is left. Every Shard gets onstop.
 *
 * From a thread of the host's it returns when all workers have ended. From a worker (inside a callback) it returns at
 * once and the engine stops afterwards. With DOG_DELIVERY_EVENTS it always returns at once, and DOG_EVENT_STOPPED is
 * the last event. It may be called again; the shorter grace counts. DOG_ESTATE: it was never started.
 */
dog_status_t dog_engine_stop(dog_engine_t *engine, uint32_t grace_ms);

/*
 * Ends the engine: stops it with no grace if it runs (a stop that is under way keeps its grace), joins its threads,
 * frees it. After that the pointer and every handle of this engine are DOG_ESTALE. DOG_ETHREAD: called on one of its
 * own workers.
 */
dog_status_t dog_engine_destroy(dog_engine_t *engine);

/* ---- classes ----------------------------------------------------------------------------------------------------- */

/* Every callback gets its class's `user` first. If it returns an error (not DOG_OK) before it has answered a request,
 * the request is answered 500, and the log has the status. With DOG_DELIVERY_EVENTS all callbacks are NULL, required
 * ones too, and an event of the same name comes for each. */

/*
 * Who is this? Answer, now or later and from any thread, with dog_request_identify, or refuse with dog_request_respond.
 * No answer within identify_timeout_ms: the client gets 503 and `request` goes stale.
 */
typedef dog_status_t (*dog_identify_fn)(void *user, dog_gateway_t gateway, dog_request_t request);

/* All Shards are full: answer with dog_request_clusterize, now or later, to name the next one. */
typedef dog_status_t (*dog_clusterize_fn)(void *user, dog_gateway_t gateway, dog_request_t request);

/* A Gateway ends: it has no Shard and no uid to remember, or it was empty and makes room for another (gateways_max), or
 * the engine stops. Its handle can still be read (name, data). The next request of its name begins another one. Shards
 * that it has just lost may be on other workers and get their onstop a little later. */
typedef void (*dog_retire_fn)(void *user, dog_gateway_t gateway);

/* A request was placed on this Shard: answer with dog_request_respond or dog_request_connect, now or later. */
typedef dog_status_t (*dog_receive_fn)(void *user, dog_shard_t shard, dog_request_t request);

/*
 * A Shard begins. Until it has started it is asked nothing else. Requests that are placed on it wait, with a place
 * each, and siblings that gossip do not ask it. What the host itself does with its handle works.
 *
 * It has started when this returns DOG_OK; with dog_shard_class_t.start_later, when dog_shard_started says so. A start
 * that fails ends the Shard. The requests that wait are answered 500 (503 if start_timeout_ms is over), onstop is
 * called, and the next request makes another Shard.
 */
typedef dog_status_t (*dog_start_fn)(void *user, dog_shard_t shard);

/* A Shard ends: called once for each onstart, also for one that failed or has not been answered. After this has
 * returned its handle is stale. */
typedef void (*dog_stop_fn)(void *user, dog_shard_t shard);

/* A socket is open and belongs to its Shard. An error closes it with 1011, after onerror(DOG_EHOST). */
typedef dog_status_t (*dog_open_fn)(void *user, dog_shard_t shard, dog_socket_t socket);

/* A whole message came. `data` is borrowed and is never NULL, even for an empty message. An error: as in onopen. */
typedef dog_status_t (*dog_message_fn)(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                       const void *data, size_t length);

/*
 * A socket is closed: called exactly once for each onopen, and last. `code` is what the peer sent, or 1005 if its close
 * frame had none. With `clean` 0 it is the engine's own code if the engine failed the connection (1002, 1007, 1008,
 * 1009, 1011, 1013). It is 1006 (RFC 6455, section 7.1.5) if the connection ended without the peer's close frame.
 * `clean` is 1 when both sides sent a close frame.
 *
 * It does not wait for the end of the TCP connection, which the peer may delay as close_timeout_ms says. The socket's
 * place on the Shard counts no more when this is called; if the Gateway is on another worker, it gives the place to
 * another client a moment later. The handle can still be read (uid, data), but nothing can be sent to it.
 */
typedef void (*dog_close_fn)(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                             size_t reason_length, int clean);

/* A socket failed: DOG_EPROTOCOL, DOG_ETOOBIG, DOG_ERESET, DOG_ETIMEDOUT (no answer to a ping, or a message that did
 * not come whole in time), DOG_EFULL (unfinished_bytes_max), DOG_ESLOW, DOG_ERATE or DOG_EHOST. onclose follows. */
typedef void (*dog_error_fn)(void *user, dog_shard_t shard, dog_socket_t socket, dog_status_t error);

/* A socket's outbox was over half of outbox_bytes_max and is empty again. `dropped` messages were lost meanwhile. */
typedef void (*dog_drain_fn)(void *user, dog_shard_t shard, dog_socket_t socket, uint64_t dropped);

/* A sibling asks. Answer with dog_gossip_reply or dog_gossip_fail, now or later. An error is dog_gossip_fail. */
typedef dog_status_t (*dog_gossip_fn)(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data,
                                      size_t length);

/*
 * On which Shard of its cluster a request is placed. First comes the Shard that its uid was last on, if that is
 * remembered and the Shard has room. Otherwise this policy chooses among the Shards with room; of equals the oldest. If
 * none has room, a new one is made.
 */
typedef enum dog_placement {
  DOG_PLACE_LEAST_UTILISED = 1, /* the emptiest: clients are spread over the Shards that exist */
  DOG_PLACE_FULLEST = 2,        /* the one with the least room that still has some: clients are brought together. With a
                                 * limit of 2, no client waits alone on a Shard while another does the same */
  DOG_PLACEMENT_MAX = 0x7fffffff
} dog_placement_t;

/* Filled in by dog_gateway_class_init. Strings are NUL-terminated and copied. */
typedef struct dog_gateway_class {
  size_t size;
  const char *name;            /* required, unique among Gateway classes */
  const char *child;           /* required: the Shard class that it places onto */
  void *user;                  /* given back to each callback first */
  uint32_t limit;              /* required, 1 to 1,000,000: connections a Shard may hold */
  uint32_t sticky_seconds;     /* 300: how long a uid is remembered after its last connection; at most 604,800 */
  uint32_t sticky_max;         /* 65,536: uids remembered without a connection; the least recently used goes first */
  uint32_t idle_seconds;       /* 60: a Shard empty for so long is retired; at most 604,800 */
  dog_placement_t placement;   /* DOG_PLACE_LEAST_UTILISED */
  dog_identify_fn identify;    /* required */
  dog_clusterize_fn clusterize; /* NULL: a fresh 128-bit random id, in hex */
  uint32_t connections_max;    /* 0: any number. Connections of one cluster, requests in flight included; one more is
                                * 503 */
  uint32_t clusterize_events;  /* 0: as with `clusterize` NULL. 1, with DOG_DELIVERY_EVENTS alone: the answer to
                                * DOG_EVENT_CLUSTERIZE names each new Shard */
  dog_retire_fn onretire;
} dog_gateway_class_t;

/* Filled in by dog_shard_class_init. Strings are NUL-terminated and copied. */
typedef struct dog_shard_class {
  size_t size;
  const char *name;            /* required, unique among Shard classes */
  const char *parent;          /* required: the Gateway class whose `child` this is */
  void *user;                  /* given back to each callback first */
  dog_start_fn onstart;
  dog_receive_fn receive;      /* required */
  dog_open_fn onopen;
  dog_message_fn onmessage;
  dog_close_fn onclose;
  dog_error_fn onerror;
  dog_drain_fn ondrain;
  dog_gossip_fn ongossip;      /* NULL: siblings that ask get DOG_ENOHANDLER */
  dog_stop_fn onstop;
  /* Origins (RFC 6454) from which a browser may open a socket: "https://example.com", with the port if it is not the
   * scheme's. Pages in Electron and the like send "file://" or "app://-"; pages without an origin send "null". A valid
   * upgrade with an Origin header that is not in the list is answered 403. An upgrade without the header does not come
   * from a browser and passes. NULL: any. NUL-terminated, copied. An entry that is not an origin, or an array of none,
   * is DOG_EINVAL. */
  const char *const *origins;
  size_t origin_count;
  /*
   * permessage-deflate (RFC 7692). A message is compressed once, however many sockets get it. So the engine always says
   * server_no_context_takeover, and it compresses with two windows at most: a client that accepts deflate_window_bits
   * gets that window, a client that accepts less gets 9 bits. Only a message that is longer than the smaller window is
   * compressed twice, if clients of both kinds receive it. A message that does not shrink is sent uncompressed.
   *
   * message_bytes_max limits what a message inflates to, and ends it while it inflates. Memory of a socket: about 100
   * bytes while it is idle. While a message from it is incomplete, an inflater of 2^client_window_bits + 7,400 bytes is
   * added, and the part of the message that has come.
   */
  uint32_t deflate;              /* 0: never; 1: if the client offers it */
  uint32_t deflate_level;        /* 1: fastest, to 9: smallest */
  uint32_t deflate_window_bits;  /* 15: the largest window to compress with, 9 to 15 */
  uint32_t deflate_client_window_bits; /* 15: the largest window for a client, 8 to 15, if the client lets us choose */
  uint32_t deflate_client_context; /* 0: client_no_context_takeover, no memory is kept between messages; 1: a client may
                                    * refer to its earlier messages, and its inflater stays from its first message on */
  uint32_t deflate_bytes_min;    /* 64: a shorter message is sent uncompressed */
  uint32_t gossip_events;        /* 0: as with `ongossip` NULL. 1, with DOG_DELIVERY_EVENTS alone: siblings' questions
                                  * come as DOG_EVENT_GOSSIP */
  uint32_t start_later;          /* 0: a Shard has started when onstart has returned DOG_OK, or at once if onstart is
                                  * NULL; with DOG_DELIVERY_EVENTS, as soon as its DOG_EVENT_START exists. 1:
                                  * dog_shard_started answers each onstart (which may not be NULL) or DOG_EVENT_START */
} dog_shard_class_t;

/* Fill a class with defaults and NULLs; `size` is its sizeof. DOG_EINVAL: NULL, or a size too small. */
dog_status_t dog_gateway_class_init(dog_gateway_class_t *gateway_class, size_t size);
dog_status_t dog_shard_class_init(dog_shard_class_t *shard_class, size_t size);

/*
 * Register a class; before start only. DOG_EINVAL: a required member is missing or out of range, or there is a callback
 * (or one of the members on events) that this engine's delivery does not use. DOG_EEXIST: the name is in use.
 * DOG_ESTATE: the engine was started.
 */
dog_status_t dog_engine_define_gateway(dog_engine_t *engine, const dog_gateway_class_t *gateway_class);
dog_status_t dog_engine_define_shard(dog_engine_t *engine, const dog_shard_class_t *shard_class);

/* ---- routes ------------------------------------------------------------------------------------------------------ */

/*
 * Sends requests to a Gateway; before start only. `pattern` is a path of segments, and one segment may be a
 * `:parameter`. "/tasks/:name" matches /tasks/x, /tasks/x/ws, ... and sends them to the Gateway named x of that class.
 * A literal pattern without a parameter, "/ws", goes to the Gateway that `name` names. `name` is NULL for a pattern
 * with a parameter. The first route that matches is used. All three are NUL-terminated.
 *
 * The path is split first, and then the parameter is percent-decoded once: "a%2Fb" is the name a/b. A name that is then
 * not UTF-8, or has a control character, matches no route. Nothing else is decoded, and no path is normalised: ".." is
 * a segment like others. An empty parameter does not match.
 *
 * DOG_EINVAL: the pattern does not begin with '/', has two parameters, or lacks the name that it needs.
 */
dog_status_t dog_engine_route(dog_engine_t *engine, const char *pattern, const char *gateway_class, const char *name);

/*
 * A request that matches no route: answer with dog_request_respond or dog_request_forward, now or later. Called on the
 * worker that accepted the connection, on several at once. Before start only. Without it such a request is 404.
 * DOG_EINVAL: `fetch` is NULL. With DOG_DELIVERY_EVENTS it must be NULL, and DOG_EVENT_FETCH comes.
 */
typedef dog_status_t (*dog_fetch_fn)(void *user, dog_engine_t *engine, dog_request_t request);
dog_status_t dog_engine_on_fetch(dog_engine_t *engine, dog_fetch_fn fetch, void *user);

/* ---- requests ---------------------------------------------------------------------------------------------------- */

/*
 * A dog_request_t is one question to the host. on_fetch, identify, clusterize and receive of one HTTP request each get
 * a handle of their own, and each is answered once; a second answer is DOG_ESTALE. The getters read the request as the
 * client sent it. They may be called on the worker whose callback got the handle, as long as it is unanswered. The
 * memory is the engine's, good until that callback returns.
 */
dog_status_t dog_request_method(dog_request_t request, const char **method, size_t *length); /* "GET" */
dog_status_t dog_request_target(dog_request_t request, const char **target, size_t *length); /* "/a%20b?c=d", as sent */
dog_status_t dog_request_path(dog_request_t request, const char **path, size_t *length);     /* "/a%20b" */
dog_status_t dog_request_body(dog_request_t request, const void **body, size_t *length);
/* The client's address, with its port if that is known: "127.0.0.1:51234", "[::1]:51234", "203.0.113.9", "::1"; "unix:"
 * on a Unix-domain socket. It is the peer's address, or what a trusted proxy told in a PROXY header. If that address is
 * one of trusted_proxies, X-Forwarded-For is read from the right, and the first address that is not trusted is the
 * client's. An entry that is not an address stops the search, and the last address seen is used. This header of any
 * other peer is not believed. */
dog_status_t dog_request_remote(dog_request_t request, const char **address, size_t *length);
/* The subject of the TLS client's certificate, verified, as text (RFC 2253): "CN=ann,O=Example". DOG_ENOENT: it has
 * none. */
dog_status_t dog_request_client_subject(dog_request_t request, const char **subject, size_t *length);
/*
 * The value of a query parameter, percent-decoded once, '+' as space; the first if there are several. DOG_ENOENT: it is
 * absent. It is bytes and not text: after decoding it may hold any byte, also a NUL or bytes that are not UTF-8. A '%'
 * that escapes nothing stands for itself.
 */
dog_status_t dog_request_query(dog_request_t request, const char *name, size_t name_length, const char **value,
                               size_t *length);
/*
 * A header by its name; upper and lower case are the same. Several of one name are joined by ", ", those of Cookie by
 * "; " (RFC 9113, section 8.2.3). DOG_ENOENT: it is absent. "Host" is the host that the request is for. If the target
 * is in absolute-form ("http://a/b"), that is the target's own authority (RFC 9112, section 3.2.2);
 * dog_request_header_at has the header as it was sent.
 */
dog_status_t dog_request_header(dog_request_t request, const char *name, size_t name_length, const char **value,
                                size_t *length);
/* The headers in the order in which they came, names as sent. DOG_ENOENT: index is past the last. */
dog_status_t dog_request_header_at(dog_request_t request, size_t index, dog_header_t *header);
/* The subprotocols that the client offers (Sec-WebSocket-Protocol), in its order. DOG_ENOENT: index is past the
 * last. */
dog_status_t dog_request_protocol_at(dog_request_t request, size_t index, const char **protocol, size_t *length);
/* The identity that identify gave. In receive and clusterize only; DOG_ENOENT before. */
dog_status_t dog_request_uid(dog_request_t request, const char **uid, size_t *length);

/*
 * The answers. Any thread. Each uses the handle up: afterwards it is stale, whatever became of the answer. An answer
 * that cannot be used (DOG_EINVAL, DOG_ETOOBIG) leaves no client waiting: the client gets 500, or 400 if the uid cannot
 * be used. DOG_EKIND: not an answer to this question (the request stays open). DOG_ESTALE: it was answered before, or
 * the client has left (a clusterize question stays open all the same: others may wait for that Shard).
 */

/*
 * To identify: `uid` is 1 to DOG_NAME_BYTES_MAX bytes of UTF-8 without control characters. A uid that is not valid was
 * most often chosen by a client: so the client gets 400, and the log a line at DOG_LOG_INFO. DOG_ETOOBIG: it is too
 * long. DOG_EINVAL: it is empty, not UTF-8, or has a control character.
 */
dog_status_t dog_request_identify(dog_request_t request, const char *uid, size_t length);

/* To clusterize: the id of the next Shard. The same bytes are allowed as in a uid; an id of a Shard alive in this
 * cluster is DOG_EEXIST. */
dog_status_t dog_request_clusterize(dog_request_t request, const char *shard_id, size_t length);

/* To on_fetch: sends the request to the Gateway `name` of a class. A name that is not valid is answered as a uid is.
 * DOG_ENOENT: no such class. */
dog_status_t dog_request_forward(dog_request_t request, const char *gateway_class, size_t class_length,
                                 const char *name, size_t name_length);

/*
 * To any question: a whole response. `status` is 200 to 599. Content-Length, Date and Connection are the engine's.
 * DOG_EINVAL: a header has one of these names, or is Transfer-Encoding, or has a control character in it; there are
 * more than 1,000 headers; there is a body with 204, 205 or 304. DOG_ETOOBIG: more than 1 MiB of headers. HEAD gets the
 * headers alone.
 */
dog_status_t dog_request_respond(dog_request_t request, int status, const dog_header_t *headers, size_t header_count,
                                 const void *body, size_t body_length);

/*
 * A streamed response: begin sends the head, write sends the body part by part, end ends it. All from any thread.
 *
 * Beginning is the answer: no deadline for identify or receive runs any more, and any other answer is DOG_ESTALE. The
 * handle stays good, for the getters too, until end is called or the client has left. Until the response is over the
 * request keeps its place on its Shard, and the client's next request waits. What is written leaves at the end of the
 * worker's turn, so server-sent events arrive at once. HTTP/1.1 gets chunks; HTTP/1.0 gets a body that the end of the
 * connection ends.
 *
 * The host need not write within any time. But a client that receives nothing for body_timeout_ms while bytes wait is
 * reset. A client that closes its side counts as gone when it has all that was written and nothing more came for a
 * second. dog_engine_stop lets streamed responses go on until the grace is over, then resets them. If a callback
 * returns an error after it has begun a response, the connection is reset, so that the client does not take the part
 * for the whole.
 */

/* There is room again after a write that was DOG_EFULL: less than half of outbox_bytes_max waits. Called on the
 * request's worker. It may come although no write was refused. */
typedef void (*dog_writable_fn)(void *user, dog_request_t request);

/*
 * The response is over: called once, on the request's worker, and last. DOG_OK: all of it went to the kernel.
 * DOG_ERESET: the client left. DOG_ESLOW: it did not keep up. DOG_EHOST: the callback failed. DOG_EGONE: the engine
 * stopped. `request` is stale by then; it says which one it was.
 */
typedef void (*dog_ended_fn)(void *user, dog_request_t request, dog_status_t status);

/* Filled in by dog_stream_options_init. */
typedef struct dog_stream_options {
  size_t size;
  void *user;                 /* given back to both */
  dog_writable_fn onwritable; /* may be NULL */
  dog_ended_fn onend;         /* may be NULL */
} dog_stream_options_t;
dog_status_t dog_stream_options_init(dog_stream_options_t *options, size_t size);

/*
 * To on_fetch, identify and receive: begins a response. Status, headers and errors are as in dog_request_respond;
 * `options` may be NULL. DOG_EKIND: clusterize, since one answer serves many clients. onend is called if this returned
 * DOG_OK, and not otherwise.
 */
dog_status_t dog_request_respond_begin(dog_request_t request, int status, const dog_header_t *headers,
                                       size_t header_count, const dog_stream_options_t *options);

/*
 * The next part: all of it is queued, or nothing. An empty one is DOG_OK and sends nothing. One in answer to HEAD is
 * thrown away. DOG_EFULL: it does not fit into outbox_bytes_max with what waits; onwritable will come. DOG_ETOOBIG: it
 * is longer than that by itself. DOG_EINVAL: the status has no content (204, 205, 304). DOG_ESTATE: no response was
 * begun. DOG_ESTALE: it was ended, or the client has left.
 */
dog_status_t dog_request_respond_write(dog_request_t request, const void *data, size_t length);

/* The body is complete. The handle is stale from here on. DOG_ESTATE, DOG_ESTALE: as in write. */
dog_status_t dog_request_respond_end(dog_request_t request);

/* The body cannot be finished: the connection is reset, so that the client does not take the part for the whole, and
 * onend gets DOG_EHOST. The handle is stale from here on. DOG_ESTATE, DOG_ESTALE: as in write. */
dog_status_t dog_request_respond_abort(dog_request_t request);

/* Filled in by dog_connect_options_init. */
typedef struct dog_connect_options {
  size_t size;
  /* The socket's data, as by dog_socket_set_data, there before onopen. If the client has left by then, neither onopen
   * nor onclose comes: so allocate in onopen what onclose must free. */
  void *data;
  const char *protocol;        /* one of the client's Sec-WebSocket-Protocol; NULL for none */
  size_t protocol_length;
  const dog_header_t *headers; /* more headers for the 101 */
  size_t header_count;
} dog_connect_options_t;
dog_status_t dog_connect_options_init(dog_connect_options_t *options, size_t size);

/*
 * To receive: upgrades to a WebSocket (RFC 6455, section 4.2) on this Shard; onopen follows. `options` may be NULL.
 * DOG_EUPGRADE: it is not a valid upgrade. The client was answered, by the first that applies: 405 (not GET), 426 (no
 * upgrade, or another version), 400 (the handshake is malformed) or 403 (an origin that is not in the class's list).
 * DOG_EINVAL: the protocol was not offered, or a header is not valid or is one of those that a 101 is made of; the
 * client gets 500.
 */
dog_status_t dog_request_connect(dog_request_t request, const dog_connect_options_t *options);

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

dog_status_t dog_socket_uid(dog_socket_t socket, const char **uid, size_t *length);
dog_status_t dog_socket_shard(dog_socket_t socket, dog_shard_t *shard);
/* Bytes queued that the kernel has not accepted yet. */
dog_status_t dog_socket_buffered(dog_socket_t socket, size_t *bytes);
/* A pointer of the host's, NULL at first. The engine neither reads nor frees it. Both on its own worker only. */
dog_status_t dog_socket_set_data(dog_socket_t socket, void *data);
dog_status_t dog_socket_data(dog_socket_t socket, void **data);

/*
 * Sends one message to this socket. Any thread. Each receiver gets what one callback sends, emits, broadcasts and
 * whispers in the order of the calls. From a thread of the host's only the calls on one handle keep their order. The
 * same is true in a callback for dog_socket_broadcast and dog_socket_whisper of a socket that lives on another worker.
 * DOG_EINVAL: text that is not UTF-8. DOG_ETOOBIG: over outbox_bytes_max, or for another worker and over
 * mailbox_bytes_max. DOG_EFULL: that worker's mailbox has no room now. DOG_ECLOSED: it is closing. DOG_ESLOW: its
 * outbox was full, and the policy dropped this message or closed the socket.
 */
dog_status_t dog_socket_send(dog_socket_t socket, dog_kind_t kind, const void *data, size_t length);

/*
 * Begins to close: the close frame leaves after what was sent before it. `code` is 1000, 1001, 1002, 1003, 1007 to 1014
 * or 3000 to 4999 (0 for none); `reason` is up to 123 bytes of UTF-8. Any thread. DOG_EINVAL, DOG_ECLOSED.
 */
dog_status_t dog_socket_close(dog_socket_t socket, uint16_t code, const char *reason, size_t reason_length);

/* Flags of emit and broadcast. */
enum { DOG_TO_SELF = 1 /* the sending socket gets it too */ };

/* emit: to the sockets of this socket's Shard. broadcast: to the sockets of its whole cluster; this needs room in every
 * worker's mailbox. Any thread. Errors as in send; then no socket got it. */
dog_status_t dog_socket_emit(dog_socket_t socket, dog_kind_t kind, uint32_t flags, const void *data, size_t length);
dog_status_t dog_socket_broadcast(dog_socket_t socket, dog_kind_t kind, uint32_t flags, const void *data,
                                  size_t length);

/*
 * The outcome of a whisper: how many sockets it was queued to; 0 is an answer. Called once for each call that returned
 * DOG_OK, whatever becomes of the engine, on the worker of the object that whispered; so `user` can be freed here.
 * DOG_EGONE: that object has ended by then, and its own last callback may have been called before this one. Any other
 * status is what the call would have returned on the object's own thread; no socket got the message.
 */
typedef void (*dog_whispered_fn)(void *user, dog_status_t status, size_t sockets);

/* To every socket of `uid` in the cluster, the sender's own included. `whispered` may be NULL. Any thread. Errors as in
 * broadcast; DOG_EINVAL and DOG_ETOOBIG also for bytes that cannot be a uid. */
dog_status_t dog_socket_whisper(dog_socket_t socket, const char *uid, size_t uid_length, dog_kind_t kind,
                                const void *data, size_t length, dog_whispered_fn whispered, void *user);

/* ---- Shards ------------------------------------------------------------------------------------------------------ */

dog_status_t dog_shard_id(dog_shard_t shard, const char **id, size_t *length);
dog_status_t dog_shard_gateway(dog_shard_t shard, dog_gateway_t *gateway); /* any thread */
dog_status_t dog_shard_set_data(dog_shard_t shard, void *data);
dog_status_t dog_shard_data(dog_shard_t shard, void **data);

/*
 * The answer to onstart, or to DOG_EVENT_START, of a class with start_later. Once, any thread, now (in onstart itself
 * too) or later. DOG_OK: it has started. Any other status (DOG_EHOST if none fits better): it has not, and ends (see
 * dog_start_fn); the log names the Shard, its class and the status. No answer within start_timeout_ms is DOG_ETIMEDOUT.
 * An error that onstart returns is the answer, whatever was said in it.
 *
 * DOG_ESTATE: it was answered before, or its class has no start_later. DOG_ESTALE: it has ended. DOG_EINVAL: a number
 * above 0.
 */
dog_status_t dog_shard_started(dog_shard_t shard, dog_status_t status);

/* How many sockets are open on it; and the first `capacity` of them. `count` gets how many there are in all. */
dog_status_t dog_shard_count(dog_shard_t shard, size_t *count);
dog_status_t dog_shard_sockets(dog_shard_t shard, dog_socket_t *sockets, size_t capacity, size_t *count);

/* As with a socket, but there is no sender to leave out. Any thread. */
dog_status_t dog_shard_emit(dog_shard_t shard, dog_kind_t kind, const void *data, size_t length);
dog_status_t dog_shard_broadcast(dog_shard_t shard, dog_kind_t kind, const void *data, size_t length);
dog_status_t dog_shard_whisper(dog_shard_t shard, const char *uid, size_t uid_length, dog_kind_t kind, const void *data,
                               size_t length, dog_whispered_fn whispered, void *user);

/*
 * A call that a host wants on a Shard's worker: getters work there, and nothing else of that Shard runs meanwhile.
 * Called exactly once for each dog_shard_post or dog_shard_after that returned DOG_OK, so `user` can be freed here and
 * nowhere else. DOG_OK: it is its turn. DOG_EGONE: the Shard ends first; its onstop comes after that. DOG_ECANCELLED:
 * by dog_timer_cancel. It is also called before the Shard has started.
 */
typedef void (*dog_call_fn)(void *user, dog_shard_t shard, dog_status_t status);

/*
 * Calls `call` in a later turn of the Shard's worker, after everything that the same thread asked of this handle
 * before. Any thread. DOG_EFULL: that worker's mailbox has no room now; each call counts as 128 bytes of it.
 * DOG_ESTALE: the Shard has ended; also inside its onstop.
 */
dog_status_t dog_shard_post(dog_shard_t shard, dog_call_fn call, void *user);

/*
 * The same after `delay_ms` (0 to 86,400,000): never before, and up to 64 ms later if the worker is not busy. An empty
 * Shard is retired even if calls wait. `timer`, if not NULL, gets the handle for dog_timer_cancel before `call` can be
 * called: so it may be a part of what `user` points to. Any thread. DOG_EFULL: timers_max calls of this Shard wait
 * already, or as in post. DOG_ESTALE: as in post.
 */
dog_status_t dog_shard_after(dog_shard_t shard, uint32_t delay_ms, dog_call_fn call, void *user, dog_timer_t *timer);

/* Its call comes soon, with DOG_ECANCELLED, and not when its time is over. Any thread. DOG_ESTALE: it was called or
 * cancelled, or its turn has come. */
dog_status_t dog_timer_cancel(dog_timer_t timer);

/* One sibling's part in the answer. DOG_OK: data is its reply. DOG_EHOST: data is the text that it failed with.
 * DOG_ENOHANDLER, DOG_ETIMEDOUT, DOG_EGONE: no data. This struct never grows. */
typedef struct dog_gossip_result {
  dog_shard_t shard;
  const char *shard_id;
  size_t shard_id_length;
  dog_status_t status;
  const void *data;
  size_t length;
} dog_gossip_result_t;

/*
 * DOG_OK: all siblings have answered, or the deadline passed. Called once for each call that returned DOG_OK, whatever
 * becomes of the engine, on the asking Shard's worker; so `user` can be freed here. `results` is borrowed and in no
 * particular order. DOG_EGONE: the asking Shard ends, or has ended, without results; if the Shard asked before it began
 * to end, this comes before its onstop. Any other status is what the call would have returned on the Shard's own
 * thread.
 */
typedef void (*dog_gossiped_fn)(void *user, dog_shard_t shard, dog_status_t status, const dog_gossip_result_t *results,
                                size_t count);

/*
 * Asks every sibling of this Shard. Any thread. `timeout_ms` is 1 to 86,400,000, or 0 for gossip_timeout_ms. Without
 * siblings the answer is an empty list. DOG_EFULL: gossips_max of its questions wait already, or the mailbox of a
 * worker with siblings has no room now. DOG_ETOOBIG: longer than gossip_bytes_max. DOG_ESTALE: it has ended; also in
 * its onstop.
 */
dog_status_t dog_shard_gossip(dog_shard_t shard, const void *data, size_t length, uint32_t timeout_ms,
                              dog_gossiped_fn gossiped, void *user);

/* ---- gossip ------------------------------------------------------------------------------------------------------ */

/* The answers to ongossip, as with requests: from any thread, one of the two, once. */
dog_status_t dog_gossip_reply(dog_gossip_t gossip, const void *data, size_t length);
dog_status_t dog_gossip_fail(dog_gossip_t gossip, const char *text, size_t length);

/* ---- Gateways ---------------------------------------------------------------------------------------------------- */

/* The Gateway `name` of a class, if it is alive; its first request makes it. Any thread. DOG_ENOENT: it is not. */
dog_status_t dog_gateway_find(dog_engine_t *engine, const char *gateway_class, size_t class_length, const char *name,
                              size_t name_length, dog_gateway_t *gateway);
dog_status_t dog_gateway_name(dog_gateway_t gateway, const char **name, size_t *length);
/* A pointer of the host's, NULL at first, to be freed in onretire: as with a socket. */
dog_status_t dog_gateway_set_data(dog_gateway_t gateway, void *data);
dog_status_t dog_gateway_data(dog_gateway_t gateway, void **data);
dog_status_t dog_gateway_broadcast(dog_gateway_t gateway, dog_kind_t kind, const void *data, size_t length);
dog_status_t dog_gateway_whisper(dog_gateway_t gateway, const char *uid, size_t uid_length, dog_kind_t kind,
                                 const void *data, size_t length, dog_whispered_fn whispered, void *user);

/* ---- events ------------------------------------------------------------------------------------------------------ */

/*
 * With DOG_DELIVERY_EVENTS the engine calls no function of the host's. What a callback would be called for is an event
 * in one queue, which the host empties with dog_engine_poll, on a thread of its own (any, one at a time). Reading,
 * parsing, placing and sending stay with the workers on all cores, while the host's code has one thread. For such a
 * host:
 *
 *  - The events of one Shard come in the order in which they happened, and so do those of one Gateway.
 *  - Pointers in an event, and those that a getter gives, are good until the next dog_engine_poll (or
 *    dog_engine_destroy). Getters may be called from any thread, and say what was true at the last event that was
 *    delivered. The handle of a socket or a Shard can be read from its first event until the poll after its last; a
 *    Gateway's from its first DOG_EVENT_IDENTIFY until the poll after its DOG_EVENT_RETIRE; a request as long as it is
 *    unanswered. dog_socket_buffered is DOG_ETHREAD.
 *  - What sends, posts or answers is the same as with callbacks, from any thread. An answer may come any time later,
 *    within the same deadlines. So if a host does not poll, a client whose request was read gets 503 when the time is
 *    over. Once the queue is full nothing more is read: a client whose request waits in the kernel gets no answer until
 *    the host polls or the engine ends.
 *  - If a function has a callback as a parameter (dog_socket_whisper, dog_shard_gossip, dog_shard_post,
 *    dog_shard_after, dog_stream_options_t), it must be NULL, else DOG_EINVAL. The outcome arrives as an event with the
 *    same `user` (NULL for a streamed response begun without options). A whisper with a NULL `user` has no such event.
 *  - No event is an error of the host's: a handler that fails answers by itself with dog_request_respond(500),
 *    dog_gossip_fail, dog_socket_close(1011) or, for a Shard of a class with start_later, dog_shard_started(DOG_EHOST).
 */
typedef enum dog_event_type {
  /* Questions: `request` (or `gossip`) is to be answered, as with the callback of that name. */
  DOG_EVENT_FETCH = 1,      /* user is that of dog_engine_on_fetch */
  DOG_EVENT_IDENTIFY = 2,   /* gateway; data: its name */
  DOG_EVENT_CLUSTERIZE = 3, /* gateway; data: its name */
  DOG_EVENT_RECEIVE = 4,    /* gateway, shard; data: the request's uid */
  DOG_EVENT_GOSSIP = 5,     /* shard, gossip; data: the question */
  /* Shards and their sockets. */
  DOG_EVENT_START = 6,      /* gateway, shard; data: its id. With start_later each is answered by dog_shard_started */
  DOG_EVENT_STOP = 7,       /* shard */
  DOG_EVENT_OPEN = 8,       /* shard, socket; data: its uid */
  DOG_EVENT_MESSAGE = 9,    /* shard, socket, kind; data: the message */
  DOG_EVENT_CLOSE = 10,     /* shard, socket, code, clean; data: the reason */
  DOG_EVENT_ERROR = 11,     /* shard, socket, status */
  DOG_EVENT_DRAIN = 12,     /* shard, socket; count: messages dropped */
  /* What the host asked for: user is that of the call. */
  DOG_EVENT_WHISPERED = 13, /* socket, shard or gateway: the one that whispered; status; count: sockets that it was
                             * queued to (dog_whispered_fn) */
  DOG_EVENT_GOSSIPED = 14,  /* shard; status; results, count of them (dog_gossiped_fn) */
  DOG_EVENT_WRITABLE = 15,  /* request: a streamed response has room again */
  DOG_EVENT_ENDED = 16,     /* request, status: a streamed response is over */
  /* The engine. */
  DOG_EVENT_LOG = 17,       /* code: a dog_log_level_t; data: the line. Only if dog_options_t.log is NULL; a line that
                             * finds the queue full is left out */
  DOG_EVENT_STOPPED = 18,   /* the last one: all workers have ended, or the start failed */
  /* Gateways. */
  DOG_EVENT_RETIRE = 19,    /* gateway; data: its name */
  /* What dog_shard_post or dog_shard_after was called for: user is that of the call. */
  DOG_EVENT_CALL = 20,      /* shard, status */
  DOG_EVENT_TYPE_MAX = 0x7fffffff
} dog_event_type_t;

/* One event. Members that its type does not name are 0. This struct never grows. */
typedef struct dog_event {
  dog_event_type_t type;
  dog_status_t status;
  void *user; /* of the class, unless its type says otherwise */
  dog_gateway_t gateway;
  dog_shard_t shard;
  dog_socket_t socket;
  dog_request_t request;
  dog_gossip_t gossip;
  const void *data; /* never NULL */
  size_t length;
  dog_kind_t kind;
  uint32_t code;
  uint64_t count;
  const dog_gossip_result_t *results;
  uint32_t clean;
  uint32_t reserved;
} dog_event_t;

/*
 * Waits until there is an event, for at most `timeout_ms` (0: not at all; -1: as long as it takes; at most 86,400,000),
 * and fills in as many as there are, up to `capacity`, which is 1 or more; `count` gets how many. Everything that the
 * last poll gave is freed. Any thread, also before dog_engine_start. After a signal, after the timeout and now and
 * then without a reason it returns DOG_OK with a count of 0. DOG_ESTATE: the engine delivers by callbacks, another
 * thread polls right now, or DOG_EVENT_STOPPED was delivered before. DOG_ESTALE: the engine was destroyed meanwhile.
 */
dog_status_t dog_engine_poll(dog_engine_t *engine, dog_event_t *events, size_t capacity, int32_t timeout_ms,
                             size_t *count);

/*
 * A file descriptor that is readable as long as an event waits. It is for the host's own event loop (epoll, asyncio,
 * libuv), which then polls with a timeout of 0. The host must not read or close it; it is the engine's, until
 * dog_engine_destroy. DOG_ESTATE: the engine delivers by callbacks.
 */
dog_status_t dog_engine_wait_fd(dog_engine_t *engine, int *fd);

/* ---- statistics -------------------------------------------------------------------------------------------------- */

/* Counts of now, each exact at some moment during the call. It grows only at its end. */
typedef struct dog_gateway_stats {
  size_t size;
  uint64_t shards;
  uint64_t connections; /* places in use: requests in flight and open sockets */
} dog_gateway_stats_t;

/* A count is a sum over workers that are read one after another; each worker's part is exact when it is read. It grows
 * only at its end. */
typedef struct dog_stats {
  size_t size;
  /* now */
  uint64_t connections; /* TCP connections open, WebSockets included */
  uint64_t sockets;     /* WebSockets open */
  uint64_t requests;    /* requests waiting for the host, streamed responses included */
  uint64_t gateways;
  uint64_t shards;
  uint64_t places;      /* places in use on Shards, over all clusters */
  /* since the start */
  uint64_t connections_total;
  uint64_t requests_total;
  uint64_t messages_in;
  uint64_t messages_out; /* messages queued to sockets */
  uint64_t bytes_in;
  uint64_t bytes_out;
  uint64_t dropped;      /* messages that an outbox policy dropped */
  uint64_t refused;      /* requests that the engine itself answered 4xx or 5xx; connections that it closed without an
                          * answer */
  uint64_t rate_limited; /* messages that the rate policy dropped */
  uint64_t events;       /* now: events that wait for dog_engine_poll */
} dog_stats_t;

/* Fills in `stats`; the caller has set its `size` to its sizeof. Any thread. DOG_EINVAL: NULL, or a size too small. */
dog_status_t dog_gateway_stats(dog_gateway_t gateway, dog_gateway_stats_t *stats);
dog_status_t dog_engine_stats(dog_engine_t *engine, dog_stats_t *stats);

#ifdef __cplusplus
}
#endif
#endif /* DOG_H */
