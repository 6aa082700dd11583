#include "config.h"
#include "small.h"
#include <math.h>
#include <stdlib.h>

double sums(int count, char **numbers)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += pow(atof(numbers[i]), 2);
    return sum;
}
