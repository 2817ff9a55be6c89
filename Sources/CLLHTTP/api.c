/* api.c of the distribution's llhttp. */
#include "/usr/share/llhttp/api.c"
