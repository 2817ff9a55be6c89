/*
 * operations.h - what can be done with dog.h while an engine runs: a table of operations, each with its weight and the
 * statuses that it may give. Handles come from the book, so they may be stale, or another engine's; some are forged.
 */
#ifndef OPERATIONS_H
#define OPERATIONS_H

#include "arguments.h"
#include "children.h"

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

static inline dog_status_t op_send(actor_t *actor) {
  payload_t *payload = draw_payload(actor);
  dog_status_t status = dog_socket_send(draw_handle(actor, SOCKET), payload->kind, payload->bytes, payload->length);
  free(payload);
  return status;
}
static inline dog_status_t op_emit(actor_t *actor) {
  payload_t *payload = draw_payload(actor);
  uint32_t flags = DICE_ONE_OF(actor->dice, 0, DOG_TO_SELF);
  uint64_t socket = draw_handle(actor, SOCKET);
  dog_status_t status = dog_socket_emit(socket, payload->kind, flags, payload->bytes, payload->length);
  free(payload);
  return status;
}
static inline dog_status_t op_broadcast(actor_t *actor) {
  payload_t *payload = draw_payload(actor);
  uint32_t flags = DICE_ONE_OF(actor->dice, 0, DOG_TO_SELF, 0x80000000u);
  uint64_t socket = draw_handle(actor, SOCKET);
  dog_status_t status = dog_socket_broadcast(socket, payload->kind, flags, payload->bytes, payload->length);
  free(payload);
  return status;
}
static inline dog_status_t op_close(actor_t *actor) {
  uint32_t code = DICE_ONE_OF(actor->dice, 0, 1000, 1001, 1011, 3000, 4999, 1005, 65535);
  return dog_socket_close(draw_handle(actor, SOCKET), (uint16_t)code, "enough", dice_below(actor->dice, 7));
}
static inline dog_status_t op_look_at_socket(actor_t *actor) {
  drawn_t socket = draw(actor, SOCKET);
  const char *uid = NULL;
  size_t length = 0;
  void *data = NULL;
  dog_shard_t shard = 0;
  dog_socket_buffered(socket.handle, &length);
  dog_socket_data(socket.handle, &data);
  if (dog_socket_shard(socket.handle, &shard) == DOG_OK && socket.is_own) note(actor, SHARD, shard);
  dog_status_t status = dog_socket_uid(socket.handle, &uid, &length);
  look(actor, status, uid, length);
  return status;
}

/* ---- whispers and gossip ----------------------------------------------------------------------------------------- */

static inline dog_status_t op_whisper(actor_t *actor) {
  payload_t *payload = draw_payload(actor);
  char uid[32];
  size_t uid_length = draw_uid(actor, uid, sizeof uid);
  handle_kind_t kind = (handle_kind_t)dice_below(actor->dice, REQUEST); /* a Gateway, a Shard or a socket */
  drawn_t drawn = draw(actor, kind);
  uint64_t handle = drawn.handle;
  promise_t *promise = dice_chance(actor->dice, 70) ? ask_promise(actor, &drawn, WHISPERED) : NULL;
  dog_whispered_fn told = promise != NULL && is_called(actor) ? op_whispered : NULL;
  const void *data = payload->bytes;
  size_t length = payload->length;
  dog_status_t status;
  switch (kind) {
    case GATEWAY:
      status = dog_gateway_whisper(handle, uid, uid_length, payload->kind, data, length, told, promise);
      break;
    case SHARD:
      status = dog_shard_whisper(handle, uid, uid_length, payload->kind, data, length, told, promise);
      break;
    default: status = dog_socket_whisper(handle, uid, uid_length, payload->kind, data, length, told, promise);
  }
  free(payload);
  return promised(promise, status);
}

static inline dog_status_t op_gossip(actor_t *actor) {
  payload_t *payload = draw_payload(actor);
  drawn_t shard = draw(actor, SHARD);
  promise_t *promise = ask_promise(actor, &shard, GOSSIPED);
  dog_gossiped_fn told = promise != NULL && is_called(actor) ? op_gossiped : NULL;
  uint32_t timeout_ms = DICE_ONE_OF(actor->dice, 0, 1, 50, 300);
  dog_status_t status =
      dog_shard_gossip(shard.handle, payload->bytes, payload->length, timeout_ms, told, promise);
  free(payload);
  return promised(promise, status);
}

static inline dog_status_t op_answer_gossip(actor_t *actor) {
  uint64_t gossip = draw_handle(actor, GOSSIP);
  return dice_chance(actor->dice, 80) ? dog_gossip_reply(gossip, "yes", dice_below(actor->dice, 4))
                                      : dog_gossip_fail(gossip, "no", dice_below(actor->dice, 3));
}

/* ---- Shards and Gateways ----------------------------------------------------------------------------------------- */

static inline dog_status_t op_shard_send(actor_t *actor) {
  payload_t *payload = draw_payload(actor);
  uint64_t shard = draw_handle(actor, SHARD);
  dog_status_t status = dice_chance(actor->dice, 50)
                            ? dog_shard_emit(shard, payload->kind, payload->bytes, payload->length)
                            : dog_shard_broadcast(shard, payload->kind, payload->bytes, payload->length);
  free(payload);
  return status;
}
static inline dog_status_t op_call_later(actor_t *actor) {
  drawn_t shard = draw(actor, SHARD);
  promise_t *promise = ask_promise(actor, &shard, CALLED);
  if (promise == NULL) return DOG_ESTALE; /* a callback that is needed would be of the wrong delivery */
  dog_call_fn call = is_called(actor) ? op_called : NULL;
  if (dice_chance(actor->dice, 40)) return promised(promise, dog_shard_post(shard.handle, call, promise));
  dog_timer_t timer = 0;
  uint32_t delay_ms = DICE_ONE_OF(actor->dice, 0, 5, 100, 86400000);
  dog_status_t status = dog_shard_after(shard.handle, delay_ms, call, promise, &timer);
  if (status == DOG_OK) note(actor, TIMER, timer);
  return promised(promise, status);
}
static inline dog_status_t op_cancel(actor_t *actor) { return dog_timer_cancel(draw_handle(actor, TIMER)); }
static inline dog_status_t op_started(actor_t *actor) {
  dog_status_t status = (dog_status_t)-(int)DICE_ONE_OF(actor->dice, 0, 0, -DOG_EHOST, 1000);
  return dog_shard_started(draw_handle(actor, SHARD), dice_chance(actor->dice, 2) ? (dog_status_t)1 : status);
}
static inline dog_status_t op_look_at_shard(actor_t *actor) {
  drawn_t drawn = draw(actor, SHARD);
  uint64_t shard = drawn.handle;
  dog_gateway_t gateway = 0;
  dog_socket_t sockets[5];
  const char *id = NULL;
  size_t length = 0, count = 0;
  void *data = NULL;
  if (dog_shard_gateway(shard, &gateway) == DOG_OK && drawn.is_own) note(actor, GATEWAY, gateway);
  dog_shard_data(shard, &data);
  dog_shard_count(shard, &count);
  dog_status_t listed = dog_shard_sockets(shard, sockets, 5, &count);
  if (listed == DOG_OK && count > 0 && drawn.is_own) note(actor, SOCKET, sockets[0]);
  dog_status_t status = dog_shard_id(shard, &id, &length);
  look(actor, status, id, length);
  return status;
}
static inline dog_status_t op_find_gateway(actor_t *actor) {
  char name[8];
  size_t length = (size_t)snprintf(name, sizeof name, "r%u", dice_below(actor->dice, 6));
  dog_gateway_t gateway = 0;
  dog_status_t status = dog_gateway_find(actor->world->engine, "ROOM", 4, name, length, &gateway);
  if (status == DOG_OK) note(actor, GATEWAY, gateway);
  return status;
}
static inline dog_status_t op_gateway_send(actor_t *actor) {
  payload_t *payload = draw_payload(actor);
  uint64_t gateway = draw_handle(actor, GATEWAY);
  dog_status_t status = dog_gateway_broadcast(gateway, payload->kind, payload->bytes, payload->length);
  free(payload);
  return status;
}
static inline dog_status_t op_look_at_gateway(actor_t *actor) {
  uint64_t gateway = draw_handle(actor, GATEWAY);
  dog_gateway_stats_t stats = {.size = sizeof stats};
  const char *name = NULL;
  size_t length = 0;
  void *data = NULL;
  dog_gateway_stats(gateway, &stats);
  dog_gateway_data(gateway, &data);
  dog_status_t status = dog_gateway_name(gateway, &name, &length);
  look(actor, status, name, length);
  return status;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static inline void look_at_request(actor_t *actor, uint64_t request) {
  const char *text = NULL;
  const void *body = NULL;
  size_t length = 0;
  dog_header_t header;
  LOOK(dog_request_method(request, &text, &length), text, length);
  LOOK(dog_request_target(request, &text, &length), text, length);
  LOOK(dog_request_path(request, &text, &length), text, length);
  LOOK(dog_request_body(request, &body, &length), body, length);
  LOOK(dog_request_remote(request, &text, &length), text, length);
  LOOK(dog_request_client_subject(request, &text, &length), text, length);
  LOOK(dog_request_query(request, "u", 1, &text, &length), text, length);
  LOOK(dog_request_header(request, "host", 4, &text, &length), text, length);
  LOOK(dog_request_protocol_at(request, 0, &text, &length), text, length);
  LOOK(dog_request_uid(request, &text, &length), text, length);
  dog_status_t status = dog_request_header_at(request, dice_below(actor->dice, 4), &header);
  if (status != DOG_OK) return;
  look(actor, status, header.name, header.name_length);
  look(actor, status, header.value, header.value_length);
}
static inline dog_status_t op_look_at_request(actor_t *actor) {
  uint64_t request = draw_handle(actor, REQUEST);
  const char *method = NULL;
  size_t length = 0;
  look_at_request(actor, request);
  return dog_request_method(request, &method, &length);
}

static inline dog_status_t begin_stream(actor_t *actor, const drawn_t *request) {
  dog_stream_options_t options;
  CHECK_OK(dog_stream_options_init(&options, sizeof options));
  promise_t *promise = dice_chance(actor->dice, 80) ? ask_promise(actor, request, ENDED) : NULL;
  options.user = promise;
  if (promise != NULL && is_called(actor)) options.onend = op_ended, options.onwritable = op_writable;
  const dog_header_t header = {"X-Stream", 8, "yes", 3};
  return promised(promise, dog_request_respond_begin(request->handle, 200, &header, dice_below(actor->dice, 2),
                                                     promise == NULL ? NULL : &options));
}
static inline dog_status_t write_stream(actor_t *actor, uint64_t request) {
  payload_t *payload = draw_payload(actor);
  dog_status_t status = dog_request_respond_write(request, payload->bytes, payload->length);
  free(payload);
  return status;
}
static inline dog_status_t respond(actor_t *actor, uint64_t request) {
  payload_t *payload = draw_payload(actor);
  const dog_header_t header = {"X-Header", 8, "a\nb", dice_chance(actor->dice, 3) ? 3 : 1};
  int status_code = (int)DICE_ONE_OF(actor->dice, 200, 200, 200, 204, 404, 599, 100);
  size_t length = status_code == 204 ? 0 : payload->length;
  size_t headers = dice_below(actor->dice, 2);
  dog_status_t status = dog_request_respond(request, status_code, &header, headers, payload->bytes, length);
  free(payload);
  return status;
}
static inline dog_status_t op_answer(actor_t *actor) {
  drawn_t drawn = draw(actor, REQUEST);
  uint64_t request = drawn.handle;
  char uid[32];
  size_t length = draw_uid(actor, uid, sizeof uid);
  switch (dice_below(actor->dice, 12)) {
    case 0: return dog_request_identify(request, uid, length);
    case 1: return dog_request_clusterize(request, uid, length);
    case 2: return dog_request_forward(request, "ROOM", 4, uid, length);
    case 3: return dog_request_connect(request, NULL);
    case 4: return begin_stream(actor, &drawn);
    case 5: return dog_request_respond_end(request);
    case 6: return dice_chance(actor->dice, 20) ? dog_request_respond_abort(request) : DOG_OK;
    case 7: return respond(actor, request);
    default: return write_stream(actor, request);
  }
}

/* ---- engines ----------------------------------------------------------------------------------------------------- */

static inline dog_status_t op_stats(actor_t *actor) {
  dog_stats_t stats = {.size = sizeof stats};
  return dog_engine_stats(actor->world->engine, &stats);
}
static inline dog_status_t op_too_late(actor_t *actor) {
  dog_engine_t *engine = actor->world->engine;
  switch (dice_below(actor->dice, 5)) {
    case 0: return dog_engine_start(engine);
    case 1: return dog_engine_run(engine);
    case 2: return dog_engine_route(engine, "/late/:name", "ROOM", NULL);
    case 3: return dog_engine_listen(engine, NULL, 0, NULL);
    default: return actor->is_worker ? dog_engine_destroy(engine) : DOG_ESTATE;
  }
}
static inline dog_status_t op_last_reason(actor_t *actor) {
  const char *text = NULL;
  size_t length = 0;
  op_too_late(actor);
  dog_status_t status = dog_last_reason(&text, &length);
  CHECK(text != NULL && length <= 1027 && text[length] == '\0');
  return status;
}
static inline dog_status_t op_poll(actor_t *actor) {
  if (actor->world->delivery == DOG_DELIVERY_EVENTS) return DOG_ESTATE; /* one thread does */
  dog_event_t event;
  size_t count = 0;
  int descriptor = -1;
  CHECK_EITHER(dog_engine_wait_fd(actor->world->engine, &descriptor), DOG_ESTATE, DOG_ESTALE);
  return dog_engine_poll(actor->world->engine, &event, 1, 0, &count);
}
static inline dog_status_t op_reload(actor_t *actor) {
  return actor->may_look ? DOG_OK : dog_engine_reload_certificates(actor->world->engine);
}
static inline dog_status_t op_spawn(actor_t *actor) {
  if (!actor->may_look) child_spawn();
  return DOG_OK;
}
static inline dog_status_t op_fork(actor_t *actor) {
  if (!actor->may_look) child_fork(actor->world->engine, draw_handle(actor, SOCKET), draw_handle(actor, REQUEST));
  return DOG_OK;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

#define ST(code) (1u << -(DOG_##code))
#define NO_HANDLE (ST(ESTALE) | ST(EKIND))
#define SENDS (ST(OK) | NO_HANDLE | ST(EINVAL) | ST(ETOOBIG) | ST(EFULL) | ST(ECLOSED) | ST(ESLOW))
#define GETS (ST(OK) | NO_HANDLE | ST(ETHREAD) | ST(ENOENT))
#define ANSWERS                                                                                                        \
  (ST(OK) | NO_HANDLE | ST(EINVAL) | ST(ETOOBIG) | ST(EEXIST) | ST(ENOENT) | ST(EUPGRADE) | ST(ESTATE) | ST(EFULL))

typedef struct operation {
  const char *name;
  uint32_t weight;
  uint32_t statuses;
  dog_status_t (*run)(actor_t *actor);
} operation_t;

static const operation_t operations[] = {
    {"socket_send", 20, SENDS, op_send},
    {"socket_emit", 15, SENDS, op_emit},
    {"socket_broadcast", 15, SENDS, op_broadcast},
    {"socket_close", 2, SENDS, op_close},
    {"socket getters", 10, GETS, op_look_at_socket},
    {"whisper", 15, SENDS, op_whisper},
    {"shard_gossip", 5, SENDS, op_gossip},
    {"gossip_reply", 10, ANSWERS, op_answer_gossip},
    {"shard_emit", 10, SENDS, op_shard_send},
    {"shard_post, shard_after", 10, SENDS, op_call_later},
    {"timer_cancel", 5, SENDS, op_cancel},
    {"shard_started", 5, ST(OK) | NO_HANDLE | ST(ESTATE) | ST(EINVAL), op_started},
    {"shard getters", 10, GETS, op_look_at_shard},
    {"gateway_find", 10, ST(OK) | ST(ENOENT) | ST(ESTATE) | ST(ESTALE), op_find_gateway},
    {"gateway_broadcast", 10, SENDS, op_gateway_send},
    {"gateway getters", 10, GETS, op_look_at_gateway},
    {"request getters", 10, GETS, op_look_at_request},
    {"request answers", 30, ANSWERS, op_answer},
    {"engine_stats", 3, ST(OK) | ST(ESTALE), op_stats},
    {"what is for before the start", 3, ST(ESTATE) | ST(ESTALE) | ST(ETHREAD), op_too_late},
    {"last_reason", 2, ST(OK), op_last_reason},
    {"engine_poll", 2, ST(ESTATE) | ST(ESTALE), op_poll},
    {"reload_certificates", 1, ST(OK) | ST(ESTALE), op_reload},
    {"spawn", 6, ST(OK), op_spawn},
    {"fork", 1, ST(OK), op_fork},
};
enum { OPERATIONS_COUNT = sizeof operations / sizeof operations[0] };

static inline const operation_t *draw_operation(dice_t *dice) {
  uint32_t total = 0;
  for (int index = 0; index < OPERATIONS_COUNT; index++) total += operations[index].weight;
  uint32_t left = dice_below(dice, total);
  const operation_t *operation = operations;
  while (left >= operation->weight) left -= (operation++)->weight;
  return operation;
}

static inline void act(actor_t *actor) {
  const operation_t *operation = draw_operation(actor->dice);
  dog_status_t status = operation->run(actor);
  if (status > 0 || status < -31 || (operation->statuses & 1u << -status) == 0) {
    FAIL("%s gives %s (%d)", operation->name, dog_status_name(status), (int)status);
  }
}

#endif /* OPERATIONS_H */
