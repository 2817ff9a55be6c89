/*
 * plan.h - what a round of the storm is like, drawn from its seed.
 */
#ifndef PLAN_H
#define PLAN_H

#include "../random_numbers.h"

enum { SEATS_MAX = 32, CHURNERS_MAX = 12, THREADS_MAX = 3 };

typedef struct plan {
  uint64_t seed;
  uint32_t workers;
  dog_delivery_t delivery;
  uint32_t limit;             /* of a Shard */
  uint32_t idle_seconds;      /* 0: a Shard that is empty is retired at once */
  uint32_t seats;             /* clients that stay all the time, and send */
  uint32_t sockets_per_uid;   /* of the seats */
  uint32_t churners;          /* clients that come and go */
  uint32_t threads;           /* of the host's, that send without being asked */
  uint32_t commands;          /* that each seat gives the host */
  uint32_t calls;             /* that each of those threads makes */
  uint32_t message_bytes_max;
  uint32_t outbox_bytes_max;
  dog_outbox_policy_t policy;
  uint32_t mailbox_bytes_max;
  uint32_t deflate;
  uint32_t deflate_level;
  uint32_t window_bits;
  uint32_t client_context;
  uint32_t compressed_percent; /* of clients that offer compression */
  uint32_t slow_percent;       /* of seats that stop reading at times */
} plan_t;

static inline plan_t plan_of(uint64_t seed) {
  dice_t dice = dice_of(seed, 0);
  plan_t plan = {.seed = seed};
  plan.workers = dice_between(&dice, 1, 4);
  plan.delivery = dice_chance(&dice, 50) ? DOG_DELIVERY_CALLBACKS : DOG_DELIVERY_EVENTS;
  plan.limit = DICE_ONE_OF(&dice, 1, 1, 2, 3, 7, 50);
  plan.idle_seconds = dice_chance(&dice, 70) ? 0 : 1;
  plan.seats = dice_between(&dice, 2, SEATS_MAX);
  plan.sockets_per_uid = DICE_ONE_OF(&dice, 1, 1, 2, 3);
  plan.churners = dice_below(&dice, CHURNERS_MAX + 1);
  plan.threads = dice_below(&dice, THREADS_MAX + 1);
  plan.commands = dice_between(&dice, 10, 40);
  plan.calls = dice_between(&dice, 50, 300);
  plan.mailbox_bytes_max = dice_chance(&dice, 25) ? 40000 : 67108864;
  plan.deflate = dice_chance(&dice, 80);
  plan.deflate_level = DICE_ONE_OF(&dice, 1, 1, 1, 6, 9);
  plan.window_bits = dice_chance(&dice, 50) ? 15 : dice_between(&dice, 9, 15);
  plan.client_context = dice_chance(&dice, 50);
  plan.compressed_percent = DICE_ONE_OF(&dice, 10, 50, 90);
  plan.policy = dice_between(&dice, DOG_OUTBOX_CLOSE, DOG_OUTBOX_DROP_OLDEST);
  plan.slow_percent = dice_chance(&dice, 50) ? 0 : 40;
  plan.message_bytes_max = plan.slow_percent > 0 ? 8000 : DICE_ONE_OF(&dice, 500, 2000, 30000);
  /* With a small one those who read slowly lose messages, or their sockets. */
  plan.outbox_bytes_max = plan.slow_percent > 0 ? DICE_ONE_OF(&dice, 10000, 40000, 200000) : 256u << 20;
  return plan;
}

static inline void plan_print(const plan_t *plan) {
  printf("seed %llu: workers %u, %s, mailbox %u, limit %u, seats %u, churners %u, threads %u\n",
         (unsigned long long)plan->seed, plan->workers,
         plan->delivery == DOG_DELIVERY_EVENTS ? "events" : "callbacks", plan->mailbox_bytes_max, plan->limit,
         plan->seats, plan->churners, plan->threads);
  printf("  policy %u, outbox %u, slow %u%%, deflate %u, window %u, level %u, compressed %u%%\n",
         (unsigned)plan->policy,
         plan->outbox_bytes_max, plan->slow_percent, plan->deflate, plan->window_bits, plan->deflate_level,
         plan->compressed_percent);
  fflush(stdout);
}

#endif /* PLAN_H */
