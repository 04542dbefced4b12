/* The other end: it reads the last command at each release, and takes what was sent. */

#include "codes.h"

static SAMPLING_PORT_ID_TYPE elevator;
static QUEUING_PORT_ID_TYPE telemetry;

static void watch(void)
{
    RETURN_CODE_TYPE code;
    unsigned command[4];
    MESSAGE_SIZE_TYPE length;
    VALIDITY_TYPE validity;
    for (unsigned release = 0; release < 3; release += 1) {
        READ_SAMPLING_MESSAGE(elevator, (MESSAGE_ADDR_TYPE)command, &length, &validity, &code);
        seen("read", 1000 * code + 100 * validity + (code == NO_ERROR ? command[3] : 0));
        PERIODIC_WAIT(&code);
    }
    STOP_SELF();
}

static void receive(void)
{
    RETURN_CODE_TYPE code;
    unsigned count;
    MESSAGE_SIZE_TYPE length;
    for (;;) {
        RECEIVE_QUEUING_MESSAGE(telemetry, 60 * MILLISECOND, (MESSAGE_ADDR_TYPE)&count, &length, &code);
        if (code != NO_ERROR)
            break;
        seen("received", 16 * length + count);
    }
    seen("end", code);
    STOP_SELF();
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PROCESS_ID_TYPE process;
    CREATE_SAMPLING_PORT("elevator", 16, DESTINATION, 15 * MILLISECOND, &elevator, &code);
    seen("port", code);
    CREATE_QUEUING_PORT("telemetry", 4, 4, DESTINATION, PRIORITY, &telemetry, &code);
    seen("port", code);
    SEEN(CREATE_ERROR_HANDLER, watch, 4096);
    PROCESS_ATTRIBUTE_TYPE attributes = {
        .PERIOD = 10 * MILLISECOND,
        .TIME_CAPACITY = INFINITE_TIME_VALUE,
        .ENTRY_POINT = watch,
        .STACK_SIZE = 4096,
        .BASE_PRIORITY = 20,
        .DEADLINE = SOFT,
        .NAME = "watch",
    };
    CREATE_PROCESS(&attributes, &process, &code);
    START(process, &code);
    attributes.PERIOD = INFINITE_TIME_VALUE;
    attributes.ENTRY_POINT = receive;
    attributes.NAME[0] = 'r';
    CREATE_PROCESS(&attributes, &process, &code);
    START(process, &code);
    seen("started", code);
    SET_PARTITION_MODE(NORMAL, &code);
    return 0;
}
