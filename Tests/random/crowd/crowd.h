/*
 * crowd.h - the process of the clients: a table of the kinds of lives that they lead, each with its weight.
 */
#ifndef CROWD_H
#define CROWD_H

#include "half_open.h"
#include "rude.h"
#include "slow_reader.h"
#include "talker.h"

#include <signal.h>
#include <sys/prctl.h>

enum { GUESTS = 24 };

typedef struct kind_of_life {
  const char *name;
  uint32_t weight;
  void (*live)(guest_t *guest);
} kind_of_life_t;

static const kind_of_life_t kinds_of_life[] = {
    {"talker", 30, live_as_talker},
    {"sleeper", 4, live_as_sleeper},
    {"slow reader", 8, live_as_slow_reader},
    {"asker", 15, live_as_asker},
    {"flooder", 3, live_as_flooder},
    {"half open", 5, live_as_half_open},
    {"half closed", 3, live_as_half_closed},
    {"rude talker", 8, live_as_rude_talker},
    {"rude asker", 5, live_as_rude_asker},
    {"quitter", 8, live_as_quitter},
};

static inline const kind_of_life_t *draw_life(dice_t *dice) {
  uint32_t total = 0;
  for (size_t index = 0; index < sizeof kinds_of_life / sizeof kinds_of_life[0]; index++) {
    total += kinds_of_life[index].weight;
  }
  uint32_t left = dice_below(dice, total);
  const kind_of_life_t *kind = kinds_of_life;
  while (left >= kind->weight) left -= (kind++)->weight;
  return kind;
}

static inline void *guest_live(void *user) {
  guest_t *guest = user;
  while (!guest->shared->is_over) {
    /* Present first, so that nobody arrives who was not seen by one that waits for all to leave. */
    atomic_fetch_add(&guest->shared->present, 1);
    if (guest_stays(guest)) {
      draw_life(&guest->dice)->live(guest);
      guest_leave(guest);
      atomic_fetch_add(&guest->shared->lives, 1);
    }
    atomic_fetch_sub(&guest->shared->present, 1);
    if (!guest_stays(guest) || dice_chance(&guest->dice, 20)) pause_ms(1);
  }
  return NULL;
}

/* Never returns: a process of its own, which ends with its parent, or when all is over. */
static inline void crowd_live(shared_t *shared) {
  static guest_t guests[GUESTS];
  pthread_t threads[GUESTS];
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
  for (uint32_t number = 0; number < GUESTS; number++) {
    guests[number] = (guest_t){shared, dice_of(shared->seed, 10000 + number), NULL};
    CHECK(pthread_create(&threads[number], NULL, guest_live, &guests[number]) == 0);
  }
  for (uint32_t number = 0; number < GUESTS; number++) pthread_join(threads[number], NULL);
  _exit(0);
}

#endif /* CROWD_H */
