/*
 * line.h - a client's connection: TCP or a Unix-domain socket, TLS on it or not. No call waits longer than it is told,
 * so a client can always look up and see that it is to leave.
 */
#ifndef LINE_H
#define LINE_H

#include "../capi/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

/* What a server listens on. */
typedef struct address {
  uint16_t port;  /* of 127.0.0.1; 0: a path */
  int is_tls;
  char path[100];
} address_t;

typedef struct line {
  int fd;
  SSL *tls; /* NULL: none */
  unsigned char *bytes; /* received, not yet used */
  size_t length;
  size_t capacity;
} line_t;

/* What a wait ended with. */
enum { LINE_END = 0, LINE_OK = 1, LINE_NOTHING = -1 };

static SSL_CTX *line_tls_context;
static pthread_once_t line_tls_once = PTHREAD_ONCE_INIT;

static inline void line_make_tls(void) {
  line_tls_context = SSL_CTX_new(TLS_client_method());
  CHECK(line_tls_context != NULL);
  SSL_CTX_set_mode(line_tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static inline int line_wait(const line_t *line, short what, int timeout_ms) {
  struct pollfd one = {line->fd, what, 0};
  return poll(&one, 1, timeout_ms) > 0;
}

static inline void line_close(line_t *line) {
  if (line->tls != NULL) SSL_free(line->tls);
  close(line->fd);
  free(line->bytes);
  free(line);
}

/* Ends the connection by a reset, as a client that dies. */
static inline void line_reset(line_t *line) {
  struct linger linger = {1, 0};
  setsockopt(line->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  line_close(line);
}

static inline int line_connect(int fd, const address_t *address) {
  if (address->port == 0) {
    struct sockaddr_un unix_address = {.sun_family = AF_UNIX};
    strcpy(unix_address.sun_path, address->path);
    return connect(fd, (struct sockaddr *)&unix_address, sizeof unix_address);
  }
  struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_port = htons(address->port)};
  tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect(fd, (struct sockaddr *)&tcp, sizeof tcp);
}

/* One more try at something of TLS that `result` came of. Zero: the connection has ended. */
static inline int line_tls_again(line_t *line, int result, int timeout_ms) {
  switch (SSL_get_error(line->tls, result)) {
    case SSL_ERROR_WANT_READ: return line_wait(line, POLLIN, timeout_ms) ? LINE_OK : LINE_NOTHING;
    case SSL_ERROR_WANT_WRITE: return line_wait(line, POLLOUT, timeout_ms) ? LINE_OK : LINE_NOTHING;
    default: return LINE_END;
  }
}

static inline int line_shake_hands(line_t *line, int timeout_ms) {
  pthread_once(&line_tls_once, line_make_tls);
  line->tls = SSL_new(line_tls_context);
  CHECK(line->tls != NULL && SSL_set_fd(line->tls, line->fd) == 1);
  for (int result; (result = SSL_connect(line->tls)) != 1;) {
    if (line_tls_again(line, result, timeout_ms) != LINE_OK) return 0;
  }
  return 1;
}

/* `receive_bytes` 0: the kernel's own size of buffer. NULL: nobody serves there, or not within the time. */
static inline line_t *line_open(const address_t *address, int receive_bytes, int timeout_ms) {
  line_t *line = calloc(1, sizeof *line);
  CHECK(line != NULL);
  line->fd = socket(address->port == 0 ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(line->fd >= 0);
  int on = 1;
  if (address->port != 0) setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_bytes != 0) setsockopt(line->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  /* A path whose queue is full makes connect wait, and only as long as this. */
  struct timeval patience = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
  setsockopt(line->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  int connected = line_connect(line->fd, address) == 0;
  fcntl(line->fd, F_SETFL, O_NONBLOCK);
  if (connected && (!address->is_tls || line_shake_hands(line, timeout_ms))) return line;
  line_close(line);
  return NULL;
}

/* How many bytes went, or an outcome. */
static inline ssize_t line_write(line_t *line, const void *data, size_t length, int timeout_ms) {
  for (;;) {
    if (line->tls != NULL) {
      int sent = SSL_write(line->tls, data, length > 65536 ? 65536 : (int)length);
      if (sent > 0) return sent;
      int again = line_tls_again(line, sent, timeout_ms);
      if (again != LINE_OK) return again;
    } else {
      ssize_t sent = send(line->fd, data, length, MSG_NOSIGNAL);
      if (sent >= 0) return sent;
      if (errno != EAGAIN && errno != EINTR) return LINE_END;
      if (!line_wait(line, POLLOUT, timeout_ms)) return LINE_NOTHING;
    }
  }
}

/* All of it, in as many pieces as it takes, each within the time. Nothing that was begun is finished after that. */
static inline int line_send(line_t *line, const void *data, size_t length, int timeout_ms) {
  const unsigned char *bytes = data;
  while (length > 0) {
    ssize_t sent = line_write(line, bytes, length, timeout_ms);
    if (sent <= 0) return (int)sent;
    bytes += sent;
    length -= (size_t)sent;
  }
  return LINE_OK;
}

static inline int line_say(line_t *line, const char *text, int timeout_ms) {
  return line_send(line, text, strlen(text), timeout_ms);
}

/* More bytes, at most `most` of them. */
static inline int line_fill(line_t *line, size_t most, int timeout_ms) {
  if (line->capacity - line->length < most) {
    line->capacity = (line->length + most) * 2;
    line->bytes = realloc(line->bytes, line->capacity);
    CHECK(line->bytes != NULL);
  }
  for (;;) {
    ssize_t got;
    if (line->tls != NULL) {
      got = SSL_read(line->tls, line->bytes + line->length, (int)most);
      int again = got > 0 ? LINE_OK : line_tls_again(line, (int)got, timeout_ms);
      if (again != LINE_OK) return again;
    } else {
      got = recv(line->fd, line->bytes + line->length, most, 0);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return LINE_END;
      if (got < 0 && !line_wait(line, POLLIN, timeout_ms)) return LINE_NOTHING;
    }
    if (got <= 0) continue;
    line->length += (size_t)got;
    return LINE_OK;
  }
}

static inline void line_use(line_t *line, size_t length) {
  line->length -= length;
  if (line->length > 0) memmove(line->bytes, line->bytes + length, line->length);
}

#endif /* LINE_H */
