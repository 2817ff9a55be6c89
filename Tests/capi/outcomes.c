/*
 * outcomes.c - what a host is told of its whispers and questions: once for each call that returned DOG_OK, whatever
 * ends meanwhile. So `user` can be freed there, and is never lost. And what a callback hands on to a program it starts.
 */
#include "app.h"
#include "events.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

/* ---- counting ---------------------------------------------------------------------------------------------------- */

/* Calls that returned DOG_OK, and what was told. Each is a `user` of its own, which is told of once. */
typedef struct outcome {
  _Atomic int told;
} outcome_t;

enum { OUTCOMES_MAX = 1 << 18 };
static outcome_t outcomes[OUTCOMES_MAX];
static _Atomic long asked, told, gone;

static outcome_t *next_outcome(void) {
  long index = asked++;
  return &outcomes[index < OUTCOMES_MAX ? index : OUTCOMES_MAX - 1];
}

static void tell(outcome_t *outcome, dog_status_t status) {
  int before = outcome->told++;
  if (before != 0) FAIL("told %d times", before + 1);
  if (status == DOG_EGONE) gone++;
  told++;
}

static void whispered(void *user, dog_status_t status, size_t sockets) {
  (void)sockets;
  tell(user, status);
}

static void gossiped(void *user, dog_shard_t shard, dog_status_t status, const dog_gossip_result_t *results,
                     size_t count) {
  (void)shard, (void)results;
  if (status != DOG_OK) CHECK_NUMBER(count, 0);
  tell(user, status);
}

/* A call that did not return DOG_OK is not told of. */
static void count(outcome_t *outcome, dog_status_t status) {
  if (status == DOG_OK) return;
  CHECK_NUMBER(outcome->told, 0);
  outcome->told = 1;
  told++;
}

static int takes_events; /* then the callbacks are NULL */

static void ask_all(dog_gateway_t gateway, dog_shard_t shard, dog_socket_t socket) {
  dog_whispered_fn onwhispered = takes_events ? NULL : whispered;
  outcome_t *outcome = next_outcome();
  count(outcome, dog_shard_gossip(shard, "x", 1, 60000, takes_events ? NULL : gossiped, outcome));
  outcome = next_outcome();
  count(outcome, dog_shard_whisper(shard, "ann", 3, DOG_TEXT, "x", 1, onwhispered, outcome));
  outcome = next_outcome();
  count(outcome, dog_socket_whisper(socket, "ann", 3, DOG_TEXT, "x", 1, onwhispered, outcome));
  outcome = next_outcome();
  count(outcome, dog_gateway_whisper(gateway, "ann", 3, DOG_TEXT, "x", 1, onwhispered, outcome));
}

/* ---- a host that asks at every turn ------------------------------------------------------------------------------ */

static _Atomic uint64_t gateway_now, shard_now, socket_now;

static dog_status_t onstart_ask(void *user, dog_shard_t shard) {
  (void)user;
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_shard_gateway(shard, &gateway));
  gateway_now = gateway;
  shard_now = shard;
  ask_all(gateway, shard, socket_now);
  return DOG_OK;
}
static void onstop_ask(void *user, dog_shard_t shard) {
  (void)user;
  CHECK_STATUS(dog_shard_gossip(shard, "x", 1, 0, gossiped, NULL), DOG_ESTALE); /* there is nobody to be told */
  ask_all(gateway_now, shard, socket_now);
}
static dog_status_t onopen_ask(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user;
  socket_now = socket;
  ask_all(gateway_now, shard, socket);
  return DOG_OK;
}
static void onclose_ask(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                        size_t reason_length, int clean) {
  (void)user, (void)code, (void)reason, (void)reason_length, (void)clean;
  ask_all(gateway_now, shard, socket);
}
/* Nobody answers: what ends a question is the end of somebody. */
static dog_status_t ongossip_hold(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data,
                                  size_t length) {
  (void)user, (void)shard, (void)gossip, (void)data, (void)length;
  return DOG_OK;
}

static _Atomic int is_over;

static void *ask_from_outside(void *argument) {
  (void)argument;
  while (!is_over) {
    if (asked < OUTCOMES_MAX - 5000) ask_all(gateway_now, shard_now, socket_now);
    sched_yield();
  }
  return NULL;
}

/* Engines that begin and end while everybody asks; `is_gentle` has them stop with grace before. */
static void storm(int is_gentle) {
  pthread_t outside;
  CHECK(pthread_create(&outside, NULL, ask_from_outside, NULL) == 0);
  for (int round = 0; round < 25; round++) {
    app_t app;
    app_init(&app);
    app.options.workers = 3;
    app.options.gossips_max = 20;
    app.gateway.limit = 2;
    app.gateway.idle_seconds = 0;
    app.shard.onstart = onstart_ask;
    app.shard.onstop = onstop_ask;
    app.shard.onopen = onopen_ask;
    app.shard.onclose = onclose_ask;
    app.shard.ongossip = ongossip_hold;
    app_start(&app);
    client_t *clients[12];
    for (int index = 0; index < 12; index++) {
      char target[64];
      snprintf(target, sizeof target, "/room%d/ws?u=%s", index % 2, index % 3 == 0 ? "ann" : "bob");
      clients[index] = ws_open(app.port, target);
    }
    for (int index = 0; index < 6; index++) client_reset(clients[index]);
    if (is_gentle) CHECK_OK(dog_engine_stop(app.engine, 20));
    CHECK_OK(dog_engine_destroy(app.engine));
    for (int index = 6; index < 12; index++) client_free(clients[index]);
  }
  is_over = 1;
  pthread_join(outside, NULL);
  CHECK(asked < OUTCOMES_MAX);
  CHECK(gone > 100);
  CHECK_NUMBER(told, asked);
}

static void everybody_is_told_though_engines_are_destroyed(void) { storm(0); }
static void everybody_is_told_though_engines_stop(void) { storm(1); }

/* ---- an asker that ends by itself -------------------------------------------------------------------------------- */

static gate_t stopped = GATE_INITIALIZER, answered = GATE_INITIALIZER;
static _Atomic uint64_t asker;
static _Atomic int status_told = 1;

static void gossiped_note(void *user, dog_shard_t shard, dog_status_t status, const dog_gossip_result_t *results,
                          size_t count) {
  (void)results;
  CHECK(user == &status_told && shard == asker);
  CHECK_NUMBER(count, 0);
  CHECK_NUMBER(gate_count(&stopped), 0); /* before its onstop */
  status_told = status;
  gate_pass(&answered);
}
static void onstop_pass(void *user, dog_shard_t shard) {
  (void)user;
  if (shard == asker) gate_pass(&stopped);
}
static dog_status_t receive_and_ask(void *user, dog_shard_t shard, dog_request_t request) {
  const char *uid = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_uid(request, &uid, &length));
  if (length == 5 && memcmp(uid, "asker", 5) == 0) {
    asker = shard;
    CHECK_OK(dog_shard_gossip(shard, "x", 1, 60000, gossiped_note, (void *)&status_told));
    return app_respond(request, 200, "asked");
  }
  return app_receive(user, shard, request);
}

static void a_retired_shard_s_question_is_answered_with_its_end(void) {
  app_t app;
  app_init(&app);
  app.gateway.limit = 1;
  app.gateway.idle_seconds = 0;
  app.gateway.sticky_seconds = 0;
  app.shard.receive = receive_and_ask;
  app.shard.ongossip = ongossip_hold;
  app.shard.onstop = onstop_pass;
  app_start(&app);
  client_t *sibling = ws_open(app.port, "/room/ws?u=bob");
  CHECK_NUMBER(http_get(app.port, "/room?u=asker", NULL), 200);
  gate_wait(&answered, 1); /* long before the question's deadline */
  CHECK_NUMBER(status_told, DOG_EGONE);
  gate_wait(&stopped, 1);
  ws_close(sibling);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* An asker that ends has several questions open, and is told of the first: its host answers the others in there. */
static dog_gossip_t held_questions[3];
static _Atomic int questions, of_each[3];

static dog_status_t ongossip_keep(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data,
                                  size_t length) {
  (void)user, (void)shard, (void)data, (void)length;
  held_questions[questions++] = gossip;
  return DOG_OK;
}
static void gossiped_answer(void *user, dog_shard_t shard, dog_status_t status, const dog_gossip_result_t *results,
                            size_t count) {
  (void)shard, (void)status, (void)results, (void)count;
  (*(_Atomic int *)user)++;
  for (int index = 0; index < 3; index++) {
    CHECK_EITHER(dog_gossip_reply(held_questions[index], "x", 1), DOG_OK, DOG_ESTALE);
  }
}
static dog_status_t receive_and_ask_thrice(void *user, dog_shard_t shard, dog_request_t request) {
  if (app_wants_websocket(request)) return app_receive(user, shard, request);
  asker = shard;
  for (int index = 0; index < 3; index++) {
    CHECK_OK(dog_shard_gossip(shard, "x", 1, 60000, gossiped_answer, (void *)&of_each[index]));
  }
  return app_respond(request, 200, "asked");
}

static void each_question_of_a_shard_that_ends_is_told_of_once(void) {
  app_t app;
  app_init(&app);
  app.options.workers = 1;
  app.gateway.limit = 1;
  app.gateway.idle_seconds = 0;
  app.shard.receive = receive_and_ask_thrice;
  app.shard.ongossip = ongossip_keep;
  app.shard.onstop = onstop_pass;
  app_start(&app);
  client_t *sibling = ws_open(app.port, "/room/ws?u=bob");
  CHECK_NUMBER(http_get(app.port, "/room?u=asker", NULL), 200);
  gate_wait(&stopped, 1);
  CHECK_NUMBER(questions, 3);
  for (int index = 0; index < 3; index++) CHECK_NUMBER(of_each[index], 1);
  ws_close(sibling);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- by events --------------------------------------------------------------------------------------------------- */

static void an_events_host_is_told_of_everything_too(void) {
  takes_events = 1;
  host_t host;
  host_init(&host);
  host.app.shard.gossip_events = 1;
  host.app.gateway.limit = 1;
  host_start(&host);
  client_t *clients[4];
  dog_shard_t shards[4];
  dog_socket_t sockets[4];
  dog_gateway_t gateway = 0;
  for (int index = 0; index < 4; index++) {
    char target[32];
    snprintf(target, sizeof target, "/room/ws?u=%s", index == 0 ? "ann" : "bob");
    clients[index] = host_open(&host, target);
    shards[index] = host.event.shard;
    sockets[index] = host.event.socket;
  }
  CHECK_OK(dog_shard_gateway(shards[0], &gateway));
  for (int round = 0; round < 50; round++) {
    for (int index = 0; index < 4; index++) ask_all(gateway, shards[index], sockets[index]);
  }
  CHECK_OK(dog_engine_stop(host.app.engine, 0));
  long seen = 0, ended = 0;
  for (int is_stopped = 0; !is_stopped;) {
    dog_event_t events[64];
    size_t count = 0;
    CHECK_OK(dog_engine_poll(host.app.engine, events, 64, -1, &count));
    for (size_t index = 0; index < count; index++) {
      if (events[index].type == DOG_EVENT_WHISPERED || events[index].type == DOG_EVENT_GOSSIPED) {
        tell(events[index].user, events[index].status);
        seen++;
        if (events[index].status == DOG_EGONE) ended++;
      }
      is_stopped |= events[index].type == DOG_EVENT_STOPPED;
    }
  }
  CHECK_NUMBER(told, asked);
  CHECK(seen >= 800 && ended > 0);
  CHECK_OK(dog_engine_destroy(host.app.engine));
  for (int index = 0; index < 4; index++) client_free(clients[index]);
}

/* ---- signals ----------------------------------------------------------------------------------------------------- */

static char blocked[64];

/* The set of blocked signals of a program that is started from here, as /proc has it. */
static dog_status_t receive_and_execute(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  int ends[2];
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    dup2(ends[1], 1);
    execl("/bin/sh", "sh", "-c", "while read name set; do [ $name = SigBlk: ] && echo $set; done < /proc/self/status",
          (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  ssize_t got = read(ends[0], blocked, sizeof blocked - 1);
  CHECK(got > 0);
  blocked[got] = '\0';
  close(ends[0]);
  CHECK(waitpid(child, NULL, 0) == child);
  return app_respond(request, 200, "done");
}

static void a_program_started_in_a_callback_has_the_host_s_signals(void) {
  /* With and without SIGPIPE in the host's own mask, which the workers inherit. */
  for (int is_blocked = 0; is_blocked < 2; is_blocked++) {
    sigset_t pipe_alone;
    sigemptyset(&pipe_alone);
    sigaddset(&pipe_alone, SIGPIPE);
    CHECK(pthread_sigmask(is_blocked ? SIG_BLOCK : SIG_UNBLOCK, &pipe_alone, NULL) == 0);
    app_t app;
    app_init(&app);
    app.shard.receive = receive_and_execute;
    app_start(&app);
    CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
    app_end(&app);
    unsigned long long set = strtoull(blocked, NULL, 16);
    CHECK_NUMBER(set >> (SIGPIPE - 1) & 1, is_blocked);
  }
}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      {"everybody_is_told_though_engines_are_destroyed", everybody_is_told_though_engines_are_destroyed},
      {"everybody_is_told_though_engines_stop", everybody_is_told_though_engines_stop},
      {"a_retired_shard_s_question_is_answered_with_its_end", a_retired_shard_s_question_is_answered_with_its_end},
      {"each_question_of_a_shard_that_ends_is_told_of_once", each_question_of_a_shard_that_ends_is_told_of_once},
      {"an_events_host_is_told_of_everything_too", an_events_host_is_told_of_everything_too},
      {"a_program_started_in_a_callback_has_the_host_s_signals",
       a_program_started_in_a_callback_has_the_host_s_signals},
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
