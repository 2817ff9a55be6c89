/*
 * exhibit.h - one engine with one worker, on which a handle of every kind is alive at the same moment: inside
 * ongossip of a Shard that holds a socket and a request not yet answered, while its sibling waits for the gossip.
 */
#ifndef EXHIBIT_H
#define EXHIBIT_H

#include "app.h"
#include "calls.h"

typedef struct exhibit {
  app_t app;
  uint64_t handles[HANDLE_KINDS]; /* all on the Shard that is asked */
  uint64_t asking_shard;
  uint64_t asking_socket;
  client_t *asked_client;
  client_t *request_client;
  client_t *asking_client;
  void (*show)(struct exhibit *exhibit); /* called once, inside ongossip */
  gate_t held;
  gate_t shown;
  gate_t closed;
  gate_t gossiped;
} exhibit_t;

static inline dog_status_t exhibit_receive(void *user, dog_shard_t shard, dog_request_t request) {
  exhibit_t *exhibit = user;
  if (app_wants_websocket(request)) return dog_request_connect(request, NULL);
  exhibit->handles[REQUEST] = request;
  exhibit->handles[SHARD] = shard;
  CHECK_OK(dog_shard_gateway(shard, &exhibit->handles[GATEWAY]));
  gate_pass(&exhibit->held);
  return DOG_OK;
}

static inline dog_status_t exhibit_onopen(void *user, dog_shard_t shard, dog_socket_t socket) {
  exhibit_t *exhibit = user;
  (void)shard;
  if (exhibit->handles[SOCKET] == 0) {
    exhibit->handles[SOCKET] = socket;
  } else {
    exhibit->asking_socket = socket;
  }
  return DOG_OK;
}

static inline void exhibit_gossiped(void *user, dog_shard_t shard, dog_status_t status,
                                    const dog_gossip_result_t *results, size_t count) {
  exhibit_t *exhibit = user;
  (void)shard;
  CHECK_OK(status);
  CHECK_NUMBER(count, 1);
  CHECK(results[0].status == DOG_OK || results[0].status == DOG_EHOST);
  gate_pass(&exhibit->gossiped);
}

static inline dog_status_t exhibit_onmessage(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind,
                                             const void *data, size_t length) {
  exhibit_t *exhibit = user;
  (void)socket, (void)kind;
  exhibit->asking_shard = shard;
  return dog_shard_gossip(shard, data, length, 0, exhibit_gossiped, exhibit);
}

static inline dog_status_t exhibit_ongossip(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data,
                                            size_t length) {
  exhibit_t *exhibit = user;
  (void)data, (void)length;
  CHECK(shard == exhibit->handles[SHARD]);
  exhibit->handles[GOSSIP] = gossip;
  exhibit->show(exhibit);
  CHECK_EITHER(dog_gossip_reply(gossip, "done", 4), DOG_OK, DOG_ESTALE);
  gate_pass(&exhibit->shown);
  return DOG_OK;
}

static inline void exhibit_onclose(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code,
                                   const char *reason, size_t reason_length, int clean) {
  exhibit_t *exhibit = user;
  (void)shard, (void)socket, (void)code, (void)reason, (void)reason_length, (void)clean;
  gate_pass(&exhibit->closed);
}

/* Runs `show`, waits until it has returned, and leaves the engine running. */
static inline exhibit_t *exhibit_open(void (*show)(exhibit_t *exhibit)) {
  exhibit_t *exhibit = calloc(1, sizeof *exhibit);
  CHECK(exhibit != NULL);
  const gate_t gate = GATE_INITIALIZER;
  exhibit->held = exhibit->shown = exhibit->closed = exhibit->gossiped = gate;
  exhibit->show = show;
  app_t *app = &exhibit->app;
  app_init(app);
  app->options.workers = 1;
  app->gateway.limit = 2;
  app->gateway.user = app->shard.user = exhibit;
  app->shard.receive = exhibit_receive;
  app->shard.onopen = exhibit_onopen;
  app->shard.onmessage = exhibit_onmessage;
  app->shard.ongossip = exhibit_ongossip;
  app->shard.onclose = exhibit_onclose;
  app_start(app);

  exhibit->asked_client = ws_open(app->port, "/room/ws?u=asked");
  exhibit->request_client = client_connect(app->port);
  client_say(exhibit->request_client,
             "GET /room?u=held HTTP/1.1\r\nHost: test\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
  gate_wait(&exhibit->held, 1);
  exhibit->asking_client = ws_open(app->port, "/room/ws?u=asking");
  ws_say(exhibit->asking_client, "question");
  gate_wait(&exhibit->shown, 1);
  gate_wait(&exhibit->gossiped, 1);
  for (int kind = 0; kind < HANDLE_KINDS; kind++) CHECK(exhibit->handles[kind] != 0);
  return exhibit;
}

static inline void exhibit_close(exhibit_t *exhibit) {
  client_free(exhibit->asked_client);
  client_free(exhibit->request_client);
  client_free(exhibit->asking_client);
  app_end(&exhibit->app);
  free(exhibit);
}

#endif /* EXHIBIT_H */
