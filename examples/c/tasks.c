/*
 * tasks - a room for each task, named by the path.
 *
 *   /tasks/<name>     who you are, which Shard you were placed on, how many sockets are open there
 *   /tasks/<name>/ws  a WebSocket; what it sends goes to all others in the room
 *   /tasks            404, no name at all
 *   /tasks/           400, an empty name
 *
 * Who somebody is comes from the Authorization header's credentials, else from the client's address, else it is
 * "anon". The credentials are taken at their word: a real program would verify a token here, perhaps later and on
 * another thread.
 */
#include "options.h"
#include "requests.h"

static const char route_prefix[] = "/tasks/";

static dog_status_t respond(dog_request_t request, int status, const char *text) {
  return respond_text(request, status, text, strlen(text));
}

/* Requests that match no route: among them the paths that should have had a name. */
static dog_status_t on_fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  const char *path = NULL;
  size_t length = 0;
  dog_status_t status = dog_request_path(request, &path, &length);
  if (status != DOG_OK) return status;
  if (length >= sizeof route_prefix - 1 && memcmp(path, route_prefix, sizeof route_prefix - 1) == 0) {
    return respond(request, 400, "the name of a task is missing, or not valid\n");
  }
  return respond(request, 404, "not found\n");
}

/* "Bearer abc" without its scheme, which is "abc". Zero if there are no credentials. */
static size_t find_credentials(dog_request_t request, const char **credentials) {
  const char *value = NULL;
  size_t length = 0;
  if (dog_request_header(request, "authorization", 13, &value, &length) != DOG_OK) return 0;
  const char *start = memchr(value, ' ', length);
  if (start == NULL) return 0;
  const char *end = value + length;
  while (start < end && *start == ' ') start++;
  while (end > start && end[-1] == ' ') end--;
  *credentials = start;
  return (size_t)(end - start);
}

/* "127.0.0.1:51234" without the port; "[::1]:51234" without the brackets too. Zero if there is no address. */
static size_t find_address(dog_request_t request, const char **address) {
  size_t length = 0;
  if (dog_request_remote(request, address, &length) != DOG_OK) return 0;
  while (length > 0 && (*address)[length - 1] != ':') length--;
  if (length > 0) length--;
  if (length >= 2 && (*address)[0] == '[' && (*address)[length - 1] == ']') {
    (*address)++;
    length -= 2;
  }
  return length;
}

static dog_status_t identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  const char *uid = NULL;
  size_t length = find_credentials(request, &uid);
  if (length > 0) {
    /* Credentials are ASCII (RFC 9110, section 11.4). Other bytes are the client's mistake, and this answer says which.
     * */
    int is_valid = length <= DOG_NAME_BYTES_MAX;
    for (size_t index = 0; is_valid && index < length; index++) is_valid = uid[index] >= 0x20 && uid[index] < 0x7f;
    if (!is_valid) return respond(request, 400, "the credentials are too long or not ASCII\n");
    return dog_request_identify(request, uid, length);
  }
  length = find_address(request, &uid);
  if (length > 0) return dog_request_identify(request, uid, length);
  return dog_request_identify(request, "anon", 4);
}

/* What follows the name in "/tasks/<name>/ws": "/ws". */
static size_t find_rest(dog_request_t request, const char **rest) {
  const char *path = NULL;
  size_t length = 0;
  if (dog_request_path(request, &path, &length) != DOG_OK || length < sizeof route_prefix - 1) return 0;
  const char *name = path + sizeof route_prefix - 1;
  size_t left = length - (sizeof route_prefix - 1);
  *rest = memchr(name, '/', left);
  return *rest == NULL ? 0 : (size_t)(path + length - *rest);
}

static dog_status_t receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user;
  const char *rest = NULL;
  size_t length = find_rest(request, &rest);
  if (length == 3 && memcmp(rest, "/ws", 3) == 0) {
    dog_request_connect(request, NULL); /* a handshake that is not valid is answered now */
    return DOG_OK;
  }
  if (length != 0) return respond(request, 404, "not found\n");

  const char *uid = NULL, *id = NULL;
  size_t uid_length = 0, id_length = 0, count = 0;
  dog_status_t status = dog_request_uid(request, &uid, &uid_length);
  if (status == DOG_OK) status = dog_shard_id(shard, &id, &id_length);
  if (status == DOG_OK) status = dog_shard_count(shard, &count);
  if (status != DOG_OK) return status; /* the client gets 500 */

  char text[2 * DOG_NAME_BYTES_MAX + 64];
  int text_length = snprintf(text, sizeof text, "uid: %.*s\nshard: %.*s\nsockets: %zu\n", (int)uid_length, uid,
                             (int)id_length, id, count);
  return respond_text(request, 200, text, (size_t)text_length);
}

static dog_status_t onmessage(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind, const void *data,
                              size_t length) {
  (void)user, (void)shard;
  dog_socket_broadcast(socket, kind, 0, data, length);
  return DOG_OK;
}

int main(int argc, char **argv) {
  options_t options = options_parse(argc, argv, "A room for each task: /tasks/<name> and /tasks/<name>/ws.", 50);
  dog_engine_t *engine = options_engine(&options);

  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.name = "TASK";
  gateway.child = "TASK_SHARD";
  gateway.limit = options.limit;
  gateway.identify = identify;
  must(dog_engine_define_gateway(engine, &gateway), "gateway");

  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.name = "TASK_SHARD";
  shard.parent = "TASK";
  shard.deflate = options.deflate;
  shard.receive = receive;
  shard.onmessage = onmessage;
  must(dog_engine_define_shard(engine, &shard), "shard");

  must(dog_engine_route(engine, "/tasks/:name", "TASK", NULL), "route");
  must(dog_engine_on_fetch(engine, on_fetch, NULL), "on_fetch");
  options_serve(engine, &options);
  return 0;
}
