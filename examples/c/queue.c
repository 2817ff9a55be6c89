/*
 * queue - a chat in an event loop of your own. No class has a callback here: what happens waits in one queue
 * (DOG_DELIVERY_EVENTS), and this program, which has a single thread and a plain epoll, hears of it by a descriptor. So
 * nothing is locked, and whatever else a program waits for goes into the same loop; here that is the signals.
 *
 *   ws://127.0.0.1:8787/den?u=ann    what ann says goes to everybody in the den, herself too, as "ann: hello"
 *   curl http://127.0.0.1:8787/den   the sockets on this Shard, and the messages of all rooms so far
 */
#include "options.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "requests.h"

#define EVENTS_AT_ONCE 256
#define GRACE_MS 2000

/* Everything happens on one thread: these need no lock and no atomics. */
static uint64_t messages_count = 0;
static char *scratch = NULL; /* one message that goes out */
static size_t scratch_capacity = 0;

/* ---- what is said ------------------------------------------------------------------------------------------------ */

/* "<uid><between><data>" to everybody in the room of the event's socket. */
static void tell(const dog_event_t *event, const char *between, const void *data, size_t length) {
  const char *uid = NULL;
  size_t uid_length = 0, between_length = strlen(between);
  if (dog_socket_uid(event->socket, &uid, &uid_length) != DOG_OK) return;
  size_t whole = uid_length + between_length + length;
  if (whole > scratch_capacity) {
    char *grown = realloc(scratch, whole);
    if (grown == NULL) return;
    scratch = grown;
    scratch_capacity = whole;
  }
  memcpy(scratch, uid, uid_length);
  memcpy(scratch + uid_length, between, between_length);
  memcpy(scratch + uid_length + between_length, data, length);
  /* With --max-message a message may come that does not fit into an outbox once a name is put before it. */
  if (dog_shard_broadcast(event->shard, DOG_TEXT, scratch, whole) == DOG_ETOOBIG) {
    dog_socket_close(event->socket, 1009, NULL, 0);
  }
}

static void on_message(const dog_event_t *event) {
  messages_count++;
  if (event->kind == DOG_TEXT) {
    tell(event, ": ", event->data, event->length);
  } else {
    dog_shard_broadcast(event->shard, DOG_BINARY, event->data, event->length); /* bytes go out as they came */
  }
}

/* ---- who asks ---------------------------------------------------------------------------------------------------- */

static void on_identify(const dog_event_t *event) {
  const char *uid = NULL;
  size_t length = 0;
  if (dog_request_query(event->request, "u", 1, &uid, &length) != DOG_OK || length == 0) {
    uid = "anon";
    length = 4;
  }
  if (length > DOG_NAME_BYTES_MAX) {
    respond_text(event->request, 400, "u is too long\n", 14);
    return;
  }
  dog_request_identify(event->request, uid, length);
}

static void on_receive(const dog_event_t *event) {
  if (wants_websocket(event->request)) {
    dog_request_connect(event->request, NULL); /* the engine answers a handshake that is not valid */
    return;
  }
  size_t sockets = 0;
  dog_shard_count(event->shard, &sockets);
  char text[96];
  int length = snprintf(text, sizeof text, "sockets: %zu\nmessages: %llu\n", sockets,
                        (unsigned long long)messages_count);
  respond_text(event->request, 200, text, (size_t)length);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/*
 * The statuses of the calls above are not needed here. A client may leave at any moment, which is no error; then
 * nothing is sent to it. Event types that this program does not use, such as START or ERROR, are ignored.
 */
static void handle(const dog_event_t *event) {
  switch (event->type) {
    case DOG_EVENT_IDENTIFY: on_identify(event); break;
    case DOG_EVENT_RECEIVE: on_receive(event); break;
    case DOG_EVENT_OPEN: tell(event, " has joined", "", 0); break;
    case DOG_EVENT_MESSAGE: on_message(event); break;
    case DOG_EVENT_CLOSE: tell(event, " has left", "", 0); break;
    default: break;
  }
}

/* One batch, without waiting. If there are more events, the descriptor is still readable, and the loop comes back after
 * it has looked at the other descriptors. Zero after the engine's last event. */
static int handle_events(dog_engine_t *engine) {
  static dog_event_t events[EVENTS_AT_ONCE];
  size_t count = 0;
  must(dog_engine_poll(engine, events, EVENTS_AT_ONCE, 0, &count), "poll");
  for (size_t index = 0; index < count; index++) {
    if (events[index].type == DOG_EVENT_STOPPED) return 0;
    handle(&events[index]);
  }
  return 1;
}

/* SIGHUP reads the certificates again. The first SIGINT or SIGTERM asks to stop with a grace, a second one to stop at
 * once. */
static void handle_signal(dog_engine_t *engine, int signals) {
  static uint32_t grace_ms = GRACE_MS;
  struct signalfd_siginfo info;
  if (read(signals, &info, sizeof info) != sizeof info) return;
  if (info.ssi_signo == SIGHUP) {
    options_reload(engine);
    return;
  }
  must(dog_engine_stop(engine, grace_ms), "stop"); /* returns at once: DOG_EVENT_STOPPED says when it is done */
  grace_ms = 0;
}

static void watch(int epoll, int fd) {
  struct epoll_event wanted = {.events = EPOLLIN, .data = {.fd = fd}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted) == 0) return;
  perror("epoll_ctl");
  exit(1);
}

static void run(dog_engine_t *engine, const options_t *options) {
  int events = -1, epoll = epoll_create1(EPOLL_CLOEXEC);
  sigset_t wanted = options_signals(options); /* blocked since options_engine */
  int signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (epoll < 0 || signals < 0) {
    perror("epoll, signalfd");
    exit(1);
  }
  must(dog_engine_wait_fd(engine, &events), "wait_fd");
  watch(epoll, events);
  watch(epoll, signals);

  for (int is_running = 1; is_running;) {
    struct epoll_event ready[2];
    int count = epoll_wait(epoll, ready, 2, -1);
    for (int index = 0; index < count; index++) {
      if (ready[index].data.fd == signals) {
        handle_signal(engine, signals);
      } else {
        is_running = handle_events(engine);
      }
    }
  }
  close(signals);
  close(epoll);
}

int main(int argc, char **argv) {
  options_t options = options_parse(argc, argv, "A chat room for each path, in one thread of the program's own.", 1000);
  options.delivery = DOG_DELIVERY_EVENTS;
  dog_engine_t *engine = options_engine(&options);

  /* The classes have no callbacks: an event of the same name comes for each. */
  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.name = "ROOM";
  gateway.child = "SEATS";
  gateway.limit = options.limit;
  must(dog_engine_define_gateway(engine, &gateway), "gateway");

  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.name = "SEATS";
  shard.parent = "ROOM";
  shard.deflate = options.deflate;
  must(dog_engine_define_shard(engine, &shard), "shard");

  must(dog_engine_route(engine, "/:room", "ROOM", NULL), "route");
  must(dog_engine_start(engine), "start");
  options_announce(&options);
  run(engine, &options);
  must(dog_engine_destroy(engine), "destroy");
  free(scratch);
  return 0;
}
