/*
 * storm.h - what the threads of a round share.
 */
#ifndef STORM_H
#define STORM_H

#include "../line.h"
#include "ledger.h"

#include <stdatomic.h>

typedef struct storm storm_t;

/* A client that stays, and its socket. */
typedef struct seat {
  storm_t *storm;
  uint32_t number;
  /* By the host's callbacks, before commands_done is more than 0 or the storm has begun. */
  _Atomic uint64_t socket, shard, gateway;
  _Atomic uint32_t commands_done;
  _Atomic uint64_t dropped; /* as told by ondrain */
  _Atomic int is_closed;    /* onclose came */
  ledger_t ledger;          /* the client's */
} seat_t;

struct storm {
  plan_t plan;
  dog_engine_t *engine;
  address_t address;
  sender_t senders[SENDERS];
  seat_t seats[SEATS_MAX];
  uint32_t seat_count;
  gate_t opened; /* seats that are open */
  gate_t spoken; /* seats that have given all their commands, and have had them done, or have lost their socket */
  _Atomic int has_begun;
  _Atomic int is_over;      /* of the senders: nothing is sent any more */
  _Atomic int is_leaving;   /* everybody has all that there is, and goes */
  _Atomic uint64_t opens, closes, whispers, whispered, dropped;
};

static inline uint32_t seat_uid(const storm_t *storm, uint32_t seat) { return seat / storm->plan.sockets_per_uid; }

static inline int storm_may_miss(const storm_t *storm) { return storm->plan.policy != DOG_OUTBOX_CLOSE; }

/* A seat may lose its socket only by not reading, where the policy says so. */
static inline int storm_may_close(const storm_t *storm) {
  return storm->plan.policy == DOG_OUTBOX_CLOSE && storm->plan.slow_percent > 0;
}

static inline void storm_pause(long microseconds) {
  struct timespec pause = {0, microseconds * 1000};
  nanosleep(&pause, NULL);
}

#endif /* STORM_H */
