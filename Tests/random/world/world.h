/*
 * world.h - one engine of a round, and what its host has been promised and told.
 */
#ifndef WORLD_H
#define WORLD_H

#include "../shared.h"

/* ---- handles, those of all engines: alive and stale -------------------------------------------------------------- */

typedef enum handle_kind { GATEWAY, SHARD, SOCKET, REQUEST, GOSSIP, TIMER, HANDLE_KINDS } handle_kind_t;

enum { WORLDS_MAX = 3, HANDLES_MAX = 64 };

/* The last handles of each kind that a world's host was given, and the worlds of that number before it. */
typedef struct book {
  _Atomic uint64_t handles[HANDLE_KINDS][HANDLES_MAX];
  _Atomic uint32_t next[HANDLE_KINDS];
} book_t;

static book_t books[WORLDS_MAX];

static inline void book_note(uint32_t number, handle_kind_t kind, uint64_t handle) {
  book_t *book = &books[number];
  uint32_t place = atomic_fetch_add(&book->next[kind], 1) % HANDLES_MAX;
  atomic_store_explicit(&book->handles[kind][place], handle, memory_order_relaxed);
}

/* ---- promises: what dog.h says will be called back --------------------------------------------------------------- */

typedef enum promise_kind { WHISPERED, GOSSIPED, ENDED, CALLED, RETIRED, PROMISE_KINDS } promise_kind_t;

typedef struct world world_t;

/* The `user` of one call. Kept to the world's end, so that one that is kept twice is seen. */
typedef struct promise {
  struct promise *next;
  world_t *world;
  promise_kind_t kind;
  _Atomic int is_withdrawn; /* the call returned an error */
  _Atomic int is_kept;
} promise_t;

/* A socket, as its data: from its onopen to the world's end. */
typedef struct visit {
  struct visit *next;
  _Atomic int is_closed;
  _Atomic int errors;
} visit_t;

/* ---- the world --------------------------------------------------------------------------------------------------- */

/* How an engine comes to its end. */
typedef enum ending {
  END_QUIET,     /* when its clients have left */
  END_STOP,      /* stopped in the middle */
  END_DESTROY,   /* destroyed in the middle */
  END_INSIDE,    /* stopped by one of its own callbacks, or by the thread that polls */
  END_RACING,    /* stopped and destroyed by several threads at once */
  ENDINGS
} ending_t;

struct world {
  uint64_t seed;
  uint32_t number;
  dog_delivery_t delivery;
  ending_t ending;
  int runs; /* dog_engine_run, on a thread of the host's, in place of dog_engine_start */
  dog_engine_t *engine;
  place_t *places[4]; /* NULL behind the last */
  char path[100];     /* of its Unix-domain socket, or empty */
  const char *certificate, *key;
  int starts_later; /* onstart is answered by dog_shard_started */
  _Atomic int is_stopping;    /* somebody has called stop or destroy */
  _Atomic int has_drained;    /* DOG_EVENT_STOPPED came, or all workers have ended */
  _Atomic uint32_t threads;   /* that have drawn dice of their own */
  _Atomic uint64_t opens, closes, starts, stops, questions, lines;
  pthread_mutex_t lock; /* of both lists */
  promise_t *promises;
  visit_t *visits;
};

static inline promise_t *promise_make(world_t *world, promise_kind_t kind) {
  promise_t *promise = calloc(1, sizeof *promise);
  CHECK(promise != NULL);
  promise->world = world;
  promise->kind = kind;
  pthread_mutex_lock(&world->lock);
  promise->next = world->promises;
  world->promises = promise;
  pthread_mutex_unlock(&world->lock);
  return promise;
}

static inline void promise_keep(void *user, promise_kind_t kind) {
  promise_t *promise = user;
  CHECK(promise != NULL && promise->kind == kind);
  CHECK(!promise->is_withdrawn);
  CHECK_NUMBER(atomic_exchange(&promise->is_kept, 1), 0);
}

static inline visit_t *visit_make(world_t *world) {
  visit_t *visit = calloc(1, sizeof *visit);
  CHECK(visit != NULL);
  pthread_mutex_lock(&world->lock);
  visit->next = world->visits;
  world->visits = visit;
  pthread_mutex_unlock(&world->lock);
  return visit;
}

/* ---- who acts ---------------------------------------------------------------------------------------------------- */

/* A thread while it does something: its dice, and what it may do. */
typedef struct actor {
  dice_t *dice;
  world_t *world;
  int may_look; /* the pointers that getters give are good until it is done */
  int is_worker;
} actor_t;

/* The dice of a thread that the engine made, by world. */
static inline actor_t actor_inside(world_t *world) {
  static _Thread_local dice_t dice;
  static _Thread_local uint64_t of_seed;
  if (of_seed != world->seed) {
    of_seed = world->seed;
    dice = dice_of(world->seed, 5000 + atomic_fetch_add(&world->threads, 1));
  }
  return (actor_t){&dice, world, 1, world->delivery == DOG_DELIVERY_CALLBACKS};
}

#endif /* WORLD_H */
