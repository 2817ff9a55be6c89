/*
 * load - a load generator for WebSocket servers on loopback: one thread, epoll, closed loop, so that it measures the
 * server and not how much it can be overrun. Messages are binary, of 4 bytes and more.
 *
 *   load echo   PORT CONNECTIONS BYTES SECONDS WINDOW      each connection sends WINDOW messages at once, and again
 *                                                          when all of them have come back
 *   load fanout PORT CONNECTIONS BYTES SECONDS SENDERS     the first SENDERS have one message under way; every message
 *                                                          comes back to everybody
 *
 * Prints two numbers: messages that came back (echo), or that were delivered (fanout), a second, over SECONDS after a
 * fifth of that to warm up; and how many there were in all, from the first one on. Exit 1 and a line on stderr where
 * the server does not play along.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024, FRAME_BYTES_MAX = 1 << 16, MARK_BYTES = 4, CONNECTIONS_MAX = 60000, WINDOW_MAX = 1000 };

typedef struct connection {
  int fd;
  int sends;               /* it has messages under way whenever it may */
  int due;                 /* of its own, how many are still to come back */
  unsigned char head[14];  /* of a frame that came in parts */
  size_t head_length;
  uint64_t left;           /* bytes of payload still to come */
  uint32_t mark;           /* the first four of them as far as they came: the index of the sender */
  int mark_left;           /* how many of those four are still to come */
} connection_t;

static unsigned char *frames; /* a window of them, all alike */
static size_t frame_length, frame_payload_at;
static int window = 1;
static uint64_t received;
static int is_fanout;

static void fail(const char *what) {
  fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Binary frames with a mask of zeros: nothing to be computed here, and no less work for the server. */
static void make_frames(size_t bytes) {
  unsigned char head[8] = {0x82};
  size_t at = 1;
  if (bytes < 126) {
    head[at++] = (unsigned char)(0x80 | bytes);
  } else {
    head[at++] = 0x80 | 126;
    head[at++] = (unsigned char)(bytes >> 8);
    head[at++] = (unsigned char)bytes;
  }
  frame_payload_at = at + 4;
  frame_length = frame_payload_at + bytes;
  frames = calloc((size_t)window, frame_length);
  if (frames == NULL) fail("set-up");
  for (int index = 0; index < window; index++) {
    unsigned char *frame = frames + (size_t)index * frame_length;
    memcpy(frame, head, at);
    memset(frame + frame_payload_at, 'x', bytes);
  }
}

/* Says in each of the messages who sends it. */
static void send_window(connection_t *connection, uint32_t mark) {
  for (int index = 0; index < window; index++) {
    unsigned char *payload = frames + (size_t)index * frame_length + frame_payload_at;
    for (int at = 0; at < MARK_BYTES; at++) payload[at] = (unsigned char)(mark >> 8 * at);
  }
  connection->due = window;
  size_t sent = 0, length = (size_t)window * frame_length;
  while (sent < length) {
    ssize_t written = send(connection->fd, frames + sent, length - sent, MSG_NOSIGNAL);
    if (written > 0) {
      sent += (size_t)written;
    } else if (errno != EAGAIN && errno != EINTR) {
      fail("a connection was lost");
    }
  }
}

static void connect_one(connection_t *connection, int port) {
  struct sockaddr_in address = {0};
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connection->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  int yes = 1;
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  char request[256], response[2048];
  int length = snprintf(request, sizeof request,
                        "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                        port);
  if (send(connection->fd, request, (size_t)length, MSG_NOSIGNAL) != length) fail("handshake");
  /* Byte by byte: what follows the head is the server's first frame. */
  size_t at = 0;
  while (at < 4 || memcmp(response + at - 4, "\r\n\r\n", 4) != 0) {
    if (at == sizeof response || recv(connection->fd, response + at, 1, 0) != 1) fail("handshake");
    at++;
  }
  if (memcmp(response, "HTTP/1.1 101", 12) != 0) fail("the server did not upgrade");
}

/* A sender goes on when its own messages have come back: in a fan-out everybody else's come too. */
static void message_done(const connection_t *first, connection_t *connection) {
  received++;
  uint32_t index = (uint32_t)(connection - first);
  if (connection->sends && connection->mark == index && --connection->due == 0) send_window(connection, index);
}

static void take(const connection_t *first, connection_t *connection, const unsigned char *bytes, size_t count) {
  while (count > 0) {
    if (connection->left > 0) {
      for (size_t at = 0; connection->mark_left > 0 && at < count; at++, connection->mark_left--) {
        connection->mark |= (uint32_t)bytes[at] << 8 * (MARK_BYTES - connection->mark_left);
      }
      uint64_t part = connection->left < count ? connection->left : count;
      bytes += part, count -= (size_t)part, connection->left -= part;
      if (connection->left == 0) message_done(first, connection);
      continue;
    }
    connection->head[connection->head_length++] = *bytes++;
    count--;
    if (connection->head_length < 2) continue;
    unsigned size = connection->head[1] & 0x7f;
    size_t needed = size < 126 ? 2 : size == 126 ? 4 : 10;
    if (connection->head_length < needed) continue;
    uint64_t length = size;
    if (size >= 126) {
      length = 0;
      for (size_t at = 2; at < needed; at++) length = length << 8 | connection->head[at];
    }
    int opcode = connection->head[0] & 0x0f;
    if (opcode != 1 && opcode != 2) fail("the server sent a control frame");
    if (length < MARK_BYTES) fail("the server sent what is none of ours");
    connection->head_length = 0;
    connection->left = length;
    connection->mark = 0;
    connection->mark_left = MARK_BYTES;
  }
}

int main(int argc, char **argv) {
  is_fanout = argc > 1 && strcmp(argv[1], "fanout") == 0;
  if (argc != 7 || (!is_fanout && strcmp(argv[1], "echo") != 0)) {
    fprintf(stderr, "usage: load echo PORT CONNECTIONS BYTES SECONDS WINDOW\n"
                    "       load fanout PORT CONNECTIONS BYTES SECONDS SENDERS\n");
    return 2;
  }
  int port = atoi(argv[2]), connections = atoi(argv[3]);
  long bytes = atol(argv[4]);
  double seconds = atof(argv[5]);
  int senders = is_fanout ? atoi(argv[6]) : connections;
  if (!is_fanout) window = atoi(argv[6]);
  errno = 0;
  if (connections < 1 || connections > CONNECTIONS_MAX || bytes < MARK_BYTES || bytes > FRAME_BYTES_MAX - 1 ||
      seconds <= 0 || senders < 1 || senders > connections || window < 1 || window > WINDOW_MAX) {
    fail("an argument is out of its range");
  }
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  make_frames((size_t)bytes);
  connection_t *all = calloc((size_t)connections, sizeof *all);
  unsigned char *buffer = malloc(READ_BYTES);
  int poller = epoll_create1(0);
  if (all == NULL || buffer == NULL || poller < 0) fail("set-up");
  for (int index = 0; index < connections; index++) {
    connect_one(&all[index], port);
    all[index].sends = index < senders;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[index]};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, all[index].fd, &event) != 0) fail("epoll");
  }
  for (int index = 0; index < senders; index++) send_window(&all[index], (uint32_t)index);

  double began = now(), measured_from = began + seconds / 5, ends = measured_from + seconds;
  uint64_t before = 0, seen = 0;
  int is_measuring = 0;
  for (;;) {
    struct epoll_event events[256];
    int count = epoll_wait(poller, events, 256, 1000);
    if (count < 0 && errno != EINTR) fail("epoll");
    double time = now();
    if (count == 0 && received == seen) fail("the server has stopped answering");
    seen = received;
    for (int index = 0; index < count; index++) {
      connection_t *connection = events[index].data.ptr;
      ssize_t got = recv(connection->fd, buffer, READ_BYTES, MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) fail("a connection was lost");
      if (got > 0) take(all, connection, buffer, (size_t)got);
    }
    if (!is_measuring && time >= measured_from) {
      is_measuring = 1;
      measured_from = time;
      before = received;
    }
    if (time >= ends) {
      printf("%.0f %llu\n", (double)(received - before) / (time - measured_from), (unsigned long long)received);
      return 0;
    }
  }
}
