/* Stands for who drives the power supply: warns of a fault at its third release, and of power that goes at its fifth. At its seventh it has the module's schedule
 * changed, and at its tenth changed back; at its second it asks for the one that is in force. */

#include "warning.h"

static QUEUING_PORT_ID_TYPE warnings;
static unsigned lives;

static void warn(unsigned warning)
{
    SEEN(SEND_QUEUING_MESSAGE, warnings, (MESSAGE_ADDR_TYPE)&warning, sizeof warning, 0);
}

static void watch(void)
{
    RETURN_CODE_TYPE code;
    for (unsigned release = 1;; release += 1) {
        if (release == 2)
            set_schedule("cruise");
        if (release == 3)
            warn(HARDWARE_FAULT);
        if (release == 5)
            warn(POWER_FAIL);
        if (release == 7)
            set_schedule("landing");
        if (release == 10)
            set_schedule("cruise");
        PERIODIC_WAIT(&code);
    }
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic("watch", watch, 10);
    attributes.PERIOD = 5 * MILLISECOND;
    lives += 1;
    seen("lives", lives);
    CREATE_QUEUING_PORT("warning", 4, 4, SOURCE, FIFO, &warnings, &code);
    start(attributes);
    return normal();
}
