/*
 * fanout - one big room on any path: every message goes to everybody in it, its sender included, as the kind that it
 * came as.
 */
#include "options.h"
#include "requests.h"

/* For every path there is the same Gateway, and so one cluster. */
static dog_status_t on_fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  return dog_request_forward(request, "FANOUT", 6, "all", 3);
}

static dog_status_t receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  dog_request_connect(request, NULL); /* if it is not a WebSocket handshake, it is answered now, with 426 for example */
  return DOG_OK;
}

static dog_status_t onmessage(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind, const void *data,
                              size_t length) {
  (void)user, (void)shard;
  dog_socket_broadcast(socket, kind, DOG_TO_SELF, data, length);
  return DOG_OK;
}

int main(int argc, char **argv) {
  /*
   * Each Shard lives on one worker, so the limit spreads a room. If it is too high, one worker serves everybody. If it
   * is too low, there are more Shards than workers without any use. With 250, a thousand people keep four workers busy.
   */
  options_t options = options_parse(argc, argv, "Sends every message to everybody.", 250);
  dog_engine_t *engine = options_engine(&options);

  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.name = "FANOUT";
  gateway.child = "FANOUT";
  gateway.limit = options.limit;
  gateway.sticky_seconds = 0; /* an address with its port does not come back: no uid is worth remembering */
  gateway.identify = identify_by_remote;
  must(dog_engine_define_gateway(engine, &gateway), "gateway");

  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.name = "FANOUT";
  shard.parent = "FANOUT";
  shard.deflate = options.deflate;
  shard.receive = receive;
  shard.onmessage = onmessage;
  must(dog_engine_define_shard(engine, &shard), "shard");

  must(dog_engine_on_fetch(engine, on_fetch, NULL), "on_fetch");
  options_serve(engine, &options);
  return 0;
}
