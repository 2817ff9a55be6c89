/*
 * heap.c - preloaded, counts what a program holds of the heap, to the byte: the bytes that were asked for and not given
 * back, and the blocks. What malloc itself would tell (mallinfo2) depends on how it cuts blocks and on what its caches
 * hold, so it differs even if the program does not.
 *
 * The counts are in the file that SOAK_HEAP names, for all to read while the program runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

/* Blocks by their size: by 16 below EXACT_MAX, above it by the power of two that they are below. */
#define EXACT_MAX 65536
#define CLASSES (EXACT_MAX / 16 + 64)

typedef struct counts {
  _Atomic int64_t bytes;
  _Atomic int64_t blocks;
  _Atomic int64_t of_class[CLASSES];
} counts_t;

/* Before each block: the size that was asked for, and how far before it malloc's memory begins. */
typedef struct header {
  size_t size;
  size_t offset;
} header_t;

_Static_assert(sizeof(header_t) == 16, "what malloc gives is aligned to 16");

static counts_t own;
static counts_t *_Atomic shared = &own;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("SOAK_HEAP");
  int file = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return;
  if (ftruncate(file, sizeof own) == 0) {
    void *memory = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory != MAP_FAILED) {
      memcpy(memory, &own, sizeof own); /* one thread is all there is */
      shared = memory;
    }
  }
  close(file);
}

static size_t class_of(size_t size) {
  return size < EXACT_MAX ? size / 16 : EXACT_MAX / 16 + 64 - (size_t)__builtin_clzl(size);
}

static void count(size_t size, int64_t sign) {
  counts_t *counts = atomic_load_explicit(&shared, memory_order_relaxed);
  atomic_fetch_add_explicit(&counts->bytes, sign * (int64_t)size, memory_order_relaxed);
  atomic_fetch_add_explicit(&counts->blocks, sign, memory_order_relaxed);
  atomic_fetch_add_explicit(&counts->of_class[class_of(size)], sign, memory_order_relaxed);
}

static header_t *header_of(void *block) { return (header_t *)block - 1; }

static void *begin_block(char *memory, size_t offset, size_t size) {
  if (memory == NULL) return NULL;
  *header_of(memory + offset) = (header_t){.size = size, .offset = offset};
  count(size, 1);
  return memory + offset;
}

void *malloc(size_t size) {
  if (size > PTRDIFF_MAX - sizeof(header_t)) return errno = ENOMEM, NULL;
  return begin_block(__libc_malloc(size + sizeof(header_t)), sizeof(header_t), size);
}

void free(void *block) {
  if (block == NULL) return;
  header_t *header = header_of(block);
  count(header->size, -1);
  __libc_free((char *)block - header->offset);
}

void *calloc(size_t number, size_t size) {
  if (size != 0 && number > PTRDIFF_MAX / size) return errno = ENOMEM, NULL;
  void *block = malloc(number * size);
  return block == NULL ? NULL : memset(block, 0, number * size);
}

void *memalign(size_t alignment, size_t size) {
  size_t offset = alignment < sizeof(header_t) ? sizeof(header_t) : alignment;
  if (size > PTRDIFF_MAX - offset) return errno = ENOMEM, NULL;
  return begin_block(__libc_memalign(offset, size + offset), offset, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
  void *made = memalign(alignment, size);
  if (made == NULL) return ENOMEM;
  *block = made;
  return 0;
}

void *realloc(void *block, size_t size) {
  if (block == NULL) return malloc(size);
  if (size == 0) return free(block), NULL;
  size_t before = header_of(block)->size;
  void *moved = malloc(size);
  if (moved == NULL) return NULL;
  memcpy(moved, block, before < size ? before : size);
  free(block);
  return moved;
}

size_t malloc_usable_size(void *block) { return block == NULL ? 0 : header_of(block)->size; }
