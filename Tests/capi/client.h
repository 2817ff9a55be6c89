/*
 * client.h - the other end of the line: a small blocking HTTP and WebSocket client, for these tests only. What does
 * not go as expected fails the check.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

#define CLIENT_BYTES_MAX (1 << 20)

typedef struct client {
  int fd;
  size_t length; /* bytes received and not yet used */
  char bytes[CLIENT_BYTES_MAX];
} client_t;

static inline client_t *client_connect(uint16_t port) {
  client_t *client = malloc(sizeof *client);
  CHECK(client != NULL);
  client->length = 0;
  client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(client->fd >= 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0) FAIL("connect: no one listens");
  int on = 1;
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return client;
}

static inline void client_free(client_t *client) {
  close(client->fd);
  free(client);
}

/* Ends the connection by a reset, as a client that dies. */
static inline void client_reset(client_t *client) {
  struct linger linger = {1, 0};
  setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  client_free(client);
}

static inline void client_send(client_t *client, const void *data, size_t length) {
  const char *bytes = data;
  while (length > 0) {
    ssize_t sent = send(client->fd, bytes, length, MSG_NOSIGNAL);
    if (sent <= 0) FAIL("send: the connection has ended");
    bytes += sent;
    length -= (size_t)sent;
  }
}

static inline void client_say(client_t *client, const char *text) { client_send(client, text, strlen(text)); }

/* Waits for more bytes. Zero at the end of the connection. */
static inline int client_fill(client_t *client) {
  if (client->length == sizeof client->bytes) FAIL("more than the client can hold");
  ssize_t got = recv(client->fd, client->bytes + client->length, sizeof client->bytes - client->length, 0);
  if (got <= 0) return 0;
  client->length += (size_t)got;
  return 1;
}

/* Waits until so many bytes are there. Zero if the connection ends before. */
static inline int client_wait(client_t *client, size_t length) {
  while (client->length < length) {
    if (!client_fill(client)) return 0;
  }
  return 1;
}

static inline void client_consume(client_t *client, size_t length) {
  client->length -= length;
  memmove(client->bytes, client->bytes + length, client->length);
}

/* Reads until the connection ends. */
static inline void client_drain(client_t *client) {
  client->length = 0;
  while (client_fill(client)) client->length = 0;
}

/* ---- HTTP -------------------------------------------------------------------------------------------------------- */

typedef struct response {
  int status; /* 0: the connection ended without one */
  char head[8192];
  char body[65536];
  size_t body_length;
} response_t;

static inline const char *response_header(const response_t *response, const char *name) {
  size_t length = strlen(name);
  const char *line = strstr(response->head, "\r\n");
  for (; line != NULL; line = strstr(line, "\r\n")) {
    line += 2;
    if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
      line += length + 1;
      while (*line == ' ') line++;
      return line;
    }
  }
  return NULL;
}

/* One response; `has_body` 0 for the answer to HEAD. */
static inline void client_read_response(client_t *client, response_t *response, int has_body) {
  memset(response, 0, sizeof *response);
  char *end = NULL;
  while ((end = memmem(client->bytes, client->length, "\r\n\r\n", 4)) == NULL) {
    if (!client_fill(client)) {
      if (client->length > 0) FAIL("the connection ended within a response's head");
      return;
    }
  }
  size_t head_length = (size_t)(end - client->bytes) + 4;
  CHECK(head_length < sizeof response->head);
  memcpy(response->head, client->bytes, head_length);
  CHECK(sscanf(response->head, "HTTP/1.1 %d", &response->status) == 1);
  client_consume(client, head_length);

  const char *length = response_header(response, "content-length");
  if (!has_body || length == NULL) return;
  response->body_length = strtoul(length, NULL, 10);
  CHECK(response->body_length < sizeof response->body);
  while (client->length < response->body_length) {
    if (!client_fill(client)) FAIL("the connection ended within a response's body");
  }
  memcpy(response->body, client->bytes, response->body_length);
  client_consume(client, response->body_length);
}

static inline void client_ask(client_t *client, const char *method, const char *target) {
  char request[8192];
  snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: test\r\n\r\n", method, target);
  client_say(client, request);
}

/* The status of one GET on a connection of its own. 0: no response. */
static inline int http_get(uint16_t port, const char *target, response_t *response) {
  response_t unused;
  if (response == NULL) response = &unused;
  client_t *client = client_connect(port);
  client_ask(client, "GET", target);
  client_read_response(client, response, 1);
  client_free(client);
  return response->status;
}

/* ---- WebSocket --------------------------------------------------------------------------------------------------- */

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10, WS_END = -1 };

typedef struct frame {
  int opcode; /* WS_END: the connection has ended */
  size_t length;
  char data[65536];
} frame_t;

/* Sends the handshake, with more header lines ("a: b\r\n") if there are any. */
static inline client_t *ws_ask(uint16_t port, const char *target, const char *more) {
  client_t *client = client_connect(port);
  char request[8192];
  snprintf(request, sizeof request,
           "GET %s HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
           target, more == NULL ? "" : more);
  client_say(client, request);
  return client;
}

static inline client_t *ws_open(uint16_t port, const char *target) {
  response_t response;
  client_t *client = ws_ask(port, target, NULL);
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 101);
  /* RFC 6455, section 1.3, has this key and its answer. */
  const char *accept = response_header(&response, "sec-websocket-accept");
  CHECK(accept != NULL && strncmp(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28) == 0);
  return client;
}

static inline void ws_send(client_t *client, int opcode, const void *data, size_t length) {
  static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
  unsigned char head[14];
  size_t head_length = 2;
  head[0] = (unsigned char)(0x80 | opcode);
  if (length < 126) {
    head[1] = (unsigned char)(0x80 | length);
  } else if (length < 65536) {
    head[1] = 0x80 | 126;
    head[2] = (unsigned char)(length >> 8);
    head[3] = (unsigned char)length;
    head_length = 4;
  } else {
    head[1] = 0x80 | 127;
    for (int index = 0; index < 8; index++) head[2 + index] = (unsigned char)((uint64_t)length >> (56 - 8 * index));
    head_length = 10;
  }
  memcpy(head + head_length, mask, 4);
  head_length += 4;
  unsigned char *frame = malloc(head_length + length);
  CHECK(frame != NULL);
  memcpy(frame, head, head_length);
  for (size_t index = 0; index < length; index++) {
    frame[head_length + index] = ((const unsigned char *)data)[index] ^ mask[index % 4];
  }
  client_send(client, frame, head_length + length);
  free(frame);
}

static inline void ws_say(client_t *client, const char *text) { ws_send(client, WS_TEXT, text, strlen(text)); }

/* The next frame that is no ping. The data has a NUL behind it. */
static inline void ws_read(client_t *client, frame_t *frame) {
  for (;;) {
    if (!client_wait(client, 2)) {
      frame->opcode = WS_END;
      return;
    }
    size_t head_length = 2, length = (unsigned char)client->bytes[1];
    CHECK(length < 128); /* a server does not mask */
    if (length >= 126) {
      head_length = length == 126 ? 4 : 10;
      if (!client_wait(client, head_length)) FAIL("the connection ended within a frame");
      length = 0;
      for (size_t index = 2; index < head_length; index++) length = length << 8 | (unsigned char)client->bytes[index];
    }
    CHECK(length < sizeof frame->data);
    CHECK((unsigned char)client->bytes[0] >> 4 == 8); /* whole messages, no extensions */
    if (!client_wait(client, head_length + length)) FAIL("the connection ended within a frame");
    frame->opcode = client->bytes[0] & 0x0f;
    frame->length = length;
    memcpy(frame->data, client->bytes + head_length, length);
    frame->data[length] = '\0';
    client_consume(client, head_length + length);
    if (frame->opcode != WS_PING) return;
    ws_send(client, WS_PONG, frame->data, frame->length);
  }
}

#define WS_EXPECT(client, text)                                                                                        \
  do {                                                                                                                 \
    frame_t *frame_is = malloc(sizeof *frame_is);                                                                      \
    ws_read(client, frame_is);                                                                                         \
    if (frame_is->opcode != WS_TEXT || strcmp(frame_is->data, text) != 0) {                                            \
      FAIL("frame %d \"%s\", not the text \"%s\"", frame_is->opcode, frame_is->opcode < 0 ? "" : frame_is->data, text);\
    }                                                                                                                  \
    free(frame_is);                                                                                                    \
  } while (0)

/* A close frame with this code comes next; answers it, and waits for the end of the connection. */
#define WS_EXPECT_CLOSE(client, code)                                                                                  \
  do {                                                                                                                 \
    frame_t *frame_is = malloc(sizeof *frame_is);                                                                      \
    ws_read(client, frame_is);                                                                                         \
    int code_is = frame_is->length < 2                                                                                 \
                      ? 1005                                                                                           \
                      : (unsigned char)frame_is->data[0] << 8 | (unsigned char)frame_is->data[1];                      \
    if (frame_is->opcode != WS_CLOSE || code_is != (code)) {                                                           \
      FAIL("frame %d with code %d, not a close with %d", frame_is->opcode, code_is, code);                             \
    }                                                                                                                  \
    ws_send(client, WS_CLOSE, frame_is->data, frame_is->length);                                                       \
    free(frame_is);                                                                                                    \
    client_drain(client);                                                                                              \
  } while (0)

/* Reads whatever comes up to the server's close frame, answers that, and waits for the end of the connection. */
static inline void ws_await_close(client_t *client) {
  frame_t *frame = malloc(sizeof *frame);
  CHECK(frame != NULL);
  do {
    ws_read(client, frame);
  } while (frame->opcode != WS_CLOSE && frame->opcode != WS_END);
  if (frame->opcode == WS_CLOSE) ws_send(client, WS_CLOSE, frame->data, frame->length);
  free(frame);
  client_drain(client);
}

/* Closes from this side, and waits for the answer. */
static inline void ws_close(client_t *client) {
  static const char code[2] = {0x03, (char)0xe8}; /* 1000 */
  frame_t *frame = malloc(sizeof *frame);
  ws_send(client, WS_CLOSE, code, 2);
  do {
    ws_read(client, frame);
  } while (frame->opcode != WS_CLOSE && frame->opcode != WS_END);
  free(frame);
  client_drain(client);
  client_free(client);
}

#endif /* CLIENT_H */
