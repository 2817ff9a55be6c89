/*
 * policies.c - who is let in, what a socket may send and how long it may be of no use: each option is set by a host,
 * and its effect seen by a client, wherever its worker is.
 */
#include "app.h"

#include <stdatomic.h>

static gate_t opened = GATE_INITIALIZER;
static gate_t closed = GATE_INITIALIZER;
static _Atomic dog_status_t last_error;
static _Atomic int last_code;

static dog_status_t onopen_note(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user, (void)shard, (void)socket;
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
}
static void onclose_note(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                         size_t reason_length, int clean) {
  (void)user, (void)shard, (void)socket, (void)reason, (void)reason_length, (void)clean;
  last_code = code;
  gate_pass(&closed);
}

static void app_init_noting(app_t *app) {
  app_init(app);
  app->options.retry_after_seconds = 7;
  app->shard.onopen = onopen_note;
  app->shard.onmessage = onmessage_echo;
  app->shard.onerror = onerror_note;
  app->shard.onclose = onclose_note;
}

/* A connection that says nothing is told that it is not let in, and when to come again. */
static void check_refused(const app_t *app) {
  response_t response;
  client_t *client = client_connect(app->port);
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 503);
  const char *retry_after = response_header(&response, "retry-after");
  CHECK(retry_after != NULL && strncmp(retry_after, "7\r\n", 3) == 0);
  client_drain(client);
  client_free(client);
}

/* ---- who is let in ----------------------------------------------------------------------------------------------- */

static void one_connection_of_an_address_too_many_is_503(void) {
  app_t app;
  app_init_noting(&app);
  app.options.connections_per_address_max = 2;
  app_start(&app);
  client_t *one = ws_open(app.port, "/a/ws"), *two = ws_open(app.port, "/b/ws");
  for (int round = 0; round < 5; round++) check_refused(&app);
  ws_close(one);
  WAIT_UNTIL(app_stats(&app).connections == 1);
  CHECK_NUMBER(http_get(app.port, "/a", NULL), 200);
  ws_close(two);
  CHECK_NUMBER(app_stats(&app).refused, 5);
  app_wait_until_empty(&app);
  app_end(&app);
}

static void one_connection_of_a_cluster_too_many_is_503(void) {
  app_t app;
  app_init_noting(&app);
  app.gateway.limit = 1;
  app.gateway.connections_max = 2;
  app_start(&app);
  client_t *one = ws_open(app.port, "/room/ws?u=1"), *two = ws_open(app.port, "/room/ws?u=2");
  response_t response;
  CHECK_NUMBER(http_get(app.port, "/room?u=3", &response), 503);
  CHECK(response_header(&response, "retry-after") != NULL);
  CHECK_NUMBER(http_get(app.port, "/other?u=3", NULL), 200);
  ws_close(one);
  WAIT_UNTIL(app_stats(&app).places == 1);
  CHECK_NUMBER(http_get(app.port, "/room?u=3", NULL), 200);
  ws_close(two);
  app_wait_until_empty(&app);
  app_end(&app);
}

static void over_its_memory_the_engine_lets_nobody_in(void) {
  app_t app;
  app_init_noting(&app);
  app.options.admission_memory_bytes = 1; /* which it is over from the start */
  app_start(&app);
  WAIT_UNTIL(http_get(app.port, "/room", NULL) == 503);
  check_refused(&app);
  app_wait_until_empty(&app);
  app_end(&app);
}

static gate_t worker_is_held = GATE_INITIALIZER;
static gate_t worker_may_go = GATE_INITIALIZER;

static dog_status_t onmessage_hold(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                   const void *data, size_t length) {
  gate_pass(&worker_is_held); /* what no host should do */
  gate_wait(&worker_may_go, 1);
  return onmessage_echo(user, shard, socket, kind, data, length);
}

static void a_worker_that_is_late_lets_nobody_in(void) {
  app_t app;
  app_init_noting(&app);
  app.options.workers = 1;
  app.options.admission_lag_ms = 100;
  app.shard.onmessage = onmessage_hold;
  app_start(&app);
  client_t *inside = ws_open(app.port, "/room/ws");
  gate_wait(&opened, 1);
  ws_say(inside, "held");
  gate_wait(&worker_is_held, 1);
  client_t *outside = client_connect(app.port);
  usleep(500000); /* lateness is a time, and this is it */
  gate_pass(&worker_may_go);
  response_t response;
  client_read_response(outside, &response, 1);
  CHECK_NUMBER(response.status, 503);
  client_free(outside);
  WS_EXPECT(inside, "held"); /* who is in keeps its service */
  ws_say(inside, "and on");
  WS_EXPECT(inside, "and on");
  WAIT_UNTIL(http_get(app.port, "/room", NULL) == 200);
  ws_close(inside);
  app_wait_until_empty(&app);
  app_end(&app);
}

static dog_status_t fetch_remote(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  const char *remote = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_remote(request, &remote, &length));
  return dog_request_respond(request, 200, NULL, 0, remote, length);
}

static void an_address_is_believed_of_a_trusted_proxy_alone(void) {
  static const char *const trusted[] = {"10.0.0.0/8", "10.0.0.0/8,127.0.0.1"};
  for (int is_trusted = 0; is_trusted < 2; is_trusted++) {
    app_t app;
    app_init(&app);
    app.options.trusted_proxies = trusted[is_trusted];
    app.on_fetch = fetch_remote;
    app_start(&app);
    client_t *client = client_connect(app.port);
    client_say(client, "GET / HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.1.1.1\r\n\r\n");
    response_t response;
    client_read_response(client, &response, 1);
    CHECK_NUMBER(response.status, 200);
    CHECK((strcmp(response.body, "192.0.2.7") == 0) == is_trusted);
    CHECK((strncmp(response.body, "127.0.0.1:", 10) == 0) != is_trusted);
    client_free(client);
    app_wait_until_empty(&app);
    app_end(&app);
  }
}

/* ---- what a socket may send -------------------------------------------------------------------------------------- */

static void a_frame_too_long_is_closed_with_1009(void) {
  app_t app;
  app_init_noting(&app);
  app.options.frame_bytes_max = 100;
  app_start(&app);
  char text[102];
  memset(text, 'a', sizeof text);
  client_t *client = ws_open(app.port, "/room/ws");
  ws_send(client, WS_TEXT, text, 100);
  text[100] = '\0';
  WS_EXPECT(client, text);
  ws_send(client, WS_TEXT, text, 101);
  WS_EXPECT_CLOSE(client, 1009);
  client_free(client);
  gate_wait(&closed, 1);
  CHECK_STATUS(last_error, DOG_ETOOBIG);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* Three messages of ten bytes, 16 on the wire, are within each of these, and a fourth is not. */
static const struct {
  uint32_t message_rate, message_burst, byte_rate, byte_burst;
} rates[] = {{3, 0, 0, 0}, {1, 3, 0, 0}, {0, 0, 48, 0}, {0, 0, 1, 50}, {1, 3, 1 << 20, 0}};
#define RATES (sizeof rates / sizeof rates[0])

static client_t *open_rated(app_t *app, size_t index, dog_rate_policy_t policy) {
  app_init_noting(app);
  app->options.message_rate_max = rates[index].message_rate;
  app->options.message_burst_max = rates[index].message_burst;
  app->options.byte_rate_max = rates[index].byte_rate;
  app->options.byte_burst_max = rates[index].byte_burst;
  app->options.rate_policy = policy;
  app_start(app);
  client_t *client = ws_open(app->port, "/room/ws");
  /* At once, and more than a slow machine could let through a second time. */
  static const unsigned char frame[16] = {0x81, 0x8a, 0, 0, 0, 0, '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'};
  char frames[sizeof frame * 100];
  for (size_t place = 0; place < sizeof frames; place += sizeof frame) memcpy(frames + place, frame, sizeof frame);
  client_send(client, frames, sizeof frames);
  for (int message = 0; message < 3; message++) WS_EXPECT(client, "0123456789");
  return client;
}

static void who_goes_over_its_rate_is_closed_with_1008(void) {
  for (size_t index = 0; index < RATES; index++) {
    app_t app;
    client_t *client = open_rated(&app, index, DOG_RATE_CLOSE);
    ws_await_close(client);
    client_free(client);
    gate_wait(&closed, (long)index + 1);
    CHECK_NUMBER(last_code, 1008);
    CHECK_STATUS(last_error, DOG_ERATE);
    CHECK_NUMBER(app_stats(&app).rate_limited, 0);
    app_wait_until_empty(&app);
    app_end(&app);
  }
}

static void or_loses_what_is_over_and_goes_on(void) {
  for (size_t index = 0; index < RATES; index++) {
    app_t app;
    client_t *client = open_rated(&app, index, DOG_RATE_DROP);
    WAIT_UNTIL(app_stats(&app).messages_in + app_stats(&app).rate_limited == 100);
    CHECK(app_stats(&app).messages_in >= 3 && app_stats(&app).rate_limited >= 1);
    CHECK(gate_count(&closed) == (long)index);
    ws_close(client);
    gate_wait(&closed, (long)index + 1);
    CHECK_NUMBER(last_code, 1000);
    app_wait_until_empty(&app);
    app_end(&app);
  }
}

/* ---- how long ---------------------------------------------------------------------------------------------------- */

static void a_socket_that_nobody_uses_is_closed_with_1001(void) {
  app_t app;
  app_init_noting(&app);
  app.options.idle_timeout_ms = 200;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws");
  WS_EXPECT_CLOSE(client, 1001);
  client_free(client);
  gate_wait(&closed, 1);
  CHECK_NUMBER(last_code, 1001);
  app_wait_until_empty(&app);
  app_end(&app);
}

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
static dog_status_t onmessage_ask(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                  const void *data, size_t length) {
  (void)user, (void)socket, (void)kind;
  CHECK_OK(dog_shard_gossip(shard, data, length, 0, gossiped_timed_out, NULL));
  return DOG_OK;
}

static void a_question_without_a_time_of_its_own_has_the_engines(void) {
  app_t app;
  app_init_noting(&app);
  app.options.gossip_timeout_ms = 100;
  app.gateway.limit = 1;
  app.shard.onmessage = onmessage_ask;
  app.shard.ongossip = ongossip_silent;
  app_start(&app);
  client_t *asking = ws_open(app.port, "/room/ws?u=asking"), *silent = ws_open(app.port, "/room/ws?u=silent");
  struct timespec before, after;
  CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
  ws_say(asking, "ask");
  gate_wait(&gossiped, 1);
  CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
  CHECK(after.tv_sec - before.tv_sec < 5); /* which is the default */
  ws_close(asking);
  ws_close(silent);
  app_wait_until_empty(&app);
  app_end(&app);
}

#define ROW(check) {#check, check}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(one_connection_of_an_address_too_many_is_503),
      ROW(one_connection_of_a_cluster_too_many_is_503),
      ROW(over_its_memory_the_engine_lets_nobody_in),
      ROW(a_worker_that_is_late_lets_nobody_in),
      ROW(an_address_is_believed_of_a_trusted_proxy_alone),
      ROW(a_frame_too_long_is_closed_with_1009),
      ROW(who_goes_over_its_rate_is_closed_with_1008),
      ROW(or_loses_what_is_over_and_goes_on),
      ROW(a_socket_that_nobody_uses_is_closed_with_1001),
      ROW(a_question_without_a_time_of_its_own_has_the_engines),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
