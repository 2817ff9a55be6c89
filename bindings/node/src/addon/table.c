/* table.c - see table.h. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 64

/* Handles differ in a few bits, their slots: the multiplication spreads these over the upper half (Fibonacci hash). */
static size_t home(const table_t *table, uint64_t handle) {
  return (size_t)((handle * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (table->capacity - 1);
}

/* The place of the handle, or the empty one where it would be. There is always one: half of them are empty. */
static table_entry_t *place(const table_t *table, uint64_t handle) {
  size_t index = home(table, handle);
  while (table->entries[index].handle != 0 && table->entries[index].handle != handle) {
    index = (index + 1) & (table->capacity - 1);
  }
  return &table->entries[index];
}

uint32_t table_find(const table_t *table, uint64_t handle) {
  if (table->count == 0) return TABLE_NONE;
  const table_entry_t *entry = place(table, handle);
  return entry->handle == 0 ? TABLE_NONE : entry->number;
}

static bool grow(table_t *table) {
  size_t capacity = table->capacity == 0 ? CAPACITY_MIN : table->capacity * 2;
  table_t grown = *table;
  grown.entries = calloc(capacity, sizeof *grown.entries);
  grown.capacity = capacity;
  if (grown.entries == NULL) return false;
  for (size_t index = 0; index < table->capacity; index++) {
    if (table->entries[index].handle != 0) *place(&grown, table->entries[index].handle) = table->entries[index];
  }
  free(table->entries);
  *table = grown;
  return true;
}

/* The last one on the stack that grows downwards. */
static uint32_t *removed(const table_t *table) {
  return table->free_numbers + table->free_capacity - table->removed_count;
}

/* Room for every number to be free or removed at once, so that table_remove cannot fail. */
static bool reserve_free_numbers(table_t *table) {
  if (table->numbers < table->free_capacity) return true;
  size_t capacity = table->free_capacity == 0 ? CAPACITY_MIN : table->free_capacity * 2;
  uint32_t *numbers = realloc(table->free_numbers, capacity * sizeof *numbers);
  if (numbers == NULL) return false;
  const uint32_t *former = numbers + table->free_capacity - table->removed_count;
  table->free_numbers = numbers;
  table->free_capacity = capacity;
  if (table->removed_count > 0) memmove(removed(table), former, table->removed_count * sizeof *numbers);
  return true;
}

uint32_t table_add(table_t *table, uint64_t handle) {
  if ((table->count + 1) * 2 > table->capacity && !grow(table)) return TABLE_NONE;
  if (table->free_count == 0 && !reserve_free_numbers(table)) return TABLE_NONE;
  uint32_t number = table->free_count > 0 ? table->free_numbers[--table->free_count] : table->numbers++;
  table_entry_t *entry = place(table, handle);
  entry->handle = handle;
  entry->number = number;
  table->count++;
  return number;
}

uint32_t table_remove(table_t *table, uint64_t handle) {
  if (table->count == 0) return TABLE_NONE;
  table_entry_t *entry = place(table, handle);
  if (entry->handle == 0) return TABLE_NONE;
  uint32_t number = entry->number;
  table->removed_count++;
  *removed(table) = number;
  table->count--;
  /* Closes the gap, so that no probe stops short: an entry behind it moves up unless its home is behind the gap. */
  size_t mask = table->capacity - 1, gap = (size_t)(entry - table->entries), next = gap;
  for (;;) {
    next = (next + 1) & mask;
    if (table->entries[next].handle == 0) break;
    if (((next - home(table, table->entries[next].handle)) & mask) < ((next - gap) & mask)) continue;
    table->entries[gap] = table->entries[next];
    gap = next;
  }
  table->entries[gap].handle = 0;
  return number;
}

void table_settle(table_t *table) {
  if (table->removed_count == 0) return;
  memmove(table->free_numbers + table->free_count, removed(table), table->removed_count * sizeof *table->free_numbers);
  table->free_count += table->removed_count;
  table->removed_count = 0;
}

void table_free(table_t *table) {
  free(table->entries);
  free(table->free_numbers);
  *table = (table_t){0};
}
