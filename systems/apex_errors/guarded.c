/* Waits for warnings of the supply, and makes an error of each: of a fault its error handler hears, and has the process go on; of the power the partition's level. */

#include "warning.h"

static QUEUING_PORT_ID_TYPE warnings;
static unsigned lives;

static void listen(void)
{
    unsigned warning;
    MESSAGE_SIZE_TYPE length;
    SEEN(COFFERDAM_REPORT_FAULT, NUMERIC_ERROR, 0);
    for (;;) {
        SEEN(RECEIVE_QUEUING_MESSAGE, warnings, INFINITE_TIME_VALUE, (MESSAGE_ADDR_TYPE)&warning, &length);
        seen("warning", warning);
        SEEN(COFFERDAM_REPORT_FAULT, (ERROR_CODE_TYPE)warning, (SYSTEM_ADDRESS_TYPE)PLACE);
    }
}

static void handler(void)
{
    ERROR_STATUS_TYPE status;
    while (is_error(&status)) {
        seen("error", status.ERROR_CODE);
        seen("address", (unsigned)status.FAILED_ADDRESS);
    }
    STOP_SELF();
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic("listen", listen, 10);
    see_start(&lives);
    CREATE_QUEUING_PORT("warning", 4, 4, DESTINATION, FIFO, &warnings, &code);
    CREATE_ERROR_HANDLER(handler, 4096, &code);
    start(attributes);
    return normal();
}
