/*
 * websocket.h - the client's side of RFC 6455 and RFC 7692 over a line. What the server sends is held to both of them:
 * a message that inflates only with a larger window than was agreed fails.
 */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "line.h"
#include "random_numbers.h"

#include <strings.h>
#include <zlib.h>

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum { WS_FIN = 0x80, WS_COMPRESSED = 0x40 };

typedef struct websocket {
  line_t *line;
  dice_t *dice;        /* masking keys */
  int is_compressing;  /* permessage-deflate was agreed */
  int is_sending_raw;  /* agreed, but no window of zlib's serves for what is sent */
  int keeps_context;   /* what is sent may refer to what was */
  z_stream inflater;
  z_stream deflater;
  unsigned char *inflated;
  size_t inflated_capacity;
} websocket_t;

typedef struct message {
  int opcode;
  const unsigned char *data; /* good until the next is read */
  size_t length;
} message_t;

/* ---- handshake --------------------------------------------------------------------------------------------------- */

/* An offer of compression with windows of any size. */
static inline void ws_write_offer(dice_t *dice, char *offer, size_t size) {
  char server[40] = "", client[40] = "";
  if (dice_chance(dice, 70)) snprintf(server, sizeof server, "; server_max_window_bits=%u", dice_between(dice, 8, 15));
  if (dice_chance(dice, 30)) {
    snprintf(client, sizeof client, "; client_max_window_bits=%u", dice_between(dice, 8, 15));
  } else if (dice_chance(dice, 50)) {
    strcpy(client, "; client_max_window_bits");
  }
  snprintf(offer, size, "Sec-WebSocket-Extensions: permessage-deflate%s%s%s\r\n", server, client,
           dice_chance(dice, 20) ? "; client_no_context_takeover" : "");
}

/* A line of a head, behind its name and colon; NULL: there is none. */
static inline const char *head_line(const char *head, const char *name) {
  size_t length = strlen(name);
  for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
    line += 2;
    if (strncasecmp(line, name, length) == 0 && line[length] == ':') return line + length + 1;
  }
  return NULL;
}

static inline int ws_bits(const char *extensions, const char *name, int otherwise) {
  const char *at = strstr(extensions, name);
  return at == NULL ? otherwise : atoi(at + strlen(name));
}

static inline void ws_agree(websocket_t *ws, const char *head) {
  char extensions[256] = "";
  const char *line = head_line(head, "Sec-WebSocket-Extensions");
  if (line == NULL) return;
  CHECK(sscanf(line, "%255[^\r]", extensions) == 1);
  CHECK(strstr(extensions, "permessage-deflate") != NULL);
  CHECK(strstr(extensions, "server_no_context_takeover") != NULL);
  ws->is_compressing = 1;
  CHECK(inflateInit2(&ws->inflater, -ws_bits(extensions, "server_max_window_bits=", 15)) == Z_OK);
  int bits = ws_bits(extensions, "client_max_window_bits=", 15);
  ws->is_sending_raw = bits < 9; /* zlib has no deflate for those */
  ws->keeps_context = strstr(extensions, "client_no_context_takeover") == NULL;
  CHECK(deflateInit2(&ws->deflater, 1, Z_DEFLATED, -(bits < 9 ? 9 : bits), 8, Z_DEFAULT_STRATEGY) == Z_OK);
}

/* Reads one head, which gets a NUL behind it. */
static inline int line_read_head(line_t *line, char *head, size_t size, int timeout_ms) {
  unsigned char *end;
  while ((end = line->length == 0 ? NULL : memmem(line->bytes, line->length, "\r\n\r\n", 4)) == NULL) {
    int outcome = line_fill(line, 4096, timeout_ms);
    if (outcome != LINE_OK) return outcome;
  }
  size_t length = (size_t)(end - line->bytes) + 4;
  CHECK(length < size);
  memcpy(head, line->bytes, length);
  head[length] = '\0';
  line_use(line, length);
  return LINE_OK;
}

/* Asks for an upgrade. The status of the answer; 0 without one. At 101 `ws` is open. The line stays the caller's. */
static inline int ws_shake_hands(websocket_t *ws, line_t *line, dice_t *dice, const char *target, const char *more,
                                 int timeout_ms) {
  memset(ws, 0, sizeof *ws);
  ws->line = line;
  ws->dice = dice;
  char text[4096];
  snprintf(text, sizeof text,
           "GET %s HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
           target, more);
  int status = 0;
  if (line_say(line, text, timeout_ms) != LINE_OK) return 0;
  if (line_read_head(line, text, sizeof text, timeout_ms) != LINE_OK) return 0;
  CHECK(sscanf(text, "HTTP/1.1 %d", &status) == 1);
  if (status != 101) return status;
  /* RFC 6455, section 1.3, has this key and its answer. */
  CHECK(strstr(text, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != NULL);
  ws_agree(ws, text);
  return status;
}

/* Lets go of all but the line. */
static inline void ws_free(websocket_t *ws) {
  if (ws->is_compressing) {
    inflateEnd(&ws->inflater);
    deflateEnd(&ws->deflater);
  }
  free(ws->inflated);
  memset(ws, 0, sizeof *ws);
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

/* Writes a frame into `frame`, which has room for 14 bytes more than `length`. */
static inline size_t ws_write_frame(dice_t *dice, int first, const unsigned char *data, size_t length,
                                    unsigned char *frame) {
  size_t head = 2;
  frame[0] = (unsigned char)first;
  if (length < 126) {
    frame[1] = (unsigned char)(0x80 | length);
  } else {
    size_t bytes = length < 65536 ? 2 : 8;
    frame[1] = (unsigned char)(0x80 | (bytes == 2 ? 126 : 127));
    for (size_t index = 0; index < bytes; index++) {
      frame[head++] = (unsigned char)((uint64_t)length >> (8 * (bytes - 1 - index)));
    }
  }
  uint32_t key = (uint32_t)dice_next(dice);
  unsigned char *mask = frame + head;
  memcpy(mask, &key, 4);
  head += 4;
  for (size_t index = 0; index < length; index++) frame[head + index] = data[index] ^ mask[index % 4];
  return head + length;
}

/* What a message is compressed to, the caller's to free; RFC 7692, section 7.2.1. */
static inline unsigned char *ws_deflate(websocket_t *ws, const void *data, size_t length, size_t *packed_length) {
  size_t bound = deflateBound(&ws->deflater, length) + 64;
  unsigned char *packed = malloc(bound);
  CHECK(packed != NULL);
  if (!ws->keeps_context) deflateReset(&ws->deflater);
  ws->deflater.next_in = (void *)(uintptr_t)data;
  ws->deflater.avail_in = (uInt)length;
  ws->deflater.next_out = packed;
  ws->deflater.avail_out = (uInt)bound;
  deflate(&ws->deflater, Z_SYNC_FLUSH);
  CHECK(ws->deflater.avail_in == 0 && ws->deflater.avail_out > 0);
  size_t made = bound - ws->deflater.avail_out;
  /* A flush that had nothing to say after the last one says nothing. */
  *packed_length = made < 4 ? 0 : made - 4;
  if (made < 4) packed[(*packed_length)++] = 0;
  return packed;
}

/* A message, in `fragments` parts, and compressed where that was agreed and the dice say so. */
static inline int ws_send(websocket_t *ws, int opcode, const void *data, size_t length, uint32_t fragments,
                          int timeout_ms) {
  unsigned char *packed = NULL;
  const unsigned char *bytes = data;
  int first = opcode;
  if (ws->is_compressing && !ws->is_sending_raw && opcode < WS_CLOSE && dice_chance(ws->dice, 70)) {
    bytes = packed = ws_deflate(ws, data, length, &length);
    first |= WS_COMPRESSED;
  }
  unsigned char *frames = malloc(length + 14 * (fragments + 1));
  CHECK(frames != NULL);
  size_t written = 0;
  for (uint32_t part = 0; part < fragments; part++) {
    size_t size = part + 1 == fragments ? length : dice_below(ws->dice, (uint32_t)length + 1);
    int is_last = part + 1 == fragments;
    written += ws_write_frame(ws->dice, first | (is_last ? WS_FIN : 0), bytes, size, frames + written);
    bytes += size;
    length -= size;
    first = 0;
  }
  int outcome = line_send(ws->line, frames, written, timeout_ms);
  free(frames);
  free(packed);
  return outcome;
}

static inline int ws_send_close(websocket_t *ws, int code, int timeout_ms) {
  const unsigned char payload[2] = {(unsigned char)(code >> 8), (unsigned char)code};
  return ws_send(ws, WS_CLOSE, payload, 2, 1, timeout_ms);
}

/* ---- receiving --------------------------------------------------------------------------------------------------- */

static inline void ws_inflate(websocket_t *ws, const unsigned char *data, size_t length, message_t *message) {
  static const unsigned char tail[4] = {0, 0, 0xff, 0xff};
  inflateReset(&ws->inflater);
  size_t made = 0;
  for (int part = 0; part < 2; part++) {
    ws->inflater.next_in = (void *)(uintptr_t)(part == 0 ? data : tail);
    ws->inflater.avail_in = (uInt)(part == 0 ? length : sizeof tail);
    do {
      if (ws->inflated_capacity - made < 4096) {
        ws->inflated_capacity = ws->inflated_capacity * 2 + 8192;
        ws->inflated = realloc(ws->inflated, ws->inflated_capacity);
        CHECK(ws->inflated != NULL);
      }
      ws->inflater.next_out = ws->inflated + made;
      ws->inflater.avail_out = (uInt)(ws->inflated_capacity - made);
      int result = inflate(&ws->inflater, Z_SYNC_FLUSH);
      if (result != Z_OK && result != Z_BUF_ERROR) {
        FAIL("a message of %zu bytes does not inflate: %s", length, ws->inflater.msg ? ws->inflater.msg : "?");
      }
      made = ws->inflated_capacity - ws->inflater.avail_out;
    } while (ws->inflater.avail_in > 0 || ws->inflater.avail_out == 0);
  }
  message->data = ws->inflated;
  message->length = made;
}

/* How long the frame at the front is with its head, as far as that is known; `payload` gets how much of it is data. */
static inline size_t ws_frame_length(const line_t *line, size_t *payload) {
  if (line->length < 2) return 2;
  size_t head = 2;
  *payload = line->bytes[1];
  CHECK(*payload < 128); /* a server does not mask */
  if (*payload >= 126) {
    head = *payload == 126 ? 4 : 10;
    if (line->length < head) return head;
    *payload = 0;
    for (size_t index = 2; index < head; index++) *payload = *payload << 8 | line->bytes[index];
    CHECK(*payload >= (head == 4 ? 126 : 65536)); /* the shortest form */
  }
  return head + *payload;
}

/* Takes the message that was read last off the line: call it before the next read. */
typedef struct reading {
  size_t used; /* bytes at the front of the line that belong to the message that was given out last */
} reading_t;

/* The next message or control frame. The engine sends each message as one frame. */
static inline int ws_read(websocket_t *ws, reading_t *reading, message_t *message, int timeout_ms) {
  line_t *line = ws->line;
  line_use(line, reading->used);
  reading->used = 0;
  size_t payload = 0, whole;
  while ((whole = ws_frame_length(line, &payload)) > line->length || line->length < 2) {
    size_t missing = whole - line->length;
    int outcome = line_fill(line, missing < 16384 ? 16384 : missing, timeout_ms);
    if (outcome != LINE_OK) return outcome;
  }
  int first = line->bytes[0], opcode = first & 0x0f;
  CHECK((first & WS_FIN) != 0 && (first & 0x30) == 0);
  CHECK(opcode == WS_TEXT || opcode == WS_BINARY || (opcode >= WS_CLOSE && opcode <= WS_PONG && payload <= 125));
  reading->used = whole;
  *message = (message_t){opcode, line->bytes + (whole - payload), payload};
  if ((first & WS_COMPRESSED) != 0) {
    CHECK(ws->is_compressing && opcode < WS_CLOSE);
    ws_inflate(ws, message->data, payload, message);
  }
  return LINE_OK;
}

#endif /* WEBSOCKET_H */
