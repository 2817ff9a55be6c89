/* What every call of the host's reads before all else. It is here because a global variable of Swift's is made at its
 * first use: to use one asks whether that has happened, and under the thread sanitizer takes a lock, which a child made
 * by fork() may never get. */
#ifndef CDOG_ENGINES_H
#define CDOG_ENGINES_H

#include <stdbool.h>

#define CDOG_GLOBAL extern __attribute__((visibility("hidden")))

/* True in a child after fork(). */
CDOG_GLOBAL char cdog_forked;
static inline bool cdog_is_forked(void) { return __atomic_load_n(&cdog_forked, __ATOMIC_RELAXED); }
static inline void cdog_set_forked(void) { __atomic_store_n(&cdog_forked, 1, __ATOMIC_RELAXED); }

/* The table of engines: a cache line for each, of zeros at first. */
enum { CDOG_ENGINES_MAX = 255, CDOG_ENGINE_SLOT_BYTES = 64 };
CDOG_GLOBAL unsigned char cdog_engine_table[CDOG_ENGINES_MAX * CDOG_ENGINE_SLOT_BYTES];
static inline void *cdog_engine_slots(void) { return cdog_engine_table; }

#endif
