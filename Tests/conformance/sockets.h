/* sockets.h - a Shard's sockets: what they are told as they come and go, and the commands that they send. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include "requests.h"

static inline view_t socket_uid(dog_socket_t socket) {
  view_t uid = {"", 0};
  dog_socket_uid(socket, &uid.bytes, &uid.length);
  return uid;
}

static inline dog_status_t send_view(dog_socket_t socket, view_t text) {
  return dog_socket_send(socket, DOG_TEXT, text.bytes, text.length);
}

/* Sends `text` and frees it. */
static inline dog_status_t reply(dog_socket_t socket, text_t text) {
  dog_status_t status = send_view(socket, (view_t){text.bytes, text.length});
  free(text.bytes);
  return status;
}

/* The uids of a Shard, sorted. */
static inline text_t uids_of(dog_shard_t shard, size_t *count) {
  must(dog_shard_count(shard, count), "count");
  dog_socket_t *sockets = allocate(*count * sizeof *sockets);
  must(dog_shard_sockets(shard, sockets, *count, count), "sockets");
  text_t *uids = allocate(*count * sizeof *uids);
  for (size_t index = 0; index < *count; index++) text_put(&uids[index], socket_uid(sockets[index]));
  free(sockets);
  return joined(uids, *count, ",");
}

/* ---- coming and going -------------------------------------------------------------------------------------------- */

static inline dog_status_t onopen(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user;
  atomic_fetch_add(&host.opens, 1);
  view_t uid = socket_uid(socket), id = shard_id(shard);
  text_t hello = {0}, news = {0};
  text_add(&hello, "hello %.*s %.*s", SHOWN(uid), SHOWN(id));
  text_add(&news, "joined %.*s", SHOWN(uid));
  reply(socket, hello);
  dog_socket_emit(socket, DOG_TEXT, 0, news.bytes, news.length);
  free(news.bytes);
  return DOG_OK;
}

static inline void onclose(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                           size_t reason_length, int clean) {
  (void)user;
  atomic_fetch_add(&host.closes, 1);
  room_of(shard)->last_closed = socket;
  view_t uid = socket_uid(socket);
  text_t text = {0};
  text_add(&text, "left %.*s %u %s%s%.*s", SHOWN(uid), (unsigned)code, clean ? "clean" : "lost",
           reason_length > 0 ? " " : "", (int)reason_length, reason);
  shard_say(shard, text);
}

static inline void onerror(void *user, dog_shard_t shard, dog_socket_t socket, dog_status_t error) {
  (void)user;
  if (error == DOG_EHOST) return;
  view_t uid = socket_uid(socket);
  text_t text = {0};
  text_add(&text, "error %.*s %s", SHOWN(uid), dog_status_name(error));
  shard_say(shard, text);
}

/* ---- gossip ------------------------------------------------------------------------------------------------------ */

static inline void resume_gossip(dog_gossip_t gossip, view_t key) {
  (void)key;
  dog_gossip_reply(gossip, "released", 8);
}

static inline dog_status_t ongossip(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data,
                                    size_t length) {
  (void)user;
  view_t question = {data, length};
  if (is(question, "never")) return DOG_OK;
  if (is(question, "fail")) return dog_gossip_fail(gossip, "no comment", 10);
  if (begins(question, "hold-")) {
    hold(question, gossip, resume_gossip);
    shard_say(shard, held_text(question));
    return DOG_OK;
  }
  size_t count = 0;
  text_t uids = uids_of(shard, &count), text = {0};
  text_add(&text, "%.*s: %s", SHOWN(question), uids.bytes);
  dog_status_t status = dog_gossip_reply(gossip, text.bytes, text.length);
  free(uids.bytes);
  free(text.bytes);
  return status;
}

/* `user` of an outcome is the handle of the socket that wants it. */
static inline void *as_user(dog_socket_t socket) { return (void *)(uintptr_t)socket; }

static inline void gossiped(void *user, dog_shard_t shard, dog_status_t status,
                            const dog_gossip_result_t *results, size_t count) {
  (void)shard;
  if (status != DOG_OK) return; /* the Shard has gone, and its sockets with it */
  text_t *lines = allocate(count * sizeof *lines), text = {0};
  for (size_t index = 0; index < count; index++) {
    const dog_gossip_result_t *result = &results[index];
    text_add(&lines[index], "\n%.*s %s %.*s", (int)result->shard_id_length, result->shard_id,
             dog_status_name(result->status), (int)result->length, (const char *)result->data);
  }
  text_t all = joined(lines, count, "");
  text_add(&text, "gossip %zu%s", count, all.bytes);
  free(all.bytes);
  reply((uintptr_t)user, text);
}

static inline void whispered(void *user, dog_status_t status, size_t sockets) {
  if (status != DOG_OK) return;
  text_t text = {0};
  text_add(&text, "whispered %zu", sockets);
  reply((uintptr_t)user, text);
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static inline dog_status_t misuse(room_t *room, dog_socket_t socket, view_t what) {
  if (is(what, "stale") && room->last_closed == 0) return send_view(socket, view_of("none"));
  dog_status_t status = DOG_OK;
  if (is(what, "uid")) {
    char uid[DOG_NAME_BYTES_MAX + 1];
    memset(uid, 'u', sizeof uid);
    status = dog_socket_whisper(socket, uid, sizeof uid, DOG_TEXT, "x", 1, NULL, NULL);
  } else if (is(what, "code")) {
    status = dog_socket_close(socket, 1005, NULL, 0);
  } else if (is(what, "reason")) {
    char reason[124];
    memset(reason, 'r', sizeof reason);
    status = dog_socket_close(socket, 1000, reason, sizeof reason);
  } else if (is(what, "big")) {
    char *text = allocate(OUTBOX_BYTES_MAX + 1);
    memset(text, 'b', OUTBOX_BYTES_MAX + 1);
    status = dog_socket_send(socket, DOG_TEXT, text, OUTBOX_BYTES_MAX + 1);
    free(text);
  } else if (is(what, "stale")) {
    status = dog_socket_send(room->last_closed, DOG_TEXT, "x", 1);
  }
  return send_view(socket, view_of(dog_status_name(status)));
}

static inline void resume_socket(dog_socket_t socket, view_t key) {
  text_t text = {0};
  text_add(&text, "released %.*s", SHOWN(key));
  reply(socket, text);
}

static inline dog_status_t hold_socket(dog_socket_t socket, view_t key) {
  hold(key, socket, resume_socket);
  text_t text = held_text(key);
  dog_status_t status = dog_socket_broadcast(socket, DOG_TEXT, DOG_TO_SELF, text.bytes, text.length);
  free(text.bytes);
  return status;
}

static inline dog_status_t command_gateway(dog_socket_t socket, view_t verb, view_t rest) {
  dog_gateway_t gateway = 0;
  dog_status_t status = find_room(cut(&rest, ' '), &gateway);
  if (status == DOG_ENOENT) return send_view(socket, view_of("nobody"));
  if (status != DOG_OK) return status;
  if (is(verb, "gateway-broadcast")) {
    status = dog_gateway_broadcast(gateway, DOG_TEXT, rest.bytes, rest.length);
    return status == DOG_OK ? send_view(socket, view_of("told")) : status;
  }
  view_t uid = cut(&rest, ' ');
  return dog_gateway_whisper(gateway, uid.bytes, uid.length, DOG_TEXT, rest.bytes, rest.length, host.whispered,
                             as_user(socket));
}

/* What the Shard is asked about, or to do. DOG_ENOENT: it is none of these commands. */
static inline dog_status_t command_shard(dog_shard_t shard, dog_socket_t socket, view_t verb, view_t rest) {
  text_t text = {0};
  if (is(verb, "shard-emit")) return dog_shard_emit(shard, DOG_TEXT, rest.bytes, rest.length);
  if (is(verb, "shard-broadcast")) return dog_shard_broadcast(shard, DOG_TEXT, rest.bytes, rest.length);
  if (is(verb, "shard-whisper")) {
    view_t uid = cut(&rest, ' ');
    return dog_shard_whisper(shard, uid.bytes, uid.length, DOG_TEXT, rest.bytes, rest.length, host.whispered,
                             as_user(socket));
  }
  if (is(verb, "gossip")) {
    uint32_t timeout_ms = (uint32_t)number(cut(&rest, ' '));
    return dog_shard_gossip(shard, rest.bytes, rest.length, timeout_ms, host.gossiped, as_user(socket));
  }
  if (is(verb, "who")) {
    size_t count = 0;
    text_t uids = uids_of(shard, &count);
    text_add(&text, "who %zu %s", count, uids.bytes);
    free(uids.bytes);
    return reply(socket, text);
  }
  if (is(verb, "id")) {
    view_t id = shard_id(shard);
    text_add(&text, "id %.*s", SHOWN(id));
    return reply(socket, text);
  }
  if (is(verb, "last")) {
    text_add(&text, "last %s", room_of(shard)->last);
    return reply(socket, text);
  }
  return DOG_ENOENT;
}

/* Likewise of the socket itself. */
static inline dog_status_t command_socket(dog_socket_t socket, view_t verb, view_t rest) {
  if (is(verb, "echo")) return send_view(socket, rest);
  if (is(verb, "binary")) return dog_socket_send(socket, DOG_BINARY, rest.bytes, rest.length);
  if (is(verb, "emit")) return dog_socket_emit(socket, DOG_TEXT, 0, rest.bytes, rest.length);
  if (is(verb, "emit+")) return dog_socket_emit(socket, DOG_TEXT, DOG_TO_SELF, rest.bytes, rest.length);
  if (is(verb, "broadcast")) return dog_socket_broadcast(socket, DOG_TEXT, 0, rest.bytes, rest.length);
  if (is(verb, "broadcast+")) return dog_socket_broadcast(socket, DOG_TEXT, DOG_TO_SELF, rest.bytes, rest.length);
  if (is(verb, "whisper")) {
    view_t uid = cut(&rest, ' ');
    return dog_socket_whisper(socket, uid.bytes, uid.length, DOG_TEXT, rest.bytes, rest.length, host.whispered,
                              as_user(socket));
  }
  if (begins(verb, "gateway-")) return command_gateway(socket, verb, rest);
  if (is(verb, "hold")) return hold_socket(socket, rest);
  if (is(verb, "release")) {
    text_t text = {0};
    text_add(&text, "released %zu", release(rest));
    return reply(socket, text);
  }
  if (is(verb, "close")) {
    uint16_t code = (uint16_t)number(cut(&rest, ' '));
    return dog_socket_close(socket, code, rest.bytes, rest.length);
  }
  if (is(verb, "fail")) return DOG_EINVAL;
  return DOG_ENOENT;
}

static inline dog_status_t echo_reversed(dog_socket_t socket, view_t message) {
  char *bytes = allocate(message.length);
  for (size_t index = 0; index < message.length; index++) bytes[index] = message.bytes[message.length - 1 - index];
  dog_status_t status = dog_socket_send(socket, DOG_BINARY, bytes, message.length);
  free(bytes);
  return status;
}

static inline dog_status_t onmessage(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                     const void *data, size_t length) {
  (void)user;
  view_t rest = {data, length};
  if (kind == DOG_BINARY) return echo_reversed(socket, rest);
  view_t verb = cut(&rest, ' ');
  if (is(verb, "misuse")) return misuse(room_of(shard), socket, rest);
  dog_status_t status = command_socket(socket, verb, rest);
  if (status == DOG_ENOENT) status = command_shard(shard, socket, verb, rest);
  if (status != DOG_ENOENT) return status;
  text_t text = {0};
  text_add(&text, "unknown %.*s", SHOWN(verb));
  return reply(socket, text);
}

#endif /* SOCKETS_H */
