/*
 * scores.h - how many points each uid has: a table sorted by uid, so that one is found by binary search.
 */
#ifndef SCORES_H
#define SCORES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct score {
  int64_t points;
  size_t sockets; /* open sockets of this uid; while there are any, its score is not forgotten */
  size_t uid_length;
  char uid[];
} score_t;

typedef struct scores {
  score_t **entries; /* in the order of scores_compare_uid */
  size_t count;
  size_t capacity;
} scores_t;

static inline int scores_compare_uid(const score_t *score, const char *uid, size_t length) {
  size_t shorter = score->uid_length < length ? score->uid_length : length;
  int order = memcmp(score->uid, uid, shorter);
  if (order != 0) return order;
  return (score->uid_length > length) - (score->uid_length < length);
}

/* Where `uid` is, or where it would go. */
static inline size_t scores_position(const scores_t *scores, const char *uid, size_t length) {
  size_t low = 0, high = scores->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (scores_compare_uid(scores->entries[middle], uid, length) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/* The score of `uid`, made with no points if there is none. NULL: out of memory. */
static inline score_t *scores_get(scores_t *scores, const char *uid, size_t length) {
  size_t position = scores_position(scores, uid, length);
  if (position < scores->count && scores_compare_uid(scores->entries[position], uid, length) == 0) {
    return scores->entries[position];
  }
  if (scores->count == scores->capacity) {
    size_t capacity = scores->capacity == 0 ? 16 : 2 * scores->capacity;
    score_t **grown = realloc(scores->entries, capacity * sizeof *grown);
    if (grown == NULL) return NULL;
    scores->entries = grown;
    scores->capacity = capacity;
  }
  score_t *score = malloc(sizeof *score + length);
  if (score == NULL) return NULL;
  score->points = 0;
  score->sockets = 0;
  score->uid_length = length;
  memcpy(score->uid, uid, length);

  score_t **place = scores->entries + position;
  memmove(place + 1, place, (scores->count - position) * sizeof *place);
  *place = score;
  scores->count++;
  return score;
}

static inline void scores_remove(scores_t *scores, size_t position) {
  score_t **place = scores->entries + position;
  free(*place);
  scores->count--;
  memmove(place, place + 1, (scores->count - position) * sizeof *place);
}

/* Forgets the lowest score of those whose uid has left. */
static inline void scores_forget_lowest(scores_t *scores) {
  size_t lowest = scores->count;
  for (size_t index = 0; index < scores->count; index++) {
    if (scores->entries[index]->sockets > 0) continue;
    if (lowest == scores->count || scores->entries[index]->points < scores->entries[lowest]->points) lowest = index;
  }
  if (lowest < scores->count) scores_remove(scores, lowest);
}

/* Highest first, and of equals the one whose uid comes first. */
static inline int scores_compare_points(const void *left, const void *right) {
  const score_t *one = *(score_t *const *)left, *other = *(score_t *const *)right;
  if (one->points != other->points) return one->points < other->points ? 1 : -1;
  return scores_compare_uid(one, other->uid, other->uid_length);
}

/* All scores, highest first, in an array that the caller frees. NULL: out of memory, or there are none. */
static inline const score_t **scores_ranking(const scores_t *scores) {
  if (scores->count == 0) return NULL;
  const score_t **ranking = malloc(scores->count * sizeof *ranking);
  if (ranking == NULL) return NULL;
  memcpy(ranking, scores->entries, scores->count * sizeof *ranking);
  qsort(ranking, scores->count, sizeof *ranking, scores_compare_points);
  return ranking;
}

static inline void scores_free(scores_t *scores) {
  for (size_t index = 0; index < scores->count; index++) free(scores->entries[index]);
  free(scores->entries);
}

#endif /* SCORES_H */
