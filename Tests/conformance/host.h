/*
 * host.h - what both hosts in C are made of: the process, its engine, and what is held until it is released (HOST.md).
 *
 * All that a host does when it is called is written once, as functions with the signatures of dog.h's callbacks, in
 * gateways.h, requests.h and sockets.h. host_callbacks.c hands them to the engine; host_events.c calls them itself, for
 * the events of the same names.
 */
#ifndef HOST_H
#define HOST_H

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include <dog.h>

#include "text.h"

#define MESSAGE_BYTES_MAX 65536u
#define OUTBOX_BYTES_MAX 262144u
#define STOP_GRACE_MS 2000u

static struct {
  dog_engine_t *engine;
  /* Where outcomes go: NULL where they come as events. */
  dog_whispered_fn whispered;
  dog_gossiped_fn gossiped;
  dog_writable_fn writable;
  dog_ended_fn ended;
  /* How often each was called. */
  atomic_uint opens, closes, starts, stops;
} host;

/* Ends the program unless `status` is DOG_OK: for the set-up. */
static inline void must(dog_status_t status, const char *what) {
  if (status == DOG_OK) return;
  fprintf(stderr, "%s: %s (%s)\n", what, dog_status_text(status), dog_status_name(status));
  exit(1);
}

/* ---- hold and release -------------------------------------------------------------------------------------------- */

/* Lets go on what is `handle`, which was held under `key`. */
typedef void (*resume_fn)(uint64_t handle, view_t key);

typedef struct held {
  struct held *next;
  uint64_t handle;
  resume_fn resume;
  text_t key;
} held_t;

static struct {
  pthread_mutex_t lock; /* guards `first`: with callbacks the workers hold and release at the same time */
  held_t *first;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The caller then tells the cluster, with held_text. */
static inline void hold(view_t key, uint64_t handle, resume_fn resume) {
  held_t *held = allocate(sizeof *held);
  held->handle = handle;
  held->resume = resume;
  text_put(&held->key, key);
  pthread_mutex_lock(&table.lock);
  held->next = table.first;
  table.first = held;
  pthread_mutex_unlock(&table.lock);
}

static inline text_t held_text(view_t key) {
  text_t text = {0};
  text_add(&text, "holding %.*s", SHOWN(key));
  return text;
}

/* How many there were. */
static inline size_t release(view_t key) {
  held_t *taken = NULL;
  pthread_mutex_lock(&table.lock);
  for (held_t **place = &table.first; *place != NULL;) {
    held_t *held = *place;
    if (is(key, held->key.bytes)) {
      *place = held->next;
      held->next = taken;
      taken = held;
    } else {
      place = &held->next;
    }
  }
  pthread_mutex_unlock(&table.lock);

  size_t count = 0;
  while (taken != NULL) {
    held_t *held = taken;
    taken = held->next;
    held->resume(held->handle, (view_t){held->key.bytes, held->key.length});
    free(held->key.bytes);
    free(held);
    count++;
  }
  return count;
}

static inline void forget_held(void) {
  while (table.first != NULL) {
    held_t *held = table.first;
    table.first = held->next;
    free(held->key.bytes);
    free(held);
  }
}

/* ---- the process ------------------------------------------------------------------------------------------------- */

static inline void log_line(void *user, dog_log_level_t level, const char *line, size_t length) {
  (void)user, (void)level;
  fprintf(stderr, "%.*s\n", (int)length, line);
}

/* An engine with the options that the command line asks for. */
static inline void make_engine(int argc, char **argv, dog_delivery_t delivery) {
  dog_options_t options;
  must(dog_options_init(&options, sizeof options), "options");
  options.workers = 2;
  options.message_bytes_max = MESSAGE_BYTES_MAX;
  options.outbox_bytes_max = OUTBOX_BYTES_MAX;
  options.delivery = delivery;
  if (delivery == DOG_DELIVERY_CALLBACKS) options.log = log_line; /* else it comes as events */
  for (int index = 1; index + 1 < argc; index += 2) {
    uint32_t value = (uint32_t)number(view_of(argv[index + 1]));
    if (strcmp(argv[index], "--workers") == 0) options.workers = value;
    if (strcmp(argv[index], "--deadline") == 0) options.identify_timeout_ms = options.receive_timeout_ms = value;
  }
  must(dog_engine_create(&options, &host.engine), "engine");
}

/* Both Gateway classes and what they place onto; what else a class has to have is in `gateway` and `shard`. */
static inline void define_classes(dog_gateway_class_t gateway, dog_shard_class_t shard) {
  const dog_clusterize_fn clusterize = gateway.clusterize;
  const uint32_t clusterize_events = gateway.clusterize_events;
  gateway.name = "Room", gateway.child = "RoomShard", gateway.limit = 2;
  gateway.clusterize = NULL, gateway.clusterize_events = 0;
  must(dog_engine_define_gateway(host.engine, &gateway), "Room");
  gateway.name = "Pool", gateway.child = "PoolShard", gateway.limit = 1;
  gateway.sticky_seconds = 0, gateway.idle_seconds = 1;
  gateway.clusterize = clusterize, gateway.clusterize_events = clusterize_events;
  must(dog_engine_define_gateway(host.engine, &gateway), "Pool");

  shard.name = "RoomShard", shard.parent = "Room";
  must(dog_engine_define_shard(host.engine, &shard), "RoomShard");
  shard.name = "PoolShard", shard.parent = "Pool";
  must(dog_engine_define_shard(host.engine, &shard), "PoolShard");

  must(dog_engine_route(host.engine, "/room/:name", "Room", NULL), "route");
  must(dog_engine_route(host.engine, "/pool/:name", "Pool", NULL), "route");
  must(dog_engine_route(host.engine, "/lobby", "Room", "lobby"), "route");
}

static inline void start_engine(void) {
  uint16_t port = 0;
  must(dog_engine_listen(host.engine, NULL, 0, &port), "listen");
  must(dog_engine_start(host.engine), "start");
  printf("listening on %u\n", (unsigned)port);
  fflush(stdout);
}

/* The engine has stopped. */
static inline int end_program(void) {
  must(dog_engine_destroy(host.engine), "destroy");
  forget_held();
  printf("stopped opened=%u closed=%u started=%u ended=%u\n", atomic_load(&host.opens), atomic_load(&host.closes),
         atomic_load(&host.starts), atomic_load(&host.stops));
  return 0;
}

#endif /* HOST_H */
