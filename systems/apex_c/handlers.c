/* Error handlers that fail themselves, one in each life: an error of the handler is one of the partition, whose table restarts it. In the last but one it is the
 * initialisation that gives an address of nothing. */

#include "codes.h"

#define NOWHERE ((SYSTEM_ADDRESS_TYPE)0x1000)

/* Takes more of the handler's stack, of 4K, than there is. */
static void overflows(void)
{
    seen("handler", 1);
    overflow_stack();
}

/* The same with a service at each depth: it finds too little left, when nothing has been below the stack yet. */
static unsigned asks_deeper(volatile unsigned *above)
{
    volatile unsigned room[8];
    SYSTEM_TIME_TYPE now;
    RETURN_CODE_TYPE code;
    GET_TIME(&now, &code);
    room[0] = *above + 1;
    return room[0] == 0 ? 0 : asks_deeper(room) + room[0];
}

static void overflows_in_a_service(void)
{
    volatile unsigned start = 0;
    seen("handler", 2);
    seen("never", asks_deeper(&start));
}

static void asks_into_nothing(void)
{
    RETURN_CODE_TYPE code;
    seen("handler", 3);
    GET_ERROR_STATUS(0, &code);
    seen("never", code);
}

static const SYSTEM_ADDRESS_TYPE HANDLERS[] = {overflows, overflows_in_a_service, asks_into_nothing, NOWHERE};
#define COUNT (sizeof HANDLERS / sizeof HANDLERS[0])

static void raise(void)
{
    RETURN_CODE_TYPE code;
    RAISE_APPLICATION_ERROR(APPLICATION_ERROR, 0, 0, &code);
    seen("never", code);
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PARTITION_STATUS_TYPE status;
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic("raises", raise, 10);
    unsigned life = cofferdam_life();
    GET_PARTITION_STATUS(&status, &code);
    seen("condition", status.START_CONDITION);
    if (life > COUNT + 1)
        return 0;
    if (life > COUNT) {
        CREATE_PROCESS(&attributes, 0, &code);
        seen("never", code);
        return 0;
    }
    SEEN(CREATE_ERROR_HANDLER, HANDLERS[life - 1], 4096);
    start(attributes);
    return normal();
}
