/* The other end of the ports of `places.c`: what it sends once, and what has come there when all is tried. */

#include "codes.h"

#define REFRESH (1000 * MILLISECOND)

static unsigned char text[32] = "words";
static SAMPLING_PORT_ID_TYPE sampling, written, unwritten;
static QUEUING_PORT_ID_TYPE queuing, reports, done;

/* Who takes them is told that others were lost, as at any queue. */
static void take_reports(void)
{
    RETURN_CODE_TYPE code;
    MESSAGE_SIZE_TYPE length;
    unsigned char report[8];
    for (;;) {
        RECEIVE_QUEUING_MESSAGE(reports, 0, report, &length, &code);
        seen("report.code", code);
        if (code == NOT_AVAILABLE)
            break;
        seen("report", report[0] << 8 | report[1]);
        seen("report.length", (unsigned)length);
    }
}

static void witness(void)
{
    MESSAGE_SIZE_TYPE length;
    VALIDITY_TYPE validity;
    SEEN(WRITE_SAMPLING_MESSAGE, sampling, text, 8);
    for (unsigned count = 0; count < 4; count += 1)
        SEEN(SEND_QUEUING_MESSAGE, queuing, text, 8, 0);
    SEEN(RECEIVE_QUEUING_MESSAGE, done, INFINITE_TIME_VALUE, text, &length);
    SEEN(READ_SAMPLING_MESSAGE, written, text, &length, &validity);
    SEEN(READ_SAMPLING_MESSAGE, unwritten, text, &length, &validity);
    take_reports();
    STOP_SELF();
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic("witness", witness, 10);
    CREATE_SAMPLING_PORT("sampling", 8, SOURCE, REFRESH, &sampling, &code);
    CREATE_SAMPLING_PORT("written", 8, DESTINATION, REFRESH, &written, &code);
    CREATE_SAMPLING_PORT("unwritten", 8, DESTINATION, REFRESH, &unwritten, &code);
    CREATE_QUEUING_PORT("queuing", 8, 4, SOURCE, FIFO, &queuing, &code);
    CREATE_QUEUING_PORT("reports", 8, 4, DESTINATION, FIFO, &reports, &code);
    CREATE_QUEUING_PORT("done", 8, 1, DESTINATION, FIFO, &done, &code);
    start(attributes);
    return normal();
}
