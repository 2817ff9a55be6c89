/*
 * locks.c - what a callback does on its own worker takes no lock: it costs the same whatever other threads do. And what
 * a thread holds that is slow at a lock is given back all the same.
 */
#include "app.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>

static void whispered(void *user, dog_status_t status, size_t sockets) { (void)user, (void)status, (void)sockets; }

static void gossiped(void *user, dog_shard_t shard, dog_status_t status, const dog_gossip_result_t *results,
                     size_t count) {
  (void)user, (void)shard, (void)status, (void)results, (void)count;
}

static _Thread_local int counts_locks, locks;
/* Called before each lock; NULL: nothing is. */
static void (*_Atomic before_lock)(void);

/* Stands before the C library's own, for libdog too. */
int pthread_mutex_lock(pthread_mutex_t *mutex) {
  static int (*real)(pthread_mutex_t *);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
  if (counts_locks) locks++;
  void (*call)(void) = before_lock;
  if (call != NULL) call();
  return real(mutex);
}

static gate_t spoken = GATE_INITIALIZER;

static dog_status_t onmessage_speak(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                    const void *data, size_t length) {
  (void)user;
  static int turns;
  dog_gateway_t gateway;
  CHECK_OK(dog_shard_gateway(shard, &gateway));
  locks = 0;
  counts_locks = turns == 1; /* what a first call of its kind sets up once does not count */
  dog_status_t statuses[] = {
      dog_socket_send(socket, kind, data, length),
      dog_socket_emit(socket, kind, 0, data, length),
      dog_socket_broadcast(socket, kind, DOG_TO_SELF, data, length),
      dog_socket_whisper(socket, "ann", 3, kind, data, length, whispered, NULL),
      dog_shard_whisper(shard, "ann", 3, kind, data, length, whispered, NULL),
      dog_shard_gossip(shard, data, length, 0, gossiped, NULL),
      dog_shard_emit(shard, kind, data, length),
      dog_shard_broadcast(shard, kind, data, length),
      dog_gateway_broadcast(gateway, kind, data, length),
      dog_gateway_whisper(gateway, "ann", 3, kind, data, length, whispered, NULL),
  };
  counts_locks = 0;
  for (size_t index = 0; index < sizeof statuses / sizeof statuses[0]; index++) CHECK_OK(statuses[index]);
  CHECK_NUMBER(locks, 0);
  pthread_mutex_t mine = PTHREAD_MUTEX_INITIALIZER;
  counts_locks = 1;
  pthread_mutex_lock(&mine); /* they are counted */
  counts_locks = 0;
  CHECK_NUMBER(locks, 1);
  pthread_mutex_unlock(&mine);
  turns++;
  gate_pass(&spoken);
  return DOG_OK;
}

static void what_a_callback_sends_on_its_own_worker_takes_no_lock(void) {
  app_t app;
  app_init(&app);
  app.options.workers = 1;
  app.shard.onmessage = onmessage_speak;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws?u=ann");
  ws_say(client, "to whom it may concern");
  ws_say(client, "and again");
  gate_wait(&spoken, 2);
  app_end(&app);
  client_free(client);
}

/* ---- an upgrade that comes too late ------------------------------------------------------------------------------ */

static int thread_id(void) { return (int)syscall(SYS_gettid); }

/* The threads of the connection, of its Shard, and the one that answers. */
static _Atomic int connection_thread, shard_thread, answering_thread;
static _Atomic uint64_t question;
static dog_status_t answered;

static int has_ended(int thread) { return syscall(SYS_tgkill, getpid(), thread, 0) != 0; }

/* The Shard's worker is slow. Who answers has claimed the question when it waits for the worker's mailbox, its second
 * lock, until the connection's worker has ended. */
static void delay(void) {
  static _Thread_local int count;
  if (thread_id() == shard_thread) pause_ms(30);
  if (thread_id() != answering_thread || ++count != 2) return;
  while (!has_ended(connection_thread)) pause_ms(1);
}

static dog_status_t fetch_forward(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  connection_thread = thread_id();
  return dog_request_forward(request, "ROOM", 4, "g", 1);
}

static dog_status_t receive_keep(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  shard_thread = thread_id();
  question = request;
  return DOG_OK;
}

static void *connect_late(void *user) {
  (void)user;
  answering_thread = thread_id();
  while (before_lock == NULL) pause_ms(1);
  answered = dog_request_connect(question, NULL);
  return NULL;
}

static void an_upgrade_that_comes_too_late_holds_no_place(void) {
  app_t app;
  app_init(&app);
  app.options.workers = 2;
  app.on_fetch = fetch_forward;
  app.shard.receive = receive_keep;
  app_start(&app);
  /* Until one of the clients came in on the other worker than its Shard's. */
  client_t *client;
  for (;;) {
    question = 0;
    client = ws_ask(app.port, "/x?u=u", NULL);
    WAIT_UNTIL(question != 0);
    if (connection_thread != shard_thread) break;
    client_reset(client);
    app_wait_until_empty(&app);
  }
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, connect_late, NULL) == 0);
  WAIT_UNTIL(answering_thread != 0);
  before_lock = delay;
  CHECK_OK(dog_engine_stop(app.engine, 0));
  CHECK(pthread_join(thread, NULL) == 0);
  before_lock = NULL;
  CHECK_EITHER(answered, DOG_OK, DOG_ESTALE);
  CHECK_NUMBER(app_stats(&app).requests, 0);
  CHECK_NUMBER(app_stats(&app).places, 0);
  CHECK_OK(dog_engine_destroy(app.engine));
  client_free(client);
}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      {"what_a_callback_sends_on_its_own_worker_takes_no_lock", what_a_callback_sends_on_its_own_worker_takes_no_lock},
      {"an_upgrade_that_comes_too_late_holds_no_place", an_upgrade_that_comes_too_late_holds_no_place},
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
