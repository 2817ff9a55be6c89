/* echo_events PORT - every message goes back to its sender, by a host that takes events: one thread of its own beside
 * the engine's one worker. Prints `listening on PORT`. */
#include <dog.h>
#include <stdio.h>
#include <stdlib.h>

static void must(dog_status_t status, const char *what) {
  if (status == DOG_OK) return;
  fprintf(stderr, "%s: %s\n", what, dog_status_text(status));
  exit(1);
}

int main(int argc, char **argv) {
  dog_options_t options;
  must(dog_options_init(&options, sizeof options), "options");
  options.workers = 1;
  options.delivery = DOG_DELIVERY_EVENTS;
  dog_engine_t *engine;
  must(dog_engine_create(&options, &engine), "engine");
  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.name = gateway.child = "Echo";
  gateway.limit = 100000;
  must(dog_engine_define_gateway(engine, &gateway), "gateway");
  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.name = shard.parent = "Echo";
  must(dog_engine_define_shard(engine, &shard), "shard");
  must(dog_engine_route(engine, "/", "Echo", "all"), "route");
  uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 0);
  must(dog_engine_listen(engine, NULL, port, &port), "listen");
  must(dog_engine_start(engine), "start");
  printf("listening on %u\n", port);
  fflush(stdout);

  static dog_event_t events[256];
  for (;;) {
    size_t count = 0;
    must(dog_engine_poll(engine, events, 256, -1, &count), "poll");
    for (size_t index = 0; index < count; index++) {
      const dog_event_t *event = &events[index];
      if (event->type == DOG_EVENT_MESSAGE) {
        dog_socket_send(event->socket, event->kind, event->data, event->length);
      } else if (event->type == DOG_EVENT_IDENTIFY) {
        dog_request_identify(event->request, "all", 3);
      } else if (event->type == DOG_EVENT_RECEIVE) {
        dog_request_connect(event->request, NULL);
      }
    }
  }
}
