#define _POSIX_C_SOURCE 200809L

#include <dog.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As if from a disk, and to one. */
static void *load_state(void) { return strdup("the state of this room\n"); }
static dog_status_t save_state(const char *state) { return strlen(state) > 0 ? DOG_OK : DOG_EINVAL; }

@@

static dog_status_t identify(void *user, dog_gateway_t room, dog_request_t request) {
  (void)user, (void)room;
  return dog_request_identify(request, "ann", 3);
}

static dog_status_t receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user;
  void *state = NULL;
  dog_status_t status = dog_shard_data(shard, &state);
  if (status != DOG_OK || state == NULL) return DOG_ESTATE;
  return dog_request_respond(request, 200, NULL, 0, state, strlen(state));
}

static void onstop(void *user, dog_shard_t shard) {
  (void)user;
  void *state = NULL;
  if (dog_shard_data(shard, &state) == DOG_OK) free(state);
}

int main(void) {
  dog_gateway_class_t room;
  dog_status_t status = dog_gateway_class_init(&room, sizeof room);
  room.name = "Room", room.child = "Seats", room.limit = 100, room.identify = identify;
  dog_shard_class_t seats;
  if (!status) status = dog_shard_class_init(&seats, sizeof seats);
  seats.name = "Seats", seats.parent = "Room", seats.receive = receive;
  seats.onstart = onstart, seats.onstop = onstop, seats.start_later = 1;

  dog_engine_t *engine;
  if (!status) status = dog_engine_create(NULL, &engine);
  if (!status) status = dog_engine_define_gateway(engine, &room);
  if (!status) status = dog_engine_define_shard(engine, &seats);
  if (!status) status = dog_engine_route(engine, "/:room", "Room", NULL);
  if (!status) status = dog_engine_listen(engine, "127.0.0.1", 8787, NULL);
  if (!status) status = dog_engine_run(engine);
  fprintf(stderr, "%s\n", dog_status_text(status));
  return 1;
}
