#include "include/cdog_engines.h"

char cdog_forked;

_Alignas(CDOG_ENGINE_SLOT_BYTES) unsigned char cdog_engine_table[CDOG_ENGINES_MAX * CDOG_ENGINE_SLOT_BYTES];
