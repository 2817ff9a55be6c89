/*
 * echo - every message goes back to its sender, as the kind that it came as, on any path. Over plain HTTP the body of
 * the request comes back, whatever the method.
 *
 *   echo --port 8787 &
 *   curl -d 'hello' http://127.0.0.1:8787/anything
 */
#include "options.h"
#include "requests.h"

/*
 * A Shard lives on one worker, and a Gateway makes a second one only when the first is full. The clients of echo do not
 * talk to one another, so they need not be in one cluster. This program spreads connections over this many Gateways,
 * and with them over all workers.
 */
#define LANE_BITS 6

/* There are no routes: every request comes here first, and goes on to the Gateway of its lane. */
static dog_status_t on_fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  const char *remote = NULL;
  size_t length = 0;
  dog_status_t status = dog_request_remote(request, &remote, &length);
  if (status != DOG_OK) return status;

  /* The client's port, after the last colon of "127.0.0.1:51234", tells connections apart. */
  uint32_t port = 0, unit = 1;
  while (length > 0 && remote[length - 1] >= '0' && remote[length - 1] <= '9' && unit <= 10000) {
    port += unit * (uint32_t)(remote[--length] - '0');
    unit *= 10;
  }
  /* Kernels give out ports in steps of two; the multiplication (Knuth's) spreads them evenly all the same. */
  uint32_t lane = (port * 2654435761u) >> (32 - LANE_BITS);
  char name[16];
  int name_length = snprintf(name, sizeof name, "lane-%u", (unsigned)lane);
  return dog_request_forward(request, "ECHO", 4, name, (size_t)name_length);
}

static dog_status_t receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  if (wants_websocket(request)) {
    dog_request_connect(request, NULL); /* a handshake that is not valid is answered now */
    return DOG_OK;
  }

  const void *body = NULL;
  size_t length = 0;
  dog_status_t status = dog_request_body(request, &body, &length);
  if (status != DOG_OK) return status;

  static const char name[] = "content-type", fallback[] = "application/octet-stream";
  dog_header_t type = {name, sizeof name - 1, fallback, sizeof fallback - 1};
  if (dog_request_header(request, name, sizeof name - 1, &type.value, &type.value_length) != DOG_OK) {
    type.value = fallback;
    type.value_length = sizeof fallback - 1;
  }
  return dog_request_respond(request, 200, &type, 1, body, length);
}

static dog_status_t onmessage(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind, const void *data,
                              size_t length) {
  (void)user, (void)shard;
  /* The status of send is not needed here: the engine closes a socket that does not keep up or is gone. */
  dog_socket_send(socket, kind, data, length);
  return DOG_OK;
}

int main(int argc, char **argv) {
  options_t options = options_parse(argc, argv, "Sends every message and every HTTP body back.", 100000);
  dog_engine_t *engine = options_engine(&options);

  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.name = "ECHO";
  gateway.child = "ECHO";
  gateway.limit = options.limit;
  gateway.sticky_seconds = 0; /* an address with its port does not come back: no uid is worth remembering */
  gateway.identify = identify_by_remote;
  must(dog_engine_define_gateway(engine, &gateway), "gateway");

  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.name = "ECHO";
  shard.parent = "ECHO";
  shard.deflate = options.deflate;
  shard.receive = receive;
  shard.onmessage = onmessage;
  must(dog_engine_define_shard(engine, &shard), "shard");

  must(dog_engine_on_fetch(engine, on_fetch, NULL), "on_fetch");
  options_serve(engine, &options);
  return 0;
}
