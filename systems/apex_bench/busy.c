/* A load that is an application in C: a process that uses its window up, with services and with what it is caught at. */

#include "apex.h"

/* Nothing is mapped there. */
#define NOWHERE ((volatile int *)0x70000000)

static void control(void)
{
    RETURN_CODE_TYPE code;
    do {
        *NOWHERE = 1;
        TIMED_WAIT(0, &code);
    } while (code == NO_ERROR);
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PROCESS_ID_TYPE process;
    PROCESS_ATTRIBUTE_TYPE attributes = {
        .PERIOD = INFINITE_TIME_VALUE, .TIME_CAPACITY = INFINITE_TIME_VALUE, .ENTRY_POINT = control, .STACK_SIZE = 4096,
        .BASE_PRIORITY = 20, .DEADLINE = HARD, .NAME = "control",
    };
    CREATE_PROCESS(&attributes, &process, &code);
    START(process, &code);
    SET_PARTITION_MODE(NORMAL, &code);
    return 0;
}
