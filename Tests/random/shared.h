/*
 * shared.h - the memory that the program and its crowd of clients, a process of its own, have in common.
 */
#ifndef SHARED_H
#define SHARED_H

#include "line.h"
#include "random_numbers.h"

#include <stdatomic.h>
#include <sys/mman.h>

enum { ADDRESSES_MAX = 16 };

/* Where an engine listens: to be read while is_open, which it is from the engine's start until it is to end. */
typedef struct place {
  address_t address;
  _Atomic int is_open;
} place_t;

typedef struct shared {
  uint64_t seed;
  _Atomic int is_leaving; /* everybody goes, and nobody comes */
  _Atomic int is_over;    /* the crowd ends */
  _Atomic int present;    /* clients that may have a connection */
  _Atomic uint64_t lives, opened, heard; /* for the report: lives, WebSockets, messages */
  place_t places[ADDRESSES_MAX];
} shared_t;

static inline shared_t *shared_make(void) {
  shared_t *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED);
  return shared;
}

#endif /* SHARED_H */
