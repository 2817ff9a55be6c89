/*
 * slow_reader.h - a WebSocket with a small window that makes others send to it, and takes little of it.
 */
#ifndef SLOW_READER_H
#define SLOW_READER_H

#include "guest.h"

static inline void live_as_slow_reader(guest_t *guest) {
  websocket_t ws = {0};
  reading_t reading = {0};
  if (guest_upgrade(guest, &ws, 2048)) {
    int outcome = LINE_OK;
    for (uint32_t left = dice_below(&guest->dice, 50); left > 0 && outcome != LINE_END && guest_stays(guest); left--) {
      outcome = guest_send_something(guest, &ws);
      if (outcome != LINE_END && dice_chance(&guest->dice, 20)) outcome = guest_hear(guest, &ws, &reading, 1);
      pause_ms(dice_below(&guest->dice, 10));
    }
    /* Some catch up in the end. */
    int catches_up = dice_chance(&guest->dice, 50);
    while (catches_up && outcome == LINE_OK && guest_stays(guest)) {
      outcome = guest_hear(guest, &ws, &reading, MOMENT_MS);
    }
  }
  ws_free(&ws);
}

#endif /* SLOW_READER_H */
