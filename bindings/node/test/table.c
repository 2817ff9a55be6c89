/* table - the addon's table of handles against a plain array, by random operations; the argument is their seed. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>

#define HANDLES 4000
#define OPERATIONS 2000000

static uint64_t handles[HANDLES];
static uint32_t numbers[HANDLES]; /* TABLE_NONE: not in the table */
static unsigned char taken[2 * HANDLES]; /* until the table is settled, by a removed one too */
static uint32_t removed[HANDLES];

static uint64_t state;

static uint64_t draw(void) { /* SplitMix64 */
  uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

static void expect(int truth, const char *what) {
  if (truth) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

int main(int argc, char **argv) {
  state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  table_t table = {0};
  size_t most = 0, removed_count = 0;
  for (size_t index = 0; index < HANDLES; index++) {
    /* As libdog's are: alike but for a slot, and now and then a generation. */
    handles[index] = UINT64_C(0x3010000000000001) + (index << 8) + ((draw() & 3) << 40);
    numbers[index] = TABLE_NONE;
  }
  for (size_t operation = 0; operation < OPERATIONS; operation++) {
    /* The number of handles in the table swells and shrinks. */
    size_t index = draw() % (1 + (operation / 50000 * 997) % HANDLES);
    expect(table_find(&table, handles[index]) == numbers[index], "find gave another number");
    if (numbers[index] == TABLE_NONE) {
      numbers[index] = table_add(&table, handles[index]);
      expect(numbers[index] < 2 * HANDLES && !taken[numbers[index]], "a number was given twice");
      taken[numbers[index]] = 1;
      if (table.count + removed_count > most) most = table.count + removed_count;
    } else if (draw() & 1) {
      expect(table_remove(&table, handles[index]) == numbers[index], "remove gave another number");
      expect(table_remove(&table, handles[index]) == TABLE_NONE, "what was removed is there");
      removed[removed_count++] = numbers[index];
      numbers[index] = TABLE_NONE;
    }
    if (removed_count == HANDLES || draw() % 200 == 0) {
      table_settle(&table);
      while (removed_count > 0) taken[removed[--removed_count]] = 0;
    }
  }
  expect(table.numbers == most, "there are more numbers than there were handles at once");
  table_free(&table);
  return 0;
}
