/* Addresses that are none, gone to without a service; a service where a stack ends; then what arithmetic comes to (`numbers.c`). Addresses that are none and are given to
 * services are in `places.c`. */

#include "wrong.h"

/* What is between two stacks, far from every stack pointer. */
#define BETWEEN_STACKS ((void *)0x50000100)
/* Below the stack of whoever asks, which has 4K, and near to its stack pointer. */
#define BELOW_THE_STACK ((char *)__builtin_frame_address(0) - 8192)

const char anywhere;
static PROCESS_ID_TYPE victim;
static void (*to_do)(void);
/* The errors that came, and the last of them. */
static unsigned errors;
static ERROR_STATUS_TYPE last;

static unsigned char words[16] = "words";

static void do_it(void)
{
    to_do();
    STOP_SELF();
}

static void handler(void)
{
    RETURN_CODE_TYPE code;
    for (;;) {
        GET_ERROR_STATUS(&last, &code);
        if (code != NO_ERROR)
            break;
        errors += 1;
        STOP(last.FAILED_PROCESS_ID, &code);
    }
    STOP_SELF();
}

/* 100 for each error, and the code of the last: the victim is more urgent, so all of it has come when START is back. */
void wrong(const char *step, void (*what)(void), const volatile void *where)
{
    RETURN_CODE_TYPE code;
    to_do = what;
    errors = 0;
    last.ERROR_CODE = 0;
    START(victim, &code);
    seen(step, 100 * errors + last.ERROR_CODE);
    if (where != &anywhere)
        seen("where", (void *)last.FAILED_ADDRESS == where);
}

static void raises_without_a_message(void)
{
    RETURN_CODE_TYPE code;
    RAISE_APPLICATION_ERROR(APPLICATION_ERROR, words, 0, &code);
}

static void waits(void)
{
    TIMED_WAIT(MILLISECOND, (void *)BELOW_THE_STACK);
}

/* It waits until the tester resumes it. */
static void waits_to_be_resumed(void)
{
    SEEN(SUSPEND_SELF, INFINITE_TIME_VALUE);
}

/* Without a service. */

static void goes_between_stacks(void)
{
    *(volatile int *)BETWEEN_STACKS = 1;
}

static void goes_below_its_stack(void)
{
    *(volatile int *)BELOW_THE_STACK = 1;
}

static void has_much(void)
{
    volatile char much[8192];
    much[0] = 1;
    seen("never", much[0]);
}

static void calls_nothing(void)
{
    ((void (*)(void))0x1000)();
}

static void test(void)
{
    RETURN_CODE_TYPE code;
    wrong("raised", raises_without_a_message, &anywhere);
    seen("raised.length", last.LENGTH);
    wrong("below", waits, &anywhere);
    wrong("none", waits_to_be_resumed, &anywhere);
    RESUME(victim, &code);
    wrong("astray", goes_between_stacks, BETWEEN_STACKS);
    wrong("below", goes_below_its_stack, &anywhere);
    wrong("below", has_much, &anywhere);
    wrong("astray", calls_nothing, (void *)0x1000);
    wrong_numbers();
    seen("tested", 1);
    STOP_SELF();
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PROCESS_ID_TYPE tester = create("tester", test, 10);
    victim = create("victim", do_it, 20);
    SEEN(CREATE_ERROR_HANDLER, handler, 4096);
    START(tester, &code);
    SET_PARTITION_MODE(NORMAL, &code);
    return 0;
}
