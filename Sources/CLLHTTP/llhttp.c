/* llhttp.c of the distribution's llhttp. */
#include "/usr/share/llhttp/llhttp.c"
