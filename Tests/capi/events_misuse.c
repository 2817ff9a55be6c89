/*
 * events_misuse.c - polls that are none, callbacks where there are to be events, and events where there are to be
 * callbacks; an engine that is not there yet, or not any more; a process that forked. Each has a status, and none does
 * any harm.
 */
#include "calls.h"
#include "events.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

static dog_status_t poll_once(dog_engine_t *engine, int32_t timeout_ms) {
  dog_event_t event;
  size_t count = 0;
  return dog_engine_poll(engine, &event, 1, timeout_ms, &count);
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

static void a_poll_needs_room_for_its_events(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  dog_engine_t *engine = host.app.engine;
  dog_event_t event;
  size_t count = 0;
  int fd = -1;
  CHECK_STATUS(dog_engine_poll(engine, NULL, 1, 0, &count), DOG_EINVAL);
  CHECK_STATUS(dog_engine_poll(engine, &event, 1, 0, NULL), DOG_EINVAL);
  CHECK_STATUS(dog_engine_poll(engine, &event, 0, 0, &count), DOG_EINVAL);
  CHECK_STATUS(dog_engine_poll(engine, &event, SIZE_MAX, 0, &count), DOG_EINVAL);
  CHECK_STATUS(dog_engine_wait_fd(engine, NULL), DOG_EINVAL);
  static const int32_t timeouts[] = {-2, INT32_MIN, 86400001, INT32_MAX};
  for (size_t index = 0; index < sizeof timeouts / sizeof timeouts[0]; index++) {
    CHECK_STATUS(poll_once(engine, timeouts[index]), DOG_EINVAL);
  }
  CHECK_OK(dog_engine_wait_fd(engine, &fd));
  CHECK(fd >= 0);
  /* None of them took anything. */
  client_t *client = ws_ask(host.app.port, "/den/ws?u=ann", NULL);
  WAIT_UNTIL(host_waiting(&host) == 1);
  CHECK_STATUS(dog_engine_poll(engine, &event, 0, 0, &count), DOG_EINVAL);
  CHECK_STATUS(poll_once(engine, -2), DOG_EINVAL);
  host_expect(&host, DOG_EVENT_IDENTIFY);
  client_free(client);
  host_end(&host);
}

static void a_poll_of_no_engine_is_refused(void) {
  CHECK_EITHER(poll_once(NULL, 0), DOG_EINVAL, DOG_ESTALE);
  int fd = -1, number = 0;
  CHECK_EITHER(dog_engine_wait_fd(NULL, &fd), DOG_EINVAL, DOG_ESTALE);
  CHECK_STATUS(poll_once((dog_engine_t *)&number, 0), DOG_ESTALE);
  CHECK_STATUS(dog_engine_wait_fd((dog_engine_t *)&number, &fd), DOG_ESTALE);
  CHECK_NUMBER(fd, -1);
}

static void an_engine_that_calls_back_has_no_queue(void) {
  app_t app;
  app_init(&app);
  app_start(&app);
  int fd = -1;
  CHECK_STATUS(poll_once(app.engine, 0), DOG_ESTATE);
  CHECK_STATUS(poll_once(app.engine, -1), DOG_ESTATE);
  CHECK_STATUS(dog_engine_wait_fd(app.engine, &fd), DOG_ESTATE);
  CHECK_NUMBER(fd, -1);
  CHECK_NUMBER(app_stats(&app).events, 0);
  CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  app_end(&app);
}

static void options_of_the_queue_have_ranges(void) {
  static const struct {
    dog_delivery_t delivery;
    uint32_t events_max, event_bytes_max;
    dog_status_t wanted;
  } table[] = {
      {DOG_DELIVERY_EVENTS, 1, 1024, DOG_OK},
      {DOG_DELIVERY_EVENTS, 16777216, 1u << 30, DOG_OK},
      {DOG_DELIVERY_EVENTS, 0, 1024, DOG_EINVAL},
      {DOG_DELIVERY_EVENTS, 16777217, 1024, DOG_EINVAL},
      {DOG_DELIVERY_EVENTS, 1, 1023, DOG_EINVAL},
      {DOG_DELIVERY_EVENTS, 1, 0, DOG_EINVAL},
      {(dog_delivery_t)0, 1, 1024, DOG_EINVAL},
      {(dog_delivery_t)3, 1, 1024, DOG_EINVAL},
      {DOG_DELIVERY_MAX, 1, 1024, DOG_EINVAL},
  };
  dog_options_t options;
  CHECK_OK(dog_options_init(&options, sizeof options));
  CHECK_NUMBER(options.delivery, DOG_DELIVERY_CALLBACKS);
  CHECK_NUMBER(options.events_max, 65536);
  CHECK_NUMBER(options.event_bytes_max, 16777216);
  for (size_t index = 0; index < sizeof table / sizeof table[0]; index++) {
    options.delivery = table[index].delivery;
    options.events_max = table[index].events_max;
    options.event_bytes_max = table[index].event_bytes_max;
    dog_engine_t *engine = NULL;
    dog_status_t status = dog_engine_create(&options, &engine);
    if (status != table[index].wanted) FAIL("row %zu is %s", index, dog_status_name(status));
    if (status == DOG_OK) CHECK_OK(dog_engine_destroy(engine));
  }
}

static dog_status_t create(dog_engine_t **engine) {
  dog_options_t options;
  CHECK_OK(dog_options_init(&options, sizeof options));
  options.delivery = DOG_DELIVERY_EVENTS;
  return dog_engine_create(&options, engine);
}

static void a_queue_needs_descriptors(void) {
  dog_engine_t *engine = NULL;
  CHECK_OK(create(&engine)); /* what the library opens once is open by then */
  CHECK_OK(dog_engine_destroy(engine));
  int next = dup(0);
  CHECK(next >= 0);
  CHECK(close(next) == 0);
  struct rlimit before, tight;
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  for (int room = 0; room < 3; room++) {
    tight = before;
    tight.rlim_cur = (rlim_t)(next + room);
    CHECK(setrlimit(RLIMIT_NOFILE, &tight) == 0);
    engine = NULL;
    dog_status_t status = create(&engine);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_STATUS(status, room < 2 ? DOG_ESYSTEM : DOG_OK);
    CHECK((engine != NULL) == (status == DOG_OK));
    if (engine != NULL) CHECK_OK(dog_engine_destroy(engine));
    int again = dup(0);
    CHECK_NUMBER(again, next); /* nothing stays open */
    CHECK(close(again) == 0);
  }
}

/* ---- callbacks and events ---------------------------------------------------------------------------------------- */

static dog_status_t never_fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine, (void)request;
  FAIL("called");
}
static dog_status_t never_ask(void *user, uint64_t object, dog_request_t request) {
  (void)user, (void)object, (void)request;
  FAIL("called");
}
static void never_shard(void *user, dog_shard_t shard) {
  (void)user, (void)shard;
  FAIL("called");
}
static dog_status_t never_start(void *user, dog_shard_t shard) {
  never_shard(user, shard);
  return DOG_OK;
}
static dog_status_t never_open(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user, (void)shard, (void)socket;
  FAIL("called");
}
static dog_status_t never_message(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind, const void *data,
                                  size_t length) {
  (void)user, (void)shard, (void)socket, (void)kind, (void)data, (void)length;
  FAIL("called");
}
static void never_close(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                        size_t length, int clean) {
  (void)user, (void)shard, (void)socket, (void)code, (void)reason, (void)length, (void)clean;
  FAIL("called");
}
static void never_error(void *user, dog_shard_t shard, dog_socket_t socket, dog_status_t error) {
  (void)user, (void)shard, (void)socket, (void)error;
  FAIL("called");
}
static void never_drain(void *user, dog_shard_t shard, dog_socket_t socket, uint64_t dropped) {
  (void)user, (void)shard, (void)socket, (void)dropped;
  FAIL("called");
}
static dog_status_t never_gossip(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data, size_t length) {
  (void)user, (void)shard, (void)gossip, (void)data, (void)length;
  FAIL("called");
}

static void with_events_a_class_has_no_callbacks(void) {
  host_t host;
  host_init(&host);
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(&host.app.options, &engine));
  for (int index = 0; index < 3; index++) {
    dog_gateway_class_t gateway = host.app.gateway;
    if (index == 0) gateway.identify = never_ask;
    if (index == 1) gateway.clusterize = never_ask;
    if (index == 2) gateway.onretire = never_shard;
    CHECK_STATUS(dog_engine_define_gateway(engine, &gateway), DOG_EINVAL);
  }
  for (int index = 0; index < 9; index++) {
    dog_shard_class_t shard = host.app.shard;
    switch (index) {
      case 0: shard.onstart = never_start; break;
      case 1: shard.receive = never_ask; break;
      case 2: shard.onopen = never_open; break;
      case 3: shard.onmessage = never_message; break;
      case 4: shard.onclose = never_close; break;
      case 5: shard.onerror = never_error; break;
      case 6: shard.ondrain = never_drain; break;
      case 7: shard.ongossip = never_gossip; break;
      default: shard.onstop = never_shard; break;
    }
    if (dog_engine_define_shard(engine, &shard) != DOG_EINVAL) FAIL("callback %d was taken", index);
  }
  CHECK_STATUS(dog_engine_on_fetch(engine, never_fetch, NULL), DOG_EINVAL);
  static const uint32_t flags[] = {2, UINT32_MAX};
  for (int index = 0; index < 2; index++) {
    dog_gateway_class_t gateway = host.app.gateway;
    gateway.clusterize_events = flags[index];
    CHECK_STATUS(dog_engine_define_gateway(engine, &gateway), DOG_EINVAL);
    dog_shard_class_t shard = host.app.shard;
    shard.gossip_events = flags[index];
    CHECK_STATUS(dog_engine_define_shard(engine, &shard), DOG_EINVAL);
  }
  /* What was refused has left no trace. */
  CHECK_OK(dog_engine_define_gateway(engine, &host.app.gateway));
  CHECK_OK(dog_engine_define_shard(engine, &host.app.shard));
  CHECK_STATUS(dog_engine_define_gateway(engine, &host.app.gateway), DOG_EEXIST);
  CHECK_OK(dog_engine_on_fetch(engine, NULL, NULL));
  CHECK_OK(dog_engine_destroy(engine));
}

static void with_callbacks_a_class_has_no_events(void) {
  app_t app;
  app_init(&app);
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(&app.options, &engine));
  app.gateway.clusterize_events = 1;
  CHECK_STATUS(dog_engine_define_gateway(engine, &app.gateway), DOG_EINVAL);
  app.gateway.clusterize_events = 0;
  app.shard.gossip_events = 1;
  CHECK_STATUS(dog_engine_define_shard(engine, &app.shard), DOG_EINVAL);
  app.shard.gossip_events = 0;
  app.gateway.identify = NULL;
  CHECK_STATUS(dog_engine_define_gateway(engine, &app.gateway), DOG_EINVAL);
  app.shard.receive = NULL;
  CHECK_STATUS(dog_engine_define_shard(engine, &app.shard), DOG_EINVAL);
  CHECK_STATUS(dog_engine_on_fetch(engine, NULL, NULL), DOG_EINVAL);
  CHECK_OK(dog_engine_destroy(engine));
}

static void never_whispered(void *user, dog_status_t status, size_t sockets) {
  (void)user, (void)status, (void)sockets;
  FAIL("called");
}
static void never_gossiped(void *user, dog_shard_t shard, dog_status_t status,
                           const dog_gossip_result_t *results, size_t count) {
  (void)user, (void)shard, (void)status, (void)results, (void)count;
  FAIL("called");
}
static void never_writable(void *user, dog_request_t request) {
  (void)user, (void)request;
  FAIL("called");
}
static void never_ended(void *user, dog_request_t request, dog_status_t status) {
  (void)user, (void)request, (void)status;
  FAIL("called");
}

static void with_events_a_call_takes_no_callback(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *client = host_open(&host, "/den/ws?u=ann");
  dog_socket_t socket = host.event.socket;
  dog_shard_t shard = host.event.shard;
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_shard_gateway(shard, &gateway));
  CHECK_STATUS(dog_socket_whisper(socket, "ann", 3, DOG_TEXT, "x", 1, never_whispered, NULL), DOG_EINVAL);
  CHECK_STATUS(dog_shard_whisper(shard, "ann", 3, DOG_TEXT, "x", 1, never_whispered, &host), DOG_EINVAL);
  CHECK_STATUS(dog_gateway_whisper(gateway, "ann", 3, DOG_TEXT, "x", 1, never_whispered, &host), DOG_EINVAL);
  CHECK_STATUS(dog_shard_gossip(shard, "x", 1, 0, never_gossiped, NULL), DOG_EINVAL);
  for (int index = 0; index < 2; index++) {
    dog_stream_options_t options;
    CHECK_OK(dog_stream_options_init(&options, sizeof options));
    if (index == 0) options.onwritable = never_writable;
    if (index == 1) options.onend = never_ended;
    client_t *asker = client_connect(host.app.port);
    client_ask(asker, "GET", "/den?u=bob");
    dog_request_t request = host_reach(&host, DOG_EVENT_RECEIVE)->request;
    CHECK_STATUS(dog_request_respond_begin(request, 200, NULL, 0, &options), DOG_EINVAL);
    CHECK_STATUS(dog_request_respond_write(request, "x", 1), DOG_ESTALE);
    response_t response;
    client_read_response(asker, &response, 1);
    CHECK_NUMBER(response.status, 500);
    client_free(asker);
  }
  CHECK_OK(dog_socket_send(socket, DOG_TEXT, "first", 5));
  WS_EXPECT(client, "first"); /* none of the whispers was sent */
  host_expect_nothing(&host);
  client_free(client);
  host_end(&host);
}

/* ---- when it may be polled --------------------------------------------------------------------------------------- */

typedef struct poller {
  pthread_t thread;
  dog_engine_t *engine;
  _Atomic int is_waiting;
  dog_status_t status; /* once it has ended */
  size_t count;
  dog_event_t event;
} poller_t;

static void *poll_forever(void *argument) {
  poller_t *poller = argument;
  poller->is_waiting = 1;
  do { /* poller_start may be the one that polls right now */
    poller->status = dog_engine_poll(poller->engine, &poller->event, 1, -1, &poller->count);
  } while (poller->status == DOG_ESTATE);
  return NULL;
}

/* A thread that is inside a poll that has nothing to give: another poll says so. */
static void poller_start(poller_t *poller, dog_engine_t *engine) {
  memset(poller, 0, sizeof *poller);
  poller->engine = engine;
  CHECK(pthread_create(&poller->thread, NULL, poll_forever, poller) == 0);
  WAIT_UNTIL(poller->is_waiting && poll_once(engine, 0) == DOG_ESTATE);
}

static void poller_join(poller_t *poller) { CHECK(pthread_join(poller->thread, NULL) == 0); }

static void one_thread_polls_at_a_time(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  poller_t poller;
  poller_start(&poller, host.app.engine);
  for (int try = 0; try < 1000; try++) CHECK_STATUS(poll_once(host.app.engine, try % 2 - 1), DOG_ESTATE);
  client_t *client = ws_ask(host.app.port, "/den/ws?u=ann", NULL);
  poller_join(&poller);
  CHECK_OK(poller.status);
  CHECK_NUMBER(poller.count, 1);
  CHECK_NUMBER(poller.event.type, DOG_EVENT_IDENTIFY);
  host_identify(&poller.event);
  host_reach(&host, DOG_EVENT_RECEIVE); /* and now this thread may */
  client_free(client);
  host_end(&host);
}

static void on_signal(int number) { (void)number; }

static void a_signal_ends_a_poll_with_nothing(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  struct sigaction action = {.sa_handler = on_signal};
  CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
  poller_t poller;
  poller_start(&poller, host.app.engine);
  /* The first may come before it sleeps. */
  while (poll_once(host.app.engine, 0) == DOG_ESTATE) {
    pthread_kill(poller.thread, SIGUSR1);
    const struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
  }
  poller_join(&poller);
  CHECK_OK(poller.status);
  CHECK_NUMBER(poller.count, 0);
  host_end(&host);
}

static void a_timeout_ends_a_poll_with_nothing(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  static const int32_t timeouts[] = {0, 1, 20};
  for (size_t index = 0; index < sizeof timeouts / sizeof timeouts[0]; index++) {
    size_t count = 7;
    uint64_t before = check_now_ms();
    CHECK_OK(dog_engine_poll(host.app.engine, &host.event, 1, timeouts[index], &count));
    CHECK_NUMBER(count, 0);
    /* Nothing interrupts it here, so it has waited as long as it was told to. */
    CHECK(check_now_ms() + 1 >= before + (uint64_t)timeouts[index]);
  }
  host_end(&host);
}

static void a_poll_may_begin_before_the_engine_does(void) {
  host_t host;
  host_init(&host);
  app_prepare(&host.app);
  CHECK_OK(poll_once(host.app.engine, 0));
  CHECK_OK(poll_once(host.app.engine, 1));
  poller_t poller;
  poller_start(&poller, host.app.engine);
  CHECK_OK(dog_engine_start(host.app.engine));
  client_t *client = ws_ask(host.app.port, "/den/ws?u=ann", NULL);
  poller_join(&poller);
  CHECK_OK(poller.status);
  CHECK_NUMBER(poller.event.type, DOG_EVENT_IDENTIFY);
  client_free(client);
  host_end(&host);
}

static void a_start_that_fails_is_the_end_too(void) {
  host_t host;
  host_init(&host);
  host.app.shard.parent = "NOBODY";
  app_prepare(&host.app);
  poller_t poller;
  poller_start(&poller, host.app.engine);
  CHECK_STATUS(dog_engine_start(host.app.engine), DOG_ENOENT);
  poller_join(&poller);
  CHECK_OK(poller.status);
  CHECK_NUMBER(poller.event.type, DOG_EVENT_STOPPED);
  CHECK_STATUS(poll_once(host.app.engine, 0), DOG_ESTATE);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

static void nothing_comes_after_the_last_event(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  CHECK_OK(dog_engine_stop(host.app.engine, 0));
  host_expect(&host, DOG_EVENT_STOPPED);
  for (int32_t timeout_ms = -1; timeout_ms < 2; timeout_ms++) {
    CHECK_STATUS(poll_once(host.app.engine, timeout_ms), DOG_ESTATE);
  }
  CHECK_OK(dog_engine_stop(host.app.engine, 0)); /* harmless */
  CHECK_STATUS(poll_once(host.app.engine, 0), DOG_ESTATE);
  CHECK_NUMBER(host_waiting(&host), 0);
  CHECK_OK(dog_engine_destroy(host.app.engine));
  CHECK_STATUS(poll_once(host.app.engine, 0), DOG_ESTALE);
  int fd = -1;
  CHECK_STATUS(dog_engine_wait_fd(host.app.engine, &fd), DOG_ESTALE);
}

static void the_last_event_is_the_last_even_with_a_log(void) {
  host_t host;
  host_init(&host);
  host.app.options.log = NULL;
  host.app.options.log_level = DOG_LOG_DEBUG;
  host_start(&host);
  CHECK_OK(dog_engine_stop(host.app.engine, 0));
  /* Whatever may log is called before and behind the end of the workers. */
  dog_event_t events[64];
  int is_over = 0;
  for (int turn = 0; !is_over; turn++) {
    dog_engine_reload_certificates(host.app.engine);
    dog_engine_stop(host.app.engine, 0);
    dog_engine_listen(host.app.engine, "not an address", 0, NULL);
    size_t count = 0;
    CHECK_OK(dog_engine_poll(host.app.engine, events, 64, turn < 100 ? 0 : -1, &count));
    for (size_t index = 0; index < count; index++) {
      CHECK(!is_over);
      is_over = events[index].type == DOG_EVENT_STOPPED;
    }
  }
  dog_engine_reload_certificates(host.app.engine);
  CHECK_STATUS(poll_once(host.app.engine, 0), DOG_ESTATE);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

static void a_stop_returns_at_once_whoever_waits(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *client = client_connect(host.app.port);
  client_ask(client, "GET", "/den?u=ann");
  dog_request_t request = host_reach(&host, DOG_EVENT_RECEIVE)->request;
  /* The stop waits for this answer: it would never end if it waited here. */
  CHECK_OK(dog_engine_stop(host.app.engine, 86400000));
  CHECK_OK(app_respond(request, 200, "the last one"));
  response_t response;
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 200);
  client_free(client);
  host_drain(&host);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

static void a_destruction_ends_a_poll_that_waits(void) {
  host_t host;
  for (int is_started = 0; is_started < 2; is_started++) {
    host_init(&host);
    app_prepare(&host.app);
    if (is_started) CHECK_OK(dog_engine_start(host.app.engine));
    poller_t poller;
    poller_start(&poller, host.app.engine);
    CHECK_OK(dog_engine_destroy(host.app.engine));
    poller_join(&poller);
    /* A running engine may have told first that it stopped. */
    if (poller.status == DOG_OK) {
      CHECK(is_started);
      if (poller.count == 1) CHECK_NUMBER(poller.event.type, DOG_EVENT_STOPPED);
    } else {
      CHECK_STATUS(poller.status, DOG_ESTALE);
    }
    CHECK_STATUS(poll_once(host.app.engine, -1), DOG_ESTALE);
  }
}

static void *run_engine(void *argument) {
  host_t *host = argument;
  CHECK_OK(dog_engine_run(host->app.engine));
  return NULL;
}

static void run_and_poll_are_two_threads(void) {
  host_t host;
  host_init(&host);
  app_prepare(&host.app);
  pthread_t runner;
  CHECK(pthread_create(&runner, NULL, run_engine, &host) == 0);
  client_t *client = host_open(&host, "/den/ws?u=ann");
  ws_say(client, "hello");
  CHECK_DATA(host_expect(&host, DOG_EVENT_MESSAGE), "hello");
  CHECK_OK(dog_engine_stop(host.app.engine, 0));
  host_drain(&host);
  CHECK(pthread_join(runner, NULL) == 0);
  client_free(client);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

static void an_engine_that_never_ran_can_be_destroyed(void) {
  host_t host;
  host_init(&host);
  app_prepare(&host.app);
  CHECK_STATUS(dog_engine_stop(host.app.engine, 0), DOG_ESTATE);
  CHECK_OK(poll_once(host.app.engine, 0));
  CHECK_OK(dog_engine_destroy(host.app.engine));
  CHECK_STATUS(poll_once(host.app.engine, 0), DOG_ESTALE);
}

static void stale_handles_stay_stale_whatever_is_called(void) {
  host_t host;
  host_init(&host);
  host.app.gateway.limit = 1;
  host.app.shard.gossip_events = 1;
  host_start(&host);
  uint64_t handles[HANDLE_KINDS];
  client_t *ann = host_open(&host, "/den/ws?u=ann");
  handles[SOCKET] = host.event.socket;
  dog_shard_t asking = host.event.shard;
  client_t *bob = host_open(&host, "/den/ws?u=bob");
  handles[SHARD] = host.event.shard;
  CHECK_OK(dog_shard_gateway(asking, &handles[GATEWAY]));
  CHECK_OK(dog_shard_gossip(asking, "who?", 4, 0, NULL, &host));
  handles[GOSSIP] = host_expect(&host, DOG_EVENT_GOSSIP)->gossip;
  CHECK_OK(dog_gossip_reply(handles[GOSSIP], "me", 2));
  host_expect(&host, DOG_EVENT_GOSSIPED);
  client_t *asker = client_connect(host.app.port);
  client_ask(asker, "GET", "/other?u=cat");
  handles[REQUEST] = host_reach(&host, DOG_EVENT_RECEIVE)->request;
  CHECK_OK(app_respond(handles[REQUEST], 200, "done"));
  response_t response;
  client_read_response(asker, &response, 1);
  client_free(asker);
  client_free(ann);
  client_free(bob);
  CHECK_OK(dog_engine_stop(host.app.engine, 300));
  host_drain(&host);
  for (int is_destroyed = 0; is_destroyed < 2; is_destroyed++) {
    for (size_t call = 0; call < HANDLE_CALLS_COUNT; call++) {
      dog_status_t status = handle_calls[call].call(handles[handle_calls[call].kind]);
      /* Whispers and gossip of calls.h bring callbacks, which is wrong by itself. */
      int is_refused = status == DOG_ESTALE || (status == DOG_EINVAL && !is_destroyed);
      if (!is_refused) FAIL("%s is %s", handle_calls[call].name, dog_status_name(status));
    }
    if (!is_destroyed) CHECK_OK(dog_engine_destroy(host.app.engine));
  }
}

/* ---- fork -------------------------------------------------------------------------------------------------------- */

static void check_forked(const host_t *host) {
  dog_event_t event;
  size_t count = 0;
  int fd = -1;
  const char *uid = NULL;
  CHECK_STATUS(dog_engine_poll(host->app.engine, &event, 1, 0, &count), DOG_EFORKED);
  CHECK_STATUS(dog_engine_poll(host->app.engine, &event, 1, -1, &count), DOG_EFORKED);
  CHECK_STATUS(dog_engine_wait_fd(host->app.engine, &fd), DOG_EFORKED);
  CHECK_STATUS(dog_socket_uid(host->event.socket, &uid, &count), DOG_EFORKED);
  CHECK_STATUS(dog_socket_set_data(host->event.socket, NULL), DOG_EFORKED);
  CHECK_STATUS(dog_shard_count(host->event.shard, &count), DOG_EFORKED);
  CHECK_STATUS(dog_socket_whisper(host->event.socket, "ann", 3, DOG_TEXT, "x", 1, NULL, NULL), DOG_EFORKED);
  CHECK_STATUS(dog_shard_gossip(host->event.shard, "x", 1, 0, NULL, NULL), DOG_EFORKED);
  CHECK_STATUS(dog_engine_stop(host->app.engine, 0), DOG_EFORKED);
  CHECK_STATUS(dog_engine_destroy(host->app.engine), DOG_EFORKED);
}

static void fork_and_check(const host_t *host) {
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(20);
    check_forked(host);
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void after_fork_the_queue_stays_with_the_parent(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *client = host_open(&host, "/den/ws?u=ann");
  const dog_event_t opened = host.event;
  for (int round = 0; round < 3; round++) {
    host.event = opened;
    ws_say(client, "before");
    WAIT_UNTIL(host_waiting(&host) == 1);
    fork_and_check(&host); /* with an event that waits */
    ws_say(client, "after");
    CHECK_DATA(host_expect(&host, DOG_EVENT_MESSAGE), "before");
    CHECK_DATA(host_expect(&host, DOG_EVENT_MESSAGE), "after");
    CHECK_OK(dog_socket_send(opened.socket, DOG_TEXT, "still here", 10));
    WS_EXPECT(client, "still here");
  }
  client_free(client);
  host_end(&host);
}

static void after_fork_a_poll_of_the_parent_goes_on(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *client = host_open(&host, "/den/ws?u=ann");
  poller_t poller;
  poller_start(&poller, host.app.engine);
  fork_and_check(&host);
  ws_say(client, "hello");
  poller_join(&poller);
  CHECK_OK(poller.status);
  CHECK_NUMBER(poller.count, 1);
  CHECK_DATA(&poller.event, "hello");
  client_free(client);
  host_end(&host);
}

static void a_child_whose_parent_made_no_engine_may_poll_its_own(void) {
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(20);
    host_t host;
    host_init(&host);
    host_start(&host);
    client_free(host_open(&host, "/den/ws?u=ann"));
    host_end(&host);
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define ROW(check) {#check, check}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(a_poll_needs_room_for_its_events),
      ROW(a_poll_of_no_engine_is_refused),
      ROW(an_engine_that_calls_back_has_no_queue),
      ROW(options_of_the_queue_have_ranges),
      ROW(a_queue_needs_descriptors),
      ROW(with_events_a_class_has_no_callbacks),
      ROW(with_callbacks_a_class_has_no_events),
      ROW(with_events_a_call_takes_no_callback),
      ROW(one_thread_polls_at_a_time),
      ROW(a_signal_ends_a_poll_with_nothing),
      ROW(a_timeout_ends_a_poll_with_nothing),
      ROW(a_poll_may_begin_before_the_engine_does),
      ROW(a_start_that_fails_is_the_end_too),
      ROW(nothing_comes_after_the_last_event),
      ROW(the_last_event_is_the_last_even_with_a_log),
      ROW(a_stop_returns_at_once_whoever_waits),
      ROW(a_destruction_ends_a_poll_that_waits),
      ROW(run_and_poll_are_two_threads),
      ROW(an_engine_that_never_ran_can_be_destroyed),
      ROW(stale_handles_stay_stale_whatever_is_called),
      ROW(after_fork_the_queue_stays_with_the_parent),
      ROW(after_fork_a_poll_of_the_parent_goes_on),
      ROW(a_child_whose_parent_made_no_engine_may_poll_its_own),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
