/*
 * limits.c - every limit that an option sets, reached: what the client gets, what the host is told, and that it goes on
 * afterwards.
 */
#include "app.h"

#include <stdatomic.h>

static gate_t opened = GATE_INITIALIZER;
static gate_t closed = GATE_INITIALIZER;
static gate_t drained = GATE_INITIALIZER;
static _Atomic dog_socket_t last_socket;
static _Atomic dog_status_t last_error;
static _Atomic int errors, last_code, last_clean;
static _Atomic uint64_t last_dropped;

static dog_status_t onopen_note(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user, (void)shard;
  last_socket = socket;
  gate_pass(&opened);
  return DOG_OK;
}
static dog_status_t onmessage_echo(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                   const void *data, size_t length) {
  (void)user, (void)shard;
  dog_socket_send(socket, kind, data, length);
  return DOG_OK;
}
static void onerror_note(void *user, dog_shard_t shard, dog_socket_t socket, dog_status_t error) {
  (void)user, (void)shard, (void)socket;
  last_error = error;
  errors++;
}
static void onclose_note(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                         size_t reason_length, int clean) {
  (void)user, (void)shard, (void)socket, (void)reason, (void)reason_length;
  last_code = code;
  last_clean = clean;
  gate_pass(&closed);
}
static void ondrain_note(void *user, dog_shard_t shard, dog_socket_t socket, uint64_t dropped) {
  (void)user, (void)shard, (void)socket;
  last_dropped += dropped;
  gate_pass(&drained);
}

static void app_init_noting(app_t *app) {
  app_init(app);
  app->shard.onopen = onopen_note;
  app->shard.onmessage = onmessage_echo;
  app->shard.onerror = onerror_note;
  app->shard.onclose = onclose_note;
  app->shard.ondrain = ondrain_note;
}

/* ---- how many ---------------------------------------------------------------------------------------------------- */

static void one_gateway_too_many_is_503(void) {
  app_t app;
  app_init_noting(&app);
  app.options.gateways_max = 2;
  app_start(&app);
  client_t *one = ws_open(app.port, "/one/ws"), *two = ws_open(app.port, "/two/ws");
  CHECK_NUMBER(http_get(app.port, "/three", NULL), 503);
  CHECK_NUMBER(http_get(app.port, "/one", NULL), 200);
  CHECK_NUMBER(app_stats(&app).gateways, 2);
  ws_close(two);
  gate_wait(&closed, 1);
  WAIT_UNTIL(app_stats(&app).places == 1);
  /* G9: what is empty makes room, and what is not does not. */
  static const char *const names[] = {"/three", "/four", "/one"};
  for (int index = 0; index < 3; index++) CHECK_NUMBER(http_get(app.port, names[index], NULL), 200);
  CHECK_NUMBER(app_stats(&app).gateways, 2);
  ws_close(one);
  app_wait_until_empty(&app);
  app_end(&app);
}

static void one_shard_too_many_is_503(void) {
  app_t app;
  app_init_noting(&app);
  app.options.shards_max = 2;
  app.gateway.limit = 1;
  app_start(&app);
  client_t *one = ws_open(app.port, "/room/ws?u=1"), *two = ws_open(app.port, "/room/ws?u=2");
  CHECK_NUMBER(http_get(app.port, "/room?u=3", NULL), 503);
  ws_close(one);
  gate_wait(&closed, 1);
  WAIT_UNTIL(app_stats(&app).places == 1);
  CHECK_NUMBER(http_get(app.port, "/room?u=3", NULL), 200);
  ws_close(two);
  app_wait_until_empty(&app);
  CHECK_NUMBER(app_stats(&app).shards, 2);
  app_end(&app);
}

static void one_connection_too_many_is_503(void) {
  app_t app;
  app_init(&app);
  app.options.connections_max = 3;
  app_start(&app);
  client_t *clients[3];
  response_t response;
  for (int index = 0; index < 3; index++) {
    clients[index] = client_connect(app.port);
    client_ask(clients[index], "GET", "/room");
    client_read_response(clients[index], &response, 1);
    CHECK_NUMBER(response.status, 200);
  }
  for (int round = 0; round < 5; round++) {
    client_t *refused = client_connect(app.port);
    client_read_response(refused, &response, 1);
    CHECK_NUMBER(response.status, 503);
    client_drain(refused);
    client_free(refused);
  }
  client_ask(clients[1], "GET", "/room"); /* those that it has are served */
  client_read_response(clients[1], &response, 1);
  CHECK_NUMBER(response.status, 200);
  client_free(clients[0]);
  WAIT_UNTIL(app_stats(&app).connections == 2);
  CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
  client_free(clients[1]);
  client_free(clients[2]);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- how long ---------------------------------------------------------------------------------------------------- */

static void what_is_too_long_has_its_status(void) {
  static const struct {
    const char *request;
    int status;
  } table[] = {
      {"GET /room HTTP/1.1\r\nHost: t\r\n\r\n", 200},
      {"GET /room?0123456789 HTTP/1.1\r\nHost: t\r\n\r\n", 200},
      {"GET /room?0123456789a HTTP/1.1\r\nHost: t\r\n\r\n", 414},
      {"GET /room HTTP/1.1\r\nHost: t\r\na: b\r\nc: d\r\n\r\n", 200},
      {"GET /room HTTP/1.1\r\nHost: t\r\na: b\r\nc: d\r\ne: f\r\n\r\n", 431},
      {"GET /room HTTP/1.1\r\nHost: t\r\na: 01234567890123456789012345678901234567890123456789"
       "0123456789\r\nc: 0123456789\r\n\r\n",
       431},
      {"PUT /room HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n01234", 200},
      {"PUT /room HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\n012345", 413},
      {"PUT /room HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n0\r\n\r\n", 413},
  };
  app_t app;
  app_init(&app);
  app.options.target_bytes_max = 16;
  app.options.header_bytes_max = 100;
  app.options.header_count_max = 3;
  app.options.body_bytes_max = 5;
  app_start(&app);
  for (size_t index = 0; index < sizeof table / sizeof table[0]; index++) {
    response_t response;
    client_t *client = client_connect(app.port);
    client_say(client, table[index].request);
    client_read_response(client, &response, 1);
    if (response.status != table[index].status) {
      FAIL("row %zu: the client got %d, not %d", index, response.status, table[index].status);
    }
    client_free(client);
  }
  app_wait_until_empty(&app);
  app_end(&app);
}

static void a_message_too_long_is_closed_with_1009(void) {
  app_t app;
  app_init_noting(&app);
  app.options.message_bytes_max = 1000;
  app_start(&app);
  char text[1002];
  memset(text, 'a', sizeof text);
  client_t *client = ws_open(app.port, "/room/ws");
  ws_send(client, WS_TEXT, text, 1000);
  text[1000] = '\0';
  WS_EXPECT(client, text);
  ws_send(client, WS_TEXT, text, 1001);
  WS_EXPECT_CLOSE(client, 1009);
  client_free(client);
  gate_wait(&closed, 1);
  CHECK_STATUS(last_error, DOG_ETOOBIG);
  CHECK_NUMBER(errors, 1);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- how slow: an outbox that fills ------------------------------------------------------------------------------ */

#define FLOOD 1000 /* ten times what the outbox holds */
#define FLOOD_BYTES 10000

/* What a flood came to on the worker, where each send tells at once. */
static _Atomic int flood_sent, flood_slow, flood_closed;

static dog_status_t onmessage_flood(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                    const void *data, size_t length) {
  (void)user, (void)shard, (void)kind, (void)data, (void)length;
  static char message[FLOOD_BYTES];
  memset(message, ' ', sizeof message);
  for (int index = 0; index < FLOOD; index++) {
    snprintf(message, sizeof message, "%d", index);
    message[strlen(message)] = ' ';
    switch ((int)dog_socket_send(socket, DOG_BINARY, message, sizeof message)) {
      case DOG_OK: flood_sent++; break;
      case DOG_ESLOW: flood_slow++; break;
      case DOG_ECLOSED: flood_closed++; break;
      default: FAIL("send gave something else");
    }
  }
  return DOG_OK;
}

/* A client that asks for a flood, and only then reads. */
static client_t *open_flood(app_t *app, dog_outbox_policy_t policy) {
  app_init_noting(app);
  app->options.outbox_bytes_max = 1000000;
  app->options.outbox_policy = policy;
  app->shard.onmessage = onmessage_flood;
  app_start(app);
  client_t *client = ws_open(app->port, "/room/ws");
  ws_say(client, "flood");
  return client;
}

static void a_slow_socket_is_closed_with_1013(void) {
  app_t app;
  client_t *client = open_flood(&app, DOG_OUTBOX_CLOSE);
  WAIT_UNTIL(flood_sent + flood_slow + flood_closed == FLOOD);
  frame_t *frame = malloc(sizeof *frame);
  CHECK(frame != NULL);
  int messages = 0;
  for (ws_read(client, frame); frame->opcode == WS_BINARY; ws_read(client, frame)) {
    CHECK_NUMBER(atoi(frame->data), messages); /* nothing is lost in between */
    messages++;
  }
  CHECK(frame->opcode == WS_CLOSE && frame->length >= 2);
  CHECK_NUMBER((unsigned char)frame->data[0] << 8 | (unsigned char)frame->data[1], 1013);
  ws_send(client, WS_CLOSE, frame->data, frame->length);
  client_drain(client);
  client_free(client);
  gate_wait(&closed, 1);
  CHECK_STATUS(last_error, DOG_ESLOW);
  CHECK_NUMBER(errors, 1);
  CHECK_NUMBER(messages, flood_sent);
  CHECK(flood_slow >= 1 && flood_sent + flood_slow + flood_closed == FLOOD);
  free(frame);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* Reads to the last message that is there: they come in order, and all that are missing were counted. */
static void check_dropped(app_t *app, client_t *client, int first, int last) {
  frame_t *frame = malloc(sizeof *frame);
  CHECK(frame != NULL);
  int messages = 0, before = -1;
  do {
    ws_read(client, frame);
    CHECK(frame->opcode == WS_BINARY && frame->length == FLOOD_BYTES);
    int number = atoi(frame->data);
    CHECK(number > before);
    if (messages == 0 && first >= 0) CHECK_NUMBER(number, first);
    before = number;
    messages++;
    if (last < 0) last = flood_sent - 1;
  } while (before < last);
  gate_wait(&drained, 1);
  CHECK_NUMBER(last_dropped, FLOOD - messages);
  CHECK_NUMBER(app_stats(app).dropped, FLOOD - messages);
  CHECK(messages >= 90 && messages < FLOOD); /* the outbox holds nearly a hundred, and the kernel some more */
  CHECK(errors == 0 && gate_count(&closed) == 0);
  CHECK_OK(dog_socket_send(last_socket, DOG_TEXT, "and on", 6)); /* the socket lives on */
  ws_read(client, frame);
  CHECK(strcmp(frame->data, "and on") == 0);
  free(frame);
  ws_close(client);
  app_wait_until_empty(app);
  app_end(app);
}

static void a_slow_socket_may_lose_the_newest(void) {
  app_t app;
  client_t *client = open_flood(&app, DOG_OUTBOX_DROP_NEWEST);
  WAIT_UNTIL(flood_sent + flood_slow == FLOOD);
  check_dropped(&app, client, 0, -1);
  CHECK_NUMBER(flood_slow, last_dropped);
}

static void a_slow_socket_may_lose_the_oldest(void) {
  app_t app;
  client_t *client = open_flood(&app, DOG_OUTBOX_DROP_OLDEST);
  WAIT_UNTIL(flood_sent + flood_slow == FLOOD);
  CHECK_NUMBER(flood_slow, 0); /* each new one found room, at the cost of others */
  check_dropped(&app, client, -1, FLOOD - 1);
}

/* ---- how much between workers ------------------------------------------------------------------------------------ */

static gate_t worker_is_held = GATE_INITIALIZER;
static gate_t worker_may_go = GATE_INITIALIZER;

static dog_status_t onmessage_hold(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                   const void *data, size_t length) {
  (void)user, (void)shard, (void)socket, (void)kind, (void)data, (void)length;
  gate_pass(&worker_is_held); /* what no host should do: this worker serves nobody meanwhile */
  gate_wait(&worker_may_go, 1);
  return DOG_OK;
}

static void a_full_mailbox_refuses_and_loses_nothing(void) {
  app_t app;
  app_init_noting(&app);
  app.options.mailbox_bytes_max = 100000;
  app.shard.onmessage = onmessage_hold;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws");
  gate_wait(&opened, 1);
  ws_say(client, "hold");
  gate_wait(&worker_is_held, 1);
  char message[1000];
  memset(message, ' ', sizeof message);
  int sent = 0;
  dog_status_t status = DOG_OK;
  while (sent < 1000) {
    snprintf(message, sizeof message, "%d", sent);
    message[strlen(message)] = ' ';
    status = sent % 2 == 0 ? dog_socket_send(last_socket, DOG_TEXT, message, sizeof message)
                           : dog_socket_broadcast(last_socket, DOG_TEXT, DOG_TO_SELF, message, sizeof message);
    if (status != DOG_OK) break;
    sent++;
  }
  CHECK_STATUS(status, DOG_EFULL);
  CHECK(sent >= 50 && sent <= 100);
  gate_pass(&worker_may_go);
  frame_t *frame = malloc(sizeof *frame);
  CHECK(frame != NULL);
  for (int index = 0; index < sent; index++) {
    ws_read(client, frame);
    CHECK(frame->opcode == WS_TEXT && frame->length == sizeof message);
    CHECK_NUMBER(atoi(frame->data), index);
  }
  free(frame);
  CHECK_OK(dog_socket_send(last_socket, DOG_TEXT, "and on", 6));
  WS_EXPECT(client, "and on");
  ws_close(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* What no mailbox ever has room for, from a thread of the host's and from a callback, where it must go to others. */
#define LETTER_BYTES 128
#define FRAME_HEADER_BYTES 4

static char longest[2000 - LETTER_BYTES - FRAME_HEADER_BYTES + 1];

static dog_status_t onmessage_broadcast_too_much(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                                 const void *data, size_t length) {
  (void)user, (void)shard, (void)kind, (void)data, (void)length;
  CHECK_STATUS(dog_socket_whisper(socket, "1", 1, DOG_BINARY, longest, sizeof longest, NULL, NULL), DOG_ETOOBIG);
  CHECK_STATUS(dog_socket_broadcast(socket, DOG_BINARY, 0, longest, sizeof longest), DOG_ETOOBIG);
  CHECK_OK(dog_socket_broadcast(socket, DOG_BINARY, DOG_TO_SELF, longest, sizeof longest - 1));
  return DOG_OK;
}

static void what_fits_into_no_mailbox_is_too_big(void) {
  app_t app;
  app_init_noting(&app);
  app.options.mailbox_bytes_max = 2000;
  app.gateway.limit = 1; /* a Shard for each, on several workers */
  app.shard.onmessage = onmessage_broadcast_too_much;
  app_start(&app);
  client_t *clients[4];
  for (int index = 0; index < 4; index++) {
    char path[32];
    snprintf(path, sizeof path, "/room/ws?u=%d", index);
    clients[index] = ws_open(app.port, path);
  }
  gate_wait(&opened, 4);
  dog_socket_t socket = last_socket;
  size_t size = sizeof longest;
  CHECK_STATUS(dog_socket_send(socket, DOG_BINARY, longest, size), DOG_ETOOBIG);
  CHECK_STATUS(dog_socket_emit(socket, DOG_BINARY, DOG_TO_SELF, longest, size), DOG_ETOOBIG);
  CHECK_STATUS(dog_socket_broadcast(socket, DOG_BINARY, DOG_TO_SELF, longest, size), DOG_ETOOBIG);
  CHECK_STATUS(dog_socket_whisper(socket, "1", 1, DOG_BINARY, longest, size, NULL, NULL), DOG_ETOOBIG);
  CHECK_OK(dog_socket_broadcast(socket, DOG_BINARY, DOG_TO_SELF, longest, size - 1));
  frame_t *frame = malloc(sizeof *frame);
  CHECK(frame != NULL);
  for (int round = 0; round < 2; round++) {
    for (int index = 0; index < 4; index++) {
      ws_read(clients[index], frame);
      CHECK_NUMBER(frame->length, size - 1);
    }
    if (round == 0) ws_say(clients[0], "now from a callback");
  }
  free(frame);
  for (int index = 0; index < 4; index++) ws_close(clients[index]);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- how many questions ------------------------------------------------------------------------------------------ */

static gate_t gossiped = GATE_INITIALIZER;

static void gossiped_timed_out(void *user, dog_shard_t shard, dog_status_t status,
                               const dog_gossip_result_t *results, size_t count) {
  (void)user, (void)shard;
  CHECK_OK(status);
  CHECK_NUMBER(count, 1);
  CHECK_STATUS(results[0].status, DOG_ETIMEDOUT);
  gate_pass(&gossiped);
}
static dog_status_t ongossip_silent(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data,
                                    size_t length) {
  (void)user, (void)shard, (void)gossip, (void)data, (void)length;
  return DOG_OK;
}
static dog_status_t onmessage_ask_often(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                        const void *data, size_t length) {
  (void)user, (void)socket, (void)kind, (void)data, (void)length;
  static char question[101];
  CHECK_STATUS(dog_shard_gossip(shard, question, 101, 100, gossiped_timed_out, NULL), DOG_ETOOBIG);
  for (int index = 0; index < 3; index++) {
    CHECK_OK(dog_shard_gossip(shard, question, 100, 100, gossiped_timed_out, NULL));
  }
  CHECK_STATUS(dog_shard_gossip(shard, question, 100, 100, gossiped_timed_out, NULL), DOG_EFULL);
  return DOG_OK;
}

static void one_question_too_many_is_refused(void) {
  app_t app;
  app_init_noting(&app);
  app.options.gossips_max = 3;
  app.options.gossip_bytes_max = 100;
  app.gateway.limit = 1;
  app.shard.onmessage = onmessage_ask_often;
  app.shard.ongossip = ongossip_silent;
  app_start(&app);
  client_t *asking = ws_open(app.port, "/room/ws?u=asking"), *silent = ws_open(app.port, "/room/ws?u=silent");
  for (int round = 1; round <= 3; round++) {
    ws_say(asking, "ask");
    gate_wait(&gossiped, 3 * round);
  }
  ws_close(asking);
  ws_close(silent);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- how late ---------------------------------------------------------------------------------------------------- */

static void a_silent_peer_is_dropped_and_one_that_answers_is_not(void) {
  app_t app;
  app_init_noting(&app);
  app.options.ping_interval_ms = 100;
  app.options.ping_timeout_ms = 200;
  app_start(&app);
  client_t *silent = ws_open(app.port, "/room/ws?u=silent"), *awake = ws_open(app.port, "/room/ws?u=awake");
  gate_wait(&opened, 2);
  /* Answers pings (in ws_read) until the silent one is gone, and a while longer. */
  dog_socket_t socket = last_socket;
  while (gate_count(&closed) == 0) {
    CHECK_OK(dog_socket_send(socket, DOG_TEXT, "tick", 4));
    WS_EXPECT(awake, "tick");
  }
  CHECK_STATUS(last_error, DOG_ETIMEDOUT);
  CHECK_NUMBER(errors, 1);
  CHECK_NUMBER(last_code, 1006);
  CHECK_NUMBER(last_clean, 0);
  client_drain(silent);
  client_free(silent);
  ws_close(awake);
  app_wait_until_empty(&app);
  app_end(&app);
}

static void a_close_that_is_not_answered_ends_in_time(void) {
  app_t app;
  app_init_noting(&app);
  app.options.close_timeout_ms = 200;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws");
  gate_wait(&opened, 1);
  CHECK_OK(dog_socket_close(last_socket, 1000, NULL, 0));
  gate_wait(&closed, 1);
  CHECK_NUMBER(last_code, 1006);
  CHECK_NUMBER(last_clean, 0);
  client_drain(client);
  client_free(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

static void a_client_that_takes_its_time_gets_408(void) {
  app_t app;
  app_init(&app);
  app.options.header_timeout_ms = 200;
  app.options.body_timeout_ms = 200;
  app.options.keepalive_timeout_ms = 200;
  app_start(&app);
  static const char *const starts[] = {"GET /room HT", "PUT /room HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n12"};
  response_t response;
  for (int index = 0; index < 2; index++) {
    client_t *client = client_connect(app.port);
    client_say(client, starts[index]);
    client_read_response(client, &response, 1);
    CHECK_NUMBER(response.status, 408);
    client_drain(client);
    client_free(client);
  }
  client_t *client = client_connect(app.port);
  client_ask(client, "GET", "/room");
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 200);
  client_drain(client); /* until the engine ends the connection that is not used */
  client_free(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- how a peer fails -------------------------------------------------------------------------------------------- */

static void a_broken_frame_and_a_lost_connection_have_their_errors(void) {
  app_t app;
  app_init_noting(&app);
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws");
  client_send(client, "\x83\x00", 2); /* an opcode that is none, and not masked */
  WS_EXPECT_CLOSE(client, 1002);
  client_free(client);
  gate_wait(&closed, 1);
  CHECK_STATUS(last_error, DOG_EPROTOCOL);
  CHECK_NUMBER(errors, 1);
  CHECK_NUMBER(last_clean, 0);

  client = ws_open(app.port, "/room/ws");
  ws_send(client, WS_TEXT, "\xff", 1);
  WS_EXPECT_CLOSE(client, 1007);
  client_free(client);
  gate_wait(&closed, 2);
  CHECK_STATUS(last_error, DOG_EPROTOCOL);

  client = ws_open(app.port, "/room/ws");
  gate_wait(&opened, 3);
  client_reset(client);
  gate_wait(&closed, 3);
  CHECK_STATUS(last_error, DOG_ERESET);
  CHECK_NUMBER(errors, 3);
  CHECK_NUMBER(last_code, 1006);
  CHECK_NUMBER(last_clean, 0);
  app_wait_until_empty(&app);
  app_end(&app);
}

#define ROW(check) {#check, check}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(one_gateway_too_many_is_503),
      ROW(one_shard_too_many_is_503),
      ROW(one_connection_too_many_is_503),
      ROW(what_is_too_long_has_its_status),
      ROW(a_message_too_long_is_closed_with_1009),
      ROW(a_slow_socket_is_closed_with_1013),
      ROW(a_slow_socket_may_lose_the_newest),
      ROW(a_slow_socket_may_lose_the_oldest),
      ROW(a_full_mailbox_refuses_and_loses_nothing),
      ROW(what_fits_into_no_mailbox_is_too_big),
      ROW(one_question_too_many_is_refused),
      ROW(a_silent_peer_is_dropped_and_one_that_answers_is_not),
      ROW(a_close_that_is_not_answered_ends_in_time),
      ROW(a_client_that_takes_its_time_gets_408),
      ROW(a_broken_frame_and_a_lost_connection_have_their_errors),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
