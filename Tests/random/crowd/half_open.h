/*
 * half_open.h - what is begun and not finished: a connection without a word, half a request, a side that is closed.
 */
#ifndef HALF_OPEN_H
#define HALF_OPEN_H

#include "asker.h"

static inline void live_as_half_open(guest_t *guest) {
  dice_t *dice = &guest->dice;
  if (!guest_arrive(guest, 0)) return;
  char text[2048];
  size_t length = write_request(guest, text, sizeof text);
  if (dice_chance(dice, 30)) length = dice_below(dice, (uint32_t)length);
  for (size_t at = 0, part; at < length && guest_stays(guest); at += part) {
    part = dice_chance(dice, 60) ? length - at : dice_between(dice, 1, (uint32_t)(length - at));
    if (line_send(guest->line, text + at, part, MOMENT_MS) != LINE_OK) return;
    if (dice_chance(dice, 20)) pause_ms(5);
  }
  if (dice_chance(dice, 50) && guest->line->tls == NULL) shutdown(guest->line->fd, SHUT_WR);
  if (dice_chance(dice, 70)) guest_hear_out(guest);
}

/* A WebSocket whose side is closed without a close frame. */
static inline void live_as_half_closed(guest_t *guest) {
  websocket_t ws = {0};
  if (guest_upgrade(guest, &ws, 0)) {
    guest_send_something(guest, &ws);
    if (guest->line->tls == NULL) shutdown(guest->line->fd, SHUT_WR);
    guest_hear_out(guest);
  }
  ws_free(&ws);
}

#endif /* HALF_OPEN_H */
