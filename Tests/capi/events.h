/*
 * events.h - app.h's program as a host that fetches its events, for the checks of events_*.c: one event at a time, each
 * where it is expected, and none with a member that its type does not name.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include "app.h"

typedef struct host {
  app_t app;
  dog_event_t event;    /* the last one: what it points to is good until the next */
  int gateway_user;     /* the classes' users point here */
  int shard_user;
} host_t;

/* ---- what an event may hold -------------------------------------------------------------------------------------- */

enum {
  HAS_STATUS = 1,
  HAS_USER = 2, /* that of the class: never 0 here */
  HAS_CALL_USER = 4,
  HAS_GATEWAY = 8,
  HAS_SHARD = 16,
  HAS_SOCKET = 32,
  HAS_REQUEST = 64,
  HAS_GOSSIP = 128,
  HAS_DATA = 256,
  HAS_KIND = 512,
  HAS_CODE = 1024,
  HAS_COUNT = 2048,
  HAS_RESULTS = 4096,
  HAS_CLEAN = 8192,
  HAS_ONE_OBJECT = 16384 /* a gateway, a shard or a socket */
};

typedef struct event_kind {
  dog_event_type_t type;
  const char *name;
  int members;
} event_kind_t;

static const event_kind_t event_kinds[] = {
    {DOG_EVENT_FETCH, "FETCH", HAS_CALL_USER | HAS_REQUEST},
    {DOG_EVENT_IDENTIFY, "IDENTIFY", HAS_USER | HAS_GATEWAY | HAS_REQUEST | HAS_DATA},
    {DOG_EVENT_CLUSTERIZE, "CLUSTERIZE", HAS_USER | HAS_GATEWAY | HAS_REQUEST | HAS_DATA},
    {DOG_EVENT_RECEIVE, "RECEIVE", HAS_USER | HAS_GATEWAY | HAS_SHARD | HAS_REQUEST | HAS_DATA},
    {DOG_EVENT_GOSSIP, "GOSSIP", HAS_USER | HAS_SHARD | HAS_GOSSIP | HAS_DATA},
    {DOG_EVENT_START, "START", HAS_USER | HAS_GATEWAY | HAS_SHARD | HAS_DATA},
    {DOG_EVENT_STOP, "STOP", HAS_USER | HAS_SHARD},
    {DOG_EVENT_OPEN, "OPEN", HAS_USER | HAS_SHARD | HAS_SOCKET | HAS_DATA},
    {DOG_EVENT_MESSAGE, "MESSAGE", HAS_USER | HAS_SHARD | HAS_SOCKET | HAS_KIND | HAS_DATA},
    {DOG_EVENT_CLOSE, "CLOSE", HAS_USER | HAS_SHARD | HAS_SOCKET | HAS_CODE | HAS_CLEAN | HAS_DATA},
    {DOG_EVENT_ERROR, "ERROR", HAS_USER | HAS_SHARD | HAS_SOCKET | HAS_STATUS},
    {DOG_EVENT_DRAIN, "DRAIN", HAS_USER | HAS_SHARD | HAS_SOCKET | HAS_COUNT},
    {DOG_EVENT_WHISPERED, "WHISPERED", HAS_CALL_USER | HAS_ONE_OBJECT | HAS_STATUS | HAS_COUNT},
    {DOG_EVENT_GOSSIPED, "GOSSIPED", HAS_CALL_USER | HAS_SHARD | HAS_STATUS | HAS_RESULTS | HAS_COUNT},
    {DOG_EVENT_WRITABLE, "WRITABLE", HAS_CALL_USER | HAS_REQUEST},
    {DOG_EVENT_ENDED, "ENDED", HAS_CALL_USER | HAS_REQUEST | HAS_STATUS},
    {DOG_EVENT_LOG, "LOG", HAS_CODE | HAS_DATA},
    {DOG_EVENT_STOPPED, "STOPPED", 0},
    {DOG_EVENT_RETIRE, "RETIRE", HAS_USER | HAS_GATEWAY | HAS_DATA},
    {DOG_EVENT_CALL, "CALL", HAS_CALL_USER | HAS_SHARD | HAS_STATUS},
};

static inline const event_kind_t *event_kind(dog_event_type_t type) {
  for (size_t index = 0; index < sizeof event_kinds / sizeof event_kinds[0]; index++) {
    if (event_kinds[index].type == type) return &event_kinds[index];
  }
  FAIL("there is no event of type %d", (int)type);
}

static inline const char *event_name(dog_event_type_t type) { return event_kind(type)->name; }

/* A handle that the type names is one; a member that it does not name is 0. */
static inline void event_check(const host_t *host, const dog_event_t *event) {
  const event_kind_t *kind = event_kind(event->type);
  const struct {
    int member;
    int is_set;
    const char *name;
  } members[] = {
      {HAS_GATEWAY, event->gateway != 0, "gateway"}, {HAS_SHARD, event->shard != 0, "shard"},
      {HAS_SOCKET, event->socket != 0, "socket"},    {HAS_REQUEST, event->request != 0, "request"},
      {HAS_GOSSIP, event->gossip != 0, "gossip"},    {HAS_KIND, (int)event->kind != 0, "kind"},
  };
  int objects = 0;
  for (size_t index = 0; index < sizeof members / sizeof members[0]; index++) {
    objects += members[index].is_set;
    if (kind->members & HAS_ONE_OBJECT) continue;
    if (members[index].is_set != ((kind->members & members[index].member) != 0)) {
      FAIL("%s: %s is %d", kind->name, members[index].name, members[index].is_set);
    }
  }
  if (kind->members & HAS_ONE_OBJECT) {
    CHECK_NUMBER(objects, 1);
    CHECK_NUMBER(event->request, 0);
    CHECK_NUMBER(event->gossip, 0);
    CHECK_NUMBER(event->kind, 0);
  }
  if (event->data == NULL) FAIL("%s: data is NULL", kind->name);
  if (!(kind->members & HAS_DATA)) CHECK_NUMBER(event->length, 0);
  if (!(kind->members & HAS_STATUS)) CHECK_NUMBER(event->status, 0);
  if (!(kind->members & HAS_CODE)) CHECK_NUMBER(event->code, 0);
  if (!(kind->members & HAS_CLEAN)) CHECK_NUMBER(event->clean, 0);
  if (!(kind->members & HAS_COUNT)) CHECK_NUMBER(event->count, 0);
  CHECK((event->results != NULL) == ((kind->members & HAS_RESULTS) != 0 && event->count > 0));
  CHECK_NUMBER(event->reserved, 0);
  if (kind->members & HAS_USER) {
    int is_gateway = (kind->members & HAS_SHARD) == 0;
    CHECK(event->user == (is_gateway ? &host->gateway_user : &host->shard_user));
  } else if (!(kind->members & HAS_CALL_USER)) {
    CHECK(event->user == NULL);
  }
}

static inline int event_is(const dog_event_t *event, const char *text) {
  return event->length == strlen(text) && memcmp(event->data, text, event->length) == 0;
}

#define CHECK_DATA(event, text)                                                                                        \
  do {                                                                                                                 \
    const dog_event_t *is = (event);                                                                                   \
    if (!event_is(is, text)) FAIL("\"%.*s\", not \"%s\"", (int)is->length, (const char *)is->data, text);              \
  } while (0)

/* ---- the host ---------------------------------------------------------------------------------------------------- */

/* Without log events, which would come in between: a check that is about them sets options.log to NULL. */
static inline void host_init(host_t *host) {
  memset(host, 0, sizeof *host);
  app_init(&host->app);
  host->app.options.delivery = DOG_DELIVERY_EVENTS;
  host->app.gateway.identify = NULL;
  host->app.gateway.user = &host->gateway_user;
  host->app.shard.receive = NULL;
  host->app.shard.user = &host->shard_user;
}

static inline void host_start(host_t *host) { app_start(&host->app); }

/* The next event, however long that takes. */
static inline const dog_event_t *host_next(host_t *host) {
  size_t count = 0;
  do {
    memset(&host->event, 0xaa, sizeof host->event);
    CHECK_OK(dog_engine_poll(host->app.engine, &host->event, 1, -1, &count));
    CHECK(count <= 1);
  } while (count == 0);
  event_check(host, &host->event);
  return &host->event;
}

/* The next event is of this type. */
static inline const dog_event_t *host_expect(host_t *host, dog_event_type_t type) {
  const dog_event_t *event = host_next(host);
  if (event->type != type) FAIL("%s comes, not %s", event_name(event->type), event_name(type));
  return event;
}

/* There is none, now and in the time that a packet takes on this machine. */
static inline void host_expect_nothing(host_t *host) {
  size_t count = 1;
  CHECK_OK(dog_engine_poll(host->app.engine, &host->event, 1, 50, &count));
  if (count != 0) FAIL("%s comes, and nothing was to come", event_name(host->event.type));
}

/* As app_identify and app_receive do it. */
static inline void host_identify(const dog_event_t *event) {
  const char *uid = "anon";
  size_t length = 4;
  dog_request_query(event->request, "u", 1, &uid, &length);
  CHECK_EITHER(dog_request_identify(event->request, uid, length), DOG_OK, DOG_ESTALE);
}

static inline void host_receive(const dog_event_t *event) {
  if (app_wants_websocket(event->request)) {
    CHECK_EITHER(dog_request_connect(event->request, NULL), DOG_OK, DOG_ESTALE);
  } else {
    CHECK_EITHER(app_respond(event->request, 200, "hello"), DOG_OK, DOG_ESTALE);
  }
}

/* Answers questions in the usual way. Zero: it is none of them. */
static inline int host_handle(const dog_event_t *event) {
  switch (event->type) {
    case DOG_EVENT_IDENTIFY: host_identify(event); return 1;
    case DOG_EVENT_RECEIVE: host_receive(event); return 1;
    default: return 0;
  }
}

/* The next event of this type; questions on the way are answered, and what else comes is let go. */
static inline const dog_event_t *host_reach(host_t *host, dog_event_type_t type) {
  for (;;) {
    const dog_event_t *event = host_next(host);
    if (event->type == type) return event;
    host_handle(event);
  }
}

/* Makes a WebSocket of a connection: OPEN was the last event then. */
static inline void host_upgrade(host_t *host, client_t *client, const char *target) {
  char request[512];
  snprintf(request, sizeof request,
           "GET %s HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
           target);
  client_say(client, request);
  host_reach(host, DOG_EVENT_OPEN);
  response_t *response = malloc(sizeof *response);
  CHECK(response != NULL);
  client_read_response(client, response, 1);
  CHECK_NUMBER(response->status, 101);
  free(response);
}

static inline client_t *host_open(host_t *host, const char *target) {
  client_t *client = client_connect(host->app.port);
  host_upgrade(host, client, target);
  return client;
}

/* Takes what comes until the engine has stopped. */
static inline void host_drain(host_t *host) { host_reach(host, DOG_EVENT_STOPPED); }

static inline void host_end(host_t *host) {
  CHECK_OK(dog_engine_stop(host->app.engine, 300));
  host_drain(host);
  CHECK_OK(dog_engine_destroy(host->app.engine));
}

static inline uint64_t host_waiting(const host_t *host) { return app_stats(&host->app).events; }

#endif /* EVENTS_H */
