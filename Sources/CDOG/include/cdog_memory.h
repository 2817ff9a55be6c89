#ifndef CDOG_MEMORY_H
#define CDOG_MEMORY_H

#include <malloc.h>

/* Returns unused memory of the allocator to the system. Swift does not see <malloc.h>. */
static inline void cdog_trim_memory(void) { malloc_trim(0); }

#endif
