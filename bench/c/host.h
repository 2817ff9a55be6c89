/* host.h - what the hosts of the bench that take events share: an engine of one worker that listens on the port of the
 * command line, one Gateway with one Shard for everybody, and the loop. They differ in what they do with a message. */
#ifndef HOST_H
#define HOST_H

#include <dog.h>
#include <stdio.h>
#include <stdlib.h>

#define HOST_EVENTS_AT_ONCE 256

/* What a bench cannot go on without. */
static inline void must(dog_status_t status, const char *what) {
  if (status == DOG_OK) return;
  fprintf(stderr, "%s: %s\n", what, dog_status_text(status));
  exit(1);
}

static inline dog_engine_t *host_start(int argc, char **argv) {
  dog_options_t options;
  must(dog_options_init(&options, sizeof options), "options");
  options.workers = 1;
  options.delivery = DOG_DELIVERY_EVENTS;
  dog_engine_t *engine = NULL;
  must(dog_engine_create(&options, &engine), "engine");

  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.name = gateway.child = "Bench";
  gateway.limit = 100000;
  must(dog_engine_define_gateway(engine, &gateway), "gateway");
  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.name = shard.parent = "Bench";
  must(dog_engine_define_shard(engine, &shard), "shard");
  must(dog_engine_route(engine, "/", "Bench", "all"), "route");

  uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 0);
  must(dog_engine_listen(engine, NULL, port, &port), "listen");
  must(dog_engine_start(engine), "start");
  printf("listening on %u\n", (unsigned)port);
  fflush(stdout);
  return engine;
}

/* Serves until the process is ended. */
static inline void host_run(dog_engine_t *engine, void (*on_message)(const dog_event_t *event)) {
  static dog_event_t events[HOST_EVENTS_AT_ONCE];
  for (;;) {
    size_t count = 0;
    must(dog_engine_poll(engine, events, HOST_EVENTS_AT_ONCE, -1, &count), "poll");
    for (size_t index = 0; index < count; index++) {
      const dog_event_t *event = &events[index];
      if (event->type == DOG_EVENT_MESSAGE) {
        on_message(event);
      } else if (event->type == DOG_EVENT_IDENTIFY) {
        dog_request_identify(event->request, "all", 3);
      } else if (event->type == DOG_EVENT_RECEIVE) {
        dog_request_connect(event->request, NULL);
      }
    }
  }
}

#endif /* HOST_H */
