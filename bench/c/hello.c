/* hello - a line of text for every GET, asked of the host twice, as any request is: who the client is, and what it
 * gets. So a request costs here what the engine costs, and little more. Tests/bench counts it. */
#include "../../examples/c/options.h"
#include "../../examples/c/requests.h"

static dog_status_t receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  static const char hello[] = "Hello, world!";
  return respond_text(request, 200, hello, sizeof hello - 1);
}

int main(int argc, char **argv) {
  options_t options = options_parse(argc, argv, "Answers every request with a line of text.", 100000);
  dog_engine_t *engine = options_engine(&options);

  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.name = gateway.child = "HELLO";
  gateway.limit = options.limit;
  gateway.identify = identify_by_remote;
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
