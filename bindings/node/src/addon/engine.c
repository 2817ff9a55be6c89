/*
 * engine.c - an engine's functions for JavaScript. The first argument is the external value that engineCreate gave.
 *
 * What the engine refuses is returned as a status; what JavaScript got wrong before that is an exception.
 */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "members.h"

/* The engine of a call, or NULL with an exception pending: it is none. */
static engine_t *engine_of(const call_t *call) {
  void *data = NULL;
  napi_valuetype type = napi_undefined;
  if (napi_typeof(call->env, call->arguments[0], &type) != napi_ok || type != napi_external ||
      napi_get_value_external(call->env, call->arguments[0], &data) != napi_ok) {
    throw_type_error(call->env, "not an engine");
    return NULL;
  }
  return data;
}

/* ---- create and end ---------------------------------------------------------------------------------------------- */

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  engine_t *engine = data;
  engine_end(engine);
  engine_release(engine);
}

static napi_value wrap(call_t *call, dog_engine_t *made) {
  engine_t *engine = calloc(1, sizeof *engine);
  napi_value external = NULL;
  if (engine == NULL || napi_create_external(call->env, engine, on_collected, NULL, &external) != napi_ok) {
    free(engine);
    dog.engine_destroy(made);
    return make_int(call->env, DOG_ENOMEM);
  }
  void *fields = NULL;
  napi_get_typedarray_info(call->env, call->arguments[1], NULL, NULL, &fields, NULL, NULL);
  engine->addon = call->addon;
  engine->env = call->env;
  engine->dog = made;
  engine->owners = 1;
  engine->fields = fields;
  return external;
}

/* engineCreate(options, fields): the engine, or a status. */
static napi_value engine_create(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  napi_typedarray_type type = napi_uint8_array;
  size_t length = 0;
  napi_get_typedarray_info(env, call.arguments[1], &type, &length, NULL, NULL, NULL);
  if (type != napi_int32_array || length <= BATCH_ROOM) return throw_type_error(env, "fields are too few");
  arena_t arena = {0};
  dog_options_t options;
  dog.options_init(&options, sizeof options);
  napi_value result = NULL;
  if (members_read(env, call.arguments[0], "options", options_members, &arena, &options)) {
    options.delivery = DOG_DELIVERY_EVENTS;
    dog_engine_t *made = NULL;
    dog_status_t status = dog.engine_create(&options, &made);
    result = status == DOG_OK ? wrap(&call, made) : make_int(env, status);
  }
  arena_free(&arena);
  return result;
}

static napi_value engine_destroy(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  if (engine != NULL) engine_end(engine);
  return NULL;
}

/* ---- classes, routes, listeners ---------------------------------------------------------------------------------- */

/* engineDefine(engine, gateway, shard, index): both classes of a link; index is the `user` of both. */
static napi_value engine_define(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  if (engine == NULL) return NULL;
  arena_t arena = {0};
  dog_gateway_class_t gateway;
  dog_shard_class_t shard;
  dog.gateway_class_init(&gateway, sizeof gateway);
  dog.shard_class_init(&shard, sizeof shard);
  napi_value result = NULL;
  if (members_read(env, call.arguments[1], "gateway", gateway_members, &arena, &gateway) &&
      members_read(env, call.arguments[2], "shard", shard_members, &arena, &shard)) {
    gateway.user = shard.user = (void *)(uintptr_t)(uint32_t)call_int(&call, 3);
    dog_status_t status = dog.engine_define_gateway(engine->dog, &gateway);
    if (status == DOG_OK) status = dog.engine_define_shard(engine->dog, &shard);
    result = make_int(env, status);
  }
  arena_free(&arena);
  return result;
}

/* engineRoute(engine, pattern, gatewayClass, name) */
static napi_value engine_route(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  if (engine == NULL) return NULL;
  arena_t arena = {0};
  const char *pattern = arena_text(&arena, env, call.arguments[1]);
  const char *gateway_class = arena_text(&arena, env, call.arguments[2]);
  const char *name = arena_text(&arena, env, call.arguments[3]);
  dog_status_t status = dog.engine_route(engine->dog, pattern, gateway_class, name);
  arena_free(&arena);
  return make_int(env, status);
}

static napi_value engine_on_fetch(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  return engine == NULL ? NULL : make_int(env, dog.engine_on_fetch(engine->dog, NULL, NULL));
}

/* engineListen(engine, options): the port, or a status. */
static napi_value engine_listen(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  if (engine == NULL) return NULL;
  arena_t arena = {0};
  dog_listen_options_t options;
  dog.listen_options_init(&options, sizeof options);
  napi_value result = NULL;
  if (members_read(env, call.arguments[1], "listen", listen_members, &arena, &options)) {
    uint16_t port = 0;
    dog_status_t status = dog.engine_listen_with(engine->dog, &options, &port);
    result = make_int(env, status == DOG_OK ? port : status);
  }
  arena_free(&arena);
  return result;
}

static napi_value engine_reload_certificates(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  return engine == NULL ? NULL : make_int(env, dog.engine_reload_certificates(engine->dog));
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* engineStart(engine, dispatch): its events come to dispatch(records, ...values) from now on. */
static napi_value engine_start(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  if (engine == NULL) return NULL;
  dog_status_t status = dog.engine_start(engine->dog);
  if (status == DOG_OK && !engine_watch(engine, call.arguments[1])) {
    engine_end(engine);
    return NULL;
  }
  return make_int(env, status);
}

/* engineDrain(engine, dispatch): what the log has said of an engine that does not run yet. */
static napi_value engine_drain(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  if (engine != NULL && engine->watch == WATCH_NONE) engine_deliver(engine, call.arguments[1]);
  return NULL;
}

/* enginePause(engine, isPaused) */
static napi_value engine_pause_call(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  if (engine != NULL) engine_pause(engine, call_bool(&call, 1));
  return NULL;
}

/* engineReference(engine, isReferenced) */
static napi_value engine_reference_call(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  if (engine != NULL) engine_reference(engine, call_bool(&call, 1));
  return NULL;
}

/* engineStop(engine, graceMs) */
static napi_value engine_stop(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  uint32_t grace_ms = 0;
  if (engine == NULL) return NULL;
  napi_get_value_uint32(env, call.arguments[1], &grace_ms);
  return make_int(env, dog.engine_stop(engine->dog, grace_ms));
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

/* engineStats(engine): an object of its counts, or a status. */
static napi_value engine_stats(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  if (engine == NULL) return NULL;
  dog_stats_t stats = {.size = sizeof stats};
  dog_status_t status = dog.engine_stats(engine->dog, &stats);
  if (status != DOG_OK) return make_int(env, status);
  return members_object(env, stats_members, &stats);
}

/* gatewayFind(engine, gatewayClass, name): [low, high, number, whether no event has told of it yet], or a status. */
static napi_value gateway_find(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  engine_t *engine = engine_of(&call);
  if (engine == NULL) return NULL;
  payload_t gateway_class, name;
  if (!payload_begin(&call, 1, false, &gateway_class)) return NULL;
  if (!payload_begin(&call, 2, true, &name)) {
    payload_end(&gateway_class);
    return NULL;
  }
  dog_gateway_t gateway = 0;
  dog_status_t status = dog.gateway_find(engine->dog, gateway_class.bytes, gateway_class.length, name.bytes,
                                         name.length, &gateway);
  payload_end(&gateway_class);
  payload_end(&name);
  if (status != DOG_OK) return make_int(env, status);
  uint32_t number = table_find(&engine->numbers, gateway);
  bool is_new = number == TABLE_NONE;
  if (is_new && (number = table_add(&engine->numbers, gateway)) == TABLE_NONE) return make_int(env, DOG_ENOMEM);
  int32_t parts[] = {(int32_t)(uint32_t)gateway, (int32_t)(uint32_t)(gateway >> 32), (int32_t)number, is_new};
  napi_value array = NULL;
  napi_create_array_with_length(env, 4, &array);
  for (uint32_t index = 0; index < 4; index++) napi_set_element(env, array, index, make_int(env, parts[index]));
  return array;
}

const exported_t engine_functions[] = {
  {"engineCreate", engine_create},
  {"engineDestroy", engine_destroy},
  {"engineDefine", engine_define},
  {"engineRoute", engine_route},
  {"engineOnFetch", engine_on_fetch},
  {"engineListen", engine_listen},
  {"engineReloadCertificates", engine_reload_certificates},
  {"engineStart", engine_start},
  {"engineDrain", engine_drain},
  {"enginePause", engine_pause_call},
  {"engineReference", engine_reference_call},
  {"engineStop", engine_stop},
  {"engineStats", engine_stats},
  {"gatewayFind", gateway_find},
  {NULL, NULL},
};
