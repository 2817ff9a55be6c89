/*
 * host.h - the host of a world. However it is told of something, by a callback or an event, it does the same: what was
 * asked, mostly; and a few operations of the table.
 */
#ifndef HOST_H
#define HOST_H

#include "operations.h"

static inline void meddle(actor_t *actor, uint32_t most) {
  for (uint32_t left = dice_below(actor->dice, most + 1); left > 0; left--) act(actor);
}

/* What a callback returns: at times an error. With events that is no one's to see. */
static inline dog_status_t outcome(actor_t *actor) { return dice_chance(actor->dice, 2) ? DOG_EHOST : DOG_OK; }

static inline dog_status_t begin_own_stream(actor_t *actor, dog_request_t request) {
  const drawn_t drawn = {request, actor->world->number, 1};
  return begin_stream(actor, &drawn);
}

/* ---- questions: answered at once, or left to whoever finds the request in the book, or to its deadline ---------- */

static inline dog_status_t host_fetch(actor_t *actor, dog_request_t request) {
  note(actor, REQUEST, request);
  look_at_request(actor, request);
  char name[8];
  size_t length = (size_t)snprintf(name, sizeof name, "r%u", dice_below(actor->dice, 6));
  uint32_t choice = dice_below(actor->dice, 100);
  if (choice < 60) dog_request_forward(request, "ROOM", 4, name, length);
  else if (choice < 90) respond(actor, request);
  meddle(actor, 1);
  return outcome(actor);
}

/* A Gateway's data is the promise that its end is told. */
static inline void host_mark(actor_t *actor, dog_gateway_t gateway) {
  void *data = NULL;
  if (dog_gateway_data(gateway, &data) != DOG_OK || data != NULL) return;
  promise_t *promise = promise_make(actor->world, RETIRED);
  promised(promise, dog_gateway_set_data(gateway, promise));
}

static inline dog_status_t host_identify(actor_t *actor, dog_gateway_t gateway, dog_request_t request) {
  host_mark(actor, gateway);
  note(actor, GATEWAY, gateway);
  note(actor, REQUEST, request);
  atomic_fetch_add(&actor->world->questions, 1);
  look_at_request(actor, request);
  char uid[32];
  size_t length = draw_uid(actor, uid, sizeof uid);
  uint32_t choice = dice_below(actor->dice, 100);
  if (choice < 85) dog_request_identify(request, uid, length);
  else if (choice < 90) respond(actor, request);
  else if (choice < 92) begin_own_stream(actor, request);
  meddle(actor, 1);
  return outcome(actor);
}

static inline dog_status_t host_clusterize(actor_t *actor, dog_gateway_t gateway, dog_request_t request) {
  note(actor, GATEWAY, gateway);
  note(actor, REQUEST, request);
  char id[32];
  size_t length = (size_t)snprintf(id, sizeof id, "s%u", dice_below(actor->dice, 40));
  uint32_t choice = dice_below(actor->dice, 100);
  if (choice < 85) dog_request_clusterize(request, id, length);
  else if (choice < 90) respond(actor, request);
  meddle(actor, 1);
  return outcome(actor);
}

static inline void stream_some(actor_t *actor, dog_request_t request) {
  if (begin_own_stream(actor, request) != DOG_OK) return;
  for (uint32_t left = dice_below(actor->dice, 6); left > 0; left--) write_stream(actor, request);
  if (dice_chance(actor->dice, 60)) dog_request_respond_end(request);
}

static inline dog_status_t host_receive(actor_t *actor, dog_shard_t shard, dog_request_t request) {
  note(actor, SHARD, shard);
  note(actor, REQUEST, request);
  look_at_request(actor, request);
  const char *value = NULL;
  size_t length = 0;
  int is_upgrade = dog_request_header(request, "upgrade", 7, &value, &length) == DOG_OK;
  uint32_t choice = dice_below(actor->dice, 100);
  if (is_upgrade && choice < 90) dog_request_connect(request, NULL);
  else if (choice < 60) respond(actor, request);
  else if (choice < 85) stream_some(actor, request);
  meddle(actor, 2);
  return outcome(actor);
}

static inline dog_status_t host_gossip(actor_t *actor, dog_shard_t shard, dog_gossip_t gossip) {
  note(actor, SHARD, shard);
  note(actor, GOSSIP, gossip);
  if (dice_chance(actor->dice, 70)) dog_gossip_reply(gossip, "here", 4);
  meddle(actor, 1);
  return outcome(actor);
}

/* ---- Shards and sockets ------------------------------------------------------------------------------------------ */

/* Where it may be answered later it is left to whoever finds the Shard in the book, or to its deadline, at times. */
static inline dog_status_t host_start(actor_t *actor, dog_shard_t shard) {
  atomic_fetch_add(&actor->world->starts, 1);
  note(actor, SHARD, shard);
  if (actor->world->starts_later && dice_chance(actor->dice, 80)) dog_shard_started(shard, DOG_OK);
  meddle(actor, 1);
  return outcome(actor);
}

static inline void host_stop(actor_t *actor, dog_shard_t shard) {
  CHECK(shard != 0);
  atomic_fetch_add(&actor->world->stops, 1);
  meddle(actor, 1);
}

/* An engine that is destroyed while a host polls takes the handles with it that the last poll gave. */
static inline int host_is_late(const actor_t *actor, dog_status_t status) {
  return status == DOG_ESTALE && actor->world->is_stopping && !actor->is_worker;
}

/* From its onopen to its onclose a socket has data. */
static inline visit_t *host_visit(const actor_t *actor, dog_socket_t socket) {
  static _Thread_local visit_t late;
  void *data = NULL;
  dog_status_t status = dog_socket_data(socket, &data);
  if (host_is_late(actor, status)) {
    late = (visit_t){0};
    return &late;
  }
  CHECK_STATUS(status, DOG_OK);
  CHECK(data != NULL);
  visit_t *visit = data;
  CHECK_NUMBER(visit->is_closed, 0);
  return visit;
}

static inline dog_status_t host_open(actor_t *actor, dog_shard_t shard, dog_socket_t socket) {
  void *data = actor;
  dog_status_t status = dog_socket_data(socket, &data);
  if (host_is_late(actor, status)) return DOG_OK;
  CHECK_STATUS(status, DOG_OK);
  CHECK(data == NULL);
  visit_t *visit = visit_make(actor->world);
  status = dog_socket_set_data(socket, visit);
  if (!host_is_late(actor, status)) CHECK_STATUS(status, DOG_OK);
  atomic_fetch_add(&actor->world->opens, 1);
  note(actor, SHARD, shard);
  note(actor, SOCKET, socket);
  meddle(actor, 2);
  return outcome(actor);
}

static inline dog_status_t host_message(actor_t *actor, dog_socket_t socket, dog_kind_t kind, const void *data,
                                        size_t length) {
  host_visit(actor, socket);
  note(actor, SOCKET, socket);
  look(actor, DOG_OK, data, length);
  switch (dice_below(actor->dice, 4)) {
    case 0: dog_socket_broadcast(socket, kind, 0, data, length); break;
    case 1: dog_socket_send(socket, kind, data, length); break;
    default: meddle(actor, 3);
  }
  return outcome(actor);
}

static inline void host_error(actor_t *actor, dog_socket_t socket, dog_status_t error) {
  CHECK(error < 0);
  CHECK_NUMBER(atomic_fetch_add(&host_visit(actor, socket)->errors, 1), 0);
  meddle(actor, 1);
}

static inline void host_close(actor_t *actor, dog_socket_t socket, uint32_t code, const void *reason, size_t length) {
  CHECK_NUMBER(atomic_exchange(&host_visit(actor, socket)->is_closed, 1), 0);
  CHECK(code >= 1000 && code <= 4999);
  look(actor, DOG_OK, reason, length);
  CHECK_EITHER(dog_socket_send(socket, DOG_TEXT, "x", 1), DOG_ECLOSED, DOG_ESTALE);
  atomic_fetch_add(&actor->world->closes, 1);
  meddle(actor, 1);
}

static inline void host_drain(actor_t *actor, dog_socket_t socket) {
  host_visit(actor, socket);
  meddle(actor, 1);
}

static inline void host_retire(actor_t *actor, dog_gateway_t gateway) {
  const char *name = NULL;
  size_t length = 0;
  dog_status_t status = dog_gateway_name(gateway, &name, &length);
  /* With events it may end before the host has heard of it: then it bears no promise either. */
  if (status == DOG_ESTALE && !actor->is_worker) return;
  CHECK_STATUS(status, DOG_OK);
  look(actor, status, name, length);
  void *data = NULL;
  status = dog_gateway_data(gateway, &data);
  if (status == DOG_OK && data != NULL) promise_keep(data, RETIRED);
}

/* Called on any thread, several at once. */
static inline void on_log(void *user, dog_log_level_t level, const char *line, size_t length) {
  world_t *world = user;
  CHECK(level >= DOG_LOG_ERROR && level <= DOG_LOG_DEBUG && length <= 1027);
  CHECK(length == 0 || memchr(line, '\n', length) == NULL);
  atomic_fetch_add(&world->lines, 1);
  if (getenv("DOG_TEST_LOG") != NULL) fprintf(stderr, "log %d: %.*s\n", (int)level, (int)length, line);
}

#endif /* HOST_H */
