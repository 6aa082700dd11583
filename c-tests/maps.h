// What /proc/self/maps says about an address.
#ifndef MAPS_H
#define MAPS_H

#include "check.h"

struct mapping {
    unsigned long from, to, offset, inode;
    char protection[5];
};

// The mapping that holds `address`; from == 0 when there is none.
static MAYBE_UNUSED struct mapping mapping_of(const void *address) {
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps);
    char line[1024];
    struct mapping found = {0}, one;
    while (fgets(line, sizeof line, maps)) {
        memset(&one, 0, sizeof one);
        CHECK(sscanf(line, "%lx-%lx %4s %lx %*s %lu", &one.from, &one.to, one.protection, &one.offset, &one.inode) == 5);
        if (one.from <= (unsigned long)address && (unsigned long)address < one.to) {
            found = one;
            break;
        }
    }
    fclose(maps);
    return found;
}

// CHECK_PROTECTION(address, "r-xp"): the page has those protections.
#define CHECK_PROTECTION(address, want)                                              \
    do {                                                                             \
        struct mapping at_ = mapping_of(address);                                    \
        CHECK(at_.from != 0);                                                        \
        if (strcmp(at_.protection, want)) fprintf(stderr, "%s is %s\n", #address, at_.protection); \
        CHECK(!strcmp(at_.protection, want));                                        \
    } while (0)

#endif
