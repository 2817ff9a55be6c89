/*
 * unstarted.h - an engine that threads listen with while others start, stop and destroy it.
 */
#ifndef UNSTARTED_H
#define UNSTARTED_H

#include "ending.h"

enum { LISTENERS = 3, LISTENS = 40 };

typedef struct race {
  world_t world;
  gate_t listened; /* with success */
} race_t;

static inline void *listen_again_and_again(void *user) {
  race_t *race = user;
  for (int left = LISTENS; left > 0; left--) {
    dog_status_t status = dog_engine_listen(race->world.engine, NULL, 0, NULL);
    if (status == DOG_ESTATE || status == DOG_ESTALE) break;
    CHECK_STATUS(status, DOG_OK);
    gate_pass(&race->listened);
  }
  return NULL;
}

static inline void *start_it(void *user) {
  world_t *world = user;
  dog_status_t status = dog_engine_start(world->engine);
  CHECK(status == DOG_OK || status == DOG_ESTATE || status == DOG_ESTALE);
  return NULL;
}

/* Leaves no descriptor, whoever is first. The end comes when the others are in the middle of it. */
static inline void race_before_the_start(uint64_t seed) {
  dice_t dice = dice_of(seed, 20);
  race_t race = {.world = {.seed = seed}, .listened = GATE_INITIALIZER};
  pthread_t listeners[LISTENERS], starter = pthread_self();
  dog_options_t options;
  CHECK_OK(dog_options_init(&options, sizeof options));
  options.workers = dice_between(&dice, 1, 4);
  options.delivery = dice_between(&dice, DOG_DELIVERY_CALLBACKS, DOG_DELIVERY_EVENTS);
  CHECK_OK(dog_engine_create(&options, &race.world.engine));
  for (int index = 0; index < LISTENERS; index++) listeners[index] = begin(listen_again_and_again, &race);
  gate_wait(&race.listened, dice_between(&dice, 1, LISTENS));
  int is_started = dice_chance(&dice, 50);
  if (is_started) starter = begin(start_it, &race.world);
  for (volatile uint32_t spin = dice_below(&dice, 20000); spin > 0; spin--) continue;
  destroy_it(&race.world);
  for (int index = 0; index < LISTENERS; index++) pthread_join(listeners[index], NULL);
  if (is_started) pthread_join(starter, NULL);
}

#endif /* UNSTARTED_H */
