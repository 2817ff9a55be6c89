/*
 * callbacks.c - calls made inside callbacks: what is allowed acts afterwards and never nests, what is not has a status.
 */
#include "app.h"

#include <stdatomic.h>

static gate_t done = GATE_INITIALIZER;
static gate_t stopped = GATE_INITIALIZER;

static void onstop_pass(void *user, dog_shard_t shard) {
  (void)user, (void)shard;
  gate_pass(&stopped);
}

/* ---- ending the engine ------------------------------------------------------------------------------------------- */

static dog_status_t receive_stop(void *user, dog_shard_t shard, dog_request_t request) {
  app_t *app = user;
  if (app_wants_websocket(request)) return app_receive(user, shard, request);
  CHECK_OK(dog_engine_stop(app->engine, 5000)); /* returns at once: we are on a worker */
  CHECK_OK(dog_engine_stop(app->engine, 1000));
  return app_respond(request, 200, "stopping");
}

static void stop_inside_a_callback_returns_at_once(void) {
  app_t app;
  app_init(&app);
  app.shard.user = &app;
  app.shard.receive = receive_stop;
  app.shard.onstop = onstop_pass;
  app_start(&app);
  client_t *client = ws_open(app.port, "/other/ws");
  response_t response;
  CHECK_NUMBER(http_get(app.port, "/room", &response), 200); /* a request in flight is answered */
  CHECK(strcmp(response.body, "stopping") == 0);
  WS_EXPECT_CLOSE(client, 1001);
  client_free(client);
  gate_wait(&stopped, 2);
  CHECK_OK(dog_engine_destroy(app.engine));
  CHECK_NUMBER(gate_count(&stopped), 2);
}

static dog_status_t receive_destroy(void *user, dog_shard_t shard, dog_request_t request) {
  app_t *app = user;
  (void)shard;
  CHECK_STATUS(dog_engine_destroy(app->engine), DOG_ETHREAD);
  CHECK_STATUS(dog_engine_start(app->engine), DOG_ESTATE);
  CHECK_STATUS(dog_engine_run(app->engine), DOG_ESTATE);
  return app_respond(request, 200, "still here");
}

static void destroy_inside_a_callback_is_refused(void) {
  app_t app;
  app_init(&app);
  app.shard.user = &app;
  app.shard.receive = receive_destroy;
  app_start(&app);
  for (int round = 0; round < 3; round++) CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
  app_end(&app);
}

/* An engine may make another one, and end it: it is not one of its own workers. */
static dog_status_t receive_make_another(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  app_t other;
  app_init(&other);
  app_start(&other);
  CHECK_NUMBER(http_get(other.port, "/room", NULL), 200);
  app_end(&other);
  return app_respond(request, 200, "hello");
}

static void an_engine_can_live_inside_a_callback_of_another(void) {
  app_t app;
  app_init(&app);
  app.shard.receive = receive_make_another;
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
  app_end(&app);
}

/* ---- closing ----------------------------------------------------------------------------------------------------- */

static _Atomic int opens, messages, errors, closes;
static _Atomic dog_status_t last_error;
static _Atomic int last_code, last_clean;

static dog_status_t onopen_close(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user, (void)shard;
  opens++;
  CHECK_OK(dog_socket_send(socket, DOG_TEXT, "welcome", 7));
  CHECK_OK(dog_socket_close(socket, 4001, "no", 2));
  CHECK_STATUS(dog_socket_close(socket, 4002, "again", 5), DOG_ECLOSED);
  CHECK_STATUS(dog_socket_send(socket, DOG_TEXT, "x", 1), DOG_ECLOSED);
  CHECK_NUMBER(closes, 0); /* onclose does not run inside this callback */
  return DOG_OK;
}
static dog_status_t onmessage_count(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                    const void *data, size_t length) {
  (void)user, (void)shard, (void)socket, (void)kind, (void)data, (void)length;
  messages++;
  return DOG_OK;
}
static void onerror_count(void *user, dog_shard_t shard, dog_socket_t socket, dog_status_t error) {
  (void)user, (void)shard, (void)socket;
  CHECK_NUMBER(closes, 0);
  last_error = error;
  errors++;
}
static void onclose_count(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                          size_t reason_length, int clean) {
  (void)user, (void)shard, (void)reason, (void)reason_length;
  const char *uid = NULL;
  size_t length = 0, buffered = 0;
  CHECK_OK(dog_socket_uid(socket, &uid, &length)); /* it can still be read, but not sent to */
  CHECK_OK(dog_socket_buffered(socket, &buffered));
  CHECK_STATUS(dog_socket_send(socket, DOG_TEXT, "x", 1), DOG_ECLOSED);
  CHECK_STATUS(dog_socket_close(socket, 1000, NULL, 0), DOG_ECLOSED);
  closes++;
  last_code = code;
  last_clean = clean;
  gate_pass(&done);
}

static void app_count(app_t *app) {
  app_init(app);
  app->shard.onmessage = onmessage_count;
  app->shard.onerror = onerror_count;
  app->shard.onclose = onclose_count;
}

static void a_socket_can_be_closed_in_onopen(void) {
  app_t app;
  app_count(&app);
  app.shard.onopen = onopen_close;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws");
  ws_say(client, "too late");
  WS_EXPECT(client, "welcome");
  WS_EXPECT_CLOSE(client, 4001);
  client_free(client);
  gate_wait(&done, 1);
  app_wait_until_empty(&app);
  app_end(&app);
  CHECK(opens == 1 && closes == 1 && errors == 0);
  CHECK_NUMBER(last_code, 4001);
  CHECK_NUMBER(last_clean, 1);
}

static dog_status_t onmessage_close(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                    const void *data, size_t length) {
  (void)user, (void)shard, (void)kind, (void)data, (void)length;
  messages++;
  CHECK_OK(dog_socket_close(socket, 0, NULL, 0)); /* no code */
  return DOG_OK;
}

static void a_socket_can_be_closed_in_onmessage(void) {
  app_t app;
  app_count(&app);
  app.shard.onmessage = onmessage_close;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws");
  ws_say(client, "close, please");
  WS_EXPECT_CLOSE(client, 1005);
  client_free(client);
  gate_wait(&done, 1);
  app_wait_until_empty(&app);
  app_end(&app);
  CHECK(messages == 1 && closes == 1 && errors == 0);
  CHECK_NUMBER(last_code, 1005);
}

static dog_status_t onopen_fail(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user, (void)shard, (void)socket;
  opens++;
  return DOG_ENOMEM;
}
static dog_status_t onmessage_fail(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                   const void *data, size_t length) {
  (void)user, (void)shard, (void)socket, (void)kind, (void)data, (void)length;
  messages++;
  return DOG_EINVAL;
}

/* onerror(DOG_EHOST), then onclose, and 1011 to the client. */
static void check_failed(app_t *app, client_t *client) {
  WS_EXPECT_CLOSE(client, 1011);
  client_free(client);
  gate_wait(&done, 1);
  app_wait_until_empty(app);
  app_end(app);
  CHECK(errors == 1 && closes == 1);
  CHECK_STATUS(last_error, DOG_EHOST);
}

static void an_error_of_onopen_closes_with_1011(void) {
  app_t app;
  app_count(&app);
  app.shard.onopen = onopen_fail;
  app_start(&app);
  check_failed(&app, ws_open(app.port, "/room/ws"));
  CHECK_NUMBER(opens, 1);
}

static void an_error_of_onmessage_closes_with_1011(void) {
  app_t app;
  app_count(&app);
  app.shard.onmessage = onmessage_fail;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws");
  ws_say(client, "one");
  ws_say(client, "two");
  check_failed(&app, client);
  CHECK_NUMBER(messages, 1); /* after the error no more messages come */
}

/* ---- gossip ------------------------------------------------------------------------------------------------------ */

static _Atomic int questions_left;

static void gossiped_pass(void *user, dog_shard_t shard, dog_status_t status,
                          const dog_gossip_result_t *results, size_t count) {
  (void)user, (void)shard;
  CHECK_OK(status);
  for (size_t index = 0; index < count; index++) {
    CHECK_STATUS(results[index].status, DOG_OK);
    CHECK(results[index].length == 3 && memcmp(results[index].data, "yes", 3) == 0);
    CHECK(results[index].shard != shard && results[index].shard_id_length > 0);
  }
  CHECK_NUMBER(count, 2);
  gate_pass(&done);
}
static dog_status_t ongossip_ask_back(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data,
                                      size_t length) {
  (void)user, (void)data, (void)length;
  if (questions_left > 0) {
    questions_left--;
    CHECK_OK(dog_shard_gossip(shard, "and you?", 8, 0, gossiped_pass, NULL));
  } else {
    gate_pass(&stopped);
  }
  return dog_gossip_reply(gossip, "yes", 3);
}
static dog_status_t onmessage_ask(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind, const void *data,
                                  size_t length) {
  (void)user, (void)socket, (void)kind;
  return dog_shard_gossip(shard, data, length, 0, gossiped_pass, NULL);
}

static void gossip_inside_ongossip_is_answered_too(void) {
  app_t app;
  app_init(&app);
  app.gateway.limit = 1;
  app.shard.onmessage = onmessage_ask;
  app.shard.ongossip = ongossip_ask_back;
  app_start(&app);
  questions_left = 50;
  client_t *clients[3];
  clients[0] = ws_open(app.port, "/room/ws?u=0");
  clients[1] = ws_open(app.port, "/room/ws?u=1");
  clients[2] = ws_open(app.port, "/room/ws?u=2");
  ws_say(clients[0], "first");
  gate_wait(&done, 51);
  for (int index = 0; index < 3; index++) client_free(clients[index]);
  app_wait_until_empty(&app);
  app_end(&app);
}

static void gossiped_without_siblings(void *user, dog_shard_t shard, dog_status_t status,
                                      const dog_gossip_result_t *results, size_t count) {
  (void)results;
  CHECK_OK(status);
  CHECK_NUMBER(count, 0);
  CHECK_OK(dog_shard_emit(shard, DOG_TEXT, "nobody", 6));
  *(int *)user = 1;
}
static dog_status_t onmessage_ask_nobody(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                         const void *data, size_t length) {
  (void)user, (void)socket, (void)kind, (void)data, (void)length;
  static int is_answered;
  CHECK_OK(dog_shard_gossip(shard, NULL, 0, 0, gossiped_without_siblings, &is_answered));
  CHECK_NUMBER(is_answered, 0); /* not inside the call, but after this callback */
  return DOG_OK;
}

static void without_siblings_the_answer_is_an_empty_list(void) {
  app_t app;
  app_init(&app);
  app.shard.onmessage = onmessage_ask_nobody;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws");
  ws_say(client, "who is there?");
  WS_EXPECT(client, "nobody");
  ws_close(client);
  app_end(&app);
}

static void gossiped_statuses(void *user, dog_shard_t shard, dog_status_t status,
                              const dog_gossip_result_t *results, size_t count) {
  (void)user;
  CHECK_OK(status);
  CHECK_NUMBER(count, 1);
  char text[128];
  int length = snprintf(text, sizeof text, "%s %.*s", dog_status_name(results[0].status), (int)results[0].length,
                        results[0].length == 0 ? "" : (const char *)results[0].data);
  CHECK_OK(dog_shard_emit(shard, DOG_TEXT, text, (size_t)length));
}
static dog_status_t onmessage_ask_for(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                      const void *data, size_t length) {
  (void)user, (void)socket, (void)kind;
  return dog_shard_gossip(shard, data, length, 200, gossiped_statuses, NULL);
}
/* The question says what to do with it. */
static dog_status_t ongossip_as_told(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data,
                                     size_t length) {
  (void)user, (void)shard;
  char what = length == 0 ? '\0' : *(const char *)data;
  switch (what) {
    case 'r': return dog_gossip_reply(gossip, "reply", 5);
    case 'n': return dog_gossip_reply(gossip, NULL, 0);
    case 'f': return dog_gossip_fail(gossip, "failed", 6);
    case 'e': return DOG_ENOMEM;
    case 't':
      CHECK_OK(dog_gossip_reply(gossip, "once", 4));
      CHECK_STATUS(dog_gossip_reply(gossip, "twice", 5), DOG_ESTALE);
      CHECK_STATUS(dog_gossip_fail(gossip, "twice", 5), DOG_ESTALE);
      return DOG_EHOST; /* too late to matter */
    case 'b': CHECK_STATUS(dog_gossip_reply(gossip, NULL, 1), DOG_EINVAL); return DOG_OK;
    default: return DOG_OK; /* never answered */
  }
}

static void each_sibling_has_a_status(void) {
  app_t app;
  app_init(&app);
  app.gateway.limit = 1;
  app.shard.onmessage = onmessage_ask_for;
  app.shard.ongossip = ongossip_as_told;
  app_start(&app);
  client_t *asked = ws_open(app.port, "/room/ws?u=asked"), *asking = ws_open(app.port, "/room/ws?u=asking");
  ws_say(asking, "reply");
  WS_EXPECT(asking, "DOG_OK reply");
  ws_say(asking, "nothing");
  WS_EXPECT(asking, "DOG_OK ");
  ws_say(asking, "fail");
  WS_EXPECT(asking, "DOG_EHOST failed");
  ws_say(asking, "twice");
  WS_EXPECT(asking, "DOG_OK once");
  ws_say(asking, "silence");
  WS_EXPECT(asking, "DOG_ETIMEDOUT ");
  frame_t *frame = malloc(sizeof *frame);
  CHECK(frame != NULL);
  ws_say(asking, "error");
  ws_read(asking, frame);
  CHECK(strncmp(frame->data, "DOG_EHOST ", 10) == 0);
  ws_say(asking, "bad");
  ws_read(asking, frame);
  CHECK(strncmp(frame->data, "DOG_EHOST ", 10) == 0);
  free(frame);
  ws_close(asked);
  ws_close(asking);
  app_end(&app);
}

static void a_class_without_ongossip_says_so(void) {
  app_t app;
  app_init(&app);
  app.gateway.limit = 1;
  app.shard.onmessage = onmessage_ask_for;
  app_start(&app);
  client_t *asked = ws_open(app.port, "/room/ws?u=asked"), *asking = ws_open(app.port, "/room/ws?u=asking");
  ws_say(asking, "anything");
  WS_EXPECT(asking, "DOG_ENOHANDLER ");
  ws_close(asked);
  ws_close(asking);
  app_end(&app);
}

/* ---- never nested, never two at once ----------------------------------------------------------------------------- */

/* On this thread: a callback is running. */
static _Thread_local int is_inside;
/* In any callback of the one Shard at hand. */
static _Atomic int in_shard;

static void enter(void) {
  CHECK_NUMBER(is_inside, 0);
  is_inside = 1;
}
static void leave(void) { is_inside = 0; }
static void enter_shard(void) {
  enter();
  CHECK_NUMBER(atomic_fetch_add(&in_shard, 1), 0);
}
static void leave_shard(void) {
  atomic_fetch_sub(&in_shard, 1);
  leave();
}

static void whispered_flat(void *user, dog_status_t status, size_t sockets) {
  (void)user, (void)status, (void)sockets;
  enter_shard();
  leave_shard();
}
static void gossiped_flat(void *user, dog_shard_t shard, dog_status_t status,
                          const dog_gossip_result_t *results, size_t count) {
  (void)user, (void)shard, (void)status, (void)results, (void)count;
  enter_shard();
  leave_shard();
}
static dog_status_t identify_flat(void *user, dog_gateway_t gateway, dog_request_t request) {
  enter();
  dog_status_t status = app_identify(user, gateway, request);
  leave();
  return status;
}
static dog_status_t clusterize_flat(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  enter();
  dog_status_t status = dog_request_clusterize(request, "one", 3);
  leave();
  return status;
}
static dog_status_t onstart_flat(void *user, dog_shard_t shard) {
  (void)user;
  enter_shard();
  CHECK_OK(dog_shard_emit(shard, DOG_TEXT, "x", 1));
  CHECK_OK(dog_shard_gossip(shard, "x", 1, 0, gossiped_flat, NULL));
  CHECK_OK(dog_shard_whisper(shard, "x", 1, DOG_TEXT, "x", 1, whispered_flat, NULL));
  leave_shard();
  return DOG_OK;
}
static dog_status_t receive_flat(void *user, dog_shard_t shard, dog_request_t request) {
  enter_shard();
  dog_status_t status = app_receive(user, shard, request);
  leave_shard();
  return status;
}
static dog_status_t onopen_flat(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user;
  enter_shard();
  CHECK_OK(dog_shard_gossip(shard, "x", 1, 0, gossiped_flat, NULL));
  CHECK_OK(dog_socket_broadcast(socket, DOG_TEXT, DOG_TO_SELF, "open", 4));
  leave_shard();
  return DOG_OK;
}
static dog_status_t onmessage_flat(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                   const void *data, size_t length) {
  (void)user, (void)data, (void)length;
  enter_shard();
  CHECK_OK(dog_socket_emit(socket, kind, DOG_TO_SELF, "emit", 4));
  CHECK_OK(dog_socket_whisper(socket, "ann", 3, kind, "whisper", 7, whispered_flat, NULL));
  CHECK_OK(dog_shard_gossip(shard, "x", 1, 0, gossiped_flat, NULL));
  if (length == 3) CHECK_OK(dog_socket_close(socket, 1000, NULL, 0));
  leave_shard();
  return length == 4 ? DOG_EHOST : DOG_OK;
}
static void onerror_flat(void *user, dog_shard_t shard, dog_socket_t socket, dog_status_t error) {
  (void)user, (void)shard, (void)error;
  enter_shard();
  dog_socket_broadcast(socket, DOG_TEXT, 0, "error", 5);
  leave_shard();
}
static void onclose_flat(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                         size_t reason_length, int clean) {
  (void)user, (void)socket, (void)code, (void)reason, (void)reason_length, (void)clean;
  enter_shard();
  CHECK_OK(dog_shard_broadcast(shard, DOG_TEXT, "closed", 6));
  CHECK_OK(dog_shard_gossip(shard, "x", 1, 0, gossiped_flat, NULL));
  leave_shard();
  gate_pass(&done);
}
static void onstop_flat(void *user, dog_shard_t shard) {
  (void)user;
  enter_shard();
  dog_shard_emit(shard, DOG_TEXT, "x", 1);
  dog_shard_gossip(shard, "x", 1, 0, gossiped_flat, NULL);
  leave_shard();
  gate_pass(&stopped);
}

/* Members that come, talk and go, while threads of ours call the same Shard. */
static _Atomic dog_shard_t flat_shard;
static _Atomic int is_over;

static void *call_from_outside(void *argument) {
  (void)argument;
  while (!is_over) {
    dog_shard_t shard = flat_shard;
    if (shard == 0) continue;
    /* Whatever it gives (the mailbox may be full, the engine may stop), nothing runs on this thread. */
    dog_shard_emit(shard, DOG_TEXT, "outside", 7);
    dog_shard_whisper(shard, "ann", 3, DOG_TEXT, "outside", 7, whispered_flat, NULL);
    dog_shard_gossip(shard, "x", 1, 0, gossiped_flat, NULL);
    const struct timespec pause = {0, 200000};
    nanosleep(&pause, NULL);
  }
  return NULL;
}
static dog_status_t onstart_flat_and_tell(void *user, dog_shard_t shard) {
  onstart_flat(user, shard);
  flat_shard = shard;
  return DOG_OK;
}

static void callbacks_never_nest_and_a_shard_runs_one_at_a_time(void) {
  app_t app;
  app_init(&app);
  app.gateway.identify = identify_flat;
  app.gateway.clusterize = clusterize_flat;
  app.shard.onstart = onstart_flat_and_tell;
  app.shard.receive = receive_flat;
  app.shard.onopen = onopen_flat;
  app.shard.onmessage = onmessage_flat;
  app.shard.onerror = onerror_flat;
  app.shard.onclose = onclose_flat;
  app.shard.onstop = onstop_flat;
  app_start(&app);
  pthread_t threads[2];
  for (int index = 0; index < 2; index++) CHECK(pthread_create(&threads[index], NULL, call_from_outside, NULL) == 0);
  for (int round = 0; round < 50; round++) {
    client_t *clients[4];
    for (int index = 0; index < 4; index++) clients[index] = ws_open(app.port, "/room/ws?u=ann");
    CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
    ws_say(clients[0], "hello, all");
    ws_say(clients[1], "bye");
    ws_say(clients[2], "fail");
    client_reset(clients[3]);
    ws_await_close(clients[1]);
    ws_await_close(clients[2]);
    for (int index = 0; index < 3; index++) client_free(clients[index]);
    gate_wait(&done, 4 * (round + 1));
  }
  is_over = 1;
  for (int index = 0; index < 2; index++) pthread_join(threads[index], NULL);
  app_wait_until_empty(&app);
  app_end(&app);
  CHECK_NUMBER(gate_count(&stopped), 1);
  CHECK_NUMBER(gate_count(&done), 200);
}

#define ROW(check) {#check, check}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(stop_inside_a_callback_returns_at_once),
      ROW(destroy_inside_a_callback_is_refused),
      ROW(an_engine_can_live_inside_a_callback_of_another),
      ROW(a_socket_can_be_closed_in_onopen),
      ROW(a_socket_can_be_closed_in_onmessage),
      ROW(an_error_of_onopen_closes_with_1011),
      ROW(an_error_of_onmessage_closes_with_1011),
      ROW(gossip_inside_ongossip_is_answered_too),
      ROW(without_siblings_the_answer_is_an_empty_list),
      ROW(each_sibling_has_a_status),
      ROW(a_class_without_ongossip_says_so),
      ROW(callbacks_never_nest_and_a_shard_runs_one_at_a_time),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
