/* At its second release in its first life it comes upon an instruction that there is not. It has no error handler, so that the partition's table says what is done. */

#include "../apex_c/codes.h"

/* What a warm start keeps, and a cold start clears. */
static unsigned lives;

static void work(void)
{
    RETURN_CODE_TYPE code;
    for (unsigned releases = 1;; releases += 1) {
        seen("release", releases);
        if (cofferdam_life() == 1 && releases == 2) {
            __asm__ volatile(".long 0");
            seen("went.on", releases);
        }
        do
            PERIODIC_WAIT(&code);
        while (releases == 3);
    }
}

int main(void)
{
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic("work", work, 10);
    attributes.PERIOD = 5 * MILLISECOND;
    see_start(&lives);
    start(attributes);
    return normal();
}
