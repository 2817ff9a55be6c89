/* floor echo|fanout PORT - what the kernel costs: a WebSocket server on epoll, recv and send, with no library in
 * between and few checks. It has no limits, no close handshake and no timeouts, so it serves a bench and nobody else.
 * Echo sends each message back; fanout sends it to everybody. What one round of epoll_wait causes is sent with one call
 * to each connection. Prints `listening on PORT`. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 18, EVENTS = 256, CONNECTIONS_MAX = 65536 };

typedef struct bytes {
  unsigned char *base;
  size_t count, capacity;
} bytes_t;

typedef struct connection {
  int fd, is_open, is_dirty;
  bytes_t in; /* what has come of a head or a frame that is not whole */
  bytes_t out;
} connection_t;

static connection_t *connections[CONNECTIONS_MAX], *members[CONNECTIONS_MAX], *dirty[CONNECTIONS_MAX];
static size_t member_count, dirty_count;
static unsigned char buffer[READ_BYTES];
static int is_fanout, loop;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void append(bytes_t *bytes, const void *source, size_t count) {
  if (bytes->count + count > bytes->capacity) {
    bytes->capacity = 2 * (bytes->count + count);
    bytes->base = realloc(bytes->base, bytes->capacity);
    if (bytes->base == NULL) fail("realloc");
  }
  memcpy(bytes->base + bytes->count, source, count);
  bytes->count += count;
}

static void queue(connection_t *connection, const void *source, size_t count) {
  append(&connection->out, source, count);
  if (connection->is_dirty) return;
  connection->is_dirty = 1;
  dirty[dirty_count++] = connection;
}

static void leave(connection_t *connection) {
  for (size_t index = 0; index < member_count; index++) {
    if (members[index] == connection) members[index] = members[--member_count];
  }
  if (connection->is_dirty) {
    for (size_t index = 0; index < dirty_count; index++) {
      if (dirty[index] == connection) dirty[index] = dirty[--dirty_count];
    }
  }
  connections[connection->fd] = NULL;
  close(connection->fd);
  free(connection->in.base);
  free(connection->out.base);
  free(connection);
}

/* RFC 6455, section 4.2.2. Returns the length of the head; 0: it is not whole. */
static size_t answer_head(connection_t *connection, const unsigned char *bytes, size_t count) {
  static const char name[] = "\r\nsec-websocket-key: ", magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const unsigned char *end = memmem(bytes, count, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  char head[4096], key[24 + sizeof magic];
  size_t length = (size_t)(end - bytes) + 4;
  if (length >= sizeof head) fail("a head is too long");
  memcpy(head, bytes, length);
  head[length] = '\0';
  const char *found = strcasestr(head, name);
  if (found == NULL || strlen(found) < sizeof name - 1 + 24) fail("a request is no upgrade");
  memcpy(key, found + sizeof name - 1, 24);
  memcpy(key + 24, magic, sizeof magic);
  unsigned char hash[SHA_DIGEST_LENGTH], accept[32];
  SHA1((const unsigned char *)key, 24 + sizeof magic - 1, hash);
  EVP_EncodeBlock(accept, hash, sizeof hash);
  char response[256];
  int size = snprintf(response, sizeof response,
                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: %s\r\n\r\n",
                      (const char *)accept);
  queue(connection, response, (size_t)size);
  connection->is_open = 1;
  members[member_count++] = connection;
  return length;
}

/* One frame of a client (section 5.2), whose payload is unmasked in place. Returns its length; 0: it is not whole. */
static size_t answer_frame(connection_t *connection, unsigned char *bytes, size_t count) {
  if (count < 6) return 0;
  size_t length = bytes[1] & 0x7f, at = 2;
  if (length >= 126) {
    size_t wide = length == 126 ? 2 : 8;
    if (count < 2 + wide + 4) return 0;
    for (length = 0; at < 2 + wide; at++) length = length << 8 | bytes[at];
  }
  unsigned char *mask = bytes + at, *payload = mask + 4;
  if (count - at - 4 < length) return 0;
  uint64_t key = 0;
  memcpy(&key, mask, 4);
  key |= key << 32;
  size_t done = 0;
  for (; done + 8 <= length; done += 8) {
    uint64_t word;
    memcpy(&word, payload + done, 8);
    word ^= key;
    memcpy(payload + done, &word, 8);
  }
  for (; done < length; done++) payload[done] ^= mask[done & 3];
  /* The same header without the mask goes right in front of the payload. */
  unsigned char *frame = payload - at;
  memmove(frame, bytes, at);
  frame[1] &= 0x7f;
  if (!is_fanout) {
    queue(connection, frame, at + length);
  } else {
    for (size_t index = 0; index < member_count; index++) queue(members[index], frame, at + length);
  }
  return at + 4 + length;
}

static void read_all(connection_t *connection) {
  ssize_t got = recv(connection->fd, buffer, sizeof buffer, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return leave(connection);
  unsigned char *bytes = buffer;
  size_t count = (size_t)got, used = 0, step;
  int is_kept = connection->in.count > 0;
  if (is_kept) {
    append(&connection->in, buffer, count);
    bytes = connection->in.base;
    count = connection->in.count;
  }
  while (used < count) {
    step = connection->is_open ? answer_frame(connection, bytes + used, count - used)
                               : answer_head(connection, bytes + used, count - used);
    if (step == 0) break;
    used += step;
  }
  if (!is_kept) return append(&connection->in, bytes + used, count - used);
  memmove(bytes, bytes + used, count - used);
  connection->in.count = count - used;
}

/* False: it has gone. */
static int write_all(connection_t *connection) {
  ssize_t sent = send(connection->fd, connection->out.base, connection->out.count, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return 0;
  size_t taken = sent > 0 ? (size_t)sent : 0, left = connection->out.count - taken;
  if (taken > 0 && left > 0) memmove(connection->out.base, connection->out.base + taken, left);
  struct epoll_event event = {.events = EPOLLIN | (left > 0 ? EPOLLOUT : 0), .data.fd = connection->fd};
  if (left > 0) epoll_ctl(loop, EPOLL_CTL_MOD, connection->fd, &event);
  connection->out.count = left;
  return 1;
}

static void accept_one(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
  if (fd < 0) return;
  if (fd >= CONNECTIONS_MAX) fail("too many connections");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connections[fd] = calloc(1, sizeof **connections);
  if (connections[fd] == NULL) fail("calloc");
  connections[fd]->fd = fd;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv) {
  is_fanout = argc > 1 && strcmp(argv[1], "fanout") == 0;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(argc > 2 ? atoi(argv[2]) : 0)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1024) != 0) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);
  loop = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
  epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
  printf("listening on %u\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int count = epoll_wait(loop, events, EVENTS, -1);
    for (int index = 0; index < count; index++) {
      connection_t *connection = connections[events[index].data.fd];
      if (events[index].data.fd == listener) {
        accept_one(listener);
      } else if (connection != NULL) {
        if (events[index].events & EPOLLOUT) {
          struct epoll_event calm = {.events = EPOLLIN, .data.fd = connection->fd};
          epoll_ctl(loop, EPOLL_CTL_MOD, connection->fd, &calm);
          queue(connection, "", 0);
        }
        if (events[index].events & ~(uint32_t)EPOLLOUT) read_all(connection);
      }
    }
    while (dirty_count > 0) {
      connection_t *connection = dirty[--dirty_count];
      connection->is_dirty = 0;
      if (!write_all(connection)) leave(connection);
    }
  }
}
