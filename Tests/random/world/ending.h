/*
 * ending.h - how an engine ends, and what is true then.
 */
#ifndef ENDING_H
#define ENDING_H

#include "making.h"

static inline dog_stats_t stats_of(const world_t *world) {
  dog_stats_t stats = {.size = sizeof stats};
  CHECK_OK(dog_engine_stats(world->engine, &stats));
  return stats;
}

/* What a watchdog would not say. */
#define WAIT_FOR_ZERO(world, member)                                                                                   \
  do {                                                                                                                 \
    uint64_t since = check_now_ms();                                                                                   \
    while (stats_of(world).member != 0) {                                                                              \
      pause_ms(1);                                                                                                     \
      if (check_now_ms() - since > 30000) {                                                                            \
        FAIL("engine %u: %s stays %llu", (world)->number, #member, (unsigned long long)stats_of(world).member);        \
      }                                                                                                                \
    }                                                                                                                  \
  } while (0)

/* All clients have left: nobody is counted. */
static inline void await_rest(const world_t *world) {
  WAIT_FOR_ZERO(world, connections);
  WAIT_FOR_ZERO(world, sockets);
  WAIT_FOR_ZERO(world, requests);
  WAIT_FOR_ZERO(world, places);
}

static inline void *stop_it(void *user) {
  world_t *world = user;
  CHECK_EITHER(dog_engine_stop(world->engine, 10), DOG_OK, DOG_ESTALE);
  return NULL;
}
static inline void *destroy_it(void *user) {
  world_t *world = user;
  CHECK_EITHER(dog_engine_destroy(world->engine), DOG_OK, DOG_ESTALE);
  return NULL;
}

static inline pthread_t begin(void *(*run)(void *), void *user) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, user) == 0);
  return thread;
}

static inline void stop_and_destroy_at_once(world_t *world) {
  void *(*const runs[])(void *) = {stop_it, destroy_it, stop_it, destroy_it};
  pthread_t threads[4];
  for (int index = 0; index < 4; index++) threads[index] = begin(runs[index], world);
  for (int index = 0; index < 4; index++) pthread_join(threads[index], NULL);
}

/* Stopped, and all workers have ended: the engine counts nothing any more. */
static inline void check_stopped(const world_t *world) {
  dog_stats_t stats = stats_of(world);
  CHECK_NUMBER(stats.connections, 0);
  CHECK_NUMBER(stats.sockets, 0);
  CHECK_NUMBER(stats.requests, 0);
  CHECK_NUMBER(stats.gateways, 0);
  CHECK_NUMBER(stats.shards, 0);
  CHECK_NUMBER(stats.places, 0);
}

/* What was promised has been kept, once; dog.h allows no exception where the host heard all there was to hear. */
static inline void check_promises(world_t *world, int has_heard_all) {
  uint64_t left[PROMISE_KINDS] = {0};
  for (promise_t *promise = world->promises, *next; promise != NULL; promise = next) {
    next = promise->next;
    left[promise->kind] += !promise->is_kept && !promise->is_withdrawn;
    free(promise);
  }
  uint64_t open = 0;
  for (visit_t *visit = world->visits, *next; visit != NULL; visit = next) {
    next = visit->next;
    open += !visit->is_closed;
    free(visit);
  }
  if (!has_heard_all) return;
  uint64_t broken = open;
  for (int kind = 0; kind < PROMISE_KINDS; kind++) broken += left[kind];
  if (broken > 0) {
    FAIL("engine %u (%s, ending %d, run %d): no end of %llu sockets, %llu whispers, %llu questions, %llu streams, "
         "%llu calls, %llu Gateways",
         world->number, world->delivery == DOG_DELIVERY_EVENTS ? "events" : "callbacks", (int)world->ending,
         world->runs, (unsigned long long)open, (unsigned long long)left[WHISPERED],
         (unsigned long long)left[GOSSIPED], (unsigned long long)left[ENDED], (unsigned long long)left[CALLED],
         (unsigned long long)left[RETIRED]);
  }
  CHECK_NUMBER(world->closes, world->opens);
  CHECK_NUMBER(world->stops, world->starts);
}

#endif /* ENDING_H */
