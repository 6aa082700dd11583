/* A hook of a version that there will never be. */
#include "usertrap.h"

__attribute__((visibility("default"))) const struct usertrap_hook usertrap_hook = {.abi = 77, .name = "old"};
