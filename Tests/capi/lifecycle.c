/*
 * lifecycle.c - engines begin and end: many, several at once, under load, from other threads, across fork. Nothing
 * leaks, and what is left of an engine that has ended does no harm.
 */
#include "app.h"
#include "calls.h"

#include <dirent.h>
#include <sched.h>
#include <stdatomic.h>

static int count_entries(const char *path) {
  DIR *directory = opendir(path);
  CHECK(directory != NULL);
  int count = 0;
  while (readdir(directory) != NULL) count++;
  closedir(directory);
  return count - 2; /* without "." and ".." */
}
static int count_descriptors(void) { return count_entries("/proc/self/fd"); }
static int count_threads(void) { return count_entries("/proc/self/task"); }

static gate_t opened = GATE_INITIALIZER;
static gate_t closed = GATE_INITIALIZER;
static gate_t started = GATE_INITIALIZER;
static gate_t stopped = GATE_INITIALIZER;

static dog_status_t onstart_pass(void *user, dog_shard_t shard) {
  (void)user, (void)shard;
  gate_pass(&started);
  return DOG_OK;
}
static dog_status_t onopen_pass(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user, (void)shard, (void)socket;
  gate_pass(&opened);
  return DOG_OK;
}
static void onclose_pass(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                         size_t reason_length, int clean) {
  (void)user, (void)shard, (void)socket, (void)code, (void)reason, (void)reason_length, (void)clean;
  gate_pass(&closed);
}
static void onstop_pass(void *user, dog_shard_t shard) {
  (void)user, (void)shard;
  gate_pass(&stopped);
}

static void app_init_passing(app_t *app) {
  app_init(app);
  app->shard.onstart = onstart_pass;
  app->shard.onopen = onopen_pass;
  app->shard.onclose = onclose_pass;
  app->shard.onstop = onstop_pass;
}

/* Does anyone let a client in? */
static int is_listening(uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  int is_open = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
  close(fd);
  return is_open;
}
/* An engine that another thread runs. */
static void wait_until_listening(uint16_t port) { WAIT_UNTIL(is_listening(port)); }

/* ---- many engines ------------------------------------------------------------------------------------------------ */

static void three_hundred_engines_leave_nothing_behind(void) {
  int descriptors = 0;
  for (int round = 0; round < 300; round++) {
    app_t app;
    app_init(&app);
    app.options.workers = 1 + (uint32_t)round % 3;
    app_prepare(&app);
    if (round % 3 != 0) { /* a third never starts */
      CHECK_OK(dog_engine_start(app.engine));
      CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
      if (round % 3 == 1) CHECK_OK(dog_engine_stop(app.engine, 1000));
    }
    CHECK_OK(dog_engine_destroy(app.engine));
    WAIT_UNTIL(count_threads() == 1); /* a joined thread may stay in the list for a moment */
    if (round == 10) descriptors = count_descriptors();
  }
  CHECK_NUMBER(count_descriptors(), descriptors);
}

static void only_so_many_engines_live_at_once(void) {
  static dog_engine_t *engines[DOG_ENGINES_MAX];
  dog_engine_t *one_more = NULL;
  dog_options_t options;
  CHECK_OK(dog_options_init(&options, sizeof options));
  options.workers = 1;
  for (int round = 0; round < 3; round++) {
    int made = 0;
    while (made < DOG_ENGINES_MAX && dog_engine_create(&options, &engines[made]) == DOG_OK) made++;
    CHECK_NUMBER(made, DOG_ENGINES_MAX);
    CHECK_STATUS(dog_engine_create(&options, &one_more), DOG_EFULL);
    for (int index = 0; index < DOG_ENGINES_MAX; index++) {
      for (int other = 0; other < index; other++) CHECK(engines[index] != engines[other]);
    }
    CHECK_OK(dog_engine_destroy(engines[100]));
    CHECK_OK(dog_engine_create(&options, &one_more));
    CHECK_STATUS(dog_engine_destroy(engines[100]), DOG_ESTALE);
    CHECK_OK(dog_engine_destroy(one_more));
    for (int index = 0; index < DOG_ENGINES_MAX; index++) {
      if (index != 100) CHECK_OK(dog_engine_destroy(engines[index]));
    }
  }
}

#define ENGINES 5

static void several_engines_live_side_by_side(void) {
  app_t apps[ENGINES];
  client_t *clients[ENGINES];
  for (int index = 0; index < ENGINES; index++) {
    app_init_passing(&apps[index]);
    app_start(&apps[index]);
  }
  for (int index = 0; index < ENGINES; index++) clients[index] = ws_open(apps[index].port, "/room/ws?u=ann");
  gate_wait(&opened, ENGINES);
  for (int index = 0; index < ENGINES; index++) {
    CHECK_NUMBER(app_stats(&apps[index]).sockets, 1);
    dog_gateway_t gateway = 0;
    CHECK_OK(dog_gateway_find(apps[index].engine, "ROOM", 4, "room", 4, &gateway));
    char text[16];
    int length = snprintf(text, sizeof text, "engine %d", index);
    CHECK_OK(dog_gateway_broadcast(gateway, DOG_TEXT, text, (size_t)length));
  }
  for (int index = 0; index < ENGINES; index++) {
    char text[16];
    snprintf(text, sizeof text, "engine %d", index);
    WS_EXPECT(clients[index], text);
  }
  /* One ends; the others do not notice. */
  app_end(&apps[2]);
  client_free(clients[2]);
  for (int index = 0; index < ENGINES; index++) {
    if (index == 2) continue;
    CHECK_NUMBER(http_get(apps[index].port, "/room", NULL), 200);
    ws_close(clients[index]);
    app_wait_until_empty(&apps[index]);
    app_end(&apps[index]);
  }
}

/* ---- the handles of one engine in the callbacks of another ------------------------------------------------------- */

static _Atomic uint64_t other_socket, other_shard, other_gateway, other_request;

static dog_status_t onopen_note(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user;
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_shard_gateway(shard, &gateway));
  other_gateway = gateway;
  other_shard = shard;
  other_socket = socket;
  gate_pass(&opened);
  return DOG_OK;
}
static dog_status_t receive_hold(void *user, dog_shard_t shard, dog_request_t request) {
  if (app_wants_websocket(request)) return app_receive(user, shard, request);
  other_request = request;
  gate_pass(&started);
  return DOG_OK;
}
static dog_status_t receive_bridge(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  for (size_t call = 0; call < HANDLE_CALLS_COUNT; call++) {
    if (!handle_calls[call].is_getter) continue;
    handle_kind_t kind = handle_calls[call].kind;
    const uint64_t handles[] = {
        [GATEWAY] = other_gateway, [SHARD] = other_shard, [SOCKET] = other_socket, [REQUEST] = other_request};
    dog_status_t status = handle_calls[call].call(handles[kind]);
    if (status != DOG_ETHREAD) FAIL("%s of another engine is %s", handle_calls[call].name, dog_status_name(status));
  }
  CHECK_OK(dog_socket_send(other_socket, DOG_TEXT, "from another engine", 19));
  CHECK_OK(app_respond(other_request, 200, "from another engine"));
  return app_respond(request, 200, "sent");
}
static dog_status_t receive_stale(void *user, dog_shard_t shard, dog_request_t request) {
  for (size_t call = 0; call < HANDLE_CALLS_COUNT; call++) {
    CHECK_EITHER(handle_calls[call].call(other_socket), DOG_ESTALE, DOG_EKIND);
    CHECK_EITHER(handle_calls[call].call(other_shard), DOG_ESTALE, DOG_EKIND);
    CHECK_EITHER(handle_calls[call].call(other_request), DOG_ESTALE, DOG_EKIND);
    CHECK_EITHER(handle_calls[call].call(other_gateway), DOG_ESTALE, DOG_EKIND);
  }
  return app_receive(user, shard, request);
}

static void a_handle_works_for_its_own_engine_only(void) {
  app_t one, other, last;
  app_init(&one);
  one.shard.onopen = onopen_note;
  one.shard.receive = receive_hold;
  app_start(&one);
  app_init(&other);
  other.shard.receive = receive_bridge;
  app_start(&other);

  client_t *client = ws_open(one.port, "/room/ws?u=ann"), *asking = client_connect(one.port);
  client_ask(asking, "GET", "/room?u=bob");
  gate_wait(&opened, 1);
  gate_wait(&started, 1);
  CHECK_NUMBER(http_get(other.port, "/room", NULL), 200);
  WS_EXPECT(client, "from another engine");
  response_t response;
  client_read_response(asking, &response, 1);
  CHECK(strcmp(response.body, "from another engine") == 0);
  client_free(asking);
  app_end(&one);
  client_free(client);
  app_end(&other);

  app_init(&last);
  last.shard.receive = receive_stale;
  app_start(&last);
  CHECK_NUMBER(http_get(last.port, "/room", NULL), 200);
  app_end(&last);
}

/* ---- fork -------------------------------------------------------------------------------------------------------- */

static int wait_for_child(pid_t child) {
  int status = 0;
  CHECK(child > 0);
  CHECK(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void check_forked(const app_t *app, uint64_t handle) {
  for (size_t call = 0; call < ENGINE_CALLS_COUNT; call++) {
    dog_status_t status = engine_calls[call].call(app->engine);
    if (status != DOG_EFORKED) FAIL("%s after fork is %s", engine_calls[call].name, dog_status_name(status));
  }
  for (size_t call = 0; call < HANDLE_CALLS_COUNT; call++) {
    dog_status_t status = handle_calls[call].call(handle);
    if (status != DOG_EFORKED) FAIL("%s after fork is %s", handle_calls[call].name, dog_status_name(status));
  }
  dog_engine_t *engine = NULL;
  CHECK_STATUS(dog_engine_create(NULL, &engine), DOG_EFORKED);
  CHECK_NUMBER(dog_version() >> 16, DOG_VERSION_MAJOR); /* no status to say it with */
}

static void after_fork_the_engine_stays_with_the_parent(void) {
  app_t app;
  app_init(&app);
  app.shard.onopen = onopen_note;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws?u=ann");
  gate_wait(&opened, 1);
  for (int round = 0; round < 3; round++) {
    pid_t child = fork();
    if (child == 0) {
      alarm(20);
      check_forked(&app, other_socket);
      check_forked(&app, other_shard);
      _exit(0);
    }
    CHECK_NUMBER(wait_for_child(child), 0);
    CHECK_OK(dog_socket_send(other_socket, DOG_TEXT, "still here", 10));
    WS_EXPECT(client, "still here");
    CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
  }
  ws_close(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

static void an_engine_may_be_made_in_a_child_whose_parent_made_none(void) {
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    app_t app;
    app_init(&app);
    app_start(&app);
    CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
    app_end(&app);
    _exit(0);
  }
  CHECK_NUMBER(wait_for_child(child), 0);
}

/* ---- stop and destroy -------------------------------------------------------------------------------------------- */

#define CLIENTS 60

static void destroy_while_running_closes_everything(void) {
  app_t app;
  app_init_passing(&app);
  app.gateway.limit = 7;
  app_start(&app);
  client_t *clients[CLIENTS];
  char target[64];
  for (int index = 0; index < CLIENTS; index++) {
    snprintf(target, sizeof target, "/room%d/ws?u=%d", index % 3, index);
    clients[index] = ws_open(app.port, target);
  }
  gate_wait(&opened, CLIENTS);
  client_t *half = client_connect(app.port); /* a head that never ends, and a connection without a word */
  client_say(half, "GET /room HTTP/1.1\r\nHost");
  client_t *silent = client_connect(app.port);
  CHECK_OK(dog_engine_destroy(app.engine));
  CHECK_NUMBER(gate_count(&closed), CLIENTS); /* each exactly once, and all before destroy returned */
  CHECK_NUMBER(gate_count(&stopped), gate_count(&started));
  CHECK(gate_count(&started) >= 9);
  CHECK_STATUS(dog_engine_destroy(app.engine), DOG_ESTALE);
  for (int index = 0; index < CLIENTS; index++) {
    client_drain(clients[index]);
    client_free(clients[index]);
  }
  client_drain(half);
  client_drain(silent);
  client_free(half);
  client_free(silent);
}

static void *expect_going_away(void *argument) {
  client_t *client = argument;
  WS_EXPECT_CLOSE(client, 1001);
  client_free(client);
  return NULL;
}

static void stop_closes_sockets_with_1001(void) {
  app_t app;
  app_init_passing(&app);
  app_start(&app);
  client_t *clients[4];
  for (int index = 0; index < 4; index++) clients[index] = ws_open(app.port, "/room/ws");
  gate_wait(&opened, 4);
  pthread_t threads[4];
  for (int index = 0; index < 4; index++) {
    CHECK(pthread_create(&threads[index], NULL, expect_going_away, clients[index]) == 0);
  }
  uint64_t start = check_now_ms();
  CHECK_OK(dog_engine_stop(app.engine, 20000));
  CHECK(check_now_ms() - start < 10000); /* the grace is not used up if all have gone */
  CHECK_NUMBER(gate_count(&closed), 4);
  for (int index = 0; index < 4; index++) pthread_join(threads[index], NULL);
  CHECK_OK(dog_engine_destroy(app.engine));
}

static void stop_without_grace_does_not_wait_for_clients(void) {
  app_t app;
  app_init_passing(&app);
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws"); /* does not answer the close frame */
  gate_wait(&opened, 1);
  uint64_t start = check_now_ms();
  CHECK_OK(dog_engine_stop(app.engine, 0));
  CHECK(check_now_ms() - start < 2000);
  CHECK_NUMBER(gate_count(&closed), 1);
  CHECK_NUMBER(gate_count(&stopped), 1);
  client_free(client);
  CHECK_OK(dog_engine_destroy(app.engine));
}

static void *stop_shortly(void *argument) {
  CHECK_OK(dog_engine_stop(((app_t *)argument)->engine, 100));
  return NULL;
}

static void a_shorter_grace_wins(void) {
  app_t app;
  app_init_passing(&app);
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws"); /* does not answer the close frame */
  gate_wait(&opened, 1);
  uint64_t start = check_now_ms();
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, stop_shortly, &app) == 0);
  CHECK_OK(dog_engine_stop(app.engine, 86400000));
  pthread_join(thread, NULL);
  CHECK(check_now_ms() - start < 5000);
  client_free(client);
  CHECK_OK(dog_engine_destroy(app.engine));
}

static void *respond_later(void *argument) {
  (void)argument;
  gate_wait(&stopped, 1);
  CHECK_OK(app_respond(other_request, 200, "just in time"));
  return NULL;
}
static void *stop_with_grace(void *argument) {
  CHECK_OK(dog_engine_stop(((app_t *)argument)->engine, 30000));
  return NULL;
}

static void a_request_in_flight_is_answered_during_the_grace(void) {
  app_t app;
  app_init(&app);
  app.shard.receive = receive_hold;
  app_start(&app);
  client_t *client = client_connect(app.port);
  client_ask(client, "GET", "/room");
  gate_wait(&started, 1);
  pthread_t stopping, answering;
  CHECK(pthread_create(&stopping, NULL, stop_with_grace, &app) == 0);
  CHECK(pthread_create(&answering, NULL, respond_later, NULL) == 0);
  WAIT_UNTIL(!is_listening(app.port)); /* then the stop has begun */
  gate_pass(&stopped);
  response_t response;
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 200);
  CHECK(strcmp(response.body, "just in time") == 0);
  client_drain(client); /* and then the connection is closed */
  client_free(client);
  pthread_join(answering, NULL);
  pthread_join(stopping, NULL);
  CHECK_OK(dog_engine_destroy(app.engine));
}

/* The main thread takes part in nothing but the end; the workers are called from all sides meanwhile. */
static _Atomic int is_over;

static void *hammer(void *argument) {
  app_t *app = argument;
  while (!is_over) {
    dog_stats_t stats = {.size = sizeof stats};
    dog_gateway_t gateway = 0;
    CHECK_EITHER(dog_engine_stats(app->engine, &stats), DOG_OK, DOG_ESTALE);
    dog_gateway_find(app->engine, "ROOM", 4, "room", 4, &gateway);
    if (gateway != 0) dog_gateway_broadcast(gateway, DOG_TEXT, "x", 1);
    dog_shard_emit(other_shard, DOG_TEXT, "x", 1);
    dog_shard_gossip(other_shard, "x", 1, 0, calls_gossiped, NULL);
    dog_socket_whisper(other_socket, "ann", 3, DOG_TEXT, "x", 1, calls_whispered, NULL);
    dog_request_respond(other_request, 200, NULL, 0, NULL, 0);
    sched_yield();
  }
  return NULL;
}

static void *drain(void *argument) {
  client_drain(argument);
  return NULL;
}

static void destroy_under_calls_from_other_threads_is_safe(void) {
  for (int round = 0; round < 20; round++) {
    app_t app;
    app_init(&app);
    app.shard.onopen = onopen_note;
    app.shard.receive = receive_hold;
    app_start(&app);
    long before = gate_count(&opened), held = gate_count(&started);
    client_t *clients[2] = {ws_open(app.port, "/room/ws?u=ann"), client_connect(app.port)};
    client_ask(clients[1], "GET", "/room?u=bob");
    gate_wait(&opened, before + 1);
    gate_wait(&started, held + 1);
    is_over = 0;
    pthread_t threads[5];
    for (int index = 0; index < 3; index++) CHECK(pthread_create(&threads[index], NULL, hammer, &app) == 0);
    for (int index = 0; index < 2; index++) {
      CHECK(pthread_create(&threads[3 + index], NULL, drain, clients[index]) == 0);
    }
    WAIT_UNTIL(app_stats(&app).messages_out > 100);
    if (round % 2 == 0) CHECK_OK(dog_engine_stop(app.engine, 50));
    CHECK_OK(dog_engine_destroy(app.engine));
    CHECK_STATUS(dog_socket_send(other_socket, DOG_TEXT, "x", 1), DOG_ESTALE);
    is_over = 1;
    for (int index = 0; index < 5; index++) pthread_join(threads[index], NULL);
    for (int index = 0; index < 2; index++) client_free(clients[index]);
  }
}

static void *destroy_too(void *argument) {
  return (void *)(intptr_t)dog_engine_destroy(((app_t *)argument)->engine);
}

static void two_threads_may_destroy_at_once(void) {
  for (int round = 0; round < 30; round++) {
    app_t app;
    app_init(&app);
    app_start(&app);
    CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
    pthread_t thread;
    void *theirs = NULL;
    CHECK(pthread_create(&thread, NULL, destroy_too, &app) == 0);
    dog_status_t ours = dog_engine_destroy(app.engine);
    pthread_join(thread, &theirs);
    dog_status_t other = (dog_status_t)(intptr_t)theirs;
    CHECK(ours == DOG_OK || other == DOG_OK);
    CHECK_EITHER(ours, DOG_OK, DOG_ESTALE);
    CHECK_EITHER(other, DOG_OK, DOG_ESTALE);
    CHECK_STATUS(dog_engine_destroy(app.engine), DOG_ESTALE);
  }
}

static void *start_too(void *argument) {
  return (void *)(intptr_t)dog_engine_start(((app_t *)argument)->engine);
}

static void a_stop_may_overtake_the_start(void) {
  for (int round = 0; round < 300; round++) {
    app_t app;
    app_init(&app);
    app_prepare(&app);
    pthread_t thread;
    void *start_status = NULL;
    CHECK(pthread_create(&thread, NULL, start_too, &app) == 0);
    dog_status_t status = DOG_OK;
    do {
      status = dog_engine_stop(app.engine, 0);
    } while (status == DOG_ESTATE); /* not started yet */
    CHECK_OK(status);
    pthread_join(thread, &start_status);
    CHECK_OK((dog_status_t)(intptr_t)start_status);
    CHECK_STATUS(dog_engine_start(app.engine), DOG_ESTATE);
    CHECK_OK(dog_engine_destroy(app.engine));
  }
}

static void a_destruction_may_overtake_the_start(void) {
  for (int round = 0; round < 300; round++) {
    app_t app;
    app_init(&app);
    app_prepare(&app);
    pthread_t thread;
    void *start_status = NULL;
    CHECK(pthread_create(&thread, NULL, start_too, &app) == 0);
    if (round % 2 == 0) sched_yield();
    CHECK_OK(dog_engine_destroy(app.engine));
    pthread_join(thread, &start_status);
    dog_status_t status = (dog_status_t)(intptr_t)start_status;
    CHECK(status == DOG_OK || status == DOG_ESTATE || status == DOG_ESTALE);
  }
}

/* ---- run --------------------------------------------------------------------------------------------------------- */

static _Atomic dog_status_t run_status;
static void *run(void *argument) {
  run_status = dog_engine_run(((app_t *)argument)->engine);
  return NULL;
}

static void run_makes_the_calling_thread_a_worker(void) {
  app_t app;
  app_init_passing(&app);
  app.options.workers = 1;
  app_prepare(&app);
  int threads = count_threads();
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, &app) == 0);
  wait_until_listening(app.port);
  CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
  CHECK_NUMBER(count_threads(), threads + 1); /* the one that runs it, and no other */
  client_t *client = ws_open(app.port, "/room/ws");
  gate_wait(&opened, 1);
  CHECK_STATUS(dog_engine_start(app.engine), DOG_ESTATE);
  CHECK_STATUS(dog_engine_run(app.engine), DOG_ESTATE);
  CHECK_OK(dog_engine_stop(app.engine, 100));
  pthread_join(thread, NULL);
  CHECK_OK(run_status);
  CHECK_NUMBER(gate_count(&closed), 1);
  CHECK_NUMBER(gate_count(&stopped), 1);
  client_free(client);
  CHECK_OK(dog_engine_destroy(app.engine));
}

static void run_with_several_workers_ends_with_all_of_them(void) {
  app_t app;
  app_init_passing(&app);
  app.options.workers = 3;
  app.gateway.limit = 1;
  app_prepare(&app);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, &app) == 0);
  wait_until_listening(app.port);
  client_t *clients[6];
  char target[32];
  for (int index = 0; index < 6; index++) {
    snprintf(target, sizeof target, "/room/ws?u=%d", index);
    clients[index] = ws_open(app.port, target);
  }
  gate_wait(&opened, 6);
  CHECK_OK(dog_engine_destroy(app.engine)); /* stops it, too */
  pthread_join(thread, NULL);
  CHECK_OK(run_status);
  CHECK_NUMBER(gate_count(&closed), 6);
  CHECK_NUMBER(gate_count(&stopped), 6);
  for (int index = 0; index < 6; index++) client_free(clients[index]);
}

static void no_thread_exists_before_the_start(void) {
  app_t app;
  app_init(&app);
  int threads = count_threads();
  app_prepare(&app);
  CHECK_NUMBER(count_threads(), threads);
  CHECK_OK(dog_engine_start(app.engine));
  CHECK(count_threads() > threads);
  app_end(&app);
  WAIT_UNTIL(count_threads() == threads);
}

/* ---- retirement -------------------------------------------------------------------------------------------------- */

static void an_empty_shard_is_retired(void) {
  app_t app;
  app_init_passing(&app);
  app.gateway.idle_seconds = 1;
  app.gateway.sticky_seconds = 0;
  app.shard.onopen = onopen_note;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws");
  gate_wait(&opened, 1);
  CHECK_OK(dog_shard_emit(other_shard, DOG_TEXT, "x", 1));
  ws_close(client);
  gate_wait(&stopped, 1);
  WAIT_UNTIL(dog_shard_emit(other_shard, DOG_TEXT, "x", 1) == DOG_ESTALE);
  WAIT_UNTIL(app_stats(&app).shards == 0);
  CHECK_NUMBER(http_get(app.port, "/room", NULL), 200); /* and makes another one when one is needed */
  gate_wait(&started, 2);
  app_end(&app);
}

static gate_t retired;
static char retired_name[DOG_NAME_BYTES_MAX + 1];

static void onretire_note(void *user, dog_gateway_t gateway) {
  (void)user;
  const char *name = NULL;
  size_t length = 0;
  CHECK_OK(dog_gateway_name(gateway, &name, &length));
  snprintf(retired_name, sizeof retired_name, "%.*s", (int)length, name);
  gate_pass(&retired);
}

static void a_gateway_with_nothing_left_is_retired_and_so_is_each_at_the_end(void) {
  app_t app;
  app_init_passing(&app);
  app.gateway.idle_seconds = 1;
  app.gateway.sticky_seconds = 0;
  app.gateway.onretire = onretire_note;
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/first", NULL), 200);
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_gateway_find(app.engine, "ROOM", 4, "first", 5, &gateway));
  gate_wait(&retired, 1);
  CHECK(strcmp(retired_name, "first") == 0);
  WAIT_UNTIL(dog_gateway_broadcast(gateway, DOG_TEXT, "x", 1) == DOG_ESTALE);
  CHECK_STATUS(dog_gateway_find(app.engine, "ROOM", 4, "first", 5, &gateway), DOG_ENOENT);
  CHECK_NUMBER(http_get(app.port, "/second", NULL), 200);
  app_end(&app);
  CHECK_NUMBER(gate_count(&retired), 2);
  CHECK(strcmp(retired_name, "second") == 0);
}

#define ROW(check) {#check, check}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(three_hundred_engines_leave_nothing_behind),
      ROW(only_so_many_engines_live_at_once),
      ROW(several_engines_live_side_by_side),
      ROW(a_handle_works_for_its_own_engine_only),
      ROW(after_fork_the_engine_stays_with_the_parent),
      ROW(an_engine_may_be_made_in_a_child_whose_parent_made_none),
      ROW(destroy_while_running_closes_everything),
      ROW(stop_closes_sockets_with_1001),
      ROW(stop_without_grace_does_not_wait_for_clients),
      ROW(a_shorter_grace_wins),
      ROW(a_request_in_flight_is_answered_during_the_grace),
      ROW(destroy_under_calls_from_other_threads_is_safe),
      ROW(two_threads_may_destroy_at_once),
      ROW(a_stop_may_overtake_the_start),
      ROW(a_destruction_may_overtake_the_start),
      ROW(run_makes_the_calling_thread_a_worker),
      ROW(run_with_several_workers_ends_with_all_of_them),
      ROW(no_thread_exists_before_the_start),
      ROW(an_empty_shard_is_retired),
      ROW(a_gateway_with_nothing_left_is_retired_and_so_is_each_at_the_end),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
