/* hello - a line of text for every request, which the host is asked about twice, as about any: who the client is, and
 * what it gets. So a request costs here what the engine costs, and no more. Tests/bench counts it. */
#include "../../examples/c/options.h"

static dog_status_t identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  return dog_request_identify(request, "all", 3);
}

static dog_status_t receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  static const char hello[] = "Hello, world!";
  return dog_request_respond(request, 200, NULL, 0, hello, sizeof hello - 1);
}

int main(int argc, char **argv) {
  options_t options = options_parse(argc, argv, "Answers every request with a line of text.", 100000);
  dog_engine_t *engine = options_engine(&options);

  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.name = gateway.child = "HELLO";
  gateway.limit = options.limit;
  gateway.identify = identify;
  must(dog_engine_define_gateway(engine, &gateway), "gateway");

  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.name = shard.parent = "HELLO";
  shard.receive = receive;
  must(dog_engine_define_shard(engine, &shard), "shard");

  must(dog_engine_route(engine, "/", "HELLO", "all"), "route");
  options_serve(engine, &options);
  return 0;
}
