/* Reads the pitch at each release, and sends an order at the second one. At its fourth it raises an error, which the module's XML has at the level of processes: its error handler
 * hears of it, and the process goes on. It changes the module's schedule at its fifth release, and back at its third one in the schedule that it
 * came to, in which it has begun anew: so the XML says. */

#include "../apex_c/codes.h"

static SAMPLING_PORT_ID_TYPE pitch;
static QUEUING_PORT_ID_TYPE orders;
static unsigned lives;
static PROCESS_ID_TYPE process;

static void steer(void)
{
    RETURN_CODE_TYPE code;
    unsigned words[4];
    MESSAGE_SIZE_TYPE length;
    VALIDITY_TYPE validity;
    for (unsigned release = 1;; release += 1) {
        READ_SAMPLING_MESSAGE(pitch, (MESSAGE_ADDR_TYPE)words, &length, &validity, &code);
        seen("pitch", 1000 * code + (code == NO_ERROR ? words[0] : 0));
        seen("valid", validity);
        if (release == 2)
            SEEN(SEND_QUEUING_MESSAGE, orders, (MESSAGE_ADDR_TYPE)&release, sizeof release, 0);
        if (release == 4)
            SEEN(RAISE_APPLICATION_ERROR, APPLICATION_ERROR, (MESSAGE_ADDR_TYPE)"pitch", 5);
        if (lives == 1 && release == 5)
            set_schedule("degraded");
        if (lives == 2 && release == 3)
            set_schedule("normal");
        if (lives == 2 && release == 6)
            STOP_SELF();
        PERIODIC_WAIT(&code);
    }
}

static void handler(void)
{
    ERROR_STATUS_TYPE status;
    while (is_error(&status)) {
        seen("error", status.ERROR_CODE);
        seen("error.length", status.LENGTH);
        seen("error.mine", status.FAILED_PROCESS_ID == process);
    }
    STOP_SELF();
}

int main(void)
{
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic("steer", steer, 20);
    attributes.PERIOD = 20 * MILLISECOND;
    attributes.STACK_SIZE = 8192;
    see_start(&lives);
    SEEN(CREATE_SAMPLING_PORT, "pitch_in", 16, DESTINATION, 20 * MILLISECOND, &pitch);
    SEEN(CREATE_QUEUING_PORT, "orders", 4, 4, SOURCE, FIFO, &orders);
    SEEN(CREATE_ERROR_HANDLER, handler, 4096);
    process = start(attributes);
    return normal();
}
