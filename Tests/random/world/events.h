/*
 * events.h - a host that fetches its events, on a thread of its own.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include "host.h"

enum { EVENTS_AT_ONCE = 32 };

static inline void host_event(actor_t *actor, const dog_event_t *event) {
  world_t *world = actor->world;
  look(actor, DOG_OK, event->data, event->length);
  switch (event->type) {
    case DOG_EVENT_FETCH: host_fetch(actor, event->request); break;
    case DOG_EVENT_IDENTIFY: host_identify(actor, event->gateway, event->request); break;
    case DOG_EVENT_CLUSTERIZE: host_clusterize(actor, event->gateway, event->request); break;
    case DOG_EVENT_RECEIVE: host_receive(actor, event->shard, event->request); break;
    case DOG_EVENT_GOSSIP: host_gossip(actor, event->shard, event->gossip); break;
    case DOG_EVENT_START: host_start(actor, event->shard); break;
    case DOG_EVENT_STOP: host_stop(actor, event->shard); break;
    case DOG_EVENT_OPEN: host_open(actor, event->shard, event->socket); break;
    case DOG_EVENT_MESSAGE: host_message(actor, event->socket, event->kind, event->data, event->length); break;
    case DOG_EVENT_CLOSE: host_close(actor, event->socket, event->code, event->data, event->length); break;
    case DOG_EVENT_ERROR: host_error(actor, event->socket, event->status); break;
    case DOG_EVENT_DRAIN: host_drain(actor, event->socket); break;
    case DOG_EVENT_WHISPERED: op_whispered(event->user, event->status, event->count); break;
    case DOG_EVENT_GOSSIPED:
      op_gossiped(event->user, event->shard, event->status, event->results, event->count);
      break;
    case DOG_EVENT_CALL: op_called(event->user, event->shard, event->status); break;
    case DOG_EVENT_WRITABLE: note(actor, REQUEST, event->request); break;
    case DOG_EVENT_ENDED:
      if (event->user != NULL) op_ended(event->user, event->request, event->status);
      break;
    case DOG_EVENT_LOG: on_log(world, (dog_log_level_t)event->code, event->data, event->length); break;
    case DOG_EVENT_RETIRE: host_retire(actor, event->gateway); break;
    case DOG_EVENT_STOPPED: world->has_drained = 1; break;
    default: FAIL("an event of type %d", (int)event->type);
  }
}

/* Fetches events until there are no more, or the engine is gone. At times it is late. */
static inline void *host_poll(void *user) {
  world_t *world = user;
  actor_t actor = actor_inside(world);
  dog_event_t events[EVENTS_AT_ONCE];
  while (!world->has_drained) {
    size_t count = 0, capacity = dice_between(actor.dice, 1, EVENTS_AT_ONCE);
    int32_t timeout_ms = (int32_t)DICE_ONE_OF(actor.dice, 0, 1, 20) - (dice_chance(actor.dice, 10) ? 1 : 0);
    dog_status_t status = dog_engine_poll(world->engine, events, capacity, timeout_ms < -1 ? -1 : timeout_ms, &count);
    if (status == DOG_ESTALE && world->is_stopping) break;
    if (status != DOG_OK) FAIL("dog_engine_poll: %s", dog_status_name(status));
    for (size_t index = 0; index < count; index++) host_event(&actor, &events[index]);
    if (dice_chance(actor.dice, 1)) pause_ms(dice_below(actor.dice, 50));
    if (world->ending == END_INSIDE && count > 0 && dice_chance(actor.dice, 1)) {
      world->is_stopping = 1;
      CHECK_EITHER(dog_engine_stop(world->engine, 20), DOG_OK, DOG_ESTALE);
    }
  }
  return NULL;
}

#endif /* EVENTS_H */
