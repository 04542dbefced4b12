/* An application in C that fails, and goes on after a warm start where it was: it navigates a leg at each release, and tells how far it is. In the third
 * leg it goes astray; it has no error handler, so that the health monitor does what its table says. It may ask for the module's schedule, and
 * not set it. */

#include "apex.h"
#include "../apex_c/evidence.h"

#define MILLISECOND 1000000LL
#define ASTRAY 3

/* What a warm start keeps: the program's variables, and the memory block. */
static unsigned lives, legs;
static unsigned *route;
static SAMPLING_PORT_ID_TYPE position;

static void navigate(void)
{
    RETURN_CODE_TYPE code;
    SCHEDULE_STATUS_TYPE schedule;
    SCHEDULE_ID_TYPE before = 0;
    for (;;) {
        legs += 1;
        *route = 1000 + legs;
        unsigned told[2] = {lives, legs};
        WRITE_SAMPLING_MESSAGE(position, (MESSAGE_ADDR_TYPE)told, sizeof told, &code);
        if (code != NO_ERROR)
            seen("position", code);
        if (lives == 1 && legs == ASTRAY) {
            *(volatile unsigned *)0x70000000 = legs;
            seen("never", legs);
        }
        GET_MODULE_SCHEDULE_STATUS(&schedule, &code);
        if (code != NO_ERROR || schedule.CURRENT_SCHEDULE != before) {
            before = schedule.CURRENT_SCHEDULE;
            seen("schedule", 16 * code + before);
            /* It has not the authority. */
            SET_MODULE_SCHEDULE(before, &code);
            seen("schedule.set", code);
        }
        PERIODIC_WAIT(&code);
    }
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PARTITION_STATUS_TYPE status;
    MEMORY_BLOCK_STATUS_TYPE block;
    PROCESS_ID_TYPE process;
    GET_PARTITION_STATUS(&status, &code);
    seen("mode", status.OPERATING_MODE);
    seen("condition", status.START_CONDITION);
    lives += 1;
    seen("lives", lives);
    seen("legs", legs);
    GET_MEMORY_BLOCK_STATUS("route", &block, &code);
    seen("block", code);
    route = (unsigned *)block.MEMORY_BLOCK_ADDR;
    seen("route", *route);
    CREATE_SAMPLING_PORT("position", 8, SOURCE, 15 * MILLISECOND, &position, &code);
    seen("port", code);
    PROCESS_ATTRIBUTE_TYPE attributes = {
        .PERIOD = 10 * MILLISECOND,
        .TIME_CAPACITY = 10 * MILLISECOND,
        .ENTRY_POINT = navigate,
        .STACK_SIZE = 4096,
        .BASE_PRIORITY = 20,
        .DEADLINE = HARD,
        .NAME = "navigate",
    };
    CREATE_PROCESS(&attributes, &process, &code);
    seen("create", code);
    START(process, &code);
    seen("start", code);
    SET_PARTITION_MODE(NORMAL, &code);
    return 0;
}
