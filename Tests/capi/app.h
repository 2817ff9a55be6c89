/*
 * app.h - the program that the checks run: rooms by their path, /<room> for HTTP and /<room>/ws for WebSockets, the uid
 * from the query's u. A check changes what it wants between app_init and app_start.
 */
#ifndef APP_H
#define APP_H

#include "client.h"

typedef struct app {
  dog_options_t options;
  dog_gateway_class_t gateway;
  dog_shard_class_t shard;
  dog_fetch_fn on_fetch;
  dog_engine_t *engine;
  uint16_t port;
} app_t;

static inline dog_status_t app_respond(dog_request_t request, int status, const char *body) {
  return dog_request_respond(request, status, NULL, 0, body, strlen(body));
}

static inline int app_wants_websocket(dog_request_t request) {
  const char *value = NULL;
  size_t length = 0;
  return dog_request_header(request, "upgrade", 7, &value, &length) == DOG_OK;
}

static inline dog_status_t app_identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  const char *uid = "anon";
  size_t length = 4;
  dog_request_query(request, "u", 1, &uid, &length);
  return dog_request_identify(request, uid, length);
}

static inline dog_status_t app_receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  if (!app_wants_websocket(request)) return app_respond(request, 200, "hello");
  dog_request_connect(request, NULL);
  return DOG_OK;
}

/* DOG_TEST_LOG shows what the engine says. */
static inline void app_log(void *user, dog_log_level_t level, const char *line, size_t length) {
  (void)user;
  if (getenv("DOG_TEST_LOG") != NULL) fprintf(stderr, "log %d: %.*s\n", (int)level, (int)length, line);
}

static inline void app_init(app_t *app) {
  memset(app, 0, sizeof *app);
  CHECK_OK(dog_options_init(&app->options, sizeof app->options));
  app->options.workers = 2;
  app->options.log = app_log;
  app->options.log_level = DOG_LOG_DEBUG;
  CHECK_OK(dog_gateway_class_init(&app->gateway, sizeof app->gateway));
  app->gateway.name = "ROOM";
  app->gateway.child = "SEATS";
  app->gateway.limit = 100;
  app->gateway.identify = app_identify;
  CHECK_OK(dog_shard_class_init(&app->shard, sizeof app->shard));
  app->shard.name = "SEATS";
  app->shard.parent = "ROOM";
  app->shard.receive = app_receive;
}

/* Everything but the start. */
static inline void app_prepare(app_t *app) {
  CHECK_OK(dog_engine_create(&app->options, &app->engine));
  CHECK_OK(dog_engine_listen(app->engine, NULL, 0, &app->port));
  CHECK(app->port != 0);
  CHECK_OK(dog_engine_define_gateway(app->engine, &app->gateway));
  CHECK_OK(dog_engine_define_shard(app->engine, &app->shard));
  if (app->on_fetch != NULL) {
    CHECK_OK(dog_engine_on_fetch(app->engine, app->on_fetch, app));
  } else {
    CHECK_OK(dog_engine_route(app->engine, "/:room", "ROOM", NULL));
  }
}

static inline void app_start(app_t *app) {
  app_prepare(app);
  CHECK_OK(dog_engine_start(app->engine));
}

static inline dog_stats_t app_stats(const app_t *app) {
  dog_stats_t stats = {.size = sizeof stats};
  CHECK_OK(dog_engine_stats(app->engine, &stats));
  return stats;
}

/* Nobody is connected, nobody waits, nobody holds a place: what must come true once every client has gone. */
static inline void app_wait_until_empty(const app_t *app) {
  WAIT_UNTIL(app_stats(app).connections == 0);
  WAIT_UNTIL(app_stats(app).sockets == 0);
  WAIT_UNTIL(app_stats(app).requests == 0);
  WAIT_UNTIL(app_stats(app).places == 0);
}

static inline void app_end(app_t *app) {
  CHECK_OK(dog_engine_stop(app->engine, 300));
  CHECK_OK(dog_engine_destroy(app->engine));
}

#endif /* APP_H */
