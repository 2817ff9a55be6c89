/*
 * life.h - one engine from its making to its end, on a thread of its own; threads of the host's act on it meanwhile.
 */
#ifndef LIFE_H
#define LIFE_H

#include "unstarted.h"

enum { MEDDLERS_MAX = 3 };

typedef struct meddler {
  world_t *world;
  uint32_t number;
  _Atomic int *is_over;
} meddler_t;

static inline void *meddler_live(void *user) {
  const meddler_t *meddler = user;
  dice_t dice = dice_of(meddler->world->seed, 100 + meddler->number);
  actor_t actor = {&dice, meddler->world, 0, 0};
  while (!*meddler->is_over) {
    act(&actor);
    if (dice_chance(&dice, 20)) pause_ms(dice_below(&dice, 3));
  }
  return NULL;
}

static inline void *run_it(void *user) {
  world_t *world = user;
  CHECK_EITHER(dog_engine_run(world->engine), DOG_OK, DOG_ESTALE);
  return NULL;
}

typedef struct life {
  world_t *world;
  shared_t *shared;
  pthread_t meddlers[MEDDLERS_MAX], poller, runner;
  meddler_t meddler[MEDDLERS_MAX];
  uint32_t meddlers_count;
  _Atomic int is_over;
} life_t;

static inline void life_begin(life_t *life) {
  world_t *world = life->world;
  dice_t dice = dice_of(world->seed, 30);
  make_engine(world, life->shared);
  if (world->runs) {
    life->runner = begin(run_it, world);
    WAIT_UNTIL(dog_engine_route(world->engine, "/early", "ROOM", "early") == DOG_ESTATE);
  } else {
    CHECK_OK(dog_engine_start(world->engine));
  }
  if (world->delivery == DOG_DELIVERY_EVENTS) life->poller = begin(host_poll, world);
  life->meddlers_count = dice_below(&dice, MEDDLERS_MAX + 1);
  for (uint32_t number = 0; number < life->meddlers_count; number++) {
    life->meddler[number] = (meddler_t){world, number, &life->is_over};
    life->meddlers[number] = begin(meddler_live, &life->meddler[number]);
  }
  open_places(world, 1);
}

static inline void life_join_meddlers(life_t *life) {
  life->is_over = 1;
  for (uint32_t number = 0; number < life->meddlers_count; number++) pthread_join(life->meddlers[number], NULL);
  life->meddlers_count = 0;
}

/* By the host that polls, or by stop itself. */
static inline void await_the_last(life_t *life) {
  world_t *world = life->world;
  if (world->delivery == DOG_DELIVERY_EVENTS) {
    while (!world->has_drained) pause_ms(1);
  }
}

/* With its clients gone or in the middle of them, with threads at it or not, as its ending says. */
static inline void life_end(life_t *life) {
  world_t *world = life->world;
  dice_t dice = dice_of(world->seed, 40);
  open_places(world, 0);
  if (world->ending == END_QUIET || dice_chance(&dice, 30)) life_join_meddlers(life);
  if (world->ending == END_QUIET) await_rest(world);
  world->is_stopping = 1;
  int has_heard_all = world->ending != END_DESTROY && world->ending != END_RACING;
  if (has_heard_all) {
    CHECK_OK(dog_engine_stop(world->engine, DICE_ONE_OF(&dice, 0, 10, 300)));
    await_the_last(life);
    check_stopped(world);
  } else {
    has_heard_all = world->delivery == DOG_DELIVERY_CALLBACKS;
  }
  if (world->ending == END_RACING) {
    stop_and_destroy_at_once(world);
  } else {
    CHECK_OK(dog_engine_destroy(world->engine));
  }
  life_join_meddlers(life);
  if (world->delivery == DOG_DELIVERY_EVENTS) pthread_join(life->poller, NULL);
  if (world->runs) pthread_join(life->runner, NULL);
  dog_stats_t stats = {.size = sizeof stats};
  CHECK_STATUS(dog_engine_stats(world->engine, &stats), DOG_ESTALE);
  check_promises(world, has_heard_all);
}

#endif /* LIFE_H */
