/* Thread-local storage, which C has and Swift lacks. It needs none of the 1,024 pthread keys of a process, and goes
 * with the library when that is unloaded. */
#ifndef CDOG_THREAD_H
#define CDOG_THREAD_H

#include <stddef.h>

#define CDOG_LOCAL extern __attribute__((visibility("hidden"))) _Thread_local

/* The worker whose thread this is, or NULL. Nearly every call of the host's reads it. */
CDOG_LOCAL void *cdog_thread_worker;
static inline void *cdog_worker(void) { return cdog_thread_worker; }
static inline void cdog_set_worker(void *worker) { cdog_thread_worker = worker; }

/* Why the last call on this thread that keeps a reason failed: a line, ended by a NUL. Empty if it did not fail. */
enum { CDOG_REASON_BYTES_MAX = 1027 };
typedef struct cdog_reason {
  size_t length;
  char text[CDOG_REASON_BYTES_MAX + 1];
} cdog_reason_t;
cdog_reason_t *cdog_reason(void);
static inline const char *cdog_reason_text(void) { return cdog_reason()->text; }
void cdog_set_reason(const char *text, size_t length);

#endif
