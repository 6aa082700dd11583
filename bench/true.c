// A program that does nothing; bench/Makefile links it statically.
int main(void)
{
    return 0;
}
