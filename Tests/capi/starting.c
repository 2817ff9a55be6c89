/*
 * starting.c - a Shard's start is answered: at once, later, with an error, never; to a host that is called and to one
 * that fetches its events.
 */
#include "events.h"

#include <stdatomic.h>

/* ---- a host that is called --------------------------------------------------------------------------------------- */

enum { SHARDS_MAX = 64 };

/* The Shards in the order of their onstart, and what the next one does there. */
static struct {
  pthread_mutex_t lock;
  dog_shard_t shards[SHARDS_MAX];
  int starts, stops, receives;
  dog_status_t (*start_next)(dog_shard_t shard);
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int seen_starts(void) {
  pthread_mutex_lock(&seen.lock);
  int starts = seen.starts;
  pthread_mutex_unlock(&seen.lock);
  return starts;
}

static int seen_stops(void) {
  pthread_mutex_lock(&seen.lock);
  int stops = seen.stops;
  pthread_mutex_unlock(&seen.lock);
  return stops;
}

static dog_status_t onstart_seen(void *user, dog_shard_t shard) {
  (void)user;
  pthread_mutex_lock(&seen.lock);
  CHECK(seen.starts < SHARDS_MAX);
  seen.shards[seen.starts++] = shard;
  dog_status_t (*next)(dog_shard_t) = seen.start_next;
  pthread_mutex_unlock(&seen.lock);
  return next == NULL ? DOG_OK : next(shard);
}

static void set_start_next(dog_status_t (*next)(dog_shard_t shard)) {
  pthread_mutex_lock(&seen.lock);
  seen.start_next = next;
  pthread_mutex_unlock(&seen.lock);
}

static void onstop_seen(void *user, dog_shard_t shard) {
  (void)user;
  pthread_mutex_lock(&seen.lock);
  int is_known = 0;
  for (int index = 0; index < seen.starts; index++) is_known |= seen.shards[index] == shard;
  CHECK(is_known);
  seen.stops++;
  pthread_mutex_unlock(&seen.lock);
}

static dog_status_t receive_seen(void *user, dog_shard_t shard, dog_request_t request) {
  pthread_mutex_lock(&seen.lock);
  seen.receives++;
  pthread_mutex_unlock(&seen.lock);
  return app_receive(user, shard, request);
}

static char log_text[65536];
static size_t log_length;

static void log_kept(void *user, dog_log_level_t level, const char *line, size_t length) {
  pthread_mutex_lock(&seen.lock);
  if (log_length + length + 2 < sizeof log_text) {
    memcpy(log_text + log_length, line, length);
    log_length += length;
    log_text[log_length++] = '\n';
  }
  pthread_mutex_unlock(&seen.lock);
  app_log(user, level, line, length);
}

static int log_has(const char *text) {
  pthread_mutex_lock(&seen.lock);
  int has = strstr(log_text, text) != NULL;
  pthread_mutex_unlock(&seen.lock);
  return has;
}

static void app_init_starting(app_t *app, uint32_t later) {
  app_init(app);
  app->options.log = log_kept;
  app->options.log_level = DOG_LOG_WARN;
  app->gateway.limit = 1;
  app->shard.start_later = later;
  app->shard.onstart = onstart_seen;
  app->shard.onstop = onstop_seen;
  app->shard.receive = receive_seen;
}

static dog_status_t start_fails(dog_shard_t shard) {
  (void)shard;
  return DOG_ENOMEM;
}

static void a_start_that_returns_an_error_ends_its_shard_and_the_next_request_makes_another(void) {
  app_t app;
  app_init_starting(&app, 0);
  set_start_next(start_fails);
  app_start(&app);
  for (int round = 1; round <= 3; round++) {
    CHECK_NUMBER(http_get(app.port, "/den?u=ann", NULL), 500);
    WAIT_UNTIL(seen_stops() == round);
  }
  CHECK_NUMBER(seen.receives, 0);
  CHECK_NUMBER(app_stats(&app).shards, 0);
  CHECK(log_has("SEATS"));
  CHECK(log_has("DOG_ENOMEM"));
  set_start_next(NULL);
  CHECK_NUMBER(http_get(app.port, "/den?u=ann", NULL), 200);
  app_wait_until_empty(&app);
  app_end(&app);
  CHECK_NUMBER(seen.starts, 4);
  CHECK_NUMBER(seen.stops, 4);
}

static void *start_in_a_thread(void *shard) {
  CHECK_OK(dog_shard_started(*(dog_shard_t *)shard, DOG_OK));
  CHECK_STATUS(dog_shard_started(*(dog_shard_t *)shard, DOG_OK), DOG_ESTATE);
  free(shard);
  return NULL;
}

static dog_status_t start_by_a_thread(dog_shard_t shard) {
  dog_shard_t *given = malloc(sizeof *given);
  CHECK(given != NULL);
  *given = shard;
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, start_in_a_thread, given) == 0);
  pthread_detach(thread);
  return DOG_OK;
}

static dog_status_t start_within(dog_shard_t shard) {
  CHECK_OK(dog_shard_started(shard, DOG_OK));
  CHECK_STATUS(dog_shard_started(shard, DOG_EHOST), DOG_ESTATE);
  return DOG_OK;
}

static dog_status_t start_within_and_fail(dog_shard_t shard) {
  CHECK_OK(dog_shard_started(shard, DOG_OK));
  return DOG_EHOST;
}

static void a_start_is_answered_within_it_or_by_another_thread(void) {
  app_t app;
  app_init_starting(&app, 1);
  app_start(&app);
  set_start_next(start_within);
  client_t *first = ws_open(app.port, "/den/ws?u=ann");
  set_start_next(start_by_a_thread);
  client_t *second = ws_open(app.port, "/den/ws?u=bob"); /* limit is 1: on the other worker */
  set_start_next(start_within_and_fail);
  CHECK_NUMBER(http_get(app.port, "/den?u=cid", NULL), 500);
  WAIT_UNTIL(seen_stops() == 1);
  CHECK_NUMBER(app_stats(&app).places, 2);
  ws_close(first);
  ws_close(second);
  app_wait_until_empty(&app);
  app_end(&app);
  CHECK_NUMBER(seen.starts, 3);
  CHECK_NUMBER(seen.stops, 3);
}

static void a_start_that_nobody_answers_has_a_deadline(void) {
  app_t app;
  app_init_starting(&app, 1);
  app.options.start_timeout_ms = 50;
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/den?u=ann", NULL), 503);
  WAIT_UNTIL(seen_stops() == 1);
  CHECK_EITHER(dog_shard_started(seen.shards[0], DOG_OK), DOG_ESTALE, DOG_ESTATE); /* onstop has not returned */
  CHECK(log_has("DOG_ETIMEDOUT"));
  CHECK_NUMBER(seen.receives, 0);
  app_wait_until_empty(&app);
  app_end(&app);
  CHECK_NUMBER(seen.stops, 1);
}

/* A streamed response holds the place on the first Shard, so that what comes meanwhile needs a second one. */
static dog_request_t streamed;

static dog_status_t receive_streaming(void *user, dog_shard_t shard, dog_request_t request) {
  if (streamed != 0) return app_receive(user, shard, request);
  streamed = request;
  CHECK_OK(dog_request_respond_begin(request, 200, NULL, 0, NULL));
  return dog_request_respond_write(request, "a", 1);
}

static void a_start_that_fails_leaves_a_stream_on_another_shard_alone(void) {
  app_t app;
  app_init_starting(&app, 1);
  app.shard.receive = receive_streaming;
  app_start(&app);
  set_start_next(start_within);
  client_t *listener = client_connect(app.port);
  client_ask(listener, "GET", "/den?u=ann");
  response_t response;
  client_read_response(listener, &response, 0);
  CHECK_NUMBER(response.status, 200);
  set_start_next(NULL);
  for (int round = 1; round <= 4; round++) {
    client_t *waiting = client_connect(app.port), *leaving = client_connect(app.port);
    client_ask(waiting, "GET", "/den?u=bob");
    client_ask(leaving, "GET", "/den?u=cid");
    WAIT_UNTIL(seen_starts() == 2 * round + 1);
    client_reset(leaving);
    for (int index = 2 * round - 1; index < 2 * round + 1; index++) {
      CHECK_OK(dog_shard_started(seen.shards[index], DOG_EHOST));
    }
    client_read_response(waiting, &response, 1);
    CHECK_NUMBER(response.status, 500);
    client_free(waiting);
    WAIT_UNTIL(app_stats(&app).places == 1);
    WAIT_UNTIL(seen_stops() == 2 * round);
  }
  CHECK_OK(dog_request_respond_write(streamed, "b", 1));
  CHECK_OK(dog_request_respond_end(streamed));
  client_wait(listener, 1);
  client_free(listener);
  app_wait_until_empty(&app);
  app_end(&app);
  CHECK_NUMBER(seen.starts, 9);
  CHECK_NUMBER(seen.stops, 9);
}

/* Two Shards fall empty at one time and are retired together. When the first of them ends, its host lets in somebody
 * who has waited: the place of the second is free by then, and is that of a new Shard. */
static dog_request_t late, on_first, on_second, on_third;
static dog_shard_t ended[SHARDS_MAX];

static dog_status_t identify_all_but_late(void *user, dog_gateway_t gateway, dog_request_t request) {
  const char *uid = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_query(request, "u", 1, &uid, &length));
  if (length != 4) return app_identify(user, gateway, request);
  late = request;
  return DOG_OK;
}

static dog_status_t receive_held(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  pthread_mutex_lock(&seen.lock);
  dog_request_t *held[] = {&on_first, &on_second, &on_third};
  CHECK(seen.receives < 3);
  *held[seen.receives++] = request;
  pthread_mutex_unlock(&seen.lock);
  return DOG_OK;
}

static int seen_receives(void) {
  pthread_mutex_lock(&seen.lock);
  int receives = seen.receives;
  pthread_mutex_unlock(&seen.lock);
  return receives;
}

static void onstop_let_in(void *user, dog_shard_t shard) {
  CHECK(seen.stops < SHARDS_MAX);
  ended[seen.stops] = shard;
  if (seen.stops == 0) CHECK_OK(dog_request_identify(late, "late", 4));
  onstop_seen(user, shard);
}

static void respond_to_both(void *user, dog_shard_t shard, dog_status_t status) {
  (void)user, (void)shard;
  CHECK_OK(status);
  CHECK_OK(app_respond(on_second, 200, "b"));
  CHECK_OK(app_respond(on_first, 200, "a"));
}

static void a_shard_that_begins_while_others_are_retired_is_none_of_them(void) {
  app_t app;
  app_init_starting(&app, 0);
  app.options.workers = 1;
  app.gateway.idle_seconds = 0;
  app.gateway.identify = identify_all_but_late;
  app.shard.receive = receive_held;
  app.shard.onstop = onstop_let_in;
  app_start(&app);
  client_t *clients[3];
  const char *targets[] = {"/den?u=ann", "/den?u=bob", "/den?u=late"};
  for (int index = 0; index < 3; index++) {
    clients[index] = client_connect(app.port);
    client_ask(clients[index], "GET", targets[index]);
    if (index < 2) WAIT_UNTIL(seen_receives() == index + 1);
  }
  WAIT_UNTIL(app_stats(&app).requests == 3);
  dog_shard_t first = seen.shards[0], second = seen.shards[1];
  CHECK_OK(dog_shard_post(first, respond_to_both, NULL)); /* which keeps them for one turn: they are empty at once */
  WAIT_UNTIL(seen_receives() == 3);
  WAIT_UNTIL(seen_stops() == 2);
  CHECK(ended[0] == second && ended[1] == first);
  CHECK_NUMBER(app_stats(&app).shards, 1);
  CHECK_OK(app_respond(on_third, 200, "c"));
  response_t response;
  for (int index = 0; index < 3; index++) {
    client_read_response(clients[index], &response, 1);
    CHECK_NUMBER(response.status, 200);
    client_free(clients[index]);
  }
  WAIT_UNTIL(seen_stops() == 3);
  app_wait_until_empty(&app);
  CHECK_NUMBER(app_stats(&app).shards, 0);
  app_end(&app);
  CHECK_NUMBER(seen.starts, 3);
}

static void a_start_is_told_of_a_stop_and_of_a_destroy(void) {
  for (int round = 0; round < 20; round++) {
    app_t app;
    app_init_starting(&app, 1);
    memset(seen.shards, 0, sizeof seen.shards);
    seen.starts = seen.stops = seen.receives = 0;
    app_start(&app);
    client_t *clients[4];
    for (int index = 0; index < 4; index++) {
      clients[index] = client_connect(app.port);
      client_ask(clients[index], "GET", index % 2 == 0 ? "/den" : "/hall");
    }
    WAIT_UNTIL(seen_starts() == 4);
    if (round % 2 == 0) CHECK_OK(dog_shard_started(seen.shards[round % 4], round % 4 == 0 ? DOG_OK : DOG_EHOST));
    if (round % 3 == 0) CHECK_OK(dog_engine_stop(app.engine, 0));
    CHECK_OK(dog_engine_destroy(app.engine));
    CHECK_NUMBER(seen.starts, 4);
    CHECK_NUMBER(seen.stops, 4);
    for (int index = 0; index < 4; index++) {
      CHECK_STATUS(dog_shard_started(seen.shards[index], DOG_OK), DOG_ESTALE);
      client_free(clients[index]);
    }
  }
}

static dog_status_t start_and_ask_wrongly(dog_shard_t shard) {
  CHECK_STATUS(dog_shard_started(shard, DOG_OK), DOG_ESTATE); /* its class does not start later */
  CHECK_STATUS(dog_shard_started(shard, (dog_status_t)1), DOG_EINVAL);
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_shard_gateway(shard, &gateway));
  CHECK_STATUS(dog_shard_started(gateway, DOG_OK), DOG_EKIND);
  return DOG_OK;
}

static void a_start_is_answered_only_where_it_may_be(void) {
  app_t app;
  app_init_starting(&app, 0);
  CHECK_OK(dog_engine_create(NULL, &app.engine));
  dog_shard_class_t shard = app.shard;
  shard.start_later = 2;
  CHECK_STATUS(dog_engine_define_shard(app.engine, &shard), DOG_EINVAL);
  shard.start_later = 1;
  shard.onstart = NULL; /* nobody could answer */
  CHECK_STATUS(dog_engine_define_shard(app.engine, &shard), DOG_EINVAL);
  CHECK_OK(dog_engine_destroy(app.engine));

  set_start_next(start_and_ask_wrongly);
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  app_end(&app);
}

/* ---- a host that fetches its events ------------------------------------------------------------------------------ */

static void host_init_starting(host_t *host) {
  host_init(host);
  host->app.gateway.limit = 1;
  host->app.shard.start_later = 1;
}

static void a_start_event_is_answered_before_anything_else_comes(void) {
  host_t host;
  host_init_starting(&host);
  host_start(&host);
  client_t *client = ws_ask(host.app.port, "/den/ws?u=ann", NULL);
  host_handle(host_expect(&host, DOG_EVENT_IDENTIFY));
  const dog_event_t *event = host_expect(&host, DOG_EVENT_START);
  dog_shard_t shard = event->shard;
  host_expect_nothing(&host);
  CHECK_NUMBER(app_stats(&host.app).places, 1);
  CHECK_OK(dog_shard_set_data(shard, &host));
  CHECK_OK(dog_shard_started(shard, DOG_OK));
  CHECK_STATUS(dog_shard_started(shard, DOG_OK), DOG_ESTATE);
  event = host_expect(&host, DOG_EVENT_RECEIVE);
  CHECK(event->shard == shard);
  host_handle(event);
  host_expect(&host, DOG_EVENT_OPEN);
  client_free(client);
  host_reach(&host, DOG_EVENT_CLOSE);
  host_end(&host);
}

static void a_start_event_answered_with_an_error_is_followed_by_a_stop(void) {
  host_t host;
  host_init_starting(&host);
  host_start(&host);
  response_t response;
  for (int round = 0; round < 3; round++) {
    client_t *client = client_connect(host.app.port);
    client_ask(client, "GET", "/den?u=ann");
    dog_shard_t shard = host_reach(&host, DOG_EVENT_START)->shard;
    CHECK_OK(dog_shard_started(shard, DOG_EHOST));
    CHECK(host_expect(&host, DOG_EVENT_STOP)->shard == shard);
    client_read_response(client, &response, 1);
    CHECK_NUMBER(response.status, 500);
    client_free(client);
  }
  host_end(&host);
}

static void a_start_event_that_is_not_answered_in_time_is_followed_by_a_stop(void) {
  host_t host;
  host_init_starting(&host);
  host.app.options.start_timeout_ms = 50;
  host_start(&host);
  client_t *client = client_connect(host.app.port);
  client_ask(client, "GET", "/den?u=ann");
  dog_shard_t shard = host_reach(&host, DOG_EVENT_START)->shard;
  CHECK(host_reach(&host, DOG_EVENT_STOP)->shard == shard);
  CHECK_STATUS(dog_shard_started(shard, DOG_OK), DOG_ESTALE);
  response_t response;
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 503);
  client_free(client);
  host_end(&host);
}

static void a_start_event_is_followed_by_a_stop_where_the_engine_stops(void) {
  host_t host;
  host_init_starting(&host);
  host_start(&host);
  client_t *client = client_connect(host.app.port);
  client_ask(client, "GET", "/den?u=ann");
  dog_shard_t shard = host_reach(&host, DOG_EVENT_START)->shard;
  CHECK_OK(dog_engine_stop(host.app.engine, 0));
  CHECK(host_reach(&host, DOG_EVENT_STOP)->shard == shard);
  host_drain(&host);
  CHECK_STATUS(dog_shard_started(shard, DOG_OK), DOG_ESTALE);
  CHECK_OK(dog_engine_destroy(host.app.engine));
  client_free(client);
}

/* Many clients, Shards of one place, starts answered in every way and out of turn, clients that leave, a stop with a
 * grace: each START has its STOP, and nobody is left with a place. */
static void starts_answered_at_random_leave_nothing_behind(void) {
  dice_t dice = dice_make();
  host_t host;
  host_init_starting(&host);
  host.app.options.start_timeout_ms = 100;
  host_start(&host);
  enum { CLIENTS = 24 };
  client_t *clients[CLIENTS] = {NULL};
  dog_shard_t open[SHARDS_MAX];
  int starts = 0, stops = 0, waiting = 0;
  for (int turn = 0; turn < 2000; turn++) {
    client_t **client = &clients[dice_next(&dice) % CLIENTS];
    if (*client == NULL) {
      char target[64];
      snprintf(target, sizeof target, "/room%u?u=u%u", (unsigned)dice_next(&dice) % 3, (unsigned)dice_next(&dice) % 9);
      *client = client_connect(host.app.port);
      client_ask(*client, "GET", target);
    } else if (dice_next(&dice) % 3 == 0) {
      dice_next(&dice) % 2 == 0 ? client_reset(*client) : client_free(*client);
      *client = NULL;
    }
    size_t count = 0;
    dog_event_t event;
    CHECK_OK(dog_engine_poll(host.app.engine, &event, 1, 1, &count));
    if (count == 1) {
      host_handle(&event);
      stops += event.type == DOG_EVENT_STOP;
      if (event.type == DOG_EVENT_START) {
        starts++;
        if (waiting < SHARDS_MAX) open[waiting++] = event.shard;
      }
    }
    if (waiting > 0 && dice_next(&dice) % 2 == 0) {
      int index = (int)(dice_next(&dice) % (uint64_t)waiting);
      dog_status_t status = dog_shard_started(open[index], dice_next(&dice) % 2 == 0 ? DOG_OK : DOG_EHOST);
      if (status != DOG_ESTATE) CHECK_EITHER(status, DOG_OK, DOG_ESTALE); /* its deadline is another answer */
      open[index] = open[--waiting];
    }
  }
  CHECK_OK(dog_engine_stop(host.app.engine, (uint32_t)dice_next(&dice) % 50));
  for (;;) {
    const dog_event_t *event = host_next(&host);
    host_handle(event);
    starts += event->type == DOG_EVENT_START;
    stops += event->type == DOG_EVENT_STOP;
    if (event->type == DOG_EVENT_STOPPED) break;
  }
  CHECK(starts > 0);
  CHECK_NUMBER(stops, starts);
  CHECK_NUMBER(app_stats(&host.app).places, 0);
  CHECK_OK(dog_engine_destroy(host.app.engine));
  for (int index = 0; index < CLIENTS; index++) {
    if (clients[index] != NULL) client_free(clients[index]);
  }
}

#define ROW(name) {#name, name}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(a_start_that_returns_an_error_ends_its_shard_and_the_next_request_makes_another),
      ROW(a_start_is_answered_within_it_or_by_another_thread),
      ROW(a_start_that_nobody_answers_has_a_deadline),
      ROW(a_start_that_fails_leaves_a_stream_on_another_shard_alone),
      ROW(a_shard_that_begins_while_others_are_retired_is_none_of_them),
      ROW(a_start_is_told_of_a_stop_and_of_a_destroy),
      ROW(a_start_is_answered_only_where_it_may_be),
      ROW(a_start_event_is_answered_before_anything_else_comes),
      ROW(a_start_event_answered_with_an_error_is_followed_by_a_stop),
      ROW(a_start_event_that_is_not_answered_in_time_is_followed_by_a_stop),
      ROW(a_start_event_is_followed_by_a_stop_where_the_engine_stops),
      ROW(starts_answered_at_random_leave_nothing_behind),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
