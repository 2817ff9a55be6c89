/*
 * host.h - the host of the storm, called or with a thread that polls: it does what the seats tell it to.
 */
#ifndef HOST_H
#define HOST_H

#include "sending.h"

static inline int query_number(dog_request_t request, const char *name) {
  const char *text = NULL;
  size_t length = 0;
  if (dog_request_query(request, name, strlen(name), &text, &length) != DOG_OK || length > 6) return -1;
  char digits[8] = "";
  memcpy(digits, text, length);
  return atoi(digits);
}

/* ---- what happens, however it is told ---------------------------------------------------------------------------- */

static inline void host_identify(dog_request_t request) {
  const char *uid = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_query(request, "u", 1, &uid, &length));
  CHECK_EITHER(dog_request_identify(request, uid, length), DOG_OK, DOG_ESTALE);
}

/* The socket's data is its seat; a churner has none. */
static inline void host_receive(storm_t *storm, dog_request_t request) {
  dog_connect_options_t options;
  CHECK_OK(dog_connect_options_init(&options, sizeof options));
  int seat = query_number(request, "seat");
  if (seat >= 0) options.data = &storm->seats[seat];
  CHECK_EITHER(dog_request_connect(request, &options), DOG_OK, DOG_ESTALE);
}

static inline seat_t *host_seat(dog_socket_t socket) {
  void *data = NULL;
  CHECK_OK(dog_socket_data(socket, &data));
  return data;
}

static inline void host_open(storm_t *storm, dog_shard_t shard, dog_socket_t socket) {
  atomic_fetch_add(&storm->opens, 1);
  seat_t *seat = host_seat(socket);
  if (seat == NULL) return;
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_shard_gateway(shard, &gateway));
  seat->shard = shard;
  seat->gateway = gateway;
  seat->socket = socket;
  gate_pass(&storm->opened);
}

/* "do <seed> <calls>" */
static inline void host_message(storm_t *storm, dog_socket_t socket, const void *data, size_t length) {
  seat_t *seat = host_seat(socket);
  if (seat == NULL) return;
  char text[64];
  unsigned long long seed;
  unsigned calls;
  CHECK(length < sizeof text);
  memcpy(text, data, length);
  text[length] = '\0';
  if (sscanf(text, "do %llu %u", &seed, &calls) != 2) FAIL("a seat sent \"%s\"", text);
  dice_t dice = dice_of(storm->plan.seed ^ seed, seat->number);
  const actor_t actor = {storm, sender_number(OF_CALLBACK, seat->number), socket};
  for (unsigned call = 0; call < calls; call++) {
    dog_status_t status = storm_call(&actor, &dice);
    if (status != DOG_OK && status != DOG_EFULL) break;
  }
  atomic_fetch_add(&seat->commands_done, 1);
}

static inline void host_close(storm_t *storm, dog_socket_t socket) {
  atomic_fetch_add(&storm->closes, 1);
  seat_t *seat = host_seat(socket);
  if (seat == NULL) return;
  if (!storm->is_leaving && !storm_may_close(storm)) FAIL("seat %u lost its socket", seat->number);
  seat->is_closed = 1;
}

static inline void host_drain(storm_t *storm, dog_socket_t socket, uint64_t dropped) {
  atomic_fetch_add(&storm->dropped, dropped);
  seat_t *seat = host_seat(socket);
  if (seat != NULL) atomic_fetch_add(&seat->dropped, dropped);
}

/* ---- called ------------------------------------------------------------------------------------------------------ */

static inline dog_status_t on_identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  host_identify(request);
  return DOG_OK;
}
static inline dog_status_t on_receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)shard;
  host_receive(user, request);
  return DOG_OK;
}
static inline dog_status_t on_open(void *user, dog_shard_t shard, dog_socket_t socket) {
  host_open(user, shard, socket);
  return DOG_OK;
}
static inline dog_status_t on_message(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                      const void *data, size_t length) {
  (void)shard, (void)kind;
  host_message(user, socket, data, length);
  return DOG_OK;
}
static inline void on_close(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                            size_t reason_length, int clean) {
  (void)shard, (void)code, (void)reason, (void)reason_length, (void)clean;
  host_close(user, socket);
}
static inline void on_drain(void *user, dog_shard_t shard, dog_socket_t socket, uint64_t dropped) {
  (void)shard;
  host_drain(user, socket, dropped);
}

/* ---- polling ----------------------------------------------------------------------------------------------------- */

static inline void host_event(storm_t *storm, const dog_event_t *event) {
  switch (event->type) {
    case DOG_EVENT_IDENTIFY: host_identify(event->request); break;
    case DOG_EVENT_RECEIVE: host_receive(storm, event->request); break;
    case DOG_EVENT_OPEN: host_open(storm, event->shard, event->socket); break;
    case DOG_EVENT_MESSAGE: host_message(storm, event->socket, event->data, event->length); break;
    case DOG_EVENT_CLOSE: host_close(storm, event->socket); break;
    case DOG_EVENT_DRAIN: host_drain(storm, event->socket, event->count); break;
    case DOG_EVENT_WHISPERED: storm_whispered(event->user, event->status, event->count); break;
    default: break;
  }
}

static inline void *host_poll(void *user) {
  storm_t *storm = user;
  dog_event_t events[64];
  for (;;) {
    size_t count = 0;
    CHECK_OK(dog_engine_poll(storm->engine, events, 64, -1, &count));
    for (size_t index = 0; index < count; index++) {
      if (events[index].type == DOG_EVENT_STOPPED) return NULL;
      host_event(storm, &events[index]);
    }
  }
}

/* ---- threads that send without being asked ----------------------------------------------------------------------- */

typedef struct sending_thread {
  storm_t *storm;
  uint32_t number;
} sending_thread_t;

/* One of the senders that are this thread's alone: the Gateway, and the seats that it shares with no other thread. */
static inline actor_t draw_actor(storm_t *storm, uint32_t thread, dice_t *dice) {
  uint32_t of_thread = (storm->seat_count - thread + storm->plan.threads - 1) / storm->plan.threads;
  seat_t *seat = &storm->seats[of_thread == 0 ? 0 : thread + storm->plan.threads * dice_below(dice, of_thread)];
  uint32_t kind = of_thread == 0 ? OF_GATEWAY : dice_between(dice, OF_SOCKET, OF_GATEWAY);
  switch (kind) {
    case OF_GATEWAY: return (actor_t){storm, sender_number(kind, thread), seat->gateway};
    case OF_SHARD: return (actor_t){storm, sender_number(kind, seat->number), seat->shard};
    default: return (actor_t){storm, sender_number(kind, seat->number), seat->socket};
  }
}

static inline void *host_send(void *user) {
  const sending_thread_t *thread = user;
  storm_t *storm = thread->storm;
  dice_t dice = dice_of(storm->plan.seed, 1000 + thread->number);
  for (uint32_t call = 0; call < storm->plan.calls; call++) {
    const actor_t actor = draw_actor(storm, thread->number, &dice);
    if (storm_call(&actor, &dice) == DOG_EFULL || dice_chance(&dice, 10)) storm_pause(200);
  }
  return NULL;
}

#endif /* HOST_H */
