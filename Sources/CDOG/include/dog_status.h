/* The status list of dog.h as tables. The engine's own C functions dog_status_name and dog_status_text read them. */
#ifndef DOG_STATUS_H
#define DOG_STATUS_H

/* The name or the sentence of a status value; NULL for a value that is not in the list. Static strings. */
const char *cdog_status_name(int value);
const char *cdog_status_text(int value);

#endif
