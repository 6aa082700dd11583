/* A library that is no hook. */
int nothing_of_interest;
