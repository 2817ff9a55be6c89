/* dog_last_reason: what a call that sets an engine up says when it fails, and to whom. */
#include "app.h"

#include <sys/stat.h>

static const char *last_reason(void) {
  const char *text = NULL;
  size_t length = 999;
  CHECK_OK(dog_last_reason(&text, &length));
  CHECK(text != NULL);
  CHECK_NUMBER(strlen(text), length);
  CHECK(length <= 1027);
  return text;
}

/* The call fails so, and the reason has both parts in it. */
#define CHECK_REASON(call, status, part, other)                                                                        \
  do {                                                                                                                 \
    CHECK_STATUS(call, status);                                                                                        \
    if (strstr(last_reason(), part) == NULL || strstr(last_reason(), other) == NULL)                                   \
      FAIL("%s says \"%s\": not \"%s\" and \"%s\"", #call, last_reason(), part, other);                                \
  } while (0)

static void an_option_is_named_with_its_value(void) {
  dog_engine_t *engine = NULL;
  dog_options_t options;
  CHECK_OK(dog_options_init(&options, sizeof options));
  CHECK(last_reason()[0] == '\0');
  options.workers = 65;
  CHECK_REASON(dog_engine_create(&options, &engine), DOG_EINVAL, "workers", "65");
  CHECK_OK(dog_options_init(&options, sizeof options));
  options.ping_timeout_ms = 0;
  CHECK_REASON(dog_engine_create(&options, &engine), DOG_EINVAL, "ping_timeout_ms", "0 is not 1 to 86400000");
  CHECK_OK(dog_options_init(&options, sizeof options));
  options.outbox_policy = (dog_outbox_policy_t)9;
  CHECK_REASON(dog_engine_create(&options, &engine), DOG_EINVAL, "outbox_policy", "9");
  CHECK_OK(dog_options_init(&options, sizeof options));
  options.trusted_proxies = "10.0.0.0/8, nobody\nat all";
  CHECK_REASON(dog_engine_create(&options, &engine), DOG_EINVAL, "trusted_proxies", "nobody\\x0aat all");
  CHECK_OK(dog_options_init(&options, sizeof options));
  options.size = 3;
  CHECK_REASON(dog_engine_create(&options, &engine), DOG_EINVAL, "dog_options", "size is 3");
  CHECK_OK(dog_engine_create(NULL, &engine));
  CHECK(last_reason()[0] == '\0');
  CHECK_OK(dog_engine_destroy(engine));
}

static dog_status_t identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway, (void)request;
  return DOG_OK;
}

static void a_class_s_member_is_named(void) {
  app_t app;
  app_init(&app);
  CHECK_OK(dog_engine_create(&app.options, &app.engine));
  dog_gateway_class_t gateway = app.gateway;
  gateway.limit = 0;
  CHECK_REASON(dog_engine_define_gateway(app.engine, &gateway), DOG_EINVAL, "ROOM", "limit is 0");
  gateway = app.gateway;
  gateway.name = NULL;
  CHECK_REASON(dog_engine_define_gateway(app.engine, &gateway), DOG_EINVAL, "name", "NULL");
  gateway.name = "";
  CHECK_REASON(dog_engine_define_gateway(app.engine, &gateway), DOG_EINVAL, "name", "1 to 256");
  gateway = app.gateway;
  gateway.identify = NULL;
  CHECK_REASON(dog_engine_define_gateway(app.engine, &gateway), DOG_EINVAL, "identify", "NULL");
  gateway.identify = identify;
  gateway.clusterize_events = 1;
  CHECK_REASON(dog_engine_define_gateway(app.engine, &gateway), DOG_EINVAL, "clusterize_events", "EVENTS");
  CHECK_OK(dog_engine_define_gateway(app.engine, &app.gateway));
  CHECK_REASON(dog_engine_define_gateway(app.engine, &app.gateway), DOG_EEXIST, "ROOM", "already");

  dog_shard_class_t shard = app.shard;
  shard.receive = NULL;
  CHECK_REASON(dog_engine_define_shard(app.engine, &shard), DOG_EINVAL, "receive", "NULL");
  shard = app.shard;
  shard.deflate = 1;
  shard.deflate_level = 10;
  CHECK_REASON(dog_engine_define_shard(app.engine, &shard), DOG_EINVAL, "deflate_level", "10");
  shard = app.shard;
  static const char *const origins[] = {"https://example.com", "example com"};
  shard.origins = origins;
  shard.origin_count = 2;
  CHECK_REASON(dog_engine_define_shard(app.engine, &shard), DOG_EINVAL, "SEATS", "example com");
  shard = app.shard;
  shard.parent = "HALL";
  CHECK_OK(dog_engine_define_shard(app.engine, &shard));
  CHECK_REASON(dog_engine_start(app.engine), DOG_ENOENT, "ROOM", "SEATS");
  CHECK_REASON(dog_engine_start(app.engine), DOG_ESTATE, "started", "ended");
  CHECK_OK(dog_engine_destroy(app.engine));
  CHECK_REASON(dog_engine_start(app.engine), DOG_ESTALE, dog_status_text(DOG_ESTALE), "");
}

static void a_route_says_what_it_lacks(void) {
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(NULL, &engine));
  CHECK_REASON(dog_engine_route(engine, "rooms", "ROOM", "a"), DOG_EINVAL, "rooms", "begins with '/'");
  CHECK_REASON(dog_engine_route(engine, "/:a/:b", "ROOM", NULL), DOG_EINVAL, "/:a/:b", "one :parameter");
  CHECK_REASON(dog_engine_route(engine, "/:a", "ROOM", "b"), DOG_EINVAL, "/:a", "takes no name");
  CHECK_REASON(dog_engine_route(engine, "/a", "ROOM", NULL), DOG_EINVAL, "/a", "needs a name");
  CHECK_REASON(dog_engine_route(engine, "/a", NULL, "b"), DOG_EINVAL, "gateway_class", "NULL");
  CHECK_REASON(dog_engine_on_fetch(engine, NULL, NULL), DOG_EINVAL, "fetch", "NULL");
  CHECK_OK(dog_engine_route(engine, "/a", "HALL", "b"));
  CHECK(last_reason()[0] == '\0');
  CHECK_REASON(dog_engine_start(engine), DOG_ENOENT, "HALL", "route");
  CHECK_OK(dog_engine_destroy(engine));
}

static void a_listener_says_where_it_could_not_be(void) {
  app_t app;
  app_init(&app);
  app_prepare(&app);
  char address[32];
  snprintf(address, sizeof address, "127.0.0.1:%u", app.port);
  CHECK_REASON(dog_engine_listen(app.engine, NULL, app.port, NULL), DOG_EADDRINUSE, address, "EADDRINUSE");
  CHECK_REASON(dog_engine_listen(app.engine, "192.0.2.7", 0, NULL), DOG_EADDR, "192.0.2.7", "EADDRNOTAVAIL");
  CHECK_REASON(dog_engine_listen(app.engine, "example.com", 0, NULL), DOG_EADDR, "example.com", "numeric");
  CHECK_REASON(dog_engine_listen(app.engine, "fe80::1%none", 0, NULL), DOG_EADDR, "fe80::1", "");
  dog_listen_options_t options;
  CHECK_OK(dog_listen_options_init(&options, sizeof options));
  options.path = "/no/such/folder/socket";
  CHECK_REASON(dog_engine_listen_with(app.engine, &options, NULL), DOG_EADDR, "/no/such/folder/socket", "ENOENT");
  options.path = "/dev/null";
  CHECK_REASON(dog_engine_listen_with(app.engine, &options, NULL), DOG_EADDR, "/dev/null", "no socket");
  options.host = "127.0.0.1";
  CHECK_REASON(dog_engine_listen_with(app.engine, &options, NULL), DOG_EINVAL, "host", "path");
  CHECK_OK(dog_listen_options_init(&options, sizeof options));
  options.mode = 0600;
  CHECK_REASON(dog_engine_listen_with(app.engine, &options, NULL), DOG_EINVAL, "mode", "path");
  options.path = "/tmp/dog-never-made";
  options.mode = 01777;
  CHECK_REASON(dog_engine_listen_with(app.engine, &options, NULL), DOG_EINVAL, "mode", "01777");
  CHECK_OK(dog_listen_options_init(&options, sizeof options));
  options.ipv6_only = 2;
  CHECK_REASON(dog_engine_listen_with(app.engine, &options, NULL), DOG_EINVAL, "ipv6_only", "2");
  dog_certificate_t certificate = {"no-such-file.pem", "no-such-key.pem"};
  CHECK_OK(dog_listen_options_init(&options, sizeof options));
  options.certificates = &certificate;
  options.certificate_count = 1;
  CHECK_REASON(dog_engine_listen_with(app.engine, &options, NULL), DOG_ETLS, "no-such-file.pem", "");
  CHECK_OK(dog_engine_start(app.engine));
  CHECK_REASON(dog_engine_listen(app.engine, NULL, 0, NULL), DOG_ESTATE, "started", "");
  CHECK_OK(dog_engine_reload_certificates(app.engine));
  CHECK(last_reason()[0] == '\0');
  app_end(&app);
}

static void *fail_here(void *argument) {
  CHECK(last_reason()[0] == '\0');
  CHECK_REASON(dog_engine_listen(argument, "nowhere", 0, NULL), DOG_EADDR, "nowhere", "numeric");
  return NULL;
}

static void a_reason_is_its_thread_s_own(void) {
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(NULL, &engine));
  CHECK_REASON(dog_engine_listen(engine, "somewhere", 0, NULL), DOG_EADDR, "somewhere", "numeric");
  pthread_t other;
  CHECK(pthread_create(&other, NULL, fail_here, engine) == 0);
  pthread_join(other, NULL);
  CHECK(strstr(last_reason(), "somewhere") != NULL);
  CHECK_STATUS(dog_last_reason(NULL, NULL), DOG_EINVAL);
  CHECK(strstr(last_reason(), "somewhere") != NULL);
  char longest[4000];
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  CHECK_REASON(dog_engine_listen(engine, longest, 0, NULL), DOG_EADDR, "xxx", "...");
  CHECK_OK(dog_engine_destroy(engine));
}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      {"an_option_is_named_with_its_value", an_option_is_named_with_its_value},
      {"a_class_s_member_is_named", a_class_s_member_is_named},
      {"a_route_says_what_it_lacks", a_route_says_what_it_lacks},
      {"a_listener_says_where_it_could_not_be", a_listener_says_where_it_could_not_be},
      {"a_reason_is_its_thread_s_own", a_reason_is_its_thread_s_own},
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
