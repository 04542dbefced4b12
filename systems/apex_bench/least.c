/* The least application: a periodic process, and nothing else. Its memory is a figure, and docs/apex.md shows it as the first example. */

#include "apex.h"

static void control(void)
{
    RETURN_CODE_TYPE code;
    do {
        /* What is done in each period. */
        PERIODIC_WAIT(&code);
    } while (code == NO_ERROR);
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PROCESS_ID_TYPE process;
    PROCESS_ATTRIBUTE_TYPE attributes = {
        .PERIOD = 10000000, .TIME_CAPACITY = 10000000, .ENTRY_POINT = control, .STACK_SIZE = 4096,
        .BASE_PRIORITY = 20, .DEADLINE = HARD, .NAME = "control",
    };
    CREATE_PROCESS(&attributes, &process, &code);
    START(process, &code);
    SET_PARTITION_MODE(NORMAL, &code);
    return 0;
}
