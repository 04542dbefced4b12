/* A control loop in C: a periodic process writes a command at each release, an aperiodic one sends what it did when it is told to, and an
 * error handler hears of two that do wrong. */

#include "codes.h"

#define RELEASES 5

static SAMPLING_PORT_ID_TYPE elevator;
static QUEUING_PORT_ID_TYPE telemetry;
static SEMAPHORE_ID_TYPE done;

static void control(void)
{
    RETURN_CODE_TYPE code;
    SYSTEM_TIME_TYPE first, now;
    GET_TIME(&first, &code);
    for (unsigned release = 1; release <= RELEASES; release += 1) {
        unsigned command[4] = {release, 2 * release, 3 * release, 4 * release};
        WRITE_SAMPLING_MESSAGE(elevator, (MESSAGE_ADDR_TYPE)command, sizeof command, &code);
        seen("write", code);
        SIGNAL_SEMAPHORE(done, &code);
        PERIODIC_WAIT(&code);
    }
    GET_TIME(&now, &code);
    seen("milliseconds", (unsigned)((now - first + MILLISECOND / 2) / MILLISECOND));
    STOP_SELF();
}

static void report(void)
{
    RETURN_CODE_TYPE code;
    for (unsigned count = 1;; count += 1) {
        WAIT_SEMAPHORE(done, INFINITE_TIME_VALUE, &code);
        SEND_QUEUING_MESSAGE(telemetry, (MESSAGE_ADDR_TYPE)&count, sizeof count, 0, &code);
        seen("send", code);
    }
}

/* The address of no memory, given to a service. */
static void violates(void)
{
    RETURN_CODE_TYPE code;
    WRITE_SAMPLING_MESSAGE(elevator, (MESSAGE_ADDR_TYPE)0x70000000, 16, &code);
    seen("never", code);
}

static void handler(void)
{
    RETURN_CODE_TYPE code;
    ERROR_STATUS_TYPE status;
    while (is_error(&status)) {
        seen("error", status.ERROR_CODE);
        STOP(status.FAILED_PROCESS_ID, &code);
        seen("stop", code);
    }
    STOP_SELF();
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PARTITION_STATUS_TYPE status;
    GET_PARTITION_STATUS(&status, &code);
    seen("mode", status.OPERATING_MODE);
    seen("period.ms", (unsigned)(status.PERIOD / MILLISECOND));
    seen("identifier", status.IDENTIFIER);
    CREATE_SAMPLING_PORT("elevator", 16, SOURCE, 15 * MILLISECOND, &elevator, &code);
    seen("port", code);
    CREATE_QUEUING_PORT("telemetry", 4, 4, SOURCE, FIFO, &telemetry, &code);
    seen("port", code);
    CREATE_QUEUING_PORT("telemetry", 4, 4, SOURCE, FIFO, &telemetry, &code);
    seen("port.again", code);
    CREATE_SEMAPHORE("done", 0, 8, PRIORITY, &done, &code);
    seen("semaphore", code);
    CREATE_ERROR_HANDLER(handler, 4096, &code);
    seen("handler", code);
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic("control", control, 20);
    attributes.PERIOD = 10 * MILLISECOND;
    attributes.TIME_CAPACITY = 10 * MILLISECOND;
    attributes.DEADLINE = HARD;
    start(attributes);
    start(aperiodic("report", report, 10));
    start(aperiodic("overflows", overflow_stack, 5));
    start(aperiodic("violates", violates, 4));
    return normal();
}
