/*
 * messages.c - send, emit, broadcast and whisper from every object and from any thread; what sockets and Shards know;
 * what is not valid about a message.
 */
#include "app.h"

#include <stdatomic.h>

static _Atomic dog_socket_t sockets[8];
static _Atomic dog_shard_t shards[8];
static _Atomic int sockets_count, shards_count;
static gate_t done = GATE_INITIALIZER;
static gate_t closed = GATE_INITIALIZER;

static dog_status_t onstart_note(void *user, dog_shard_t shard) {
  (void)user;
  shards[atomic_fetch_add(&shards_count, 1)] = shard;
  return DOG_OK;
}
static dog_status_t onopen_note(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user, (void)shard;
  sockets[atomic_fetch_add(&sockets_count, 1)] = socket;
  return DOG_OK;
}
static void onclose_pass(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                         size_t reason_length, int clean) {
  (void)user, (void)shard, (void)socket, (void)code, (void)reason, (void)reason_length, (void)clean;
  gate_pass(&closed);
}

/* Three sockets: "a" and "b" on the first Shard, "c" on the second. */
typedef struct stage {
  app_t app;
  client_t *a, *b, *c;
  uint64_t messages; /* how many any socket should have been sent so far */
} stage_t;

static void stage_init(stage_t *stage) {
  app_init(&stage->app);
  stage->messages = 0;
  stage->app.gateway.limit = 2;
  stage->app.shard.onstart = onstart_note;
  stage->app.shard.onopen = onopen_note;
  stage->app.shard.onclose = onclose_pass;
}

static void stage_start(stage_t *stage) {
  app_start(&stage->app);
  stage->a = ws_open(stage->app.port, "/room/ws?u=a");
  WAIT_UNTIL(sockets_count == 1);
  stage->b = ws_open(stage->app.port, "/room/ws?u=b");
  WAIT_UNTIL(sockets_count == 2);
  stage->c = ws_open(stage->app.port, "/room/ws?u=c");
  WAIT_UNTIL(sockets_count == 3);
  CHECK_NUMBER(shards_count, 2);
}

/* What each got is exactly `a`, `b` and `c`, a letter per message; "" for nothing. */
static void stage_expect(stage_t *stage, const char *a, const char *b, const char *c) {
  client_t *const clients[] = {stage->a, stage->b, stage->c};
  const char *const wanted[] = {a, b, c};
  /* What comes over another worker may come later than what is sent straight to a socket. So all must have been queued
   * before the last message that each of them gets. */
  stage->messages += strlen(a) + strlen(b) + strlen(c);
  WAIT_UNTIL(app_stats(&stage->app).messages_out >= stage->messages);
  CHECK_NUMBER(app_stats(&stage->app).messages_out, stage->messages);
  stage->messages += 3;
  for (int index = 0; index < 3; index++) CHECK_OK(dog_socket_send(sockets[index], DOG_TEXT, "end", 3));
  for (int index = 0; index < 3; index++) {
    for (const char *letter = wanted[index]; *letter != '\0'; letter++) {
      const char text[2] = {*letter, '\0'};
      WS_EXPECT(clients[index], text);
    }
    WS_EXPECT(clients[index], "end");
  }
}

static void stage_end(stage_t *stage) {
  ws_close(stage->a);
  ws_close(stage->b);
  ws_close(stage->c);
  gate_wait(&closed, 3);
  app_wait_until_empty(&stage->app);
  app_end(&stage->app);
}

/* ---- from a thread that is no worker ----------------------------------------------------------------------------- */

static void every_sender_reaches_whom_it_should(void) {
  stage_t stage;
  stage_init(&stage);
  stage_start(&stage);
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_shard_gateway(shards[0], &gateway));

  CHECK_OK(dog_socket_send(sockets[0], DOG_TEXT, "1", 1));
  stage_expect(&stage, "1", "", "");
  CHECK_OK(dog_socket_emit(sockets[0], DOG_TEXT, 0, "2", 1));
  stage_expect(&stage, "", "2", "");
  CHECK_OK(dog_socket_emit(sockets[0], DOG_TEXT, DOG_TO_SELF, "3", 1));
  stage_expect(&stage, "3", "3", "");
  CHECK_OK(dog_socket_broadcast(sockets[0], DOG_TEXT, 0, "4", 1));
  stage_expect(&stage, "", "4", "4");
  CHECK_OK(dog_socket_broadcast(sockets[2], DOG_TEXT, 0, "5", 1));
  stage_expect(&stage, "5", "5", "");
  CHECK_OK(dog_socket_broadcast(sockets[2], DOG_TEXT, DOG_TO_SELF, "6", 1));
  stage_expect(&stage, "6", "6", "6");
  CHECK_OK(dog_shard_emit(shards[0], DOG_TEXT, "7", 1));
  stage_expect(&stage, "7", "7", "");
  CHECK_OK(dog_shard_emit(shards[1], DOG_TEXT, "8", 1));
  stage_expect(&stage, "", "", "8");
  CHECK_OK(dog_shard_broadcast(shards[1], DOG_TEXT, "9", 1));
  stage_expect(&stage, "9", "9", "9");
  CHECK_OK(dog_gateway_broadcast(gateway, DOG_TEXT, "A", 1));
  stage_expect(&stage, "A", "A", "A");
  stage_end(&stage);
}

static _Atomic size_t whispered_to;
static void whispered_note(void *user, dog_status_t status, size_t count) {
  CHECK(user == &whispered_to);
  CHECK_OK(status);
  whispered_to = count;
  gate_pass(&done);
}

static void a_whisper_reaches_every_socket_of_a_uid(void) {
  stage_t stage;
  stage_init(&stage);
  stage_start(&stage);
  client_t *second_c = ws_open(stage.app.port, "/room/ws?u=c");
  WAIT_UNTIL(sockets_count == 4);
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_shard_gateway(shards[0], &gateway));
  CHECK_OK(dog_socket_whisper(sockets[0], "c", 1, DOG_TEXT, "1", 1, whispered_note, (void *)&whispered_to));
  gate_wait(&done, 1);
  CHECK_NUMBER(whispered_to, 2);
  stage.messages++;
  WS_EXPECT(second_c, "1");
  stage_expect(&stage, "", "", "1");
  CHECK_OK(dog_shard_whisper(shards[1], "a", 1, DOG_TEXT, "2", 1, whispered_note, (void *)&whispered_to));
  gate_wait(&done, 2);
  CHECK_NUMBER(whispered_to, 1);
  stage_expect(&stage, "2", "", "");
  CHECK_OK(dog_gateway_whisper(gateway, "b", 1, DOG_TEXT, "3", 1, whispered_note, (void *)&whispered_to));
  gate_wait(&done, 3);
  CHECK_NUMBER(whispered_to, 1);
  stage_expect(&stage, "", "3", "");
  CHECK_OK(dog_socket_whisper(sockets[0], "nobody", 6, DOG_TEXT, "4", 1, whispered_note, (void *)&whispered_to));
  gate_wait(&done, 4);
  CHECK_NUMBER(whispered_to, 0);
  CHECK_OK(dog_socket_whisper(sockets[0], "a", 1, DOG_TEXT, "5", 1, NULL, NULL)); /* to oneself, and no one to tell */
  stage_expect(&stage, "5", "", "");
  ws_close(second_c);
  gate_wait(&closed, 1);
  stage_end(&stage);
}

static void messages_of_one_thread_keep_their_order(void) {
  stage_t stage;
  stage_init(&stage);
  stage_start(&stage);
  char text[16];
  for (int index = 0; index < 1000; index++) {
    int length = snprintf(text, sizeof text, "%d", index);
    switch (index % 4) {
      case 0: CHECK_OK(dog_socket_send(sockets[1], DOG_TEXT, text, (size_t)length)); break;
      case 1: CHECK_OK(dog_socket_emit(sockets[0], DOG_TEXT, 0, text, (size_t)length)); break;
      case 2: CHECK_OK(dog_socket_broadcast(sockets[0], DOG_TEXT, 0, text, (size_t)length)); break;
      default: CHECK_OK(dog_shard_broadcast(shards[0], DOG_TEXT, text, (size_t)length)); break;
    }
  }
  for (int index = 0; index < 1000; index++) {
    snprintf(text, sizeof text, "%d", index);
    WS_EXPECT(stage.b, text);
  }
  stage_end(&stage);
}

/* ---- messages that are none -------------------------------------------------------------------------------------- */

/* One message to everything that sends. All give the same. */
static void check_message(int kind, const void *data, size_t length, dog_status_t wanted) {
  dog_gateway_t gateway = 0;
  dog_kind_t message_kind = (dog_kind_t)kind;
  CHECK_OK(dog_shard_gateway(shards[0], &gateway));
  CHECK_STATUS(dog_socket_send(sockets[0], message_kind, data, length), wanted);
  CHECK_STATUS(dog_socket_emit(sockets[0], message_kind, 0, data, length), wanted);
  CHECK_STATUS(dog_socket_broadcast(sockets[0], message_kind, 0, data, length), wanted);
  CHECK_STATUS(dog_socket_whisper(sockets[0], "a", 1, message_kind, data, length, NULL, NULL), wanted);
  CHECK_STATUS(dog_shard_emit(shards[0], message_kind, data, length), wanted);
  CHECK_STATUS(dog_shard_broadcast(shards[0], message_kind, data, length), wanted);
  CHECK_STATUS(dog_shard_whisper(shards[0], "a", 1, message_kind, data, length, NULL, NULL), wanted);
  CHECK_STATUS(dog_gateway_broadcast(gateway, message_kind, data, length), wanted);
  CHECK_STATUS(dog_gateway_whisper(gateway, "a", 1, message_kind, data, length, NULL, NULL), wanted);
}

static void a_message_that_is_none_is_refused(void) {
  stage_t stage;
  stage_init(&stage);
  stage.app.options.outbox_bytes_max = 100000;
  stage_start(&stage);
  static const int kinds[] = {0, 3, 8, 9, -1, INT32_MAX, INT32_MIN};
  for (size_t index = 0; index < sizeof kinds / sizeof kinds[0]; index++) {
    check_message(kinds[index], "x", 1, DOG_EINVAL);
  }
  check_message(DOG_TEXT, "\xff", 1, DOG_EINVAL);
  check_message(DOG_TEXT, "a\xc3", 2, DOG_EINVAL);
  check_message(DOG_TEXT, "\xed\xa0\x80", 3, DOG_EINVAL);
  check_message(DOG_TEXT, "\xf4\x90\x80\x80", 4, DOG_EINVAL);
  char *large = calloc(1, 100001);
  CHECK(large != NULL);
  check_message(DOG_BINARY, large, 100001, DOG_ETOOBIG);
  check_message(DOG_TEXT, large, 100001, DOG_ETOOBIG);
  free(large);
  static const uint32_t flags[] = {2, 3, 4, 1u << 31, UINT32_MAX};
  for (size_t index = 0; index < sizeof flags / sizeof flags[0]; index++) {
    CHECK_STATUS(dog_socket_emit(sockets[0], DOG_TEXT, flags[index], "x", 1), DOG_EINVAL);
    CHECK_STATUS(dog_socket_broadcast(sockets[0], DOG_TEXT, flags[index], "x", 1), DOG_EINVAL);
  }
  /* A uid that nobody can have. */
  char uid[DOG_NAME_BYTES_MAX + 1];
  memset(uid, 'a', sizeof uid);
  CHECK_STATUS(dog_shard_whisper(shards[0], uid, sizeof uid, DOG_TEXT, "x", 1, NULL, NULL), DOG_ETOOBIG);
  CHECK_STATUS(dog_socket_whisper(sockets[0], uid, sizeof uid, DOG_TEXT, "x", 1, NULL, NULL), DOG_ETOOBIG);
  CHECK_STATUS(dog_shard_whisper(shards[0], "", 0, DOG_TEXT, "x", 1, NULL, NULL), DOG_EINVAL);
  CHECK_STATUS(dog_shard_whisper(shards[0], "\xff", 1, DOG_TEXT, "x", 1, NULL, NULL), DOG_EINVAL);
  stage_expect(&stage, "", "", ""); /* nobody has got anything of all that */
  stage_end(&stage);
}

static void an_empty_message_is_a_message(void) {
  stage_t stage;
  stage_init(&stage);
  stage_start(&stage);
  CHECK_OK(dog_socket_send(sockets[0], DOG_TEXT, NULL, 0));
  WS_EXPECT(stage.a, "");
  CHECK_OK(dog_shard_broadcast(shards[1], DOG_BINARY, NULL, 0));
  frame_t *frame = malloc(sizeof *frame);
  CHECK(frame != NULL);
  client_t *const clients[] = {stage.a, stage.b, stage.c};
  for (int index = 0; index < 3; index++) {
    ws_read(clients[index], frame);
    CHECK(frame->opcode == WS_BINARY && frame->length == 0);
  }
  free(frame);
  stage_end(&stage);
}

static void a_close_that_is_none_is_refused(void) {
  static const uint16_t codes[] = {1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};
  stage_t stage;
  stage_init(&stage);
  stage_start(&stage);
  for (size_t index = 0; index < sizeof codes / sizeof codes[0]; index++) {
    CHECK_STATUS(dog_socket_close(sockets[0], codes[index], NULL, 0), DOG_EINVAL);
  }
  char reason[124];
  memset(reason, 'a', sizeof reason);
  CHECK_EITHER(dog_socket_close(sockets[0], 1000, reason, 124), DOG_EINVAL, DOG_ETOOBIG);
  CHECK_STATUS(dog_socket_close(sockets[0], 1000, "\xff", 1), DOG_EINVAL);
  CHECK_STATUS(dog_socket_close(sockets[0], 0, "no code", 7), DOG_EINVAL); /* a reason needs a code to stand behind */
  stage_expect(&stage, "", "", "");

  CHECK_OK(dog_socket_close(sockets[0], 4999, reason, 123));
  /* The first is queued, and may still be on its way. */
  CHECK_EITHER(dog_socket_close(sockets[0], 1000, NULL, 0), DOG_ECLOSED, DOG_OK);
  frame_t *frame = malloc(sizeof *frame);
  CHECK(frame != NULL);
  ws_read(stage.a, frame);
  CHECK(frame->opcode == WS_CLOSE && frame->length == 125 && memcmp(frame->data + 2, reason, 123) == 0);
  ws_send(stage.a, WS_CLOSE, frame->data, frame->length);
  client_drain(stage.a);
  client_free(stage.a);
  free(frame);
  gate_wait(&closed, 1);
  WAIT_UNTIL(dog_socket_send(sockets[0], DOG_TEXT, "x", 1) == DOG_ESTALE);
  stage.a = ws_open(stage.app.port, "/room/ws?u=a");
  stage_end(&stage);
}

/* ---- what sockets and Shards know -------------------------------------------------------------------------------- */

static int shard_data, socket_data;

static dog_status_t onstart_data(void *user, dog_shard_t shard) {
  void *data = &socket_data;
  CHECK(user == &shard_data);
  CHECK_OK(dog_shard_data(shard, &data));
  CHECK(data == NULL);
  CHECK_OK(dog_shard_set_data(shard, &shard_data));
  return DOG_OK;
}
static dog_status_t receive_data(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user;
  void *data = NULL;
  CHECK_OK(dog_shard_data(shard, &data));
  CHECK(data == &shard_data);
  dog_connect_options_t options;
  CHECK_OK(dog_connect_options_init(&options, sizeof options));
  options.data = &socket_data;
  return dog_request_connect(request, &options);
}
static dog_status_t onopen_data(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user;
  void *data = NULL;
  size_t count = 99, buffered = 99, length = 0;
  const char *uid = NULL;
  dog_shard_t own = 0;
  CHECK_OK(dog_socket_data(socket, &data));
  CHECK(data == &socket_data);
  CHECK_OK(dog_socket_set_data(socket, NULL));
  CHECK_OK(dog_socket_data(socket, &data));
  CHECK(data == NULL);
  CHECK_OK(dog_socket_set_data(socket, &shard_data));
  CHECK_OK(dog_socket_shard(socket, &own));
  CHECK(own == shard);
  CHECK_OK(dog_socket_uid(socket, &uid, &length));
  CHECK(length == 1 && (*uid == 'a' || *uid == 'b'));
  CHECK_OK(dog_socket_buffered(socket, &buffered));
  CHECK_OK(dog_shard_count(shard, &count));

  /* The socket is a member already, and no list is longer than its room. */
  dog_socket_t members[4] = {0, 0, 0, 77};
  size_t all = 99;
  CHECK_OK(dog_shard_sockets(shard, members, 3, &all));
  CHECK_NUMBER(all, count);
  CHECK(all >= 1 && all <= 2 && members[3] == 77);
  CHECK(members[all - 1] != 0 && members[all] == 0);
  CHECK(members[0] == socket || members[1] == socket);
  members[1] = 77;
  CHECK_OK(dog_shard_sockets(shard, members, 1, &all));
  CHECK(all == count && members[1] == 77);
  return dog_socket_send(socket, DOG_TEXT, count == 1 ? "1" : "2", 1);
}
static void onclose_data(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                         size_t reason_length, int clean) {
  void *data = NULL;
  (void)user;
  CHECK_OK(dog_socket_data(socket, &data));
  CHECK(data == &shard_data);
  CHECK(code == 1000 && clean == 1 && reason_length == 0);
  CHECK(reason != NULL || reason_length == 0);
  size_t count = 99;
  CHECK_OK(dog_shard_count(shard, &count));
  CHECK(count <= 1); /* a socket that is closed is no member */
  gate_pass(&closed);
}
static void onstop_data(void *user, dog_shard_t shard) {
  (void)user;
  void *data = NULL;
  CHECK_OK(dog_shard_data(shard, &data));
  CHECK(data == &shard_data);
  gate_pass(&done);
}

static void data_hangs_on_shards_and_sockets(void) {
  app_t app;
  app_init(&app);
  app.shard.user = &shard_data;
  app.shard.onstart = onstart_data;
  app.shard.receive = receive_data;
  app.shard.onopen = onopen_data;
  app.shard.onclose = onclose_data;
  app.shard.onstop = onstop_data;
  app_start(&app);
  client_t *a = ws_open(app.port, "/room/ws?u=a");
  WS_EXPECT(a, "1");
  client_t *b = ws_open(app.port, "/room/ws?u=b");
  WS_EXPECT(b, "2");
  ws_close(a);
  ws_close(b);
  gate_wait(&closed, 2);
  app_wait_until_empty(&app);
  app_end(&app);
  CHECK_NUMBER(gate_count(&done), 1);
}

static dog_status_t onopen_greet(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user, (void)shard;
  /* S2: what is broadcast during onopen reaches the socket that opens. */
  CHECK_OK(dog_shard_broadcast(shard, DOG_TEXT, "all", 3));
  CHECK_OK(dog_socket_broadcast(socket, DOG_TEXT, DOG_TO_SELF, "self", 4));
  return DOG_OK;
}

static void a_broadcast_in_onopen_reaches_the_one_who_opens(void) {
  app_t app;
  app_init(&app);
  app.shard.onopen = onopen_greet;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws");
  WS_EXPECT(client, "all");
  WS_EXPECT(client, "self");
  ws_close(client);
  app_end(&app);
}

static void statistics_count_what_is_there(void) {
  stage_t stage;
  stage_init(&stage);
  stage_start(&stage);
  dog_stats_t stats = app_stats(&stage.app);
  CHECK_NUMBER(stats.size, sizeof stats);
  CHECK_NUMBER(stats.connections, 3);
  CHECK_NUMBER(stats.sockets, 3);
  CHECK_NUMBER(stats.requests, 0);
  CHECK_NUMBER(stats.gateways, 1);
  CHECK_NUMBER(stats.shards, 2);
  CHECK_NUMBER(stats.places, 3);
  CHECK_NUMBER(stats.connections_total, 3);
  CHECK_NUMBER(stats.requests_total, 3);
  CHECK(stats.bytes_in > 0 && stats.bytes_out > 0);
  ws_say(stage.a, "hello");
  WAIT_UNTIL(app_stats(&stage.app).messages_in == 1);
  CHECK_OK(dog_shard_broadcast(shards[0], DOG_TEXT, "x", 1));
  WAIT_UNTIL(app_stats(&stage.app).messages_out == 3);
  CHECK_NUMBER(http_get(stage.app.port, "/", NULL), 404);
  WAIT_UNTIL(app_stats(&stage.app).refused == 1);
  CHECK_NUMBER(app_stats(&stage.app).dropped, 0);

  dog_gateway_t gateway = 0, found = 0;
  CHECK_OK(dog_shard_gateway(shards[0], &gateway));
  CHECK_OK(dog_gateway_find(stage.app.engine, "ROOM", 4, "room", 4, &found));
  CHECK(found == gateway);
  dog_gateway_stats_t gateway_stats = {.size = sizeof gateway_stats};
  CHECK_OK(dog_gateway_stats(gateway, &gateway_stats));
  CHECK_NUMBER(gateway_stats.shards, 2);
  CHECK_NUMBER(gateway_stats.connections, 3);
  gateway_stats.size = sizeof gateway_stats - 1;
  CHECK_STATUS(dog_gateway_stats(gateway, &gateway_stats), DOG_EINVAL);
  stage_end(&stage);
}

#define ROW(check) {#check, check}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(every_sender_reaches_whom_it_should),
      ROW(a_whisper_reaches_every_socket_of_a_uid),
      ROW(messages_of_one_thread_keep_their_order),
      ROW(a_message_that_is_none_is_refused),
      ROW(an_empty_message_is_a_message),
      ROW(a_close_that_is_none_is_refused),
      ROW(data_hangs_on_shards_and_sockets),
      ROW(a_broadcast_in_onopen_reaches_the_one_who_opens),
      ROW(statistics_count_what_is_there),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
