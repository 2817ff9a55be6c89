/*
 * heap.h - how many bytes of the heap are held, where Tests/lib/heap.c is preloaded: the crowd's are among them.
 */
#ifndef HEAP_H
#define HEAP_H

#include "../shared.h"

/* NULL: it is not preloaded. To be called first: children get no file to count in. */
static inline const _Atomic int64_t *heap_open(void) {
  const char *path = getenv("SOAK_HEAP");
  if (path == NULL) return NULL;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  CHECK(file >= 0);
  void *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
  CHECK(memory != MAP_FAILED);
  close(file);
  unsetenv("SOAK_HEAP");
  unsetenv("LD_PRELOAD");
  return memory;
}

/* The first rounds make what is made once, and tables as large as they will be. */
enum { HEAP_ROUNDS = 6, HEAP_BYTES_MAX = 16 << 10 };

typedef struct heap_history {
  const _Atomic int64_t *bytes;
  int64_t first_most;
  int64_t last[HEAP_ROUNDS];
  int rounds;
} heap_history_t;

static inline void heap_note(heap_history_t *heap) {
  if (heap->bytes == NULL) return;
  int64_t bytes = *heap->bytes;
  heap->last[heap->rounds++ % HEAP_ROUNDS] = bytes;
  if (heap->rounds <= HEAP_ROUNDS && bytes > heap->first_most) heap->first_most = bytes;
  printf("  %lld bytes held\n", (long long)bytes);
}

/* What each round left behind would make even the least of the last rounds more than the most of the first. */
static inline void heap_check(const heap_history_t *heap) {
  if (heap->rounds < 2 * HEAP_ROUNDS) return;
  int64_t least = heap->last[0];
  for (int index = 1; index < HEAP_ROUNDS; index++) least = heap->last[index] < least ? heap->last[index] : least;
  int64_t growth = least - heap->first_most;
  if (growth > HEAP_BYTES_MAX) FAIL("%lld bytes more are held after %d rounds", (long long)growth, heap->rounds);
}

#endif /* HEAP_H */
