#include <stddef.h>
size_t words(const char *text);
double sums(int count, char **numbers);
