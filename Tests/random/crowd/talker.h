/*
 * talker.h - a WebSocket as it should be: it sends, in fragments and compressed too, reads, answers pings, and closes;
 * and one that sits there in silence.
 */
#ifndef TALKER_H
#define TALKER_H

#include "guest.h"

static inline void live_as_talker(guest_t *guest) {
  websocket_t ws = {0};
  reading_t reading = {0};
  if (guest_upgrade(guest, &ws, 0)) {
    int outcome = LINE_OK;
    for (uint32_t left = dice_below(&guest->dice, 40); left > 0 && outcome != LINE_END && guest_stays(guest); left--) {
      if (dice_chance(&guest->dice, 40)) outcome = guest_send_something(guest, &ws);
      if (outcome != LINE_END) outcome = guest_hear(guest, &ws, &reading, MOMENT_MS);
    }
    if (outcome != LINE_END && dice_chance(&guest->dice, 50)) guest_say_goodbye(guest, &ws, &reading);
  }
  ws_free(&ws);
}

/* Never answers anything, pings neither. */
static inline void live_as_sleeper(guest_t *guest) {
  websocket_t ws = {0};
  if (guest_upgrade(guest, &ws, 0)) {
    for (uint32_t left = dice_below(&guest->dice, 60); left > 0 && guest_stays(guest); left--) pause_ms(10);
  }
  ws_free(&ws);
}

#endif /* TALKER_H */
