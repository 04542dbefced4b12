/* Writes the pitch at each release, and waits for orders. In its first life it gives an address of nothing at its fifth release: it has no error handler, so that this is the
 * partition's error, for which the module's XML says WARM_START. */

#include "../apex_c/codes.h"

static SAMPLING_PORT_ID_TYPE pitch;
static QUEUING_PORT_ID_TYPE orders;
/* A warm start keeps it. */
static unsigned lives;

static void measure(void)
{
    RETURN_CODE_TYPE code;
    for (unsigned release = 1;; release += 1) {
        unsigned words[4] = {100 * cofferdam_life() + release, 0, 0, 0};
        WRITE_SAMPLING_MESSAGE(pitch, (MESSAGE_ADDR_TYPE)words, sizeof words, &code);
        if (cofferdam_life() == 1 && release == 5)
            WRITE_SAMPLING_MESSAGE(pitch, 0, sizeof words, &code);
        PERIODIC_WAIT(&code);
    }
}

static void listen(void)
{
    unsigned order;
    MESSAGE_SIZE_TYPE length;
    for (;;) {
        SEEN(RECEIVE_QUEUING_MESSAGE, orders, INFINITE_TIME_VALUE, (MESSAGE_ADDR_TYPE)&order, &length);
        seen("order", order);
    }
}

int main(void)
{
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic("listen", listen, 10);
    see_start(&lives);
    SEEN(CREATE_SAMPLING_PORT, "pitch_out", 16, SOURCE, 20 * MILLISECOND, &pitch);
    SEEN(CREATE_QUEUING_PORT, "orders", 4, 4, DESTINATION, FIFO, &orders);
    start(attributes);
    attributes = aperiodic("measure", measure, 20);
    attributes.PERIOD = 10 * MILLISECOND;
    start(attributes);
    return normal();
}
