#include "config.h"
#include "small.h"
#include <ctype.h>

size_t words(const char *text)
{
    size_t count = 0;
    for (int inside = 0; *text; text++) {
        if (!isspace((unsigned char)*text) && !inside)
            count++;
        inside = !isspace((unsigned char)*text);
    }
    return count;
}
