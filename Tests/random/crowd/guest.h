/*
 * guest.h - a client of the crowd: one life after the other, each of some kind. Nothing that a guest does waits for
 * longer than a moment without asking whether everybody is to leave.
 */
#ifndef GUEST_H
#define GUEST_H

#include "../shared.h"
#include "../websocket.h"

enum { MOMENT_MS = 20, PATIENCE_MS = 500 };

typedef struct guest {
  shared_t *shared;
  dice_t dice;
  line_t *line;
} guest_t;

static inline int guest_stays(const guest_t *guest) { return !guest->shared->is_leaving && !guest->shared->is_over; }

/* A line to one of the engines that are open. Zero: there is none. */
static inline int guest_arrive(guest_t *guest, int receive_bytes) {
  place_t *place = &guest->shared->places[dice_below(&guest->dice, ADDRESSES_MAX)];
  for (int tries = 0; !place->is_open && tries < 50; tries++) {
    place = &guest->shared->places[dice_below(&guest->dice, ADDRESSES_MAX)];
  }
  guest->line = place->is_open ? line_open(&place->address, receive_bytes, PATIENCE_MS) : NULL;
  if (guest->line == NULL) pause_ms(2);
  return guest->line != NULL;
}

/* By a reset or without a word. */
static inline void guest_leave(guest_t *guest) {
  if (guest->line == NULL) return;
  if (dice_chance(&guest->dice, 30)) {
    line_reset(guest->line);
  } else {
    line_close(guest->line);
  }
  guest->line = NULL;
}

/* Waits for the end of the connection, whatever comes. */
static inline void guest_hear_out(guest_t *guest) {
  int outcome = LINE_OK;
  while (outcome != LINE_END && guest_stays(guest)) {
    guest->line->length = 0;
    outcome = line_fill(guest->line, 4096, MOMENT_MS);
  }
}

static inline void guest_draw_target(guest_t *guest, char *target, size_t size) {
  dice_t *dice = &guest->dice;
  if (dice_chance(dice, 10)) {
    snprintf(target, size, "/elsewhere/%u?u=u%u", dice_below(dice, 9), dice_below(dice, 20));
  } else if (dice_chance(dice, 10)) {
    strcpy(target, "/lobby");
  } else {
    snprintf(target, size, "/room/r%u/x?u=u%u&v=%%41+b", dice_below(dice, 6), dice_below(dice, 20));
  }
}

/* An open WebSocket, compressed or not. Zero: it was refused. */
static inline int guest_upgrade(guest_t *guest, websocket_t *ws, int receive_bytes) {
  char target[64], more[400] = "";
  if (!guest_arrive(guest, receive_bytes)) return 0;
  guest_draw_target(guest, target, sizeof target);
  if (dice_chance(&guest->dice, 60)) ws_write_offer(&guest->dice, more, sizeof more);
  if (dice_chance(&guest->dice, 10)) strcat(more, "Origin: https://example.com\r\n");
  if (dice_chance(&guest->dice, 20)) strcat(more, "Sec-WebSocket-Protocol: a, b\r\n");
  if (dice_chance(&guest->dice, 20)) strcat(more, "X-Forwarded-For: 1.2.3.4, nobody\r\n");
  int status = ws_shake_hands(ws, guest->line, &guest->dice, target, more, PATIENCE_MS);
  if (status == 101) atomic_fetch_add(&guest->shared->opened, 1);
  return status == 101;
}

/* Takes what there is. LINE_END also at a close frame, which is answered. */
static inline int guest_hear(guest_t *guest, websocket_t *ws, reading_t *reading, int timeout_ms) {
  message_t message;
  int outcome = ws_read(ws, reading, &message, timeout_ms);
  if (outcome != LINE_OK) return outcome;
  if (message.opcode < WS_CLOSE) atomic_fetch_add(&guest->shared->heard, 1);
  if (message.opcode != WS_PING && message.opcode != WS_CLOSE) return LINE_OK;
  unsigned char payload[125];
  memcpy(payload, message.data, message.length);
  outcome = ws_send(ws, message.opcode == WS_PING ? WS_PONG : WS_CLOSE, payload, message.length, 1, PATIENCE_MS);
  return message.opcode == WS_CLOSE ? LINE_END : outcome;
}

/* Closes as it should be done, and stays for the answer. */
static inline void guest_say_goodbye(guest_t *guest, websocket_t *ws, reading_t *reading) {
  if (ws_send_close(ws, 1000, PATIENCE_MS) != LINE_OK) return;
  message_t message;
  int outcome = LINE_OK;
  while (outcome != LINE_END && guest_stays(guest)) outcome = ws_read(ws, reading, &message, MOMENT_MS);
}

static inline int guest_send_something(guest_t *guest, websocket_t *ws) {
  static _Thread_local unsigned char bytes[8000];
  size_t length = dice_length(&guest->dice, sizeof bytes - 1);
  dice_text(&guest->dice, bytes, length);
  if (dice_chance(&guest->dice, 10)) return ws_send(ws, WS_PING, bytes, length % 126, 1, PATIENCE_MS);
  int opcode = dice_chance(&guest->dice, 50) ? WS_TEXT : WS_BINARY;
  return ws_send(ws, opcode, bytes, length, dice_between(&guest->dice, 1, 3), PATIENCE_MS);
}

#endif /* GUEST_H */
