/*
 * parcel.h - a message of the storm: who sent it, to whom, its number in the sender's order and among those to the same
 * audience; and filler, which follows from these, so that a byte that is wrong is seen.
 */
#ifndef PARCEL_H
#define PARCEL_H

#include "plan.h"

/* Whom a message is for. With _SELF the sender's own socket gets it too. */
typedef enum audience {
  BROADCAST,
  BROADCAST_SELF,
  EMIT,
  EMIT_SELF,
  SEND,
  WHISPER, /* and the uids behind it: WHISPER + uid */
  AUDIENCES = WHISPER + SEATS_MAX
} audience_t;

typedef struct parcel {
  uint32_t sender;
  uint32_t audience;
  uint64_t order;  /* of all that this sender sent, from 1 */
  uint64_t number; /* of those to this audience, from 1 */
} parcel_t;

enum { PARCEL_HEAD = 52 };

/* Writes a parcel of at least PARCEL_HEAD bytes. */
static inline void parcel_write(uint64_t seed, const parcel_t *parcel, unsigned char *text, size_t length) {
  snprintf((char *)text, PARCEL_HEAD + 1, "%08x.%08x.%016llx.%016llx.", parcel->sender, parcel->audience,
           (unsigned long long)parcel->order, (unsigned long long)parcel->number);
  dice_t dice = dice_of(seed ^ parcel->order, parcel->sender);
  dice_text(&dice, text + PARCEL_HEAD, length - PARCEL_HEAD);
}

static inline parcel_t parcel_read(uint64_t seed, const unsigned char *text, size_t length) {
  parcel_t parcel;
  char head[PARCEL_HEAD + 1];
  unsigned long long order, number;
  CHECK(length >= PARCEL_HEAD);
  memcpy(head, text, PARCEL_HEAD);
  head[PARCEL_HEAD] = '\0';
  if (sscanf(head, "%8x.%8x.%16llx.%16llx.", &parcel.sender, &parcel.audience, &order, &number) != 4) {
    FAIL("no message of the storm: \"%s\"", head);
  }
  parcel.order = order;
  parcel.number = number;
  unsigned char *wanted = malloc(length + 1);
  CHECK(wanted != NULL && parcel.audience < AUDIENCES);
  parcel_write(seed, &parcel, wanted, length);
  if (memcmp(wanted, text, length) != 0) FAIL("message %llu of sender %u is spoilt", order, parcel.sender);
  free(wanted);
  return parcel;
}

#endif /* PARCEL_H */
