/*
 * sending.c - what sockets, Shards and Gateways send, for JavaScript. The first two arguments are the halves of the
 * handle; the result is a status. A string goes as text, bytes as binary.
 */
#include "members.h"

/* ---- send, emit, broadcast --------------------------------------------------------------------------------------- */

/* (low, high, data) */
static napi_value say(napi_env env, napi_callback_info info,
                      dog_status_t (*function)(uint64_t, dog_kind_t, const void *, size_t)) {
  call_t call;
  call_begin(&call, env, info);
  payload_t data;
  if (!payload_begin(&call, 2, false, &data)) return NULL;
  dog_status_t status = function(call_handle(&call, 0), data.kind, data.bytes, data.length);
  payload_end(&data);
  return make_int(env, status);
}

/* (low, high, data, toSelf) */
static napi_value say_to_others(napi_env env, napi_callback_info info,
                                dog_status_t (*function)(uint64_t, dog_kind_t, uint32_t, const void *, size_t)) {
  call_t call;
  call_begin(&call, env, info);
  payload_t data;
  if (!payload_begin(&call, 2, false, &data)) return NULL;
  dog_status_t status = function(call_handle(&call, 0), data.kind, call_bool(&call, 3) ? DOG_TO_SELF : 0, data.bytes,
                                 data.length);
  payload_end(&data);
  return make_int(env, status);
}

static napi_value socket_send(napi_env env, napi_callback_info info) { return say(env, info, dog.socket_send); }
static napi_value shard_emit(napi_env env, napi_callback_info info) { return say(env, info, dog.shard_emit); }
static napi_value shard_broadcast(napi_env env, napi_callback_info info) {
  return say(env, info, dog.shard_broadcast);
}
static napi_value gateway_broadcast(napi_env env, napi_callback_info info) {
  return say(env, info, dog.gateway_broadcast);
}
static napi_value socket_emit(napi_env env, napi_callback_info info) {
  return say_to_others(env, info, dog.socket_emit);
}
static napi_value socket_broadcast(napi_env env, napi_callback_info info) {
  return say_to_others(env, info, dog.socket_broadcast);
}

/* ---- whisper ----------------------------------------------------------------------------------------------------- */

/* (low, high, uid, data, token): WHISPERED comes with the token. */
static napi_value whisper(napi_env env, napi_callback_info info, __typeof__(dog_socket_whisper) *function) {
  call_t call;
  call_begin(&call, env, info);
  payload_t uid, data;
  if (!payload_begin(&call, 2, true, &uid)) return NULL;
  napi_value result = NULL;
  if (payload_begin(&call, 3, false, &data)) {
    void *user = (void *)(uintptr_t)(uint32_t)call_int(&call, 4);
    result = make_int(env, function(call_handle(&call, 0), uid.bytes, uid.length, data.kind, data.bytes, data.length,
                                    NULL, user));
    payload_end(&data);
  }
  payload_end(&uid);
  return result;
}

static napi_value socket_whisper(napi_env env, napi_callback_info info) {
  return whisper(env, info, dog.socket_whisper);
}
static napi_value shard_whisper(napi_env env, napi_callback_info info) { return whisper(env, info, dog.shard_whisper); }
static napi_value gateway_whisper(napi_env env, napi_callback_info info) {
  return whisper(env, info, dog.gateway_whisper);
}

/* ---- close, gossip, looking -------------------------------------------------------------------------------------- */

/* socketClose(low, high, code, reason) */
static napi_value socket_close(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  payload_t reason;
  if (!payload_begin(&call, 3, false, &reason)) return NULL;
  dog_status_t status =
    dog.socket_close(call_handle(&call, 0), (uint16_t)call_int(&call, 2), reason.bytes, reason.length);
  payload_end(&reason);
  return make_int(env, status);
}

/* shardGossip(low, high, question, timeoutMs, token): GOSSIPED comes with the token. */
static napi_value shard_gossip(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  payload_t question;
  if (!payload_begin(&call, 2, false, &question)) return NULL;
  void *user = (void *)(uintptr_t)(uint32_t)call_int(&call, 4);
  dog_status_t status = dog.shard_gossip(call_handle(&call, 0), question.bytes, question.length,
                                         (uint32_t)call_int(&call, 3), NULL, user);
  payload_end(&question);
  return make_int(env, status);
}

/* shardStarted(low, high, status) */
static napi_value shard_started(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  return make_int(env, dog.shard_started(call_handle(&call, 0), (dog_status_t)call_int(&call, 2)));
}

/* (low, high, text) */
static napi_value gossip_reply(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  payload_t answer;
  if (!payload_begin(&call, 2, false, &answer)) return NULL;
  dog_status_t status = dog.gossip_reply(call_handle(&call, 0), answer.bytes, answer.length);
  payload_end(&answer);
  return make_int(env, status);
}

static napi_value gossip_fail(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  payload_t text;
  if (!payload_begin(&call, 2, false, &text)) return NULL;
  dog_status_t status = dog.gossip_fail(call_handle(&call, 0), text.bytes, text.length);
  payload_end(&text);
  return make_int(env, status);
}

/* gatewayStats(low, high): an object of its counts, or a status. */
static napi_value gateway_stats(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  dog_gateway_stats_t stats = {.size = sizeof stats};
  dog_status_t status = dog.gateway_stats(call_handle(&call, 0), &stats);
  if (status != DOG_OK) return make_int(env, status);
  return members_object(env, gateway_stats_members, &stats);
}

const exported_t sending_functions[] = {
  {"socketSend", socket_send},
  {"socketEmit", socket_emit},
  {"socketBroadcast", socket_broadcast},
  {"socketWhisper", socket_whisper},
  {"socketClose", socket_close},
  {"shardStarted", shard_started},
  {"shardEmit", shard_emit},
  {"shardBroadcast", shard_broadcast},
  {"shardWhisper", shard_whisper},
  {"shardGossip", shard_gossip},
  {"gossipReply", gossip_reply},
  {"gossipFail", gossip_fail},
  {"gatewayBroadcast", gateway_broadcast},
  {"gatewayWhisper", gateway_whisper},
  {"gatewayStats", gateway_stats},
  {NULL, NULL},
};
