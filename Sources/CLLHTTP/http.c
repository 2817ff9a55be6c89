/* http.c of the distribution's llhttp. */
#include "/usr/share/llhttp/http.c"
