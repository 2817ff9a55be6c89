/*
 * sending.h - one call of the host's: a parcel to an audience, counted if it went out.
 */
#ifndef SENDING_H
#define SENDING_H

#include "storm.h"

/* Who sends: one of the kinds of senders, by this handle. */
typedef struct actor {
  storm_t *storm;
  uint32_t sender;
  uint64_t handle;
} actor_t;

static inline void storm_whispered(void *user, dog_status_t status, size_t sockets) {
  storm_t *storm = user;
  if (status != DOG_OK && !storm_may_close(storm)) FAIL("a whisper: %s", dog_status_name(status));
  CHECK(sockets <= storm->plan.sockets_per_uid);
  atomic_fetch_add(&storm->whispered, 1);
}

/* A sender that is a socket can leave itself out, and can be sent to. */
static inline uint32_t draw_audience(const actor_t *actor, dice_t *dice) {
  const storm_t *storm = actor->storm;
  uint32_t uid = WHISPER + seat_uid(storm, dice_below(dice, storm->seat_count));
  switch (sender_kind(actor->sender)) {
    case OF_GATEWAY: return DICE_ONE_OF(dice, BROADCAST, BROADCAST, uid);
    case OF_SHARD: return DICE_ONE_OF(dice, BROADCAST, EMIT, uid);
    default: return DICE_ONE_OF(dice, BROADCAST, BROADCAST, BROADCAST_SELF, EMIT, EMIT_SELF, SEND, uid);
  }
}

static inline dog_status_t call_whisper(const actor_t *actor, uint32_t uid, dog_kind_t kind, const void *data,
                                        size_t length, int is_asking) {
  storm_t *storm = actor->storm;
  char name[32];
  size_t name_length = (size_t)snprintf(name, sizeof name, "seat-%u", uid);
  dog_whispered_fn whispered = is_asking && storm->plan.delivery == DOG_DELIVERY_CALLBACKS ? storm_whispered : NULL;
  void *user = is_asking ? storm : NULL;
  if (is_asking) atomic_fetch_add(&storm->whispers, 1);
  dog_status_t status;
  switch (sender_kind(actor->sender)) {
    case OF_GATEWAY:
      status = dog_gateway_whisper(actor->handle, name, name_length, kind, data, length, whispered, user);
      break;
    case OF_SHARD:
      status = dog_shard_whisper(actor->handle, name, name_length, kind, data, length, whispered, user);
      break;
    default: status = dog_socket_whisper(actor->handle, name, name_length, kind, data, length, whispered, user);
  }
  if (is_asking && status != DOG_OK) atomic_fetch_sub(&storm->whispers, 1);
  return status;
}

static inline dog_status_t call_for(const actor_t *actor, uint32_t audience, dog_kind_t kind, const void *data,
                                    size_t length, int is_asking) {
  uint32_t flags = audience == BROADCAST_SELF || audience == EMIT_SELF ? DOG_TO_SELF : 0;
  uint64_t handle = actor->handle;
  int kind_of_sender = (int)sender_kind(actor->sender);
  switch (audience) {
    case BROADCAST:
    case BROADCAST_SELF:
      if (kind_of_sender == OF_GATEWAY) return dog_gateway_broadcast(handle, kind, data, length);
      if (kind_of_sender == OF_SHARD) return dog_shard_broadcast(handle, kind, data, length);
      return dog_socket_broadcast(handle, kind, flags, data, length);
    case EMIT:
    case EMIT_SELF:
      if (kind_of_sender == OF_SHARD) return dog_shard_emit(handle, kind, data, length);
      return dog_socket_emit(handle, kind, flags, data, length);
    case SEND: return dog_socket_send(handle, kind, data, length);
    default: return call_whisper(actor, audience - WHISPER, kind, data, length, is_asking);
  }
}

/* Sends one parcel. DOG_EFULL: nobody gets it; it may be tried again. Another error: this sender is at its end. */
static inline dog_status_t storm_call(const actor_t *actor, dice_t *dice) {
  storm_t *storm = actor->storm;
  sender_t *sender = &storm->senders[actor->sender];
  uint32_t audience = draw_audience(actor, dice);
  parcel_t parcel = {actor->sender, audience, sender->order + 1, sender->sent[audience] + 1};
  size_t length = PARCEL_HEAD + dice_length(dice, storm->plan.message_bytes_max - PARCEL_HEAD);
  dog_kind_t kind = dice_chance(dice, 50) ? DOG_TEXT : DOG_BINARY;
  unsigned char *text = malloc(length + 1);
  CHECK(text != NULL);
  parcel_write(storm->plan.seed, &parcel, text, length);
  dog_status_t status = call_for(actor, audience, kind, text, length, dice_chance(dice, 50));
  free(text);
  /* DOG_ESLOW where a policy drops: it is sent, and will be counted among those that were dropped. */
  if (status == DOG_OK || (status == DOG_ESLOW && storm_may_miss(storm))) {
    sender->order++;
    sender->sent[audience]++;
    return DOG_OK;
  }
  if (status == DOG_EFULL) return status;
  int is_end = status == DOG_ESLOW || status == DOG_ECLOSED || status == DOG_ESTALE;
  if (!is_end || !storm_may_close(storm)) FAIL("sender %u: %s", actor->sender, dog_status_name(status));
  return status;
}

/* Whether a receiver in this seat gets what `sender` sends to `audience`. */
static inline int storm_reaches(const storm_t *storm, uint32_t sender, uint32_t audience, const seat_t *receiver) {
  uint32_t kind = sender_kind(sender);
  int is_same = (kind == OF_CALLBACK || kind == OF_SOCKET) && sender_seat(sender) == receiver->number;
  int is_neighbour = kind != OF_GATEWAY && storm->seats[sender_seat(sender)].shard == receiver->shard;
  switch (audience) {
    case BROADCAST: return !is_same;
    case BROADCAST_SELF: return 1;
    case EMIT: return is_neighbour && !is_same;
    case EMIT_SELF: return is_neighbour;
    case SEND: return is_same;
    default: return seat_uid(storm, receiver->number) == audience - WHISPER;
  }
}

/* What it sent last may have been on its way when its socket was closed. */
static inline int storm_is_excused(const storm_t *storm, uint32_t sender) {
  return sender_kind(sender) != OF_GATEWAY && storm->seats[sender_seat(sender)].is_closed;
}

#endif /* SENDING_H */
