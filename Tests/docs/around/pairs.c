#include <dog.h>
#include <stdio.h>

@@

static dog_status_t receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  dog_status_t status = dog_request_connect(request, NULL);
  return status == DOG_EUPGRADE ? DOG_OK : status;
}

static dog_status_t onmessage(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind, const void *data,
                              size_t length) {
  (void)user, (void)shard;
  return dog_socket_emit(socket, kind, 0, data, length);
}

int main(void) {
  dog_gateway_class_t room;
  dog_gateway_class_init(&room, sizeof room);
  room.name = "Room", room.child = "Seats";
  set_up(&room);
  dog_shard_class_t seats;
  dog_shard_class_init(&seats, sizeof seats);
  seats.name = "Seats", seats.parent = "Room", seats.receive = receive, seats.onmessage = onmessage;
  dog_engine_t *engine;
  dog_status_t status = dog_engine_create(NULL, &engine);
  if (!status) status = dog_engine_define_gateway(engine, &room);
  if (!status) status = dog_engine_define_shard(engine, &seats);
  if (!status) status = dog_engine_route(engine, "/rooms/:name", "Room", NULL);
  if (!status) status = dog_engine_listen(engine, "127.0.0.1", 8787, NULL);
  if (!status) status = dog_engine_run(engine);
  fprintf(stderr, "%s\n", dog_status_text(status));
  return 1;
}
