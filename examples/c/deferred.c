/*
 * deferred - every question is answered later, and from another thread.
 *
 *   /<room>     after a while: who you are, as the thread has found out
 *   /<room>/ws  a WebSocket, upgraded by the thread; the message "ask" gossips, and the answers come back as one
 *
 * A callback must not block: its worker serves many others. So what takes time (a database, another service; here, a
 * nap) is done elsewhere. What a callback needs for that it copies, since all it is given ends when it returns; the
 * handle alone lives on until it is answered, and may be answered from anywhere.
 */
#include "options.h"

#include <pthread.h>
#include <time.h>

#include "requests.h"

#define DELAY_MS 50
#define JOBS_MAX 4096
#define JOB_BYTES_MAX (2 * DOG_NAME_BYTES_MAX + 64)

typedef enum job_kind { JOB_IDENTIFY, JOB_RESPOND, JOB_CONNECT, JOB_REPLY } job_kind_t;

/* One answer to give: everything that the thread needs, by value. */
typedef struct job {
  job_kind_t kind;
  uint64_t handle; /* a dog_request_t, or for JOB_REPLY a dog_gossip_t */
  uint64_t due_ms;
  size_t length;
  char bytes[JOB_BYTES_MAX];
} job_t;

/* Jobs in the order they came, which is the order they fall due in. `lock` guards all below it. */
typedef struct queue {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t first;
  size_t count;
  int is_stopping; /* no more jobs come; the thread ends when it has done the rest */
  job_t jobs[JOBS_MAX];
} queue_t;

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void sleep_until(uint64_t due_ms) {
  uint64_t now = now_ms();
  if (due_ms <= now) return;
  uint64_t left = due_ms - now;
  struct timespec nap = {(time_t)(left / 1000), (long)(left % 1000) * 1000000};
  nanosleep(&nap, NULL);
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static void answer(const job_t *job) {
  dog_status_t status = DOG_OK;
  switch (job->kind) {
    case JOB_IDENTIFY: status = dog_request_identify(job->handle, job->bytes, job->length); break;
    case JOB_RESPOND: status = respond_text(job->handle, 200, job->bytes, job->length); break;
    case JOB_CONNECT: status = dog_request_connect(job->handle, NULL); break;
    case JOB_REPLY: status = dog_gossip_reply(job->handle, job->bytes, job->length); break;
  }
  /* This is no fault: the client has left meanwhile, or its handshake was not valid and the engine answered it. */
  if (status == DOG_ESTALE || status == DOG_EUPGRADE) return;
  if (status != DOG_OK) fprintf(stderr, "a late answer: %s\n", dog_status_text(status));
}

static void *run(void *argument) {
  queue_t *queue = argument;
  pthread_mutex_lock(&queue->lock);
  for (;;) {
    while (queue->count == 0 && !queue->is_stopping) pthread_cond_wait(&queue->changed, &queue->lock);
    if (queue->count == 0) break;
    job_t job = queue->jobs[queue->first];
    queue->first = (queue->first + 1) % JOBS_MAX;
    queue->count--;

    pthread_mutex_unlock(&queue->lock);
    sleep_until(job.due_ms);
    answer(&job);
    pthread_mutex_lock(&queue->lock);
  }
  pthread_mutex_unlock(&queue->lock);
  return NULL;
}

static queue_t *queue_create(void) {
  queue_t *queue = calloc(1, sizeof *queue);
  if (queue == NULL || pthread_mutex_init(&queue->lock, NULL) != 0 || pthread_cond_init(&queue->changed, NULL) != 0 ||
      pthread_create(&queue->thread, NULL, run, queue) != 0) {
    fprintf(stderr, "no thread\n");
    exit(1);
  }
  return queue;
}

static void queue_destroy(queue_t *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->is_stopping = 1;
  pthread_cond_signal(&queue->changed);
  pthread_mutex_unlock(&queue->lock);
  pthread_join(queue->thread, NULL);
  pthread_cond_destroy(&queue->changed);
  pthread_mutex_destroy(&queue->lock);
  free(queue);
}

/* Called on any worker. A full queue is an error: the callback returns it, and the engine answers the client. */
static dog_status_t queue_add(queue_t *queue, job_kind_t kind, uint64_t handle, const char *bytes, size_t length) {
  if (length > JOB_BYTES_MAX) return DOG_ETOOBIG;
  dog_status_t status = DOG_OK;
  pthread_mutex_lock(&queue->lock);
  if (queue->count < JOBS_MAX) {
    job_t *job = &queue->jobs[(queue->first + queue->count) % JOBS_MAX];
    job->kind = kind;
    job->handle = handle;
    job->due_ms = now_ms() + DELAY_MS;
    job->length = length;
    if (length > 0) memcpy(job->bytes, bytes, length);
    queue->count++;
    pthread_cond_signal(&queue->changed);
  } else {
    status = DOG_EFULL;
  }
  pthread_mutex_unlock(&queue->lock);
  return status;
}

/* ---- callbacks --------------------------------------------------------------------------------------------------- */

static dog_status_t identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)gateway;
  const char *uid = NULL;
  size_t length = 0;
  if (dog_request_query(request, "u", 1, &uid, &length) != DOG_OK || length == 0) {
    uid = "anon";
    length = 4;
  }
  if (length > DOG_NAME_BYTES_MAX) return respond_text(request, 400, "u is too long\n", 14);
  return queue_add(user, JOB_IDENTIFY, request, uid, length);
}

static dog_status_t receive(void *user, dog_shard_t shard, dog_request_t request) {
  const char *path = NULL, *uid = NULL, *id = NULL;
  size_t path_length = 0, uid_length = 0, id_length = 0;
  dog_status_t status = dog_request_path(request, &path, &path_length);
  if (status == DOG_OK) status = dog_request_uid(request, &uid, &uid_length);
  if (status == DOG_OK) status = dog_shard_id(shard, &id, &id_length);
  if (status != DOG_OK) return status;

  /* The route takes "/<room>" and all below it. */
  const char *rest = path_length > 0 ? memchr(path + 1, '/', path_length - 1) : NULL;
  size_t rest_length = rest == NULL ? 0 : (size_t)(path + path_length - rest);
  if (rest_length == 3 && memcmp(rest, "/ws", 3) == 0) return queue_add(user, JOB_CONNECT, request, NULL, 0);
  if (rest_length != 0) return respond_text(request, 404, "not found\n", 10);

  char text[JOB_BYTES_MAX];
  int length = snprintf(text, sizeof text, "uid: %.*s\nshard: %.*s\n", (int)uid_length, uid, (int)id_length, id);
  return queue_add(user, JOB_RESPOND, request, text, (size_t)length);
}

static dog_status_t ongossip(void *user, dog_shard_t shard, dog_gossip_t gossip, const void *data, size_t length) {
  (void)data, (void)length; /* there is only one question */
  size_t count = 0;
  dog_status_t status = dog_shard_count(shard, &count);
  if (status != DOG_OK) return status;
  char text[32];
  int text_length = snprintf(text, sizeof text, "%zu sockets", count);
  return queue_add(user, JOB_REPLY, gossip, text, (size_t)text_length);
}

/* The asker's handle is passed as the pointer itself: nothing has to be freed when the answers come. */
_Static_assert(sizeof(void *) >= sizeof(dog_socket_t), "a handle fits into a pointer");

/* A line for each sibling. The asker may have left by now, or its whole Shard (DOG_EGONE). Its handle is stale then,
 * and send says so. */
static void ongossiped(void *user, dog_shard_t shard, dog_status_t status,
                       const dog_gossip_result_t *results, size_t count) {
  (void)shard, (void)status;
  dog_socket_t asker = (dog_socket_t)(uintptr_t)user;
  char text[4096];
  size_t length = (size_t)snprintf(text, sizeof text, "%zu siblings\n", count);
  for (size_t index = 0; index < count; index++) {
    const dog_gossip_result_t *result = &results[index];
    int has_text = result->status == DOG_OK || result->status == DOG_EHOST;
    const char *said = has_text ? result->data : dog_status_text(result->status);
    size_t said_length = has_text ? result->length : strlen(said);
    if (said_length == 0) said = "";
    char line[DOG_NAME_BYTES_MAX + 128];
    int line_length = snprintf(line, sizeof line, "%.*s: %.*s\n", (int)result->shard_id_length, result->shard_id,
                               (int)(said_length < 100 ? said_length : 100), said);
    if ((size_t)line_length > sizeof text - length) break; /* a line that does not fit is left out */
    memcpy(text + length, line, (size_t)line_length);
    length += (size_t)line_length;
  }
  dog_socket_send(asker, DOG_TEXT, text, length);
}

static dog_status_t onmessage(void *user, dog_shard_t shard, dog_socket_t socket, dog_kind_t kind, const void *data,
                              size_t length) {
  (void)user;
  if (kind == DOG_TEXT && length == 3 && memcmp(data, "ask", 3) == 0) {
    return dog_shard_gossip(shard, "how many?", 9, 0, ongossiped, (void *)(uintptr_t)socket);
  }
  dog_socket_send(socket, DOG_TEXT, "say: ask", 8);
  return DOG_OK;
}

int main(int argc, char **argv) {
  options_t options = options_parse(argc, argv, "Answers everything later, from another thread.", 2);
  dog_engine_t *engine = options_engine(&options);
  queue_t *queue = queue_create();

  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.name = "ROOM";
  gateway.child = "ROOM_SHARD";
  gateway.user = queue;
  gateway.limit = options.limit;
  gateway.identify = identify;
  must(dog_engine_define_gateway(engine, &gateway), "gateway");

  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.name = "ROOM_SHARD";
  shard.parent = "ROOM";
  shard.deflate = options.deflate;
  shard.user = queue;
  shard.receive = receive;
  shard.onmessage = onmessage;
  shard.ongossip = ongossip;
  must(dog_engine_define_shard(engine, &shard), "shard");

  must(dog_engine_route(engine, "/:room", "ROOM", NULL), "route");
  options_serve(engine, &options);
  /* After the engine: while it stopped, the thread still answered what was in flight. What is left now is stale. */
  queue_destroy(queue);
  return 0;
}
