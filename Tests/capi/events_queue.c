/*
 * events_queue.c - what a host that fetches its events is told and in which order, how long it may look at it, and what
 * the getters say meanwhile. What it may not do is in events_misuse.c, what happens when it does not fetch them in
 * events_pressure.c.
 */
#include "events.h"

#include <poll.h>
#include <stdatomic.h>

/* ---- the types, with all their members --------------------------------------------------------------------------- */

static void a_socket_has_its_events_from_its_request_to_its_close(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *client = ws_ask(host.app.port, "/den/ws?u=ann", NULL);

  const dog_event_t *event = host_expect(&host, DOG_EVENT_IDENTIFY);
  CHECK_DATA(event, "den");
  dog_gateway_t gateway = event->gateway;
  CHECK_OK(dog_request_identify(event->request, "ann", 3));

  event = host_expect(&host, DOG_EVENT_START);
  dog_shard_t shard = event->shard;
  CHECK(event->gateway == gateway);
  CHECK_NUMBER(event->length, 32); /* 128 bits in hex */

  event = host_expect(&host, DOG_EVENT_RECEIVE);
  CHECK(event->gateway == gateway && event->shard == shard);
  CHECK_DATA(event, "ann");
  CHECK_OK(dog_request_connect(event->request, NULL));

  event = host_expect(&host, DOG_EVENT_OPEN);
  dog_socket_t socket = event->socket;
  CHECK(event->shard == shard);
  CHECK_DATA(event, "ann");
  response_t response;
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 101);

  ws_say(client, "hello");
  ws_send(client, WS_BINARY, "\0\xff", 2);
  ws_say(client, "");
  event = host_expect(&host, DOG_EVENT_MESSAGE);
  CHECK(event->shard == shard && event->socket == socket);
  CHECK_NUMBER(event->kind, DOG_TEXT);
  CHECK_DATA(event, "hello");
  event = host_expect(&host, DOG_EVENT_MESSAGE);
  CHECK_NUMBER(event->kind, DOG_BINARY);
  CHECK(event->length == 2 && memcmp(event->data, "\0\xff", 2) == 0);
  event = host_expect(&host, DOG_EVENT_MESSAGE);
  CHECK_NUMBER(event->kind, DOG_TEXT);
  CHECK_NUMBER(event->length, 0);

  ws_send(client, WS_CLOSE, "\x0f\xa1" "bye", 5); /* 4001 */
  event = host_expect(&host, DOG_EVENT_CLOSE);
  CHECK(event->shard == shard && event->socket == socket);
  CHECK_NUMBER(event->code, 4001);
  CHECK_NUMBER(event->clean, 1);
  CHECK_DATA(event, "bye");
  WS_EXPECT_CLOSE(client, 4001);
  client_free(client);

  CHECK_OK(dog_engine_stop(host.app.engine, 300));
  CHECK(host_expect(&host, DOG_EVENT_STOP)->shard == shard);
  event = host_expect(&host, DOG_EVENT_RETIRE);
  CHECK(event->gateway == gateway);
  CHECK_DATA(event, "den");
  host_expect(&host, DOG_EVENT_STOPPED);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

static void a_failure_is_told_before_the_close(void) {
  host_t host;
  host_init(&host);
  host.app.options.message_bytes_max = 1000;
  host_start(&host);

  client_t *client = host_open(&host, "/den/ws?u=ann");
  dog_socket_t socket = host.event.socket;
  ws_send(client, 3, "", 0); /* an opcode that there is not */
  const dog_event_t *event = host_expect(&host, DOG_EVENT_ERROR);
  CHECK(event->socket == socket);
  CHECK_STATUS(event->status, DOG_EPROTOCOL);
  event = host_expect(&host, DOG_EVENT_CLOSE);
  CHECK(event->socket == socket);
  CHECK_NUMBER(event->code, 1002);
  CHECK_NUMBER(event->clean, 0);
  client_free(client);

  client = host_open(&host, "/den/ws?u=ann");
  char *large = calloc(1, 1001);
  ws_send(client, WS_BINARY, large, 1001);
  free(large);
  CHECK_STATUS(host_expect(&host, DOG_EVENT_ERROR)->status, DOG_ETOOBIG);
  CHECK_NUMBER(host_expect(&host, DOG_EVENT_CLOSE)->code, 1009);
  client_free(client);

  client = host_open(&host, "/den/ws?u=ann");
  client_reset(client);
  CHECK_STATUS(host_expect(&host, DOG_EVENT_ERROR)->status, DOG_ERESET);
  event = host_expect(&host, DOG_EVENT_CLOSE);
  CHECK_NUMBER(event->code, 1006);
  CHECK_NUMBER(event->clean, 0);
  host_end(&host);
}

static void what_no_route_takes_is_fetched(void) {
  host_t host;
  host_init(&host);
  app_t *app = &host.app;
  int mark = 0;
  CHECK_OK(dog_engine_create(&app->options, &app->engine));
  CHECK_OK(dog_engine_listen(app->engine, NULL, 0, &app->port));
  CHECK_OK(dog_engine_define_gateway(app->engine, &app->gateway));
  CHECK_OK(dog_engine_define_shard(app->engine, &app->shard));
  CHECK_OK(dog_engine_on_fetch(app->engine, NULL, &mark));
  CHECK_OK(dog_engine_start(app->engine));

  client_t *client = client_connect(app->port);
  client_ask(client, "GET", "/somewhere");
  const dog_event_t *event = host_expect(&host, DOG_EVENT_FETCH);
  CHECK(event->user == &mark);
  const char *path = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_path(event->request, &path, &length));
  CHECK(length == 10 && memcmp(path, "/somewhere", 10) == 0);
  CHECK_OK(app_respond(event->request, 201, "made"));
  response_t response;
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 201);

  client_ask(client, "GET", "/elsewhere");
  event = host_expect(&host, DOG_EVENT_FETCH);
  CHECK_OK(dog_request_forward(event->request, "ROOM", 4, "there", 5));
  event = host_expect(&host, DOG_EVENT_IDENTIFY);
  CHECK_DATA(event, "there");
  host_identify(event);
  host_handle(host_reach(&host, DOG_EVENT_RECEIVE));
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 200);
  client_free(client);
  host_end(&host);
}

static void a_new_shard_is_named_by_who_asked_for_that(void) {
  host_t host;
  host_init(&host);
  host.app.gateway.clusterize_events = 1;
  host_start(&host);
  client_t *client = client_connect(host.app.port);
  client_ask(client, "GET", "/den?u=ann");
  const dog_event_t *event = host_expect(&host, DOG_EVENT_IDENTIFY);
  dog_gateway_t gateway = event->gateway;
  host_identify(event);
  event = host_expect(&host, DOG_EVENT_CLUSTERIZE);
  CHECK(event->gateway == gateway);
  CHECK_DATA(event, "den");
  const char *uid = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_uid(event->request, &uid, &length));
  CHECK(length == 3 && memcmp(uid, "ann", 3) == 0);
  CHECK_OK(dog_request_clusterize(event->request, "first", 5));
  CHECK_DATA(host_expect(&host, DOG_EVENT_START), "first");
  host_handle(host_expect(&host, DOG_EVENT_RECEIVE));
  response_t response;
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 200);
  client_free(client);
  host_end(&host);
}

static void a_gateway_can_be_read_until_it_has_retired(void) {
  host_t host;
  host_init(&host);
  host.app.gateway.idle_seconds = 1;
  host.app.gateway.sticky_seconds = 0;
  host_start(&host);
  client_t *client = client_connect(host.app.port);
  client_ask(client, "GET", "/den?u=ann");
  host_handle(host_reach(&host, DOG_EVENT_RECEIVE));
  dog_shard_t shard = host.event.shard;
  CHECK(host_expect(&host, DOG_EVENT_STOP)->shard == shard); /* empty for a second */
  const dog_event_t *event = host_expect(&host, DOG_EVENT_RETIRE);
  dog_gateway_t gateway = event->gateway;
  CHECK_DATA(event, "den");
  const char *name = NULL;
  size_t length = 0;
  CHECK_OK(dog_gateway_name(gateway, &name, &length));
  CHECK(length == 3 && memcmp(name, "den", 3) == 0);
  host_expect_nothing(&host);
  CHECK_STATUS(dog_gateway_name(gateway, &name, &length), DOG_ESTALE);
  CHECK_STATUS(dog_gateway_find(host.app.engine, "ROOM", 4, "den", 3, &gateway), DOG_ENOENT);
  client_free(client);
  host_end(&host);
}

static int can_read(const client_t *client, int timeout_ms) {
  struct pollfd asked = {.fd = client->fd, .events = POLLIN};
  return poll(&asked, 1, timeout_ms) == 1;
}

static void a_drain_tells_how_many_were_dropped(void) {
  enum { PART = 60000 };
  static char part[PART];
  host_t host;
  host_init(&host);
  host.app.options.outbox_bytes_max = 20 * PART;
  host.app.options.outbox_policy = DOG_OUTBOX_DROP_NEWEST;
  host_start(&host);
  client_t *client = host_open(&host, "/den/ws?u=ann");
  dog_socket_t socket = host.event.socket;
  /* From a thread of the host's a send is only queued to the worker: what was dropped is known by the drain alone. */
  enum { SENT = 400 };
  for (int index = 0; index < SENT; index++) {
    CHECK_EITHER(dog_socket_send(socket, DOG_BINARY, part, PART), DOG_OK, DOG_EFULL);
  }
  WAIT_UNTIL(app_stats(&host.app).dropped > 0);
  uint64_t received = 0;
  frame_t *frame = malloc(sizeof *frame);
  /* A last one, once there is room: nothing comes after it. */
  int is_drained = 0;
  while (!is_drained) {
    size_t count = 0;
    CHECK_OK(dog_engine_poll(host.app.engine, &host.event, 1, 0, &count));
    if (count == 1) {
      event_check(&host, &host.event);
      CHECK_NUMBER(host.event.type, DOG_EVENT_DRAIN);
      CHECK(host.event.socket == socket);
      CHECK_NUMBER(host.event.count, app_stats(&host.app).dropped);
      CHECK_OK(dog_socket_send(socket, DOG_TEXT, "last", 4));
      is_drained = 1;
    } else if (client->length > 0 || can_read(client, 10)) { /* nothing more may come before the drain is heard of */
      ws_read(client, frame);
      CHECK_NUMBER(frame->opcode, WS_BINARY);
      received++;
    }
  }
  for (ws_read(client, frame); frame->opcode == WS_BINARY; ws_read(client, frame)) received++;
  CHECK_NUMBER(frame->opcode, WS_TEXT);
  CHECK_NUMBER(received + app_stats(&host.app).dropped, SENT);
  free(frame);
  client_free(client);
  host_end(&host);
}

static void the_log_comes_as_events(void) {
  host_t host;
  host_init(&host);
  host.app.options.log = NULL;
  host.app.options.identify_timeout_ms = 1;
  host_start(&host);
  client_t *client = client_connect(host.app.port);
  client_ask(client, "GET", "/den?u=ann");
  response_t response;
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 503);
  const dog_event_t *event = host_reach(&host, DOG_EVENT_LOG); /* the Gateway's worker may not have heard of it yet */
  CHECK_NUMBER(event->code, DOG_LOG_WARN);
  CHECK(memmem(event->data, event->length, "GET /den", 8) != NULL);
  CHECK(event->length <= 1027 && memchr(event->data, '\n', event->length) == NULL);
  client_free(client);
  host_end(&host);
}

static void a_log_line_that_finds_the_queue_full_is_left_out(void) {
  host_t host;
  host_init(&host);
  host.app.options.log = NULL;
  host.app.options.log_level = DOG_LOG_DEBUG;
  host.app.options.events_max = 4;
  host_start(&host);
  enum { CLIENTS = 20 };
  client_t *clients[CLIENTS];
  for (int index = 0; index < CLIENTS; index++) {
    clients[index] = client_connect(host.app.port);
    client_say(clients[index], "nonsense\r\n\r\n"); /* answered 400, and logged */
    response_t response;
    client_read_response(clients[index], &response, 1);
    CHECK_NUMBER(response.status, 400);
  }
  CHECK(host_waiting(&host) <= 4);
  for (int index = 0; index < CLIENTS; index++) client_free(clients[index]);
  CHECK_OK(dog_engine_stop(host.app.engine, 300));
  host_drain(&host);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

/* ---- outcomes ---------------------------------------------------------------------------------------------------- */

static void a_whisper_is_answered_to_who_whispered(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  int marks[4];
  client_t *ann = host_open(&host, "/den/ws?u=ann");
  dog_socket_t socket = host.event.socket;
  dog_shard_t shard = host.event.shard;
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_shard_gateway(shard, &gateway));
  client_t *bob = host_open(&host, "/den/ws?u=bob");
  client_t *more = host_open(&host, "/den/ws?u=bob");

  CHECK_OK(dog_socket_whisper(socket, "bob", 3, DOG_TEXT, "1", 1, NULL, &marks[0]));
  const dog_event_t *event = host_expect(&host, DOG_EVENT_WHISPERED);
  CHECK(event->user == &marks[0] && event->socket == socket);
  CHECK_NUMBER(event->count, 2);
  CHECK_OK(dog_shard_whisper(shard, "bob", 3, DOG_TEXT, "2", 1, NULL, &marks[1]));
  event = host_expect(&host, DOG_EVENT_WHISPERED);
  CHECK(event->user == &marks[1] && event->shard == shard);
  CHECK_NUMBER(event->count, 2);
  CHECK_OK(dog_gateway_whisper(gateway, "ann", 3, DOG_TEXT, "3", 1, NULL, &marks[2]));
  event = host_expect(&host, DOG_EVENT_WHISPERED);
  CHECK(event->user == &marks[2] && event->gateway == gateway);
  CHECK_NUMBER(event->count, 1);
  CHECK_OK(dog_socket_whisper(socket, "nobody", 6, DOG_TEXT, "4", 1, NULL, &marks[3]));
  event = host_expect(&host, DOG_EVENT_WHISPERED);
  CHECK(event->user == &marks[3]);
  CHECK_NUMBER(event->count, 0);

  /* Nobody wants to know of this one. */
  CHECK_OK(dog_socket_whisper(socket, "bob", 3, DOG_TEXT, "5", 1, NULL, NULL));
  WS_EXPECT(ann, "3");
  client_t *const bobs[] = {bob, more};
  for (int index = 0; index < 2; index++) {
    WS_EXPECT(bobs[index], "1");
    WS_EXPECT(bobs[index], "2");
    WS_EXPECT(bobs[index], "5");
  }
  host_expect_nothing(&host);
  client_free(ann);
  client_free(bob);
  client_free(more);
  host_end(&host);
}

/* Opens sockets of these uids, each on a Shard of its own. */
static void open_siblings(host_t *host, client_t **clients, dog_shard_t *shards, int count) {
  char target[64];
  for (int index = 0; index < count; index++) {
    snprintf(target, sizeof target, "/den/ws?u=%d", index);
    clients[index] = host_open(host, target);
    shards[index] = host->event.shard;
    for (int other = 0; other < index; other++) CHECK(shards[other] != shards[index]);
  }
}

static void gossip_is_asked_answered_and_collected(void) {
  enum { SHARDS = 4 };
  host_t host;
  host_init(&host);
  host.app.gateway.limit = 1;
  host.app.shard.gossip_events = 1;
  host_start(&host);
  int marks[3];
  client_t *clients[SHARDS];
  dog_shard_t shards[SHARDS];
  open_siblings(&host, clients, shards, 1);
  CHECK_OK(dog_shard_gossip(shards[0], "who?", 4, 0, NULL, &marks[0]));
  const dog_event_t *event = host_expect(&host, DOG_EVENT_GOSSIPED);
  CHECK(event->user == &marks[0] && event->shard == shards[0]);
  CHECK_NUMBER(event->count, 0);
  for (int index = 1; index < SHARDS; index++) {
    char target[64];
    snprintf(target, sizeof target, "/den/ws?u=%d", index);
    clients[index] = host_open(&host, target);
    shards[index] = host.event.shard;
  }

  /* One replies, one fails, one says nothing. */
  CHECK_OK(dog_shard_gossip(shards[0], "who?", 4, 300, NULL, &marks[1]));
  int asked = 0;
  while (asked < SHARDS - 1) {
    event = host_expect(&host, DOG_EVENT_GOSSIP);
    CHECK_DATA(event, "who?");
    CHECK(event->shard != shards[0]);
    if (event->shard == shards[1]) CHECK_OK(dog_gossip_reply(event->gossip, "me", 2));
    if (event->shard == shards[2]) CHECK_OK(dog_gossip_fail(event->gossip, "not me", 6));
    if (event->shard != shards[3]) CHECK_STATUS(dog_gossip_reply(event->gossip, "", 0), DOG_ESTALE);
    asked++;
  }
  event = host_expect(&host, DOG_EVENT_GOSSIPED);
  CHECK(event->user == &marks[1] && event->shard == shards[0]);
  CHECK_NUMBER(event->count, SHARDS - 1);
  int found = 0;
  for (size_t index = 0; index < event->count; index++) {
    const dog_gossip_result_t *result = &event->results[index];
    const char *id = NULL;
    size_t length = 0;
    CHECK_OK(dog_shard_id(result->shard, &id, &length));
    CHECK(length == result->shard_id_length && memcmp(id, result->shard_id, length) == 0);
    if (result->shard == shards[1]) {
      CHECK_STATUS(result->status, DOG_OK);
      CHECK(result->length == 2 && memcmp(result->data, "me", 2) == 0);
      found |= 1;
    } else if (result->shard == shards[2]) {
      CHECK_STATUS(result->status, DOG_EHOST);
      CHECK(result->length == 6 && memcmp(result->data, "not me", 6) == 0);
      found |= 2;
    } else {
      CHECK(result->shard == shards[3]);
      CHECK_STATUS(result->status, DOG_ETIMEDOUT);
      CHECK_NUMBER(result->length, 0);
      found |= 4;
    }
  }
  CHECK_NUMBER(found, 7);
  for (int index = 0; index < SHARDS; index++) client_free(clients[index]);
  host_end(&host);
}

static void who_takes_no_gossip_is_not_asked(void) {
  host_t host;
  host_init(&host);
  host.app.gateway.limit = 1;
  host_start(&host);
  int mark = 0;
  client_t *clients[2];
  dog_shard_t shards[2];
  open_siblings(&host, clients, shards, 2);
  CHECK_OK(dog_shard_gossip(shards[0], "who?", 4, 0, NULL, &mark));
  const dog_event_t *event = host_expect(&host, DOG_EVENT_GOSSIPED);
  CHECK(event->user == &mark);
  CHECK_NUMBER(event->count, 1);
  CHECK(event->results[0].shard == shards[1]);
  CHECK_STATUS(event->results[0].status, DOG_ENOHANDLER);
  for (int index = 0; index < 2; index++) client_free(clients[index]);
  host_end(&host);
}

/* A client whose RECEIVE was the last event. */
static client_t *ask_and_receive(host_t *host) {
  client_t *client = client_connect(host->app.port);
  client_ask(client, "GET", "/den?u=ann");
  host_reach(host, DOG_EVENT_RECEIVE);
  return client;
}

static void a_stream_tells_of_room_and_of_its_end(void) {
  enum { PART = 100000 };
  static char part[PART];
  host_t host;
  host_init(&host);
  host_start(&host);
  int mark = 0;
  client_t *client = ask_and_receive(&host);
  dog_request_t request = host.event.request;
  dog_stream_options_t options;
  CHECK_OK(dog_stream_options_init(&options, sizeof options));
  options.user = &mark;
  CHECK_OK(dog_request_respond_begin(request, 200, NULL, 0, &options));
  /* The handle is good to the end, for the getters too. */
  const char *uid = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_uid(request, &uid, &length));
  dog_status_t status = DOG_OK;
  size_t written = 0;
  while ((status = dog_request_respond_write(request, part, PART)) == DOG_OK) written += PART;
  CHECK_STATUS(status, DOG_EFULL);
  response_t response;
  client_read_response(client, &response, 0);
  for (size_t read = 0; read < written; client_consume(client, client->length)) {
    CHECK(client_wait(client, 1));
    read += client->length;
  }
  const dog_event_t *event = host_expect(&host, DOG_EVENT_WRITABLE);
  CHECK(event->user == &mark && event->request == request);
  CHECK_OK(dog_request_uid(request, &uid, &length));
  CHECK_OK(dog_request_respond_write(request, "last", 4));
  CHECK_OK(dog_request_respond_end(request));
  CHECK_STATUS(dog_request_respond_write(request, "later", 5), DOG_ESTALE);
  event = host_expect(&host, DOG_EVENT_ENDED);
  CHECK(event->user == &mark && event->request == request);
  CHECK_STATUS(event->status, DOG_OK);
  CHECK_STATUS(dog_request_uid(request, &uid, &length), DOG_ESTALE);
  client_free(client);
  host_end(&host);
}

static void a_stream_ends_with_its_client_or_its_engine(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  int mark = 0;
  dog_stream_options_t options;
  CHECK_OK(dog_stream_options_init(&options, sizeof options));
  options.user = &mark;
  client_t *client = ask_and_receive(&host);
  CHECK_OK(dog_request_respond_begin(host.event.request, 200, NULL, 0, &options));
  client_reset(client);
  const dog_event_t *event = host_expect(&host, DOG_EVENT_ENDED);
  CHECK(event->user == &mark);
  CHECK_STATUS(event->status, DOG_ERESET);
  client = ask_and_receive(&host);
  CHECK_OK(dog_request_respond_begin(host.event.request, 200, NULL, 0, NULL));
  client_reset(client);
  CHECK(host_expect(&host, DOG_EVENT_ENDED)->user == NULL); /* as there is none in no options */
  client = ask_and_receive(&host);
  CHECK_OK(dog_request_respond_begin(host.event.request, 200, NULL, 0, &options));
  CHECK_OK(dog_request_respond_abort(host.event.request));
  CHECK_STATUS(host_expect(&host, DOG_EVENT_ENDED)->status, DOG_EHOST);
  client_free(client);
  client = ask_and_receive(&host);
  dog_request_t request = host.event.request;
  CHECK_OK(dog_request_respond_begin(request, 200, NULL, 0, &options));
  CHECK_OK(dog_engine_stop(host.app.engine, 0));
  event = host_reach(&host, DOG_EVENT_ENDED);
  CHECK(event->request == request);
  CHECK_STATUS(event->status, DOG_EGONE);
  host_drain(&host);
  CHECK_OK(dog_engine_destroy(host.app.engine));
  client_free(client);
}

/* ---- order and batches ------------------------------------------------------------------------------------------- */

#define TALKERS 6
#define MESSAGES 400

typedef struct talker {
  pthread_t thread;
  uint16_t port;
  int number;
} talker_t;

/* Connects, says numbered messages, closes. */
static void *talk(void *argument) {
  talker_t *talker = argument;
  char text[64];
  snprintf(text, sizeof text, "/room%d/ws?u=%d", talker->number % 2, talker->number);
  client_t *client = ws_open(talker->port, text);
  for (int index = 0; index < MESSAGES; index++) {
    snprintf(text, sizeof text, "%d %d", talker->number, index);
    ws_say(client, text);
  }
  ws_close(client);
  return NULL;
}

/* START, then OPEN, messages in order and CLOSE of each socket, then STOP: whatever else is in between, and however
 * many are taken at a time. */
static void order_with(uint32_t workers, size_t capacity) {
  host_t host;
  host_init(&host);
  host.app.options.workers = workers;
  host.app.gateway.limit = 2; /* several Shards a room */
  host_start(&host);
  talker_t talkers[TALKERS];
  for (int index = 0; index < TALKERS; index++) {
    talkers[index] = (talker_t){.port = host.app.port, .number = index};
    CHECK(pthread_create(&talkers[index].thread, NULL, talk, &talkers[index]) == 0);
  }
  struct {
    dog_shard_t shard;
    int sockets; /* open ones */
    int is_over;
  } shards[TALKERS] = {{0, 0, 0}};
  struct {
    dog_socket_t socket;
    int shard;
    int said;
    int is_over;
  } sockets[TALKERS];
  memset(sockets, 0, sizeof sockets);
  int shard_count = 0, open_count = 0, closed_count = 0, is_stopping = 0, is_stopped = 0;
  dog_event_t *events = calloc(capacity, sizeof *events);
  while (!is_stopped) {
    size_t count = 0;
    CHECK_OK(dog_engine_poll(host.app.engine, events, capacity, -1, &count));
    CHECK(count <= capacity);
    for (size_t index = 0; index < count; index++) {
      const dog_event_t *event = &events[index];
      event_check(&host, event);
      CHECK(!is_stopped);
      if (event->type == DOG_EVENT_STOPPED) {
        is_stopped = 1;
        continue;
      }
      if (event->type == DOG_EVENT_IDENTIFY) host_identify(event);
      if (event->type == DOG_EVENT_IDENTIFY || event->type == DOG_EVENT_RETIRE) continue;
      int shard = 0, socket = 0;
      while (shard < shard_count && shards[shard].shard != event->shard) shard++;
      if (event->type == DOG_EVENT_START) {
        CHECK_NUMBER(shard, shard_count);
        CHECK(shard_count < TALKERS);
        shards[shard_count++].shard = event->shard;
        continue;
      }
      CHECK(shard < shard_count && !shards[shard].is_over);
      while (socket < open_count && sockets[socket].socket != event->socket) socket++;
      switch (event->type) {
        case DOG_EVENT_RECEIVE: host_receive(event); break;
        case DOG_EVENT_OPEN:
          CHECK_NUMBER(socket, open_count);
          sockets[open_count].socket = event->socket;
          sockets[open_count++].shard = shard;
          shards[shard].sockets++;
          break;
        case DOG_EVENT_MESSAGE: {
          CHECK(socket < open_count && sockets[socket].shard == shard && !sockets[socket].is_over);
          const char *uid = NULL;
          size_t length = 0;
          char text[320];
          CHECK_OK(dog_socket_uid(event->socket, &uid, &length));
          snprintf(text, sizeof text, "%.*s %d", (int)length, uid, sockets[socket].said++);
          CHECK_DATA(event, text);
          break;
        }
        case DOG_EVENT_CLOSE:
          CHECK(socket < open_count && sockets[socket].shard == shard && !sockets[socket].is_over);
          CHECK_NUMBER(sockets[socket].said, MESSAGES);
          CHECK_NUMBER(event->code, 1000);
          sockets[socket].is_over = 1;
          shards[shard].sockets--;
          closed_count++;
          break;
        case DOG_EVENT_STOP:
          CHECK_NUMBER(shards[shard].sockets, 0);
          shards[shard].is_over = 1;
          break;
        default: FAIL("%s was not to come", event_name(event->type));
      }
    }
    if (closed_count == TALKERS && !is_stopping) {
      CHECK_OK(dog_engine_stop(host.app.engine, 1000));
      is_stopping = 1;
    }
  }
  for (int shard = 0; shard < shard_count; shard++) CHECK(shards[shard].is_over);
  free(events);
  for (int index = 0; index < TALKERS; index++) pthread_join(talkers[index].thread, NULL);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

static void order_holds_one_event_at_a_time(void) { order_with(1, 1); }
static void order_holds_over_several_workers(void) { order_with(3, 1000); }
static void order_holds_in_small_batches_over_several_workers(void) { order_with(3, 7); }

static void a_poll_gives_all_that_waits_up_to_its_capacity(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *client = host_open(&host, "/den/ws?u=ann");
  char text[16];
  for (int index = 0; index < 50; index++) {
    snprintf(text, sizeof text, "%d", index);
    ws_say(client, text);
  }
  WAIT_UNTIL(host_waiting(&host) == 50);
  dog_event_t events[64];
  static const size_t capacities[] = {1, 1, 7, 31, 64};
  int next = 0;
  for (size_t index = 0; index < sizeof capacities / sizeof capacities[0]; index++) {
    size_t wanted = capacities[index] < (size_t)(50 - next) ? capacities[index] : (size_t)(50 - next), count = 0;
    CHECK_OK(dog_engine_poll(host.app.engine, events, capacities[index], -1, &count));
    CHECK_NUMBER(count, wanted);
    for (size_t at = 0; at < count; at++) {
      snprintf(text, sizeof text, "%d", next++);
      CHECK_DATA(&events[at], text);
    }
    CHECK_NUMBER(host_waiting(&host), 50 - next);
  }
  CHECK_NUMBER(next, 50);
  host_expect_nothing(&host);
  client_free(client);
  host_end(&host);
}

static void what_a_poll_gave_is_good_until_the_next(void) {
  enum { COUNT = 30, LENGTH = 3000 };
  host_t host;
  host_init(&host);
  host.app.gateway.limit = 100;
  host_start(&host);
  client_t *client = host_open(&host, "/den/ws?u=ann");
  client_t *asker = client_connect(host.app.port);
  client_say(asker, "POST /den?u=bob&more=a%20b HTTP/1.1\r\nHost: test\r\nX-Long: one\r\nx-long: two\r\n"
                    "Content-Length: 4\r\n\r\nbody");
  const dog_event_t *asked = host_reach(&host, DOG_EVENT_RECEIVE);
  dog_request_t request = asked->request;
  char message[LENGTH];
  for (int index = 0; index < COUNT; index++) {
    memset(message, 'a' + index % 26, LENGTH);
    ws_send(client, WS_TEXT, message, LENGTH);
  }
  WAIT_UNTIL(host_waiting(&host) == COUNT);
  dog_event_t events[COUNT];
  size_t count = 0;
  CHECK_OK(dog_engine_poll(host.app.engine, events, COUNT, -1, &count));
  CHECK_NUMBER(count, COUNT);
  struct {
    const char *text;
    size_t length;
  } query, header, body, remote, uid, id;
  CHECK_OK(dog_request_query(request, "more", 4, &query.text, &query.length));
  CHECK_OK(dog_request_header(request, "x-long", 6, &header.text, &header.length));
  const void *bytes = NULL;
  CHECK_OK(dog_request_body(request, &bytes, &body.length));
  CHECK_OK(dog_request_remote(request, &remote.text, &remote.length));
  CHECK_OK(dog_socket_uid(events[0].socket, &uid.text, &uid.length));
  CHECK_OK(dog_shard_id(events[0].shard, &id.text, &id.length));

  /* Meanwhile: the request is answered, more messages come, the socket closes. */
  CHECK_OK(app_respond(request, 200, "done"));
  response_t response;
  client_read_response(asker, &response, 1);
  for (int index = 0; index < COUNT; index++) ws_send(client, WS_BINARY, message, LENGTH);
  client_reset(client);
  client_free(asker);
  WAIT_UNTIL(app_stats(&host.app).sockets == 0);

  for (int index = 0; index < COUNT; index++) {
    const char *data = events[index].data;
    CHECK_NUMBER(events[index].length, LENGTH);
    for (int at = 0; at < LENGTH; at++) CHECK(data[at] == 'a' + index % 26);
  }
  CHECK(query.length == 3 && memcmp(query.text, "a b", 3) == 0);
  CHECK(header.length == 8 && memcmp(header.text, "one, two", 8) == 0);
  CHECK(body.length == 4 && memcmp(bytes, "body", 4) == 0);
  CHECK(remote.length > 10 && memcmp(remote.text, "127.0.0.1:", 10) == 0);
  CHECK(uid.length == 3 && memcmp(uid.text, "ann", 3) == 0);
  CHECK_NUMBER(id.length, 32);
  host_reach(&host, DOG_EVENT_CLOSE);
  host_end(&host);
}

/* ---- getters ----------------------------------------------------------------------------------------------------- */

typedef struct looker {
  dog_request_t request;
  dog_shard_t shard;
  dog_socket_t socket;
} looker_t;

/* Every getter, on whatever thread this is. */
static void *look(void *argument) {
  const looker_t *looker = argument;
  const char *text = NULL;
  const void *body = NULL;
  size_t length = 0;
  dog_request_t request = looker->request;
  CHECK_OK(dog_request_method(request, &text, &length));
  CHECK(length == 4 && memcmp(text, "POST", 4) == 0);
  CHECK_OK(dog_request_target(request, &text, &length));
  CHECK(length == 12 && memcmp(text, "/den?u=b%6fb", 12) == 0);
  CHECK_OK(dog_request_path(request, &text, &length));
  CHECK(length == 4 && memcmp(text, "/den", 4) == 0);
  CHECK_OK(dog_request_body(request, &body, &length));
  CHECK(length == 4 && memcmp(body, "body", 4) == 0);
  CHECK_OK(dog_request_remote(request, &text, &length));
  CHECK_STATUS(dog_request_client_subject(request, &text, &length), DOG_ENOENT);
  CHECK_OK(dog_request_query(request, "u", 1, &text, &length));
  CHECK(length == 3 && memcmp(text, "bob", 3) == 0);
  CHECK_STATUS(dog_request_query(request, "v", 1, &text, &length), DOG_ENOENT);
  CHECK_OK(dog_request_header(request, "HOST", 4, &text, &length));
  CHECK(length == 4 && memcmp(text, "test", 4) == 0);
  dog_header_t header;
  CHECK_OK(dog_request_header_at(request, 1, &header));
  CHECK(header.name_length == 22 && memcmp(header.name, "Sec-WebSocket-Protocol", 22) == 0);
  CHECK_OK(dog_request_protocol_at(request, 1, &text, &length));
  CHECK(length == 3 && memcmp(text, "two", 3) == 0);
  CHECK_OK(dog_request_uid(request, &text, &length));
  CHECK(length == 3 && memcmp(text, "bob", 3) == 0);

  dog_shard_t shard = 0;
  void *data = NULL;
  CHECK_OK(dog_socket_uid(looker->socket, &text, &length));
  CHECK(length == 3 && memcmp(text, "ann", 3) == 0);
  CHECK_OK(dog_socket_shard(looker->socket, &shard));
  CHECK(shard == looker->shard);
  CHECK_STATUS(dog_socket_buffered(looker->socket, &length), DOG_ETHREAD);
  CHECK_OK(dog_socket_set_data(looker->socket, &length));
  CHECK_OK(dog_socket_data(looker->socket, &data));
  CHECK(data == &length);
  CHECK_OK(dog_shard_set_data(looker->shard, &data));
  CHECK_OK(dog_shard_data(looker->shard, &data));
  CHECK(data == &data);
  CHECK_OK(dog_shard_id(looker->shard, &text, &length));
  CHECK_NUMBER(length, 32);
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_shard_gateway(looker->shard, &gateway));
  CHECK_OK(dog_gateway_name(gateway, &text, &length));
  CHECK(length == 3 && memcmp(text, "den", 3) == 0);
  dog_socket_t sockets[2] = {0, 0};
  CHECK_OK(dog_shard_count(looker->shard, &length));
  CHECK_NUMBER(length, 1);
  CHECK_OK(dog_shard_sockets(looker->shard, sockets, 2, &length));
  CHECK_NUMBER(length, 1);
  CHECK(sockets[0] == looker->socket && sockets[1] == 0);
  CHECK_OK(dog_shard_sockets(looker->shard, NULL, 0, &length));
  CHECK_NUMBER(length, 1);
  return NULL;
}

static void getters_may_be_called_on_any_thread(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  looker_t looker;
  client_t *client = host_open(&host, "/den/ws?u=ann");
  looker.shard = host.event.shard;
  looker.socket = host.event.socket;
  client_t *asker = client_connect(host.app.port);
  client_say(asker, "POST /den?u=b%6fb HTTP/1.1\r\nHost: test\r\nSec-WebSocket-Protocol: one, two\r\n"
                    "Content-Length: 4\r\n\r\nbody");
  looker.request = host_reach(&host, DOG_EVENT_RECEIVE)->request;
  look(&looker);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, look, &looker) == 0);
  pthread_join(thread, NULL);
  CHECK_OK(app_respond(looker.request, 200, "seen"));
  response_t response;
  client_read_response(asker, &response, 1);
  CHECK_NUMBER(response.status, 200);
  const char *text = NULL;
  size_t length = 0;
  CHECK_STATUS(dog_request_path(looker.request, &text, &length), DOG_ESTALE);
  client_free(asker);
  client_free(client);
  host_end(&host);
}

static void getters_say_what_was_true_at_the_last_event(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *ann = host_open(&host, "/den/ws?u=ann");
  dog_socket_t first = host.event.socket;
  dog_shard_t shard = host.event.shard;
  client_t *bob = ws_ask(host.app.port, "/den/ws?u=bob", NULL);
  host_handle(host_reach(&host, DOG_EVENT_RECEIVE));
  WAIT_UNTIL(app_stats(&host.app).sockets == 2);

  size_t count = 0;
  dog_socket_t sockets[3] = {0, 0, 0};
  CHECK_OK(dog_shard_count(shard, &count));
  CHECK_NUMBER(count, 1);
  CHECK_OK(dog_shard_sockets(shard, sockets, 3, &count));
  CHECK(count == 1 && sockets[0] == first);
  dog_socket_t second = host_expect(&host, DOG_EVENT_OPEN)->socket;
  CHECK_OK(dog_shard_sockets(shard, sockets, 3, &count));
  CHECK_NUMBER(count, 2);
  CHECK((sockets[0] == first && sockets[1] == second) || (sockets[0] == second && sockets[1] == first));
  CHECK_OK(dog_shard_sockets(shard, sockets, 1, &count));
  CHECK_NUMBER(count, 2);

  client_free(ann);
  WAIT_UNTIL(app_stats(&host.app).sockets == 1);
  CHECK_OK(dog_shard_count(shard, &count));
  CHECK_NUMBER(count, 2);
  const char *uid = NULL;
  size_t length = 0;
  CHECK_OK(dog_socket_uid(first, &uid, &length));
  CHECK(host_reach(&host, DOG_EVENT_CLOSE)->socket == first);
  CHECK_OK(dog_shard_sockets(shard, sockets, 3, &count));
  CHECK(count == 1 && sockets[0] == second);
  /* To the next poll it can be read, and no longer. */
  CHECK_OK(dog_socket_uid(first, &uid, &length));
  CHECK(length == 3 && memcmp(uid, "ann", 3) == 0);
  CHECK_EITHER(dog_socket_send(first, DOG_TEXT, "x", 1), DOG_ECLOSED, DOG_ESTALE);
  host_expect_nothing(&host);
  CHECK_STATUS(dog_socket_uid(first, &uid, &length), DOG_ESTALE);
  CHECK_STATUS(dog_socket_set_data(first, NULL), DOG_ESTALE);
  CHECK_STATUS(dog_socket_send(first, DOG_TEXT, "x", 1), DOG_ESTALE);
  CHECK_STATUS(dog_socket_close(first, 1000, NULL, 0), DOG_ESTALE);

  client_free(bob);
  CHECK_OK(dog_engine_stop(host.app.engine, 300));
  host_reach(&host, DOG_EVENT_STOP);
  CHECK_OK(dog_shard_id(shard, &uid, &length));
  CHECK_OK(dog_shard_count(shard, &count));
  CHECK_NUMBER(count, 0);
  host_expect(&host, DOG_EVENT_RETIRE);
  CHECK_STATUS(dog_shard_id(shard, &uid, &length), DOG_ESTALE);
  host_drain(&host);
  CHECK_OK(dog_engine_destroy(host.app.engine));
  CHECK_STATUS(dog_shard_id(shard, &uid, &length), DOG_ESTALE);
}

static void a_handle_can_be_read_from_its_first_event_on(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *client = ws_ask(host.app.port, "/den/ws?u=ann", NULL);
  host_handle(host_expect(&host, DOG_EVENT_IDENTIFY));
  const dog_event_t *event = host_expect(&host, DOG_EVENT_START);
  const char *text = NULL;
  size_t length = 0, count = 9;
  CHECK_OK(dog_shard_id(event->shard, &text, &length));
  CHECK(length == event->length && memcmp(text, event->data, length) == 0);
  CHECK_OK(dog_shard_count(event->shard, &count));
  CHECK_NUMBER(count, 0);
  void *data = &host;
  CHECK_OK(dog_shard_data(event->shard, &data));
  CHECK(data == NULL);
  host_handle(host_expect(&host, DOG_EVENT_RECEIVE));
  event = host_expect(&host, DOG_EVENT_OPEN);
  CHECK_OK(dog_socket_uid(event->socket, &text, &length));
  CHECK_OK(dog_socket_data(event->socket, &data));
  CHECK(data == NULL);
  client_free(client);
  host_end(&host);
}

static void data_of_the_host_is_there_from_start_to_end(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  int of_shard, of_connect, of_socket;
  client_t *client = ws_ask(host.app.port, "/den/ws?u=ann", NULL);
  host_handle(host_expect(&host, DOG_EVENT_IDENTIFY));
  dog_shard_t shard = host_expect(&host, DOG_EVENT_START)->shard;
  CHECK_OK(dog_shard_set_data(shard, &of_shard));
  const dog_event_t *event = host_expect(&host, DOG_EVENT_RECEIVE);
  dog_connect_options_t options;
  CHECK_OK(dog_connect_options_init(&options, sizeof options));
  options.data = &of_connect;
  CHECK_OK(dog_request_connect(event->request, &options));
  event = host_expect(&host, DOG_EVENT_OPEN);
  dog_socket_t socket = event->socket;
  void *data = NULL;
  CHECK_OK(dog_socket_data(socket, &data));
  CHECK(data == &of_connect);
  CHECK_OK(dog_socket_set_data(socket, &of_socket));
  response_t response;
  client_read_response(client, &response, 1);
  ws_say(client, "hello");
  host_expect(&host, DOG_EVENT_MESSAGE);
  CHECK_OK(dog_socket_data(socket, &data));
  CHECK(data == &of_socket);
  ws_close(client);
  host_expect(&host, DOG_EVENT_CLOSE);
  CHECK_OK(dog_socket_data(socket, &data));
  CHECK(data == &of_socket);
  CHECK_OK(dog_engine_stop(host.app.engine, 300));
  host_expect(&host, DOG_EVENT_STOP);
  CHECK_OK(dog_shard_data(shard, &data));
  CHECK(data == &of_shard);
  host_drain(&host);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static dog_request_t late_request;

static void *identify_late(void *unused) {
  (void)unused;
  const char *uid = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_query(late_request, "u", 1, &uid, &length));
  CHECK_OK(dog_request_identify(late_request, uid, length));
  return NULL;
}

static void answers_may_come_later_and_from_another_thread(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *late = client_connect(host.app.port);
  client_ask(late, "GET", "/den?u=late");
  late_request = host_expect(&host, DOG_EVENT_IDENTIFY)->request;
  client_t *early = host_open(&host, "/den/ws?u=early");
  ws_say(early, "hello");
  host_expect(&host, DOG_EVENT_MESSAGE);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, identify_late, NULL) == 0);
  const dog_event_t *event = host_expect(&host, DOG_EVENT_RECEIVE);
  pthread_join(thread, NULL);
  CHECK_DATA(event, "late");
  dog_request_t request = event->request;
  ws_say(early, "hello again");
  host_expect(&host, DOG_EVENT_MESSAGE);
  CHECK_OK(app_respond(request, 200, "at last"));
  CHECK_STATUS(app_respond(request, 200, "again"), DOG_ESTALE);
  CHECK_STATUS(dog_request_identify(late_request, "late", 4), DOG_ESTALE);
  response_t response;
  client_read_response(late, &response, 1);
  CHECK(strcmp(response.body, "at last") == 0);
  client_free(late);
  client_free(early);
  host_end(&host);
}

static void an_answer_to_another_question_leaves_it_open(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *client = client_connect(host.app.port);
  client_ask(client, "GET", "/den?u=ann");
  const dog_event_t *event = host_expect(&host, DOG_EVENT_IDENTIFY);
  CHECK_STATUS(dog_request_connect(event->request, NULL), DOG_EKIND);
  CHECK_STATUS(dog_request_clusterize(event->request, "x", 1), DOG_EKIND);
  CHECK_STATUS(dog_gossip_reply(event->request, "x", 1), DOG_EKIND);
  host_identify(event);
  event = host_reach(&host, DOG_EVENT_RECEIVE);
  CHECK_STATUS(dog_request_identify(event->request, "ann", 3), DOG_EKIND);
  CHECK_STATUS(dog_request_connect(event->request, NULL), DOG_EUPGRADE); /* answered 426 */
  response_t response;
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 426);
  client_free(client);
  host_end(&host);
}

static void a_client_that_leaves_takes_its_question_with_it(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *client = client_connect(host.app.port);
  client_ask(client, "GET", "/den?u=ann");
  dog_request_t request = host_expect(&host, DOG_EVENT_IDENTIFY)->request;
  client_reset(client);
  app_wait_until_empty(&host.app);
  const char *path = NULL;
  size_t length = 0;
  CHECK_STATUS(dog_request_path(request, &path, &length), DOG_ESTALE);
  CHECK_STATUS(dog_request_identify(request, "ann", 3), DOG_ESTALE);
  host_expect(&host, DOG_EVENT_RETIRE); /* a Gateway with nothing to remember */
  host_expect_nothing(&host);
  host_end(&host);
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static void everything_sends_as_from_a_thread_of_the_hosts(void) {
  host_t host;
  host_init(&host);
  host.app.gateway.limit = 2;
  host_start(&host);
  client_t *ann = host_open(&host, "/den/ws?u=ann");
  dog_socket_t socket = host.event.socket;
  dog_shard_t shard = host.event.shard;
  client_t *bob = host_open(&host, "/den/ws?u=bob");
  client_t *cat = host_open(&host, "/den/ws?u=cat"); /* on another Shard */
  CHECK(host.event.shard != shard);
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_gateway_find(host.app.engine, "ROOM", 4, "den", 3, &gateway));
  CHECK_OK(dog_socket_send(socket, DOG_TEXT, "1", 1));
  CHECK_OK(dog_socket_emit(socket, DOG_TEXT, 0, "2", 1));
  CHECK_OK(dog_socket_emit(socket, DOG_TEXT, DOG_TO_SELF, "3", 1));
  CHECK_OK(dog_socket_broadcast(socket, DOG_TEXT, DOG_TO_SELF, "4", 1));
  WS_EXPECT(ann, "1");
  WS_EXPECT(ann, "3");
  WS_EXPECT(ann, "4");
  WS_EXPECT(bob, "2");
  WS_EXPECT(bob, "3");
  WS_EXPECT(bob, "4");
  WS_EXPECT(cat, "4");
  CHECK_OK(dog_shard_emit(shard, DOG_TEXT, "5", 1));
  CHECK_OK(dog_shard_broadcast(shard, DOG_TEXT, "6", 1));
  WS_EXPECT(ann, "5");
  WS_EXPECT(ann, "6");
  WS_EXPECT(bob, "5");
  WS_EXPECT(bob, "6");
  WS_EXPECT(cat, "6");
  CHECK_OK(dog_gateway_broadcast(gateway, DOG_TEXT, "7", 1));
  client_t *const all[] = {ann, bob, cat};
  for (int index = 0; index < 3; index++) WS_EXPECT(all[index], "7");
  CHECK_OK(dog_socket_close(socket, 4002, "over", 4));
  WS_EXPECT_CLOSE(ann, 4002);
  const dog_event_t *event = host_expect(&host, DOG_EVENT_CLOSE);
  CHECK(event->socket == socket);
  CHECK_NUMBER(event->code, 4002);
  CHECK_NUMBER(event->clean, 1);
  for (int index = 0; index < 3; index++) client_free(all[index]);
  host_end(&host);
}

#define ROW(check) {#check, check}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(a_socket_has_its_events_from_its_request_to_its_close),
      ROW(a_failure_is_told_before_the_close),
      ROW(what_no_route_takes_is_fetched),
      ROW(a_new_shard_is_named_by_who_asked_for_that),
      ROW(a_gateway_can_be_read_until_it_has_retired),
      ROW(a_drain_tells_how_many_were_dropped),
      ROW(the_log_comes_as_events),
      ROW(a_log_line_that_finds_the_queue_full_is_left_out),
      ROW(a_whisper_is_answered_to_who_whispered),
      ROW(gossip_is_asked_answered_and_collected),
      ROW(who_takes_no_gossip_is_not_asked),
      ROW(a_stream_tells_of_room_and_of_its_end),
      ROW(a_stream_ends_with_its_client_or_its_engine),
      ROW(order_holds_one_event_at_a_time),
      ROW(order_holds_over_several_workers),
      ROW(order_holds_in_small_batches_over_several_workers),
      ROW(a_poll_gives_all_that_waits_up_to_its_capacity),
      ROW(what_a_poll_gave_is_good_until_the_next),
      ROW(getters_may_be_called_on_any_thread),
      ROW(getters_say_what_was_true_at_the_last_event),
      ROW(a_handle_can_be_read_from_its_first_event_on),
      ROW(data_of_the_host_is_there_from_start_to_end),
      ROW(answers_may_come_later_and_from_another_thread),
      ROW(an_answer_to_another_question_leaves_it_open),
      ROW(a_client_that_leaves_takes_its_question_with_it),
      ROW(everything_sends_as_from_a_thread_of_the_hosts),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
