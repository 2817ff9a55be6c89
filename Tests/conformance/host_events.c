/*
 * host_events - the conformance host (HOST.md) that fetches events: one thread, one epoll loop.
 *
 * Each event goes to the function that the other host gives the engine as the callback of that name. What the engine
 * does with a callback that failed is then done here.
 */
#include "sockets.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64

static void answer_failure(dog_request_t request, dog_status_t status) {
  /* DOG_ESTALE where it failed behind its answer: nobody waits for another. */
  if (status != DOG_OK) dog_request_respond(request, 500, NULL, 0, NULL, 0);
}

static void close_failed(dog_socket_t socket, dog_status_t status) {
  if (status != DOG_OK) dog_socket_close(socket, 1011, NULL, 0);
}

/* False with the last event. */
static int handle(const dog_event_t *event) {
  dog_request_t request = event->request;
  dog_shard_t shard = event->shard;
  dog_socket_t socket = event->socket;
  switch (event->type) {
    case DOG_EVENT_FETCH: answer_failure(request, fetch(NULL, host.engine, request)); break;
    case DOG_EVENT_IDENTIFY: answer_failure(request, identify(NULL, event->gateway, request)); break;
    case DOG_EVENT_CLUSTERIZE: answer_failure(request, clusterize(NULL, event->gateway, request)); break;
    case DOG_EVENT_RECEIVE: answer_failure(request, receive(NULL, shard, request)); break;
    case DOG_EVENT_GOSSIP:
      if (ongossip(NULL, shard, event->gossip, event->data, event->length) != DOG_OK) {
        dog_gossip_fail(event->gossip, NULL, 0);
      }
      break;
    case DOG_EVENT_START: onstart(NULL, shard); break;
    case DOG_EVENT_STOP: onstop(NULL, shard); break;
    case DOG_EVENT_RETIRE: break;
    case DOG_EVENT_OPEN: close_failed(socket, onopen(NULL, shard, socket)); break;
    case DOG_EVENT_MESSAGE:
      close_failed(socket, onmessage(NULL, shard, socket, event->kind, event->data, event->length));
      break;
    case DOG_EVENT_CLOSE:
      onclose(NULL, shard, socket, (uint16_t)event->code, event->data, event->length, (int)event->clean);
      break;
    case DOG_EVENT_ERROR: onerror(NULL, shard, socket, event->status); break;
    case DOG_EVENT_DRAIN: break;
    case DOG_EVENT_WHISPERED: whispered(event->user, event->status, event->count); break;
    case DOG_EVENT_GOSSIPED: gossiped(event->user, shard, event->status, event->results, event->count); break;
    case DOG_EVENT_WRITABLE: writable(event->user, request); break;
    case DOG_EVENT_ENDED: ended(event->user, request, event->status); break;
    case DOG_EVENT_LOG: log_line(NULL, (dog_log_level_t)event->code, event->data, event->length); break;
    case DOG_EVENT_STOPPED: return 0;
    case DOG_EVENT_CALL: break; /* it has none called */
    case DOG_EVENT_TYPE_MAX: break;
  }
  return 1;
}

/* All events that wait. False once the last one was there. */
static int drain(void) {
  dog_event_t events[EVENTS_AT_ONCE];
  size_t count = 0;
  do {
    must(dog_engine_poll(host.engine, events, EVENTS_AT_ONCE, 0, &count), "poll");
    for (size_t index = 0; index < count; index++) {
      if (!handle(&events[index])) return 0;
    }
  } while (count == EVENTS_AT_ONCE);
  return 1;
}

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) abort();
}

int main(int argc, char **argv) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, NULL);

  make_engine(argc, argv, DOG_DELIVERY_EVENTS);
  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.clusterize_events = 1;
  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.gossip_events = 1;
  define_classes(gateway, shard);
  must(dog_engine_on_fetch(host.engine, NULL, NULL), "on_fetch");

  int event_fd = -1, signal_fd = signalfd(-1, &signals, SFD_CLOEXEC), epoll = epoll_create1(EPOLL_CLOEXEC);
  must(dog_engine_wait_fd(host.engine, &event_fd), "wait_fd");
  if (signal_fd < 0 || epoll < 0) abort();
  watch(epoll, signal_fd);
  watch(epoll, event_fd);
  start_engine();

  for (int is_running = 1; is_running;) {
    struct epoll_event ready;
    if (epoll_wait(epoll, &ready, 1, -1) != 1) continue;
    if (ready.data.fd == event_fd) {
      is_running = drain();
    } else {
      struct signalfd_siginfo signal_read;
      if (read(signal_fd, &signal_read, sizeof signal_read) < 0) abort();
      must(dog_engine_stop(host.engine, STOP_GRACE_MS), "stop");
    }
  }
  close(epoll);
  close(signal_fd);
  return end_program();
}
