/*
 * table.h - from a 64-bit handle to a small number, and back to none.
 *
 * JavaScript finds the object of an event by this number in a plain array: a BigInt as the key of a Map would cost more
 * than the handler. A number that is free is given again before a new one, so the array is about as long as the most
 * objects that there were at once. But one that was removed is not free yet: until table_settle its object is still in
 * JavaScript's array, which has to hear of the removal first.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_NONE UINT32_MAX

typedef struct table_entry {
  uint64_t handle; /* 0: the place is empty */
  uint32_t number;
} table_entry_t;

typedef struct table {
  table_entry_t *entries; /* open addressing, linear probing; at most half of the places are taken */
  size_t capacity;        /* 0 or a power of two */
  size_t count;
  /* The numbers below `numbers` that no handle has: a stack of the free ones from the bottom, and one of the removed
   * ones from the top. */
  uint32_t *free_numbers;
  size_t free_count;
  size_t removed_count;
  size_t free_capacity;
  uint32_t numbers;
} table_t;

/* The handle's number, or TABLE_NONE. */
uint32_t table_find(const table_t *table, uint64_t handle);
/* A number for a handle that is not in the table; TABLE_NONE where there is no memory. */
uint32_t table_add(table_t *table, uint64_t handle);
/* Takes the handle out; the number that it had, or TABLE_NONE. */
uint32_t table_remove(table_t *table, uint64_t handle);
/* What was removed is free from now on. */
void table_settle(table_t *table);
void table_free(table_t *table);

#endif /* TABLE_H */
