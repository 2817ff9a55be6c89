/* gateways.h - identify, clusterize, and what no route takes. */
#ifndef GATEWAYS_H
#define GATEWAYS_H

#include "host.h"

static inline dog_status_t respond(dog_request_t request, int status, view_t body) {
  static const dog_header_t plain = {"Content-Type", 12, "text/plain", 10};
  return dog_request_respond(request, status, &plain, 1, body.bytes, body.length);
}

static inline view_t query(dog_request_t request, const char *name) {
  view_t value = {"", 0};
  dog_request_query(request, name, strlen(name), &value.bytes, &value.length);
  return value;
}

static inline view_t path_of(dog_request_t request) {
  view_t path = {"", 0};
  dog_request_path(request, &path.bytes, &path.length);
  return path;
}

/* ---- identify ---------------------------------------------------------------------------------------------------- */

static inline void gateway_tell_held(dog_gateway_t gateway, view_t key) {
  text_t text = held_text(key);
  dog_gateway_broadcast(gateway, DOG_TEXT, text.bytes, text.length);
  free(text.bytes);
}

static inline void resume_identify(dog_request_t request, view_t uid) {
  dog_request_identify(request, uid.bytes, uid.length);
}

static inline dog_status_t identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user;
  static const dog_header_t why = {"X-Reason", 8, "blocked", 7};
  view_t uid = query(request, "u");
  if (uid.length == 0) uid = view_of("anon");
  if (is(uid, "blocked")) return dog_request_respond(request, 403, &why, 1, "not you", 7);
  if (is(uid, "broken")) return DOG_EINVAL;
  if (is(uid, "never")) return DOG_OK;
  if (is(uid, "self")) dog_gateway_name(gateway, &uid.bytes, &uid.length);
  if (begins(uid, "late-")) {
    hold(uid, request, resume_identify);
    gateway_tell_held(gateway, uid);
    return DOG_OK;
  }
  return dog_request_identify(request, uid.bytes, uid.length);
}

/* ---- clusterize -------------------------------------------------------------------------------------------------- */

static inline void resume_clusterize(dog_request_t request, view_t uid) {
  text_t id = {0};
  text_add(&id, "of-%.*s", SHOWN(uid));
  dog_request_clusterize(request, id.bytes, id.length);
  free(id.bytes);
}

static inline dog_status_t clusterize(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user;
  view_t uid = {"", 0};
  dog_request_uid(request, &uid.bytes, &uid.length);
  if (is(uid, "mute")) return DOG_EINVAL;
  if (begins(uid, "slow-")) {
    hold(uid, request, resume_clusterize);
    gateway_tell_held(gateway, uid);
  } else {
    resume_clusterize(request, is(uid, "twin") ? view_of("ann") : uid);
  }
  return DOG_OK;
}

/* ---- fetch ------------------------------------------------------------------------------------------------------- */

static inline void resume_respond(dog_request_t request, view_t key) {
  text_t body = {0};
  text_add(&body, "released %.*s", SHOWN(key));
  respond(request, 200, (view_t){body.bytes, body.length});
  free(body.bytes);
}

static inline dog_status_t find_room(view_t name, dog_gateway_t *gateway) {
  return dog_gateway_find(host.engine, "Room", 4, name.bytes, name.length, gateway);
}

static inline dog_status_t respond_stats(dog_request_t request) {
  dog_stats_t stats = {.size = sizeof stats};
  dog_status_t status = dog_engine_stats(host.engine, &stats);
  if (status != DOG_OK) return status;
  text_t body = {0};
  text_add(&body, "sockets %llu\nplaces %llu\nshards %llu\ngateways %llu\n", (unsigned long long)stats.sockets,
           (unsigned long long)stats.places, (unsigned long long)stats.shards, (unsigned long long)stats.gateways);
  status = respond(request, 200, (view_t){body.bytes, body.length});
  free(body.bytes);
  return status;
}

static inline dog_status_t fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  view_t path = path_of(request), rest = path;
  cut(&rest, '/');
  view_t first = cut(&rest, '/'), name = cut(&rest, '/');
  if (is(first, "stats")) return respond_stats(request);
  if (is(first, "alias")) return dog_request_forward(request, "Room", 4, name.bytes, name.length);
  if (is(first, "nowhere")) return dog_request_forward(request, "None", 4, "x", 1);
  if (is(first, "broken")) return DOG_EINVAL;
  if (is(first, "wait")) {
    dog_gateway_t gateway = 0;
    dog_status_t status = find_room(name, &gateway);
    if (status != DOG_OK) return status;
    view_t key = cut(&rest, '/');
    hold(key, request, resume_respond);
    gateway_tell_held(gateway, key);
    return DOG_OK;
  }
  text_t body = {0};
  text_add(&body, "no route for %.*s", SHOWN(path));
  dog_status_t status = respond(request, 404, (view_t){body.bytes, body.length});
  free(body.bytes);
  return status;
}

#endif /* GATEWAYS_H */
