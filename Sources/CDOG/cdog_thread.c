#include "include/cdog_thread.h"

#include <string.h>

_Thread_local void *cdog_thread_worker;

static _Thread_local cdog_reason_t reason;

cdog_reason_t *cdog_reason(void) { return &reason; }

void cdog_set_reason(const char *text, size_t length) {
  reason.length = length < CDOG_REASON_BYTES_MAX ? length : CDOG_REASON_BYTES_MAX;
  if (reason.length > 0) memcpy(reason.text, text, reason.length);
  reason.text[reason.length] = '\0';
}
