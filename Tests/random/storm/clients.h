/*
 * clients.h - the storm's clients: seats, which stay, and churners, which come and go. Each has a thread.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "../websocket.h"
#include "sending.h"

enum { PATIENCE_MS = 20000 };

typedef struct client {
  line_t *line;
  websocket_t ws;
  reading_t reading;
  dice_t dice;
} client_t;

/* `seat` -1: a churner. Zero: it was not let in, which only a churner may have to hear. */
static inline int client_open(client_t *client, storm_t *storm, int seat, const char *uid) {
  char target[64], offer[200] = "";
  snprintf(target, sizeof target, "/room?u=%s&seat=%d", uid, seat);
  if (dice_chance(&client->dice, storm->plan.compressed_percent)) ws_write_offer(&client->dice, offer, sizeof offer);
  client->reading = (reading_t){0};
  client->line = line_open(&storm->address, storm->plan.slow_percent > 0 ? 4096 : 0, PATIENCE_MS);
  CHECK(client->line != NULL);
  int status = ws_shake_hands(&client->ws, client->line, &client->dice, target, offer, PATIENCE_MS);
  if (status == 101) return 1;
  if (seat >= 0) FAIL("seat %d: %d", seat, status);
  line_close(client->line);
  return 0;
}

static inline void client_free(client_t *client, int is_reset) {
  ws_free(&client->ws);
  if (is_reset) {
    line_reset(client->line);
  } else {
    line_close(client->line);
  }
}

/* Closes, and reads up to the end of the connection. */
static inline void client_close(client_t *client) {
  message_t message;
  ws_send_close(&client->ws, 1000, PATIENCE_MS);
  int outcome;
  while ((outcome = ws_read(&client->ws, &client->reading, &message, PATIENCE_MS)) == LINE_OK) continue;
  if (outcome == LINE_NOTHING) FAIL("a connection that was closed does not end");
  client_free(client, 0);
}

/* Reads one message into the ledger. What ws_read gives; LINE_END also at a close frame. */
static inline int client_hear(client_t *client, storm_t *storm, ledger_t *ledger, const char *name, int is_late,
                              int timeout_ms) {
  message_t message;
  int outcome = ws_read(&client->ws, &client->reading, &message, timeout_ms);
  if (outcome != LINE_OK) return outcome;
  if (message.opcode == WS_PING) {
    unsigned char payload[125];
    memcpy(payload, message.data, message.length);
    return ws_send(&client->ws, WS_PONG, payload, message.length, 1, PATIENCE_MS);
  }
  if (message.opcode == WS_CLOSE) return LINE_END;
  if (message.opcode == WS_PONG) return LINE_OK;
  parcel_t parcel = parcel_read(storm->plan.seed, message.data, message.length);
  ledger_note(ledger, name, &parcel, is_late, storm_may_miss(storm));
  return LINE_OK;
}

/* ---- seats ------------------------------------------------------------------------------------------------------- */

/* Whether this seat has all that was sent to it; else `why` says what it lacks. */
static inline int seat_has_all(const seat_t *seat, char *why, size_t size) {
  storm_t *storm = seat->storm;
  uint64_t expected = 0;
  for (uint32_t sender = 0; sender < SENDERS; sender++) {
    for (uint32_t audience = 0; audience < AUDIENCES; audience++) {
      uint64_t sent = storm->senders[sender].sent[audience];
      if (sent == 0 || !storm_reaches(storm, sender, audience, seat)) continue;
      expected += sent;
      uint64_t number = seat->ledger.number[sender][audience];
      if (storm_may_miss(storm) || number == sent || (storm_is_excused(storm, sender) && number < sent)) continue;
      snprintf(why, size, "has %llu of %llu messages of sender %u to audience %u", (unsigned long long)number,
               (unsigned long long)sent, sender, audience);
      return 0;
    }
  }
  if (!storm_may_miss(storm) || seat->ledger.received + seat->dropped == expected) return 1;
  snprintf(why, size, "has %llu messages, and %llu were dropped, of %llu", (unsigned long long)seat->ledger.received,
           (unsigned long long)seat->dropped, (unsigned long long)expected);
  return 0;
}

/* Gives the host its next command, when the last is done. */
static inline void seat_command(seat_t *seat, client_t *client, uint32_t *given) {
  if (*given == seat->storm->plan.commands || *given > seat->commands_done) return;
  char text[64];
  int length = snprintf(text, sizeof text, "do %u %u", *given, dice_between(&client->dice, 1, 8));
  ++*given;
  if (dice_chance(&client->dice, 10)) ws_send(&client->ws, WS_PING, "?", 1, 1, PATIENCE_MS);
  ws_send(&client->ws, WS_TEXT, text, (size_t)length, dice_between(&client->dice, 1, 3), PATIENCE_MS);
}

/* Speaks, and reads until it has everything; or until its socket ends, which it may where the policy closes. */
static inline void seat_stay(seat_t *seat, client_t *client) {
  storm_t *storm = seat->storm;
  char name[32], why[200] = "";
  snprintf(name, sizeof name, "seat %u", seat->number);
  int is_slow = dice_chance(&client->dice, storm->plan.slow_percent), has_spoken = 0;
  uint32_t given = 0;
  uint64_t idle_since = check_now_ms();
  while (!storm->is_leaving) {
    seat_command(seat, client, &given);
    if (is_slow && !storm->is_over && dice_chance(&client->dice, 5)) storm_pause(dice_below(&client->dice, 50000));
    uint64_t received = seat->ledger.received;
    int outcome = client_hear(client, storm, &seat->ledger, name, 0, 3);
    if (seat->ledger.received > received) idle_since = check_now_ms();
    int is_done = seat->commands_done == storm->plan.commands;
    if (!has_spoken && (is_done || outcome == LINE_END)) gate_pass(&storm->spoken), has_spoken = 1;
    if (outcome == LINE_END) {
      if (!storm_may_close(storm)) FAIL("%s: its connection ended", name);
      break;
    }
    if (outcome == LINE_NOTHING && storm->is_over && seat_has_all(seat, why, sizeof why)) break;
    if (check_now_ms() - idle_since > PATIENCE_MS) {
      FAIL("%s waits in vain, %u of %u commands done, %s: %s", name, seat->commands_done, given,
           storm->is_over ? "at the end" : "in the middle", why);
    }
  }
}

static inline void *seat_live(void *user) {
  seat_t *seat = user;
  storm_t *storm = seat->storm;
  client_t client = {.dice = dice_of(storm->plan.seed, 2000 + seat->number)};
  char uid[32];
  snprintf(uid, sizeof uid, "seat-%u", seat_uid(storm, seat->number));
  CHECK(client_open(&client, storm, (int)seat->number, uid));
  while (!storm->has_begun) storm_pause(200);
  seat_stay(seat, &client);
  gate_pass(&storm->opened); /* and it has all */
  while (!storm->is_leaving) storm_pause(200);
  client_close(&client);
  return NULL;
}

/* ---- churners ---------------------------------------------------------------------------------------------------- */

typedef struct churner {
  storm_t *storm;
  uint32_t number;
  uint64_t lives;
} churner_t;

static inline void churner_life(churner_t *churner, client_t *client) {
  storm_t *storm = churner->storm;
  char name[32];
  snprintf(name, sizeof name, "churner-%u", churner->number);
  if (!client_open(client, storm, -1, name)) return;
  ledger_t *ledger = calloc(1, sizeof *ledger);
  CHECK(ledger != NULL);
  int outcome = LINE_OK;
  for (uint32_t left = dice_below(&client->dice, 200); left > 0 && !storm->is_leaving && outcome != LINE_END; left--) {
    outcome = client_hear(client, storm, ledger, name, 1, 5);
  }
  free(ledger);
  if (outcome != LINE_END && dice_chance(&client->dice, 60)) {
    client_close(client);
  } else {
    client_free(client, dice_chance(&client->dice, 50));
  }
}

static inline void *churner_live(void *user) {
  churner_t *churner = user;
  client_t client = {.dice = dice_of(churner->storm->plan.seed, 3000 + churner->number)};
  for (; !churner->storm->is_leaving; churner->lives++) {
    churner_life(churner, &client);
    if (dice_chance(&client.dice, 30)) storm_pause(dice_below(&client.dice, 20000));
  }
  return NULL;
}

#endif /* CLIENTS_H */
