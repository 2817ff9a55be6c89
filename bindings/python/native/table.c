/*
 * table.c - handles to objects: open addressing with linear probing, at most two thirds full.
 *
 * It is asked once for each message. A dict would do, but each look-up would first have to make an int of the handle.
 */
#include "native.h"

#include <stdlib.h>

typedef struct table_slot {
  uint64_t handle; /* 0: free. No handle is 0 */
  PyObject *object;
} table_slot_t;

enum { CAPACITY_MIN = 64 };

/* Where a handle belongs. Its worker, slot and generation are in different bits, and all of them count. */
static size_t home_of(const table_t *table, uint64_t handle) {
  uint64_t mixed = handle * 0x9E3779B97F4A7C15u;
  return (size_t)(mixed ^ (mixed >> 32)) & (table->capacity - 1);
}

/* The slot of `handle`, or the free one where it would be. There is one: the table is never full. */
static table_slot_t *slot_of(const table_t *table, uint64_t handle) {
  size_t index = home_of(table, handle);
  while (table->slots[index].handle != 0 && table->slots[index].handle != handle) {
    index = (index + 1) & (table->capacity - 1);
  }
  return &table->slots[index];
}

static int resize(table_t *table, size_t capacity) {
  table_t larger = {calloc(capacity, sizeof(table_slot_t)), capacity, table->count};
  if (larger.slots == NULL) return -1;
  for (size_t index = 0; index < table->capacity; index++) {
    const table_slot_t *slot = &table->slots[index];
    if (slot->handle != 0) *slot_of(&larger, slot->handle) = *slot;
  }
  free(table->slots);
  *table = larger;
  return 0;
}

PyObject *table_find(const table_t *table, uint64_t handle) {
  return table->capacity == 0 ? NULL : slot_of(table, handle)->object;
}

int table_add(table_t *table, uint64_t handle, PyObject *object) {
  if (handle == 0 || table_find(table, handle) != NULL) {
    PyErr_SetString(PyExc_ValueError, "no handle, or one that is in the table already");
    return -1;
  }
  if ((table->count + 1) * 3 > table->capacity * 2) {
    size_t capacity = table->capacity == 0 ? CAPACITY_MIN : table->capacity * 2;
    if (resize(table, capacity) < 0) {
      PyErr_NoMemory();
      return -1;
    }
  }
  Py_INCREF(object);
  *slot_of(table, handle) = (table_slot_t){handle, object};
  table->count++;
  return 0;
}

PyObject *table_take(table_t *table, uint64_t handle) {
  if (table->capacity == 0 || handle == 0) return NULL;
  table_slot_t *hole = slot_of(table, handle);
  PyObject *object = hole->object;
  if (object == NULL) return NULL;
  table->count--;

  /* An entry behind it that others have pushed past it moves up, so that no search ends too early. */
  size_t mask = table->capacity - 1, empty = (size_t)(hole - table->slots);
  for (size_t index = (empty + 1) & mask; table->slots[index].handle != 0; index = (index + 1) & mask) {
    size_t home = home_of(table, table->slots[index].handle);
    if (((index - home) & mask) >= ((index - empty) & mask)) {
      table->slots[empty] = table->slots[index];
      empty = index;
    }
  }
  table->slots[empty] = (table_slot_t){0, NULL};

  /* After many handles have gone, memory is given back. If there is none to move to, the table stays as it is. */
  if (table->capacity > CAPACITY_MIN && table->count * 8 < table->capacity) resize(table, table->capacity / 2);
  return object;
}

int table_visit(const table_t *table, visitproc visit, void *arg) {
  for (size_t index = 0; index < table->capacity; index++) Py_VISIT(table->slots[index].object);
  return 0;
}

void table_clear(table_t *table) {
  table_t cleared = *table;
  *table = (table_t){NULL, 0, 0};
  for (size_t index = 0; index < cleared.capacity; index++) Py_XDECREF(cleared.slots[index].object);
  free(cleared.slots);
}
