/*
 * events - server-sent events (the EventSource of browsers): a counter that ticks for everybody who looks.
 *
 *   curl -N http://127.0.0.1:8787/            a tick each half second, until you leave
 *   curl -N 'http://127.0.0.1:8787/?count=3'  three of them
 *
 * A response is begun in `receive` and written to by one thread that serves all clients: there is no thread per client,
 * and none of them can hold it up, for a write never blocks.
 */
#include "options.h"

#include <pthread.h>
#include <time.h>

#include "requests.h"

#define TICK_MS 500

/* One client that listens. It belongs to the thread, until the thread has seen `is_over`. */
typedef struct viewer {
  struct viewer *next;
  dog_request_t request;
  uint64_t left; /* ticks that it still wants */
  int is_over;   /* onend was called: nothing of DOG's refers to it any more */
} viewer_t;

static struct {
  pthread_t thread;
  pthread_mutex_t lock; /* guards all below it */
  pthread_cond_t changed;
  viewer_t *viewers;
  uint64_t tick;
  int is_stopping;
} ticker = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* ---- the thread -------------------------------------------------------------------------------------------------- */

/* One tick to one client. Any thread may write; no callback runs inside the call, so the lock may be held. */
static void show(viewer_t *viewer) {
  if (viewer->is_over || viewer->left == 0) return;
  char event[64];
  int length = snprintf(event, sizeof event, "event: tick\ndata: %llu\n\n", (unsigned long long)ticker.tick);
  /* DOG_EFULL: it does not keep up and misses this tick; the next one has the newer number. DOG_ESTALE: it has left,
   * and onend will come. */
  if (dog_request_respond_write(viewer->request, event, (size_t)length) != DOG_OK) return;
  if (--viewer->left == 0) dog_request_respond_end(viewer->request);
}

static void sweep(void) {
  for (viewer_t **place = &ticker.viewers; *place != NULL;) {
    viewer_t *viewer = *place;
    if (viewer->is_over) {
      *place = viewer->next;
      free(viewer);
    } else {
      place = &viewer->next;
    }
  }
}

static void *run(void *unused) {
  (void)unused;
  struct timespec due;
  clock_gettime(CLOCK_REALTIME, &due);
  pthread_mutex_lock(&ticker.lock);
  while (!ticker.is_stopping) {
    due.tv_nsec += TICK_MS * 1000000L;
    due.tv_sec += due.tv_nsec / 1000000000L;
    due.tv_nsec %= 1000000000L;
    while (!ticker.is_stopping && pthread_cond_timedwait(&ticker.changed, &ticker.lock, &due) != ETIMEDOUT) {
    }
    ticker.tick++;
    for (viewer_t *viewer = ticker.viewers; viewer != NULL; viewer = viewer->next) show(viewer);
    sweep();
  }
  pthread_mutex_unlock(&ticker.lock);
  return NULL;
}

/* ---- the Shard --------------------------------------------------------------------------------------------------- */

static void onend(void *user, dog_request_t request, dog_status_t status) {
  (void)request, (void)status;
  viewer_t *viewer = user;
  pthread_mutex_lock(&ticker.lock);
  viewer->is_over = 1;
  pthread_mutex_unlock(&ticker.lock);
}

/* How many ticks the client asks for; 0 for no number. */
static uint64_t wanted_count(dog_request_t request) {
  const char *text = NULL;
  size_t length = 0;
  if (dog_request_query(request, "count", 5, &text, &length) != DOG_OK) return UINT64_MAX;
  if (length == 0 || length > 9) return 0;
  uint64_t count = 0;
  for (size_t index = 0; index < length; index++) {
    if (text[index] < '0' || text[index] > '9') return 0;
    count = count * 10 + (uint64_t)(text[index] - '0');
  }
  return count;
}

static dog_status_t receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  uint64_t count = wanted_count(request);
  if (count == 0) return respond_text(request, 400, "count is no number above 0\n", 27);

  viewer_t *viewer = calloc(1, sizeof *viewer);
  if (viewer == NULL) return DOG_ENOMEM;
  viewer->request = request;
  viewer->left = count;

  dog_stream_options_t stream;
  dog_stream_options_init(&stream, sizeof stream);
  stream.user = viewer;
  stream.onend = onend;
  static const dog_header_t headers[] = {{"Content-Type", 12, "text/event-stream", 17},
                                         {"Cache-Control", 13, "no-store", 8}};
  dog_status_t status = dog_request_respond_begin(request, 200, headers, 2, &stream);
  if (status != DOG_OK) {
    free(viewer); /* there will be no onend */
    return DOG_OK;
  }
  /* If the connection is lost, browsers connect again after so many milliseconds. */
  dog_request_respond_write(request, "retry: 1000\n\n", 13);

  pthread_mutex_lock(&ticker.lock);
  viewer->next = ticker.viewers;
  ticker.viewers = viewer;
  pthread_mutex_unlock(&ticker.lock);
  return DOG_OK;
}

/* ---- set-up ------------------------------------------------------------------------------------------------------ */

int main(int argc, char **argv) {
  options_t options = options_parse(argc, argv, "A counter, as server-sent events.", 1000);
  dog_engine_t *engine = options_engine(&options);

  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.name = "EVENTS";
  gateway.child = "EVENTS";
  gateway.limit = options.limit;
  gateway.sticky_seconds = 0;
  gateway.identify = identify_by_remote;
  must(dog_engine_define_gateway(engine, &gateway), "gateway");

  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.name = "EVENTS";
  shard.parent = "EVENTS";
  shard.deflate = options.deflate;
  shard.receive = receive;
  must(dog_engine_define_shard(engine, &shard), "shard");

  must(dog_engine_route(engine, "/", "EVENTS", "everybody"), "route");

  if (pthread_create(&ticker.thread, NULL, run, NULL) != 0) {
    fprintf(stderr, "no thread to be had\n");
    return 1;
  }
  options_serve(engine, &options);

  pthread_mutex_lock(&ticker.lock);
  ticker.is_stopping = 1;
  pthread_cond_signal(&ticker.changed);
  pthread_mutex_unlock(&ticker.lock);
  pthread_join(ticker.thread, NULL);
  sweep();
  return 0;
}
