/*
 * arguments.h - what operations are called with, from the dice; and what comes of them later: the callbacks that keep
 * promises.
 */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "world.h"

/* ---- arguments --------------------------------------------------------------------------------------------------- */

typedef struct drawn {
  uint64_t handle;
  uint32_t book;
  int is_own; /* of the actor's own world: what it promises is that world's */
} drawn_t;

static inline drawn_t draw(const actor_t *actor, handle_kind_t kind) {
  dice_t *dice = actor->dice;
  uint32_t own = actor->world->number;
  drawn_t drawn = {0, dice_chance(dice, 10) ? dice_below(dice, WORLDS_MAX) : own, 1};
  if (dice_chance(dice, 3)) kind = (handle_kind_t)dice_below(dice, HANDLE_KINDS);
  const book_t *book = &books[drawn.book];
  drawn.handle = atomic_load_explicit(&book->handles[kind][dice_below(dice, HANDLES_MAX)], memory_order_relaxed);
  drawn.is_own = drawn.book == own;
  if (!dice_chance(dice, 3)) return drawn;
  drawn.handle = dice_chance(dice, 70) ? drawn.handle ^ 1ull << dice_below(dice, 64) : dice_next(dice);
  drawn.is_own = 0;
  return drawn;
}

static inline uint64_t draw_handle(const actor_t *actor, handle_kind_t kind) { return draw(actor, kind).handle; }

static inline void note(const actor_t *actor, handle_kind_t kind, uint64_t handle) {
  book_note(actor->world->number, kind, handle);
}

static inline size_t draw_uid(const actor_t *actor, char *uid, size_t size) {
  if (dice_chance(actor->dice, 2)) return (size_t)snprintf(uid, size, "bad\n%u", dice_below(actor->dice, 9));
  return (size_t)snprintf(uid, size, "u%u", dice_below(actor->dice, 20));
}

typedef struct payload {
  dog_kind_t kind;
  size_t length;
  unsigned char bytes[40000];
} payload_t;

/* The caller's to free. At times text that is none. */
static inline payload_t *draw_payload(const actor_t *actor) {
  payload_t *payload = malloc(sizeof *payload);
  CHECK(payload != NULL);
  payload->kind = dice_chance(actor->dice, 50) ? DOG_TEXT : DOG_BINARY;
  payload->length = dice_length(actor->dice, sizeof payload->bytes);
  dice_text(actor->dice, payload->bytes, payload->length);
  if (payload->length > 0 && dice_chance(actor->dice, 2)) {
    payload->bytes[dice_below(actor->dice, (uint32_t)payload->length)] = 0xff;
  }
  return payload;
}

/* Reads every byte that a getter gave, so that one that is not there is found out. */
static inline void look(const actor_t *actor, dog_status_t status, const void *bytes, size_t length) {
  if (status != DOG_OK) return;
  CHECK(bytes != NULL || length == 0);
  if (!actor->may_look) return;
  unsigned sum = 0;
  for (size_t index = 0; index < length; index++) sum += ((const volatile unsigned char *)bytes)[index];
  (void)sum;
}

/* A getter, and then at what it gave: not as arguments of one call, whose order is nobody's. */
#define LOOK(call, bytes, length)                                                                                      \
  do {                                                                                                                 \
    dog_status_t looked = (call);                                                                                      \
    look(actor, looked, bytes, length);                                                                                \
  } while (0)

/* ---- calls that are called back ---------------------------------------------------------------------------------- */

static inline void op_whispered(void *user, dog_status_t status, size_t sockets) {
  (void)sockets;
  CHECK(status <= 0);
  promise_keep(user, WHISPERED);
}

static inline void op_gossiped(void *user, dog_shard_t shard, dog_status_t status, const dog_gossip_result_t *results,
                               size_t count) {
  CHECK(shard != 0 && status <= 0 && (status == DOG_OK || count == 0) && (results != NULL || count == 0));
  for (size_t index = 0; index < count; index++) CHECK(results[index].shard != 0 && results[index].data != NULL);
  if (user != NULL) promise_keep(user, GOSSIPED); /* another world's host asks without */
}

static inline void op_ended(void *user, dog_request_t request, dog_status_t status) {
  CHECK(request != 0);
  CHECK(status == DOG_OK || status == DOG_ERESET || status == DOG_ESLOW || status == DOG_EHOST || status == DOG_EGONE ||
        status == DOG_ETIMEDOUT);
  promise_keep(user, ENDED);
}

static inline void op_writable(void *user, dog_request_t request) {
  CHECK(user != NULL && request != 0);
}

static inline void op_called(void *user, dog_shard_t shard, dog_status_t status) {
  CHECK(shard != 0 && (status == DOG_OK || status == DOG_EGONE || status == DOG_ECANCELLED));
  promise_keep(user, CALLED);
}

static inline dog_status_t promised(promise_t *promise, dog_status_t status) {
  if (status != DOG_OK && promise != NULL) {
    CHECK(!promise->is_kept);
    promise->is_withdrawn = 1;
  }
  return status;
}

/* Another engine may deliver in the other way: nothing is promised by what is asked of it. */
static inline promise_t *ask_promise(const actor_t *actor, const drawn_t *drawn, promise_kind_t kind) {
  return drawn->is_own ? promise_make(actor->world, kind) : NULL;
}

static inline int is_called(const actor_t *actor) { return actor->world->delivery == DOG_DELIVERY_CALLBACKS; }

#endif /* ARGUMENTS_H */
