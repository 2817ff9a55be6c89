/*
 * rude.h - what no client may do: frames that are none, bytes that are no request, ends in the middle of both.
 */
#ifndef RUDE_H
#define RUDE_H

#include "asker.h"

/* A frame with its bits turned, its end cut off, or its mask left out. */
static inline size_t write_bad_frame(guest_t *guest, unsigned char *frame, size_t size) {
  dice_t *dice = &guest->dice;
  unsigned char data[300];
  uint32_t length = dice_below(dice, sizeof data);
  dice_text(dice, data, length);
  size_t written = ws_write_frame(dice, (int)dice_below(dice, 256), data, length, frame);
  CHECK(written <= size);
  switch (dice_below(dice, 5)) {
    case 0: frame[dice_below(dice, 14) % written] ^= (unsigned char)(1 << dice_below(dice, 8)); break;
    case 1: written = dice_below(dice, (uint32_t)written); break;
    case 2: frame[1] &= 0x7f; break;
    case 3: memset(frame, 0xff, written < 14 ? written : 14); break;
    default: break;
  }
  return written;
}

static inline void live_as_rude_talker(guest_t *guest) {
  websocket_t ws = {0};
  reading_t reading = {0};
  unsigned char frame[400];
  if (guest_upgrade(guest, &ws, 0)) {
    int outcome = guest_send_something(guest, &ws);
    uint32_t left = dice_between(&guest->dice, 1, 4);
    for (; left > 0 && outcome == LINE_OK && guest_stays(guest); left--) {
      outcome = line_send(guest->line, frame, write_bad_frame(guest, frame, sizeof frame), MOMENT_MS);
    }
    while (outcome == LINE_OK && guest_stays(guest)) outcome = guest_hear(guest, &ws, &reading, PATIENCE_MS / 5);
  }
  ws_free(&ws);
}

static inline void live_as_rude_asker(guest_t *guest) {
  static const char *const lines[] = {
      "GET / HTTP/1.1\r\n\r\n",
      "\x16\x03\x01\x02",
      "PROXY TCP4 1.2.3.4\r\n",
      "BREW /room/r1 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /room/%ff HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST /room/r1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
  };
  if (!guest_arrive(guest, 0)) return;
  char text[2048];
  size_t length = write_request(guest, text, sizeof text);
  if (dice_chance(&guest->dice, 60)) {
    strcpy(text, lines[dice_below(&guest->dice, sizeof lines / sizeof lines[0])]);
    length = strlen(text);
  } else {
    for (int left = 3; left > 0; left--) {
      text[dice_below(&guest->dice, (uint32_t)length)] = (char)dice_next(&guest->dice);
    }
  }
  int outcome = line_send(guest->line, text, length, MOMENT_MS);
  if (outcome == LINE_OK && dice_chance(&guest->dice, 80)) guest_hear_out(guest);
}

/* Gone while the connection, or its upgrade, is under way. */
static inline void live_as_quitter(guest_t *guest) {
  if (!guest_arrive(guest, 0)) return;
  char text[400];
  int length = snprintf(text, sizeof text,
                        "GET /room/r%u?u=u1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                        dice_below(&guest->dice, 6));
  line_send(guest->line, text, (size_t)length, MOMENT_MS);
  if (dice_chance(&guest->dice, 50)) pause_ms(dice_below(&guest->dice, 3));
}

#endif /* RUDE_H */
