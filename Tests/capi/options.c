/*
 * options.c - what an engine is told before it starts: options, classes, routes, listeners. What is not valid is
 * refused there and then, and an engine that was started takes no more. Defaults and ranges: test_options.py.
 */
#include "app.h"
#include "calls.h"

#include <errno.h>
#include <stddef.h>

/* ---- structs and their sizes ------------------------------------------------------------------------------------- */

/* As a program sees it that was built against a later header: more members, which this library does not know. */
typedef struct later_options {
  dog_options_t known;
  uint64_t unknown[4];
} later_options_t;

static void a_struct_of_another_size_is_understood_or_refused(void) {
  dog_engine_t *engine = NULL;
  later_options_t options;
  CHECK_STATUS(dog_options_init(&options.known, 0), DOG_EINVAL);
  CHECK_STATUS(dog_options_init(&options.known, sizeof options.known - 1), DOG_EINVAL);

  memset(&options, 0xff, sizeof options);
  CHECK_OK(dog_options_init(&options.known, sizeof options));
  CHECK_NUMBER(options.known.size, sizeof options);
  for (int index = 0; index < 4; index++) CHECK(options.unknown[index] == 0);
  CHECK_OK(dog_engine_create(&options.known, &engine));
  CHECK_OK(dog_engine_destroy(engine));
  options.unknown[3] = 1;
  CHECK_STATUS(dog_engine_create(&options.known, &engine), DOG_EINVAL);
  options.unknown[3] = 0;
  static const size_t sizes[] = {0, 1, sizeof(size_t), sizeof(dog_options_t) - 1, SIZE_MAX, SIZE_MAX / 2 + 1};
  for (size_t index = 0; index < sizeof sizes / sizeof sizes[0]; index++) {
    options.known.size = sizes[index];
    CHECK_STATUS(dog_engine_create(&options.known, &engine), DOG_EINVAL);
  }

  CHECK_OK(dog_engine_create(NULL, &engine));
  struct {
    dog_gateway_class_t known;
    uint64_t unknown[4];
  } gateway;
  CHECK_STATUS(dog_gateway_class_init(&gateway.known, sizeof gateway.known - 1), DOG_EINVAL);
  CHECK_OK(dog_gateway_class_init(&gateway.known, sizeof gateway));
  gateway.known.name = "ROOM";
  gateway.known.child = "SEATS";
  gateway.known.limit = 1;
  gateway.known.identify = calls_identify;
  gateway.unknown[0] = 1;
  CHECK_STATUS(dog_engine_define_gateway(engine, &gateway.known), DOG_EINVAL);
  gateway.unknown[0] = 0;
  gateway.known.size = sizeof gateway.known - 1;
  CHECK_STATUS(dog_engine_define_gateway(engine, &gateway.known), DOG_EINVAL);
  gateway.known.size = SIZE_MAX;
  CHECK_STATUS(dog_engine_define_gateway(engine, &gateway.known), DOG_EINVAL);
  gateway.known.size = sizeof gateway;
  CHECK_OK(dog_engine_define_gateway(engine, &gateway.known));

  struct {
    dog_shard_class_t known;
    uint64_t unknown[4];
  } shard;
  CHECK_STATUS(dog_shard_class_init(&shard.known, sizeof shard.known - 1), DOG_EINVAL);
  CHECK_OK(dog_shard_class_init(&shard.known, sizeof shard));
  shard.known.name = "SEATS";
  shard.known.parent = "ROOM";
  shard.known.receive = calls_receive;
  shard.unknown[3] = 1;
  CHECK_STATUS(dog_engine_define_shard(engine, &shard.known), DOG_EINVAL);
  shard.unknown[3] = 0;
  shard.known.size = sizeof shard.known - 1;
  CHECK_STATUS(dog_engine_define_shard(engine, &shard.known), DOG_EINVAL);
  shard.known.size = sizeof shard;
  CHECK_OK(dog_engine_define_shard(engine, &shard.known));

  dog_connect_options_t connect;
  CHECK_STATUS(dog_connect_options_init(&connect, sizeof connect - 1), DOG_EINVAL);
  CHECK_OK(dog_connect_options_init(&connect, sizeof connect));
  CHECK_NUMBER(connect.size, sizeof connect);

  struct {
    dog_stats_t known;
    uint64_t unknown[4];
  } stats = {.known.size = sizeof stats.known - 1};
  CHECK_STATUS(dog_engine_stats(engine, &stats.known), DOG_EINVAL);
  stats.known.size = sizeof stats;
  CHECK_OK(dog_engine_stats(engine, &stats.known));
  CHECK_OK(dog_engine_destroy(engine));
}

/* ---- what options may be ----------------------------------------------------------------------------------------- */

#define OPTION(name) {#name, offsetof(dog_options_t, name)}

typedef struct option {
  const char *name;
  size_t offset;
} option_t;

static const option_t amounts[] = {
    OPTION(connections_max),   OPTION(gateways_max),     OPTION(shards_max),       OPTION(mailbox_bytes_max),
    OPTION(target_bytes_max),  OPTION(header_bytes_max), OPTION(header_count_max), OPTION(body_bytes_max),
    OPTION(message_bytes_max), OPTION(outbox_bytes_max), OPTION(gossip_bytes_max), OPTION(gossips_max),
    OPTION(connections_per_address_max), OPTION(frame_bytes_max), OPTION(message_rate_max),
    OPTION(shards_total_max),  OPTION(uids_max),
    OPTION(message_burst_max), OPTION(byte_rate_max),    OPTION(byte_burst_max),   OPTION(retry_after_seconds),
    OPTION(timers_max),        OPTION(read_turn_bytes_max), OPTION(write_turn_bytes_max),
    OPTION(deflate_turn_bytes_max),
};

static void a_list_of_proxies_is_read_strictly(void) {
  static const char *const good[] = {"127.0.0.1", "10.0.0.0/8, ::1,unix", "2001:db8::/32"};
  static const char *const bad[] = {"localhost", "10.0.0.0/33", "10.0.0.0/", "::1/129", "10.0.0.1:80", "1.2.3"};
  dog_options_t options;
  CHECK_OK(dog_options_init(&options, sizeof options));
  dog_engine_t *engine = NULL;
  for (size_t index = 0; index < sizeof good / sizeof good[0]; index++) {
    options.trusted_proxies = good[index];
    CHECK_OK(dog_engine_create(&options, &engine));
    CHECK_OK(dog_engine_destroy(engine));
  }
  for (size_t index = 0; index < sizeof bad / sizeof bad[0]; index++) {
    options.trusted_proxies = bad[index];
    if (dog_engine_create(&options, &engine) != DOG_EINVAL) FAIL("\"%s\" is taken", bad[index]);
  }
}

static void a_placement_is_one_of_two(void) {
  for (uint32_t placement = 0; placement < 4; placement++) {
    dog_engine_t *engine = NULL;
    CHECK_OK(dog_engine_create(NULL, &engine));
    app_t app;
    app_init(&app);
    app.gateway.placement = (dog_placement_t)placement;
    int is_one = placement == DOG_PLACE_LEAST_UTILISED || placement == DOG_PLACE_FULLEST;
    CHECK_STATUS(dog_engine_define_gateway(engine, &app.gateway), is_one ? DOG_OK : DOG_EINVAL);
    CHECK_OK(dog_engine_destroy(engine));
  }
}

/* A class with one member changed. */
static dog_status_t define_shard(void (*change)(dog_shard_class_t *shard)) {
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(NULL, &engine));
  app_t app;
  app_init(&app);
  change(&app.shard);
  dog_status_t status = dog_engine_define_shard(engine, &app.shard);
  CHECK_OK(dog_engine_destroy(engine));
  return status;
}

static void deflate_on(dog_shard_class_t *shard) { shard->deflate = 1; }
static void deflate_two(dog_shard_class_t *shard) { shard->deflate = 2; }
static void deflate_level_0(dog_shard_class_t *shard) { shard->deflate_level = 0; }
static void deflate_level_10(dog_shard_class_t *shard) { shard->deflate_level = 10; }
static void deflate_window_8(dog_shard_class_t *shard) { shard->deflate_window_bits = 8; }
static void deflate_window_16(dog_shard_class_t *shard) { shard->deflate_window_bits = 16; }
static void deflate_client_window_7(dog_shard_class_t *shard) { shard->deflate_client_window_bits = 7; }
static void deflate_client_context_2(dog_shard_class_t *shard) { shard->deflate_client_context = 2; }
static void origins_that_are_null(dog_shard_class_t *shard) { shard->origin_count = 3; }
static void origins_with_a_path(dog_shard_class_t *shard) {
  static const char *const origins[] = {"https://example.com/path"};
  shard->origins = origins;
  shard->origin_count = 1;
}
static void origins_without_end(dog_shard_class_t *shard) {
  static const char *const origins[] = {"https://example.com"};
  shard->origins = origins;
  shard->origin_count = SIZE_MAX;
}
static void origins_with_a_null(dog_shard_class_t *shard) {
  static const char *const origins[] = {"https://example.com", NULL};
  shard->origins = origins;
  shard->origin_count = 2;
}

static void what_a_shard_class_says_of_the_wire_is_checked(void) {
  CHECK_OK(define_shard(deflate_on));
  CHECK_STATUS(define_shard(deflate_two), DOG_EINVAL);
  CHECK_STATUS(define_shard(deflate_level_0), DOG_EINVAL);
  CHECK_STATUS(define_shard(deflate_level_10), DOG_EINVAL);
  CHECK_STATUS(define_shard(deflate_window_8), DOG_EINVAL);
  CHECK_STATUS(define_shard(deflate_window_16), DOG_EINVAL);
  CHECK_STATUS(define_shard(deflate_client_window_7), DOG_EINVAL);
  CHECK_STATUS(define_shard(deflate_client_context_2), DOG_EINVAL);
  CHECK_STATUS(define_shard(origins_that_are_null), DOG_EINVAL);
  CHECK_STATUS(define_shard(origins_with_a_path), DOG_EINVAL);
  CHECK_STATUS(define_shard(origins_without_end), DOG_EINVAL);
  CHECK_STATUS(define_shard(origins_with_a_null), DOG_EINVAL);
}

/* Whatever an amount is set to, the engine either refuses it or runs with it. */
static void an_extreme_amount_is_refused_or_works(void) {
  static const uint32_t extremes[] = {0, 1, 2, INT32_MAX, 1u << 31, UINT32_MAX};
  for (size_t index = 0; index < sizeof amounts / sizeof amounts[0]; index++) {
    for (size_t extreme = 0; extreme < sizeof extremes / sizeof extremes[0]; extreme++) {
      app_t app;
      app_init(&app);
      memcpy((char *)&app.options + amounts[index].offset, &extremes[extreme], sizeof extremes[extreme]);
      dog_status_t status = dog_engine_create(&app.options, &app.engine);
      if (status == DOG_EINVAL) continue;
      CHECK_OK(status);
      CHECK_OK(dog_engine_destroy(app.engine));
      app_start(&app);
      http_get(app.port, "/room?u=ann", NULL); /* any answer, or none: not even its head may fit */
      client_t *client = ws_ask(app.port, "/room/ws?u=bob", NULL);
      response_t response;
      client_read_response(client, &response, 1);
      if (response.status == 101) ws_say(client, "hello");
      client_free(client);
      app_end(&app);
    }
  }
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

static void a_class_that_is_not_valid_is_refused(void) {
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(NULL, &engine));
  char long_name[DOG_NAME_BYTES_MAX + 2];
  memset(long_name, 'a', sizeof long_name);
  long_name[DOG_NAME_BYTES_MAX + 1] = '\0';
  const char *const names[] = {NULL, "", "\x01", "two\nlines", "\xff\xfe", long_name};

  app_t good;
  app_init(&good);
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
    dog_gateway_class_t gateway = good.gateway;
    gateway.name = names[index];
    CHECK_STATUS(dog_engine_define_gateway(engine, &gateway), DOG_EINVAL);
    gateway = good.gateway;
    gateway.child = names[index];
    CHECK_STATUS(dog_engine_define_gateway(engine, &gateway), DOG_EINVAL);
    dog_shard_class_t shard = good.shard;
    shard.name = names[index];
    CHECK_STATUS(dog_engine_define_shard(engine, &shard), DOG_EINVAL);
    shard = good.shard;
    shard.parent = names[index];
    CHECK_STATUS(dog_engine_define_shard(engine, &shard), DOG_EINVAL);
  }
  dog_gateway_class_t gateway = good.gateway;
  gateway.identify = NULL;
  CHECK_STATUS(dog_engine_define_gateway(engine, &gateway), DOG_EINVAL);
  dog_shard_class_t shard = good.shard;
  shard.receive = NULL;
  CHECK_STATUS(dog_engine_define_shard(engine, &shard), DOG_EINVAL);

  /* What was refused has left nothing behind. */
  CHECK_OK(dog_engine_define_gateway(engine, &good.gateway));
  CHECK_OK(dog_engine_define_shard(engine, &good.shard));
  CHECK_OK(dog_engine_destroy(engine));
}

static void a_limit_of_zero_is_refused(void) {
  static const uint32_t limits[] = {0, 1000001, UINT32_MAX};
  app_t app;
  app_init(&app);
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(NULL, &engine));
  for (size_t index = 0; index < sizeof limits / sizeof limits[0]; index++) {
    app.gateway.limit = limits[index];
    CHECK_STATUS(dog_engine_define_gateway(engine, &app.gateway), DOG_EINVAL);
  }
  app.gateway.limit = 1000000;
  app.gateway.sticky_seconds = 604801;
  CHECK_STATUS(dog_engine_define_gateway(engine, &app.gateway), DOG_EINVAL);
  app.gateway.sticky_seconds = 604800;
  app.gateway.idle_seconds = 604801;
  CHECK_STATUS(dog_engine_define_gateway(engine, &app.gateway), DOG_EINVAL);
  app.gateway.idle_seconds = 604800;
  CHECK_OK(dog_engine_define_gateway(engine, &app.gateway));
  app.gateway.name = "SHORT";
  app.gateway.sticky_seconds = 0;
  CHECK_OK(dog_engine_define_gateway(engine, &app.gateway)); /* nobody is remembered */
  CHECK_OK(dog_engine_destroy(engine));
}

static void a_class_registered_twice_is_refused(void) {
  app_t app;
  app_init(&app);
  app_prepare(&app);
  CHECK_STATUS(dog_engine_define_gateway(app.engine, &app.gateway), DOG_EEXIST);
  CHECK_STATUS(dog_engine_define_shard(app.engine, &app.shard), DOG_EEXIST);
  app.gateway.name = "OTHER";
  CHECK_OK(dog_engine_define_gateway(app.engine, &app.gateway));
  CHECK_OK(dog_engine_destroy(app.engine));
}

static void a_class_is_copied(void) {
  app_t app;
  app_init(&app);
  char names[4][8] = {"ROOM", "SEATS", "SEATS", "ROOM"};
  app.gateway.name = names[0];
  app.gateway.child = names[1];
  app.shard.name = names[2];
  app.shard.parent = names[3];
  app_prepare(&app);
  memset(names, 'x', sizeof names);
  memset(&app.gateway, 0xff, sizeof app.gateway);
  memset(&app.shard, 0xff, sizeof app.shard);
  CHECK_OK(dog_engine_start(app.engine));
  CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
  app_end(&app);
}

static void an_unknown_class_is_refused_at_the_start(void) {
  app_t app;
  app_init(&app);
  for (int wrong = 0; wrong < 4; wrong++) {
    dog_gateway_class_t gateway = app.gateway;
    dog_shard_class_t shard = app.shard;
    if (wrong == 1) gateway.child = "NOBODY";
    if (wrong == 2) shard.parent = "NOBODY";
    dog_engine_t *engine = NULL;
    CHECK_OK(dog_engine_create(NULL, &engine));
    CHECK_OK(dog_engine_define_gateway(engine, &gateway));
    CHECK_OK(dog_engine_define_shard(engine, &shard));
    CHECK_OK(dog_engine_route(engine, "/:room", wrong == 3 ? "NOBODY" : "ROOM", NULL));
    CHECK_STATUS(dog_engine_start(engine), wrong == 0 ? DOG_OK : DOG_ENOENT);
    CHECK_OK(dog_engine_destroy(engine));
  }
}

static void a_link_that_only_one_side_knows_is_refused(void) {
  app_t app;
  app_init(&app);
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(NULL, &engine));
  CHECK_OK(dog_engine_define_gateway(engine, &app.gateway));
  app.gateway.name = "OTHER";
  app.gateway.child = "OTHER_SEATS";
  CHECK_OK(dog_engine_define_gateway(engine, &app.gateway));
  app.shard.parent = "OTHER"; /* "SEATS" is the child of "ROOM" */
  CHECK_OK(dog_engine_define_shard(engine, &app.shard));
  app.shard.name = "OTHER_SEATS";
  app.shard.parent = "ROOM";
  CHECK_OK(dog_engine_define_shard(engine, &app.shard));
  CHECK_EITHER(dog_engine_start(engine), DOG_EINVAL, DOG_ENOENT);
  CHECK_OK(dog_engine_destroy(engine));
}

/* ---- routes ------------------------------------------------------------------------------------------------------ */

static void a_route_that_is_not_valid_is_refused(void) {
  app_t app;
  app_init(&app);
  app_prepare(&app);
  CHECK_STATUS(dog_engine_route(app.engine, "", "ROOM", NULL), DOG_EINVAL);
  CHECK_STATUS(dog_engine_route(app.engine, "rooms/:name", "ROOM", NULL), DOG_EINVAL);
  CHECK_STATUS(dog_engine_route(app.engine, "/:one/:two", "ROOM", NULL), DOG_EINVAL);
  CHECK_STATUS(dog_engine_route(app.engine, "/literal", "ROOM", NULL), DOG_EINVAL);
  CHECK_STATUS(dog_engine_route(app.engine, "/literal", "ROOM", ""), DOG_EINVAL);
  char long_name[DOG_NAME_BYTES_MAX + 2];
  memset(long_name, 'a', sizeof long_name);
  long_name[DOG_NAME_BYTES_MAX + 1] = '\0';
  CHECK(dog_engine_route(app.engine, "/literal", "ROOM", long_name) != DOG_OK);
  CHECK_OK(dog_engine_route(app.engine, "/literal", "ROOM", "x"));
  /* A very long pattern, and one with very many segments, are patterns like any other, or refused. */
  char *pattern = malloc(1000001);
  CHECK(pattern != NULL);
  memset(pattern, '/', 1000000);
  pattern[1000000] = '\0';
  (void)dog_engine_route(app.engine, pattern, "ROOM", "x");
  memset(pattern + 1, 'a', 999999);
  (void)dog_engine_route(app.engine, pattern, "ROOM", "x");
  free(pattern);
  CHECK_OK(dog_engine_start(app.engine));
  CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
  app_end(&app);
}

static dog_status_t tell_gateway(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  const char *path = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_path(request, &path, &length));
  return dog_request_respond(request, 200, NULL, 0, path, length);
}

static dog_status_t fetch_teapot(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  return app_respond(request, 418, "no route");
}

static void routes_take_what_the_header_says(void) {
  static const struct {
    const char *target;
    int status;
  } table[] = {
      {"/tasks/x", 200},     {"/tasks/x/ws", 200}, {"/tasks/x/a/b/c", 200}, {"/tasks/a%20b", 200},
      {"/tasks/x?y=z", 200}, {"/tasks", 418},      {"/tasks/", 418},        {"/tasks?name=x", 418},
      {"/tasks//ws", 418},   {"/task/x", 418},     {"/", 418},              {"/ws", 200},
      {"/wsx", 418},         {"/TASKS/x", 418},
  };
  app_t app;
  app_init(&app);
  app.shard.receive = tell_gateway;
  CHECK_OK(dog_engine_create(&app.options, &app.engine));
  CHECK_OK(dog_engine_listen(app.engine, NULL, 0, &app.port));
  CHECK_OK(dog_engine_define_gateway(app.engine, &app.gateway));
  CHECK_OK(dog_engine_define_shard(app.engine, &app.shard));
  CHECK_OK(dog_engine_route(app.engine, "/tasks/:name", "ROOM", NULL));
  CHECK_OK(dog_engine_route(app.engine, "/ws", "ROOM", "the one"));
  CHECK_OK(dog_engine_on_fetch(app.engine, fetch_teapot, NULL));
  CHECK_OK(dog_engine_start(app.engine));
  for (size_t index = 0; index < sizeof table / sizeof table[0]; index++) {
    int status = http_get(app.port, table[index].target, NULL);
    if (status != table[index].status) FAIL("%s is %d, not %d", table[index].target, status, table[index].status);
  }
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_gateway_find(app.engine, "ROOM", 4, "x", 1, &gateway));
  CHECK_OK(dog_gateway_find(app.engine, "ROOM", 4, "a b", 3, &gateway));
  CHECK_OK(dog_gateway_find(app.engine, "ROOM", 4, "the one", 7, &gateway));
  CHECK_STATUS(dog_gateway_find(app.engine, "ROOM", 4, "nobody", 6, &gateway), DOG_ENOENT);
  CHECK_STATUS(dog_gateway_find(app.engine, "NONE", 4, "x", 1, &gateway), DOG_ENOENT);
  app_end(&app);
}

static void without_a_route_it_is_404(void) {
  app_t app;
  app_init(&app);
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/", NULL), 404);
  app_end(&app);
}

/* ---- listeners --------------------------------------------------------------------------------------------------- */

static void a_port_in_use_is_refused(void) {
  app_t app;
  app_init(&app);
  app_start(&app);
  /* By another engine, be it of this process, running or not. */
  dog_engine_t *other = NULL, *third = NULL;
  uint16_t port = 0;
  CHECK_OK(dog_engine_create(NULL, &other));
  CHECK_OK(dog_engine_create(NULL, &third));
  CHECK_STATUS(dog_engine_listen(other, "127.0.0.1", app.port, &port), DOG_EADDRINUSE);
  CHECK_STATUS(dog_engine_listen(app.engine, "127.0.0.1", app.port, &port), DOG_ESTATE);
  CHECK_OK(dog_engine_listen(other, "127.0.0.1", 0, &port));
  CHECK_STATUS(dog_engine_listen(third, "127.0.0.1", port, NULL), DOG_EADDRINUSE);
  CHECK_STATUS(dog_engine_listen(other, "127.0.0.1", port, NULL), DOG_EADDRINUSE);

  /* By another program. */
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0);
  socklen_t length = sizeof address;
  CHECK(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
  CHECK_STATUS(dog_engine_listen(other, NULL, ntohs(address.sin_port), NULL), DOG_EADDRINUSE);
  close(fd);
  CHECK_OK(dog_engine_listen(other, NULL, ntohs(address.sin_port), NULL)); /* nothing was left behind */

  CHECK_OK(dog_engine_destroy(other));
  CHECK_OK(dog_engine_destroy(third));
  CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
  app_end(&app);
}

static void a_port_is_free_again_after_the_end(void) {
  uint16_t port = 0;
  for (int round = 0; round < 5; round++) {
    app_t app;
    app_init(&app);
    CHECK_OK(dog_engine_create(&app.options, &app.engine));
    CHECK_OK(dog_engine_listen(app.engine, NULL, port, &port));
    CHECK_OK(dog_engine_define_gateway(app.engine, &app.gateway));
    CHECK_OK(dog_engine_define_shard(app.engine, &app.shard));
    CHECK_OK(dog_engine_route(app.engine, "/:room", "ROOM", NULL));
    CHECK_OK(dog_engine_start(app.engine));
    client_t *client = ws_open(port, "/room/ws"); /* a connection that the server closes leaves TIME-WAIT behind */
    CHECK_OK(dog_engine_stop(app.engine, 0));
    CHECK_OK(dog_engine_destroy(app.engine));
    client_free(client);
  }
}

static void an_address_that_is_none_is_refused(void) {
  static const char *const hosts[] = {"",          "localhos", "1.2.3",    "256.1.1.1", "127.0.0.1:80", "127.0.0.1 ",
                                      "[::1]",     ":::",       "0x7f.1.1", "example.org", "203.0.113.7", "2001:db8::7",
                                      "\xff\xfe"};
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(NULL, &engine));
  for (size_t index = 0; index < sizeof hosts / sizeof hosts[0]; index++) {
    dog_status_t status = dog_engine_listen(engine, hosts[index], 0, NULL);
    if (status != DOG_EADDR) FAIL("\"%s\" is %s", hosts[index], dog_status_name(status));
  }
  char *host = malloc(1000001);
  CHECK(host != NULL);
  memset(host, '1', 1000000);
  host[1000000] = '\0';
  CHECK_STATUS(dog_engine_listen(engine, host, 0, NULL), DOG_EADDR);
  free(host);
  CHECK_OK(dog_engine_destroy(engine));
}

static void an_engine_can_listen_on_several_addresses(void) {
  app_t app;
  app_init(&app);
  app_prepare(&app);
  uint16_t ports[5] = {app.port};
  CHECK_OK(dog_engine_listen(app.engine, "127.0.0.1", 0, &ports[1]));
  CHECK_OK(dog_engine_listen(app.engine, "0.0.0.0", 0, &ports[2]));
  CHECK_OK(dog_engine_listen(app.engine, "127.0.0.1", 0, &ports[3]));
  dog_status_t status = dog_engine_listen(app.engine, "::1", 0, &ports[4]);
  CHECK(status == DOG_OK || status == DOG_EADDR); /* not every machine has IPv6 */
  CHECK_OK(dog_engine_start(app.engine));
  for (int index = 0; index < 4; index++) {
    for (int round = 0; round < 8; round++) CHECK_NUMBER(http_get(ports[index], "/room", NULL), 200);
  }
  app_end(&app);
}

/* ---- the states of an engine ------------------------------------------------------------------------------------- */

static void a_started_engine_takes_no_more(void) {
  app_t app;
  app_init(&app);
  app_start(&app);
  for (int round = 0; round < 2; round++) {
    CHECK_STATUS(call_engine_listen(app.engine), DOG_ESTATE);
    CHECK_STATUS(call_engine_define_gateway(app.engine), DOG_ESTATE);
    CHECK_STATUS(call_engine_define_shard(app.engine), DOG_ESTATE);
    CHECK_STATUS(call_engine_route(app.engine), DOG_ESTATE);
    CHECK_STATUS(call_engine_on_fetch(app.engine), DOG_ESTATE);
    CHECK_STATUS(dog_engine_start(app.engine), DOG_ESTATE);
    CHECK_STATUS(dog_engine_run(app.engine), DOG_ESTATE);
    if (round == 0) {
      CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
      CHECK_OK(dog_engine_stop(app.engine, 1000)); /* and when it has stopped it does not begin again */
    }
  }
  CHECK_OK(dog_engine_stop(app.engine, 0)); /* harmless */
  CHECK_OK(dog_engine_destroy(app.engine));
}

static void an_engine_that_never_started_cannot_stop(void) {
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(NULL, &engine));
  CHECK_STATUS(dog_engine_stop(engine, 0), DOG_ESTATE);
  CHECK_OK(dog_engine_start(engine)); /* no class, no listener: nothing to do, and no error */
  CHECK_STATUS(dog_engine_stop(engine, 86400001), DOG_EINVAL);
  CHECK_STATUS(dog_engine_stop(engine, UINT32_MAX), DOG_EINVAL);
  CHECK_OK(dog_engine_stop(engine, 86400000)); /* nobody is there to wait for */
  CHECK_OK(dog_engine_destroy(engine));
}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      {"a_struct_of_another_size_is_understood_or_refused", a_struct_of_another_size_is_understood_or_refused},
      {"a_placement_is_one_of_two", a_placement_is_one_of_two},
      {"a_list_of_proxies_is_read_strictly", a_list_of_proxies_is_read_strictly},
      {"what_a_shard_class_says_of_the_wire_is_checked", what_a_shard_class_says_of_the_wire_is_checked},
      {"an_extreme_amount_is_refused_or_works", an_extreme_amount_is_refused_or_works},
      {"a_class_that_is_not_valid_is_refused", a_class_that_is_not_valid_is_refused},
      {"a_limit_of_zero_is_refused", a_limit_of_zero_is_refused},
      {"a_class_registered_twice_is_refused", a_class_registered_twice_is_refused},
      {"a_class_is_copied", a_class_is_copied},
      {"an_unknown_class_is_refused_at_the_start", an_unknown_class_is_refused_at_the_start},
      {"a_link_that_only_one_side_knows_is_refused", a_link_that_only_one_side_knows_is_refused},
      {"a_route_that_is_not_valid_is_refused", a_route_that_is_not_valid_is_refused},
      {"routes_take_what_the_header_says", routes_take_what_the_header_says},
      {"without_a_route_it_is_404", without_a_route_it_is_404},
      {"a_port_in_use_is_refused", a_port_in_use_is_refused},
      {"a_port_is_free_again_after_the_end", a_port_is_free_again_after_the_end},
      {"an_address_that_is_none_is_refused", an_address_that_is_none_is_refused},
      {"an_engine_can_listen_on_several_addresses", an_engine_can_listen_on_several_addresses},
      {"a_started_engine_takes_no_more", a_started_engine_takes_no_more},
      {"an_engine_that_never_started_cannot_stop", an_engine_that_never_started_cannot_stop},
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
