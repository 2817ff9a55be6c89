/*
 * random_numbers.h - what is drawn from a seed. Each thread has dice of its own, made of the seed and its number, so
 * what it chooses is the same in each run; how threads meet is not.
 */
#ifndef RANDOM_NUMBERS_H
#define RANDOM_NUMBERS_H

#include "../capi/check.h"

static inline dice_t dice_of(uint64_t seed, uint64_t number) {
  dice_t dice = {seed * 0x2545f4914f6cdd1du + number * 0x9e3779b97f4a7c15u};
  dice.state = dice_next(&dice);
  return dice;
}

/* 0 to `count` - 1. */
static inline uint32_t dice_below(dice_t *dice, uint32_t count) { return (uint32_t)(dice_next(dice) % count); }

static inline uint32_t dice_between(dice_t *dice, uint32_t least, uint32_t most) {
  return least + dice_below(dice, most - least + 1);
}

/* True so many times of a hundred. */
static inline int dice_chance(dice_t *dice, uint32_t percent) { return dice_below(dice, 100) < percent; }

/* One of the numbers that follow. */
#define DICE_ONE_OF(dice, ...)                                                                                         \
  ((const uint32_t[]){__VA_ARGS__}[dice_below(dice, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))])

/* A length: mostly short, at times up to `most`. */
static inline size_t dice_length(dice_t *dice, uint32_t most) {
  uint32_t bound = dice_chance(dice, 80) ? 300 : dice_chance(dice, 80) ? 5000 : most;
  return dice_below(dice, bound < most ? bound : most + 1);
}

/* Words, which shrink, or letters without any order, which do not; valid UTF-8 both. */
static inline void dice_text(dice_t *dice, unsigned char *text, size_t length) {
  static const char words[] = "the quick brown dog jumps over the lazy gateway and broadcasts to every shard ";
  if (dice_chance(dice, 70)) {
    size_t at = dice_below(dice, sizeof words - 1);
    for (size_t index = 0; index < length; index++) {
      text[index] = (unsigned char)words[(at + index) % (sizeof words - 1)];
    }
    return;
  }
  for (size_t index = 0; index < length; index++) text[index] = (unsigned char)(' ' + dice_below(dice, 95));
}

#endif /* RANDOM_NUMBERS_H */
