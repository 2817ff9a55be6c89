/*
 * making.h - an engine with options, classes and listeners drawn from its world's seed.
 */
#ifndef MAKING_H
#define MAKING_H

#include "callbacks.h"
#include "events.h"

/* Short deadlines, so that each of them ends something; small limits, so that each of them is met. */
static inline void draw_options(world_t *world, dice_t *dice, dog_options_t *options) {
  CHECK_OK(dog_options_init(options, sizeof *options));
  options->workers = dice_between(dice, 1, 4);
  options->log_level = (dog_log_level_t)dice_between(dice, DOG_LOG_ERROR, DOG_LOG_DEBUG);
  options->delivery = world->delivery;
  if (world->delivery == DOG_DELIVERY_CALLBACKS || dice_chance(dice, 50)) {
    options->log = on_log;
    options->log_user = world;
  }
  options->connections_max = DICE_ONE_OF(dice, 1000000, 1000000, 10);
  options->gateways_max = DICE_ONE_OF(dice, 100000, 3);
  options->shards_max = DICE_ONE_OF(dice, 100000, 2);
  options->shards_total_max = DICE_ONE_OF(dice, 1000000, 4);
  options->uids_max = DICE_ONE_OF(dice, 1000000, 5);
  options->mailbox_bytes_max = DICE_ONE_OF(dice, 67108864, 67108864, 20000);
  options->body_bytes_max = DICE_ONE_OF(dice, 1048576, 3000);
  options->message_bytes_max = DICE_ONE_OF(dice, 1048576, 5000);
  options->outbox_bytes_max = DICE_ONE_OF(dice, 4194304, 200000, 10000);
  options->outbox_policy = dice_between(dice, DOG_OUTBOX_CLOSE, DOG_OUTBOX_DROP_OLDEST);
  options->gossip_bytes_max = DICE_ONE_OF(dice, 1048576, 3000);
  options->gossips_max = DICE_ONE_OF(dice, 1024, 2);
  options->header_timeout_ms = DICE_ONE_OF(dice, 10000, 300);
  options->body_timeout_ms = DICE_ONE_OF(dice, 2000, 300);
  options->body_total_timeout_ms = DICE_ONE_OF(dice, 300000, 500);
  options->send_total_timeout_ms = DICE_ONE_OF(dice, 600000, 500);
  options->message_timeout_ms = DICE_ONE_OF(dice, 60000, 300);
  options->unfinished_bytes_max = DICE_ONE_OF(dice, 67108864, 1024, 10000);
  options->timers_max = DICE_ONE_OF(dice, 1024, 3);
  options->keepalive_timeout_ms = DICE_ONE_OF(dice, 60000, 300);
  options->identify_timeout_ms = DICE_ONE_OF(dice, 1000, 200);
  options->start_timeout_ms = DICE_ONE_OF(dice, 1000, 200);
  options->receive_timeout_ms = DICE_ONE_OF(dice, 1000, 200);
  options->ping_interval_ms = DICE_ONE_OF(dice, 0, 30000, 200);
  options->ping_timeout_ms = DICE_ONE_OF(dice, 2000, 200);
  options->close_timeout_ms = DICE_ONE_OF(dice, 1000, 200);
  options->frame_bytes_max = DICE_ONE_OF(dice, 0, 2000);
  options->handshake_timeout_ms = DICE_ONE_OF(dice, 2000, 300);
  options->idle_timeout_ms = DICE_ONE_OF(dice, 0, 0, 300);
  options->gossip_timeout_ms = DICE_ONE_OF(dice, 1000, 100);
  options->connections_per_address_max = DICE_ONE_OF(dice, 0, 0, 0, 5);
  options->message_rate_max = DICE_ONE_OF(dice, 0, 0, 20);
  options->byte_rate_max = DICE_ONE_OF(dice, 0, 0, 20000);
  options->rate_policy = dice_between(dice, DOG_RATE_CLOSE, DOG_RATE_DROP);
  options->trusted_proxies = dice_chance(dice, 30) ? "10.0.0.0/8, 127.0.0.1, unix" : NULL;
  options->events_max = DICE_ONE_OF(dice, 65536, 10);
  options->event_bytes_max = DICE_ONE_OF(dice, 16777216, 20000);
}

static inline void define_gateway(world_t *world, dice_t *dice) {
  dog_gateway_class_t gateway;
  CHECK_OK(dog_gateway_class_init(&gateway, sizeof gateway));
  gateway.name = "ROOM";
  gateway.child = "SEATS";
  gateway.user = world;
  gateway.limit = DICE_ONE_OF(dice, 1, 2, 3, 100);
  gateway.sticky_seconds = DICE_ONE_OF(dice, 300, 0, 1);
  gateway.sticky_max = DICE_ONE_OF(dice, 65536, 3);
  gateway.idle_seconds = DICE_ONE_OF(dice, 0, 0, 1, 60);
  gateway.connections_max = DICE_ONE_OF(dice, 0, 0, 10);
  gateway.placement = dice_between(dice, DOG_PLACE_LEAST_UTILISED, DOG_PLACE_FULLEST);
  int names_shards = dice_chance(dice, 40);
  if (world->delivery == DOG_DELIVERY_EVENTS) {
    gateway.clusterize_events = (uint32_t)names_shards;
  } else {
    gateway.identify = on_identify;
    gateway.clusterize = names_shards ? on_clusterize : NULL;
    gateway.onretire = on_retire;
  }
  CHECK_OK(dog_engine_define_gateway(world->engine, &gateway));
}

static inline void define_shard(world_t *world, dice_t *dice) {
  static const char *const origins[] = {"https://example.com", "null"};
  dog_shard_class_t shard;
  CHECK_OK(dog_shard_class_init(&shard, sizeof shard));
  shard.name = "SEATS";
  shard.parent = "ROOM";
  shard.user = world;
  if (dice_chance(dice, 20)) shard.origins = origins, shard.origin_count = 2;
  shard.deflate = dice_chance(dice, 70);
  shard.deflate_level = DICE_ONE_OF(dice, 1, 1, 6);
  shard.deflate_window_bits = dice_between(dice, 9, 15);
  shard.deflate_client_window_bits = dice_between(dice, 8, 15);
  shard.deflate_client_context = dice_chance(dice, 50);
  shard.deflate_bytes_min = DICE_ONE_OF(dice, 64, 0, 1000);
  world->starts_later = dice_chance(dice, 30);
  shard.start_later = (uint32_t)world->starts_later;
  int answers_gossip = dice_chance(dice, 80);
  if (world->delivery == DOG_DELIVERY_EVENTS) {
    shard.gossip_events = (uint32_t)answers_gossip;
  } else {
    shard.onstart = on_start;
    shard.receive = on_receive;
    shard.onopen = on_open;
    shard.onmessage = on_message;
    shard.onclose = on_close;
    shard.onerror = on_error;
    shard.ondrain = on_drain;
    shard.ongossip = answers_gossip ? on_gossip : NULL;
    shard.onstop = on_stop;
  }
  CHECK_OK(dog_engine_define_shard(world->engine, &shard));
}

/* One more address, not yet open. */
static inline void listen_on(world_t *world, place_t *place, int is_tls, const char *path) {
  dog_listen_options_t options;
  const dog_certificate_t certificate = {world->certificate, world->key};
  CHECK_OK(dog_listen_options_init(&options, sizeof options));
  options.path = path;
  if (is_tls) options.certificates = &certificate, options.certificate_count = 1;
  memset(&place->address, 0, sizeof place->address);
  place->address.is_tls = is_tls;
  if (path != NULL) strcpy(place->address.path, path);
  CHECK_OK(dog_engine_listen_with(world->engine, &options, &place->address.port));
  place_t **next = world->places;
  while (*next != NULL) next++;
  *next = place;
}

static inline void make_engine(world_t *world, shared_t *shared) {
  dice_t dice = dice_of(world->seed, 10);
  dog_options_t options;
  draw_options(world, &dice, &options);
  CHECK_OK(dog_engine_create(&options, &world->engine));
  define_gateway(world, &dice);
  define_shard(world, &dice);
  CHECK_OK(dog_engine_route(world->engine, "/room/:name", "ROOM", NULL));
  CHECK_OK(dog_engine_route(world->engine, "/lobby", "ROOM", "r0"));
  if (dice_chance(&dice, 80)) {
    dog_fetch_fn fetch = world->delivery == DOG_DELIVERY_CALLBACKS ? on_fetch : NULL;
    CHECK_OK(dog_engine_on_fetch(world->engine, fetch, world));
  }
  place_t *places = &shared->places[world->number * 3];
  listen_on(world, &places[0], 0, NULL);
  if (dice_chance(&dice, 50)) listen_on(world, &places[1], dice_chance(&dice, 30), world->path);
  if (dice_chance(&dice, 50)) listen_on(world, &places[2], 1, NULL);
}

static inline void open_places(world_t *world, int is_open) {
  for (place_t **place = world->places; *place != NULL; place++) (*place)->is_open = is_open;
}

#endif /* MAKING_H */
