/*
 * asker.h - HTTP: requests one after another or many at once, with bodies of both kinds; of the answers some are read
 * whole, some in part.
 */
#ifndef ASKER_H
#define ASKER_H

#include "guest.h"

static inline size_t write_request(guest_t *guest, char *text, size_t size) {
  static const char *const methods[] = {"GET", "GET", "POST", "POST", "HEAD", "DELETE"};
  dice_t *dice = &guest->dice;
  const char *method = methods[dice_below(dice, 6)];
  char target[64], body[700] = "";
  guest_draw_target(guest, target, sizeof target);
  uint32_t body_length = method[0] == 'P' ? dice_below(dice, 600) : 0;
  char framing[64] = "";
  if (body_length > 0 && dice_chance(dice, 50)) {
    strcpy(framing, "Transfer-Encoding: chunked\r\n");
    snprintf(body, sizeof body, "%x;a=b\r\n%0*u\r\n0\r\nX-Sum: 1\r\n\r\n", body_length, (int)body_length, 7u);
  } else if (body_length > 0) {
    snprintf(framing, sizeof framing, "Content-Length: %u\r\n", body_length);
    snprintf(body, sizeof body, "%0*u", (int)body_length, 7u);
  }
  const char *connection = dice_chance(dice, 10) ? "Connection: close\r\n" : "";
  return (size_t)snprintf(text, size, "%s %s HTTP/1.%u\r\nHost: test\r\n%s%s\r\n%s", method, target,
                          dice_chance(dice, 90), framing, connection, body);
}

static inline void live_as_asker(guest_t *guest) {
  if (!guest_arrive(guest, dice_chance(&guest->dice, 20) ? 2048 : 0)) return;
  char text[2048];
  int outcome = LINE_OK;
  for (uint32_t left = dice_below(&guest->dice, 12); left > 0 && outcome != LINE_END && guest_stays(guest); left--) {
    size_t length = write_request(guest, text, sizeof text);
    outcome = line_send(guest->line, text, length, PATIENCE_MS);
    if (outcome != LINE_OK) return;
    guest->line->length = 0;
    if (dice_chance(&guest->dice, 60)) outcome = line_fill(guest->line, 4096, PATIENCE_MS);
    if (outcome == LINE_OK && guest->line->length >= 9) CHECK(guest->line->bytes[0] != 0);
  }
  if (outcome != LINE_END && dice_chance(&guest->dice, 40)) guest_hear_out(guest);
}

/* More requests than anybody waits for, and no answer is read. */
static inline void live_as_flooder(guest_t *guest) {
  if (!guest_arrive(guest, 2048)) return;
  char text[2048];
  int outcome = LINE_OK;
  for (uint32_t left = dice_below(&guest->dice, 400); left > 0 && outcome == LINE_OK && guest_stays(guest); left--) {
    size_t length = write_request(guest, text, sizeof text);
    outcome = line_send(guest->line, text, length, MOMENT_MS);
  }
}

#endif /* ASKER_H */
