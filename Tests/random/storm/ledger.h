/*
 * ledger.h - what each sender has sent to each audience, and what a receiver has had of it: in order, without a gap.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "parcel.h"

/*
 * Senders, each with an order of its own: a seat's socket in its own callbacks; and the same socket, its Shard, and the
 * Gateway in the hands of a thread of the host's.
 */
enum { OF_CALLBACK, OF_SOCKET, OF_SHARD, OF_GATEWAY, SENDER_KINDS };
enum { SENDERS = SENDER_KINDS * SEATS_MAX };

static inline uint32_t sender_number(uint32_t kind, uint32_t seat) { return kind * SEATS_MAX + seat; }
static inline uint32_t sender_kind(uint32_t sender) { return sender / SEATS_MAX; }
static inline uint32_t sender_seat(uint32_t sender) { return sender % SEATS_MAX; }

/* Touched by the one thread that sends for it at a time. */
typedef struct sender {
  uint64_t order;
  uint64_t sent[AUDIENCES];
} sender_t;

/* Of one receiver. */
typedef struct ledger {
  uint64_t order[SENDERS];
  uint64_t number[SENDERS][AUDIENCES];
  uint64_t received;
  uint64_t missed; /* numbers that were left out */
} ledger_t;

/* A receiver that was not there from the beginning knows no first number; `may_miss`: a policy drops messages. */
static inline void ledger_note(ledger_t *ledger, const char *name, const parcel_t *parcel, int is_late, int may_miss) {
  CHECK(parcel->sender < SENDERS);
  uint64_t *order = &ledger->order[parcel->sender];
  uint64_t *number = &ledger->number[parcel->sender][parcel->audience];
  if (parcel->order <= *order || parcel->number <= *number) {
    FAIL("%s: sender %u's message %llu (%llu of audience %u) comes after %llu (%llu)", name, parcel->sender,
         (unsigned long long)parcel->order, (unsigned long long)parcel->number, parcel->audience,
         (unsigned long long)*order, (unsigned long long)*number);
  }
  uint64_t gap = parcel->number - *number - 1;
  if (gap > 0 && !may_miss && !(is_late && *number == 0)) {
    FAIL("%s: sender %u's message %llu of audience %u comes after %llu: some are lost", name, parcel->sender,
         (unsigned long long)parcel->number, parcel->audience, (unsigned long long)*number);
  }
  *order = parcel->order;
  *number = parcel->number;
  ledger->received++;
}

#endif /* LEDGER_H */
