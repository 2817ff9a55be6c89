/*
 * callbacks.h - a host that is called, on the workers' threads.
 */
#ifndef CALLBACKS_H
#define CALLBACKS_H

#include "host.h"

/* Some callback of a world that is to end by one stops it. */
static inline void stop_inside(actor_t *actor) {
  if (actor->world->ending != END_INSIDE || !dice_chance(actor->dice, 1)) return;
  actor->world->is_stopping = 1;
  CHECK_EITHER(dog_engine_stop(actor->world->engine, DICE_ONE_OF(actor->dice, 0, 50)), DOG_OK, DOG_ESTALE);
}

#define ACTOR(user)                                                                                                    \
  actor_t actor = actor_inside(user);                                                                                  \
  stop_inside(&actor)

static inline dog_status_t on_fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  ACTOR(user);
  CHECK(engine == actor.world->engine);
  return host_fetch(&actor, request);
}
static inline dog_status_t on_identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  ACTOR(user);
  return host_identify(&actor, gateway, request);
}
static inline dog_status_t on_clusterize(void *user, dog_gateway_t gateway, dog_request_t request) {
  ACTOR(user);
  return host_clusterize(&actor, gateway, request);
}
static inline void on_retire(void *user, dog_gateway_t gateway) {
  ACTOR(user);
  host_retire(&actor, gateway);
}
static inline dog_status_t on_receive(void *user, dog_shard_t shard, dog_request_t request) {
  ACTOR(user);
  return host_receive(&actor, shard, request);
}
static inline dog_status_t on_start(void *user, dog_shard_t shard) {
  ACTOR(user);
  return host_start(&actor, shard);
}
static inline void on_stop(void *user, dog_shard_t shard) {
  ACTOR(user);
  host_stop(&actor, shard);
}
static inline dog_status_t on_open(void *user, dog_shard_t shard, dog_socket_t socket) {
  ACTOR(user);
  return host_open(&actor, shard, socket);
}
static inline dog_status_t on_message(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                      const void *data, size_t length) {
  ACTOR(user);
  (void)shard;
  return host_message(&actor, socket, kind, data, length);
}
static inline void on_close(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                            size_t length, int clean) {
  ACTOR(user);
  (void)shard, (void)clean;
  host_close(&actor, socket, code, reason, length);
}
static inline void on_error(void *user, dog_shard_t shard, dog_socket_t socket, dog_status_t error) {
  ACTOR(user);
  (void)shard;
  host_error(&actor, socket, error);
}
static inline void on_drain(void *user, dog_shard_t shard, dog_socket_t socket, uint64_t dropped) {
  ACTOR(user);
  (void)shard, (void)dropped;
  host_drain(&actor, socket);
}
static inline dog_status_t on_gossip(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data,
                                     size_t length) {
  ACTOR(user);
  look(&actor, DOG_OK, data, length);
  return host_gossip(&actor, shard, gossip);
}

#endif /* CALLBACKS_H */
