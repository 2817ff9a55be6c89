/*
 * counter - everybody has a score, on any path; who you are is the query's u, or "anon".
 *
 *   from a client                      to clients
 *   {"type":"+1"}, {"type":"-1"}       to all: {"type":"score","uid":"ann","score":3}
 *   {"type":"refresh:leaderboard"}     to the asker: {"type":"leaderboard","list":[{"uid":"ann","score":3}, ...]}
 *   (a new connection)                 to the others on its Shard: ann has joined
 *   anything else                      to the sender: {"type":"error","text":"..."}
 *
 * A score belongs to a uid on one Shard. The leaderboard adds up those of all Shards: the asker's Shard gossips with
 * its siblings, at most once a minute, and keeps the outcome. Everything a Shard knows hangs on it by
 * dog_shard_set_data; its callbacks never run at the same time, so none of it is locked.
 */
#include "options.h"

#include <time.h>

#include "json.h"
#include "scores.h"

#define BOARD_PLACES 10
#define BOARD_AGE_MAX_MS 60000
#define REPLY_SCORES_MAX 1000 /* of one Shard's scores, the highest: 1,000 lines stay well below gossip_bytes_max */
#define SCORES_KEPT 1000      /* uids that a Shard remembers beyond those connected to it */

/* What hangs on a Shard. */
typedef struct room {
  scores_t scores;
  size_t scores_max;
  text_t scratch;        /* to write one message in */
  text_t board;          /* the leaderboard as it was last sent; empty until the first one is there */
  uint64_t board_ms;     /* when its siblings were last asked; 0: never */
  int is_gossiping;      /* true from the question until ongossiped; a client that asks meanwhile waits for the same
                          * answer */
} room_t;

/* What hangs on a socket. */
typedef struct member {
  score_t *score; /* owned by the room, which keeps it as long as score->sockets counts this one */
  int is_waiting; /* asked for the leaderboard and gets it from ongossiped */
} member_t;

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static room_t *room_of(dog_shard_t shard) {
  void *data = NULL;
  return dog_shard_data(shard, &data) == DOG_OK ? data : NULL;
}

static member_t *member_of(dog_socket_t socket) {
  void *data = NULL;
  return dog_socket_data(socket, &data) == DOG_OK ? data : NULL;
}

/* ---- the leaderboard --------------------------------------------------------------------------------------------- */

static void write_board(text_t *text, const scores_t *scores) {
  text_clear(text);
  text_add_literal(text, "{\"type\":\"leaderboard\",\"list\":[");
  const score_t **ranking = scores_ranking(scores);
  for (size_t place = 0; ranking != NULL && place < scores->count && place < BOARD_PLACES; place++) {
    text_add_literal(text, place == 0 ? "{\"uid\":" : ",{\"uid\":");
    text_add_json_string(text, ranking[place]->uid, ranking[place]->uid_length);
    text_add_literal(text, ",\"score\":");
    text_add_number(text, ranking[place]->points);
    text_add_literal(text, "}");
  }
  free(ranking);
  text_add_literal(text, "]}");
}

/* One Shard's scores for another: a line "<points> <uid>" each. A uid has no control characters, so no newline. */
static void write_reply(text_t *text, const scores_t *scores) {
  text_clear(text);
  const score_t **ranking = scores_ranking(scores);
  for (size_t place = 0; ranking != NULL && place < scores->count && place < REPLY_SCORES_MAX; place++) {
    text_add_number(text, ranking[place]->points);
    text_add(text, " ", 1);
    text_add(text, ranking[place]->uid, ranking[place]->uid_length);
    text_add(text, "\n", 1);
  }
  free(ranking);
}

static void merge(scores_t *scores, const char *uid, size_t length, int64_t points) {
  score_t *score = scores_get(scores, uid, length);
  if (score != NULL) score->points += points; /* out of memory: a board without this one is still a board */
}

/* The lines that write_reply wrote on another Shard. */
static void merge_reply(scores_t *scores, const char *reply, size_t length) {
  const char *end = reply + length;
  while (reply < end) {
    const char *newline = memchr(reply, '\n', (size_t)(end - reply));
    if (newline == NULL) return;
    char *space = NULL;
    int64_t points = strtoll(reply, &space, 10); /* stops at the space: a line begins with a digit or a minus sign */
    if (space < newline && *space == ' ') merge(scores, space + 1, (size_t)(newline - space - 1), points);
    reply = newline + 1;
  }
}

static void send_board(dog_socket_t socket, const room_t *room) {
  dog_socket_send(socket, DOG_TEXT, room->board.bytes, room->board.length);
}

/* All siblings have answered, or the time was up: the clients that wait get the answers that came. */
static void ongossiped(void *user, dog_shard_t shard, dog_status_t status,
                       const dog_gossip_result_t *results, size_t count) {
  (void)user;
  room_t *room = room_of(shard);
  if (status != DOG_OK || room == NULL) return; /* the Shard ends: no client waits any more */

  scores_t merged = {NULL, 0, 0};
  for (size_t index = 0; index < room->scores.count; index++) {
    const score_t *own = room->scores.entries[index];
    merge(&merged, own->uid, own->uid_length, own->points);
  }
  for (size_t index = 0; index < count; index++) {
    if (results[index].status == DOG_OK) merge_reply(&merged, results[index].data, results[index].length);
  }
  write_board(&room->board, &merged);
  scores_free(&merged);
  room->is_gossiping = 0;

  size_t sockets_count = 0;
  if (dog_shard_count(shard, &sockets_count) != DOG_OK || sockets_count == 0) return;
  dog_socket_t *sockets = malloc(sockets_count * sizeof *sockets);
  if (sockets == NULL) return;
  size_t capacity = sockets_count;
  if (dog_shard_sockets(shard, sockets, capacity, &sockets_count) != DOG_OK) sockets_count = 0;
  for (size_t index = 0; index < sockets_count && index < capacity; index++) {
    member_t *member = member_of(sockets[index]);
    if (member == NULL || !member->is_waiting) continue;
    member->is_waiting = 0;
    if (!room->board.failed) send_board(sockets[index], room);
  }
  free(sockets);
}

static dog_status_t refresh_board(room_t *room, dog_shard_t shard, dog_socket_t socket, member_t *member) {
  uint64_t now = now_ms();
  int is_fresh = room->board_ms != 0 && now - room->board_ms < BOARD_AGE_MAX_MS;
  if (!room->is_gossiping && is_fresh && !room->board.failed) {
    send_board(socket, room);
    return DOG_OK;
  }
  member->is_waiting = 1;
  if (room->is_gossiping) return DOG_OK;

  dog_status_t status = dog_shard_gossip(shard, "scores", 6, 0, ongossiped, NULL);
  if (status == DOG_OK) {
    room->is_gossiping = 1;
    room->board_ms = now;
  }
  return status;
}

static dog_status_t ongossip(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data, size_t length) {
  (void)user, (void)data, (void)length; /* there is only one question */
  room_t *room = room_of(shard);
  if (room == NULL) return DOG_ENOMEM;
  write_reply(&room->scratch, &room->scores);
  if (room->scratch.failed) return DOG_ENOMEM;
  return dog_gossip_reply(gossip, room->scratch.bytes, room->scratch.length);
}

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

static dog_status_t onopen(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user;
  room_t *room = room_of(shard);
  const char *uid = NULL;
  size_t length = 0;
  if (room == NULL) return DOG_ENOMEM;
  dog_status_t status = dog_socket_uid(socket, &uid, &length);
  if (status != DOG_OK) return status;

  member_t *member = calloc(1, sizeof *member);
  if (member == NULL) return DOG_ENOMEM;
  /* Finds one: of scores_max scores, fewer than that belong to somebody connected. */
  if (room->scores.count >= room->scores_max) scores_forget_lowest(&room->scores);
  member->score = scores_get(&room->scores, uid, length);
  if (member->score == NULL || dog_socket_set_data(socket, member) != DOG_OK) {
    free(member);
    return DOG_ENOMEM;
  }
  member->score->sockets++;

  text_t *text = &room->scratch;
  text_clear(text);
  text_add(text, uid, length);
  text_add_literal(text, " has joined");
  if (!text->failed) dog_socket_emit(socket, DOG_TEXT, 0, text->bytes, text->length);
  return DOG_OK;
}

static void onclose(void *user, dog_shard_t shard, dog_socket_t socket, uint16_t code, const char *reason,
                    size_t reason_length, int clean) {
  (void)user, (void)code, (void)reason, (void)reason_length, (void)clean;
  room_t *room = room_of(shard);
  member_t *member = member_of(socket);
  if (room == NULL || member == NULL) return; /* onopen had failed */
  score_t *score = member->score;
  free(member);
  score->sockets--;
  if (score->sockets == 0 && score->points == 0) {
    scores_remove(&room->scores, scores_position(&room->scores, score->uid, score->uid_length));
  }
}

static dog_status_t change(room_t *room, dog_socket_t socket, score_t *score, int points) {
  score->points += points;
  text_t *text = &room->scratch;
  text_clear(text);
  text_add_literal(text, "{\"type\":\"score\",\"uid\":");
  text_add_json_string(text, score->uid, score->uid_length);
  text_add_literal(text, ",\"score\":");
  text_add_number(text, score->points);
  text_add_literal(text, "}");
  if (text->failed) return DOG_ENOMEM;
  dog_socket_broadcast(socket, DOG_TEXT, DOG_TO_SELF, text->bytes, text->length);
  return DOG_OK;
}

static dog_status_t refuse(dog_socket_t socket) {
  static const char text[] = "{\"type\":\"error\",\"text\":\"not a JSON object with a type that is known here\"}";
  dog_socket_send(socket, DOG_TEXT, text, sizeof text - 1);
  return DOG_OK;
}

static dog_status_t onmessage(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind, const void *data,
                              size_t length) {
  (void)user;
  room_t *room = room_of(shard);
  member_t *member = member_of(socket);
  if (room == NULL || member == NULL) return DOG_ENOMEM;

  json_string_t type;
  if (kind != DOG_TEXT || !json_read_type(data, length, &type)) return refuse(socket);
  if (json_is(type, "+1")) return change(room, socket, member->score, 1);
  if (json_is(type, "-1")) return change(room, socket, member->score, -1);
  if (json_is(type, "refresh:leaderboard")) return refresh_board(room, shard, socket, member);
  return refuse(socket);
}

/* ---- requests and Shards ----------------------------------------------------------------------------------------- */

static dog_status_t on_fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  return dog_request_forward(request, "COUNTER", 7, "all", 3);
}

static dog_status_t identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  static const char nobody[] = "anon", refusal[] = "u is too long or has control characters\n";
  const char *uid = NULL;
  size_t length = 0;
  if (dog_request_query(request, "u", 1, &uid, &length) != DOG_OK || length == 0) {
    return dog_request_identify(request, nobody, sizeof nobody - 1);
  }
  int is_valid = length <= DOG_NAME_BYTES_MAX;
  for (size_t index = 0; is_valid && index < length; index++) {
    is_valid = (unsigned char)uid[index] >= 0x20 && uid[index] != 0x7f;
  }
  if (!is_valid) return dog_request_respond(request, 400, NULL, 0, refusal, sizeof refusal - 1);
  return dog_request_identify(request, uid, length); /* not UTF-8: the engine answers 400 */
}

static dog_status_t receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  dog_request_connect(request, NULL); /* if it is not a WebSocket handshake, it is answered now, with 426 for example */
  return DOG_OK;
}

static dog_status_t onstart(void *user, dog_shard_t shard) {
  const options_t *options = user;
  room_t *room = calloc(1, sizeof *room);
  if (room == NULL) return DOG_ENOMEM; /* the Shard ends, and no callback but onstop is called for it */
  room->scores_max = (size_t)options->limit + SCORES_KEPT;
  return dog_shard_set_data(shard, room);
}

static void onstop(void *user, dog_shard_t shard) {
  (void)user;
  room_t *room = room_of(shard);
  if (room == NULL) return;
  scores_free(&room->scores);
  free(room->scratch.bytes);
  free(room->board.bytes);
  free(room);
}

int main(int argc, char **argv) {
  options_t options = options_parse(argc, argv, "Counts for everybody, and ranks the counts of all Shards.", 100);
  dog_engine_t *engine = options_engine(&options);

  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.name = "COUNTER";
  gateway.child = "COUNTER_SHARD";
  gateway.limit = options.limit;
  gateway.identify = identify;
  must(dog_engine_define_gateway(engine, &gateway), "gateway");

  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.name = "COUNTER_SHARD";
  shard.parent = "COUNTER";
  shard.deflate = options.deflate;
  shard.user = &options; /* outlives the engine, and is not changed any more */
  shard.onstart = onstart;
  shard.receive = receive;
  shard.onopen = onopen;
  shard.onmessage = onmessage;
  shard.onclose = onclose;
  shard.ongossip = ongossip;
  shard.onstop = onstop;
  must(dog_engine_define_shard(engine, &shard), "shard");

  must(dog_engine_on_fetch(engine, on_fetch, NULL), "on_fetch");
  options_serve(engine, &options);
  return 0;
}
