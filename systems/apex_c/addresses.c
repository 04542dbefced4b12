/* Addresses that are none, given to services and gone to. A service that cannot give its answer has done nothing: each step ends with a look at what it would have
 * changed. Then what arithmetic comes to (`numbers.c`). */

#include "wrong.h"

/* The kernel's text, below every partition's memory; where other partitions' devices are; and what is between two stacks, far from every stack pointer. */
#define KERNEL ((void *)0x00100000)
#define DEVICES ((void *)0xa0060000)
#define BETWEEN_STACKS ((void *)0x50000100)
/* Below the stack of whoever asks, which has 4K, and near to its stack pointer. */
#define BELOW_THE_STACK ((char *)__builtin_frame_address(0) - 8192)

const char anywhere;
/* They can be read. */
static const RETURN_CODE_TYPE constant_code = NO_ERROR;
static const int constant_words[8];

static PROCESS_ID_TYPE victim, helper;
static void (*to_do)(void);
/* The errors that came, and the last of them. */
static unsigned errors;
static ERROR_STATUS_TYPE last;

static BUFFER_ID_TYPE letters;
static BLACKBOARD_ID_TYPE board;
static SEMAPHORE_ID_TYPE gate;
static EVENT_ID_TYPE flag;
static MUTEX_ID_TYPE lock;
static unsigned char words[16] = "words";

/* A place that is not what C says of it. */
static void *at(const volatile void *address)
{
    return (void *)address;
}

static void do_it(void)
{
    to_do();
    STOP_SELF();
}

static void help(void)
{
    RETURN_CODE_TYPE code;
    for (;;)
        SUSPEND_SELF(INFINITE_TIME_VALUE, &code);
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

/* Each service, with one place that is none. */

static void signals(void)
{
    SIGNAL_SEMAPHORE(gate, 0);
}

static void sets(void)
{
    SET_EVENT(flag, at(help));
}

static void sends(void)
{
    SEND_BUFFER(letters, words, 5, 0, at(&constant_code));
}

static void receives_a_length(void)
{
    RETURN_CODE_TYPE code;
    RECEIVE_BUFFER(letters, 0, words, at(constant_words), &code);
}

static void receives_into_constants(void)
{
    RETURN_CODE_TYPE code;
    MESSAGE_SIZE_TYPE length;
    RECEIVE_BUFFER(letters, 0, at(constant_words), &length, &code);
}

static void displays(void)
{
    DISPLAY_BLACKBOARD(board, words, 5, KERNEL);
}

static void locks(void)
{
    RETURN_CODE_TYPE code;
    LOCK_PREEMPTION(BETWEEN_STACKS, &code);
}

static void acquires(void)
{
    ACQUIRE_MUTEX(lock, 0, DEVICES);
}

static void suspends(void)
{
    SUSPEND(helper, 0);
}

static void changes_priority(void)
{
    SET_PRIORITY(helper, 3, at(&constant_code));
}

static void ends_the_partition(void)
{
    SET_PARTITION_MODE(IDLE, 0);
}

static void raises(void)
{
    RAISE_APPLICATION_ERROR(APPLICATION_ERROR, words, 5, KERNEL);
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

/* The last byte of the answer has no place: what is behind the kernel's mapping of a stack. */
static void asks_half(void)
{
    RETURN_CODE_TYPE code;
    unsigned top = ((unsigned)__builtin_frame_address(0) + 4095) & -4096u;
    GET_MUTEX_STATUS(lock, (MUTEX_STATUS_TYPE *)(top - 2), &code);
}

/* This core writes words wherever they begin. */
static void signals_unaligned(void)
{
    static unsigned char room[16];
    unsigned char *place = room + 3;
    for (unsigned byte = 0; byte < sizeof room; byte += 1)
        room[byte] = 0xee;
    SIGNAL_SEMAPHORE(gate, (RETURN_CODE_TYPE *)at(place));
    seen("unaligned", room[2] == 0xee && place[0] == 0 && place[3] == NO_ERROR && place[4] == 0xee);
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

/* What the services would have changed. */
static void look(void)
{
    RETURN_CODE_TYPE code;
    SEMAPHORE_STATUS_TYPE semaphore_status;
    EVENT_STATUS_TYPE event_status;
    BUFFER_STATUS_TYPE buffer_status;
    BLACKBOARD_STATUS_TYPE blackboard_status;
    MUTEX_STATUS_TYPE mutex_status;
    PARTITION_STATUS_TYPE partition_status;
    PROCESS_STATUS_TYPE process_status;
    GET_SEMAPHORE_STATUS(gate, &semaphore_status, &code);
    GET_EVENT_STATUS(flag, &event_status, &code);
    GET_BUFFER_STATUS(letters, &buffer_status, &code);
    GET_BLACKBOARD_STATUS(board, &blackboard_status, &code);
    GET_MUTEX_STATUS(lock, &mutex_status, &code);
    GET_PARTITION_STATUS(&partition_status, &code);
    GET_PROCESS_STATUS(helper, &process_status, &code);
    seen("value", semaphore_status.CURRENT_VALUE);
    seen("up", event_status.EVENT_STATE == UP);
    seen("letters", buffer_status.NB_MESSAGE);
    seen("empty", blackboard_status.EMPTY_INDICATOR == EMPTY);
    seen("free", mutex_status.MUTEX_STATE == AVAILABLE);
    seen("level", partition_status.LOCK_LEVEL);
    seen("mode", partition_status.OPERATING_MODE);
    seen("ready", process_status.PROCESS_STATE == READY);
    seen("priority", process_status.CURRENT_PRIORITY);
}

static void test(void)
{
    RETURN_CODE_TYPE code;
    wrong("service", signals, 0);
    wrong("service", sets, at(help));
    wrong("service", sends, &constant_code);
    wrong("service", displays, KERNEL);
    wrong("service", locks, BETWEEN_STACKS);
    wrong("service", acquires, DEVICES);
    wrong("service", suspends, 0);
    wrong("service", changes_priority, &constant_code);
    wrong("service", ends_the_partition, 0);
    wrong("service", raises, KERNEL);
    wrong("service", asks_half, &anywhere);
    look();
    SEND_BUFFER(letters, words, 5, 0, &code);
    wrong("service", receives_a_length, constant_words);
    wrong("service", receives_into_constants, constant_words);
    look();
    wrong("raised", raises_without_a_message, &anywhere);
    seen("raised.length", last.LENGTH);
    wrong("below", waits, &anywhere);
    wrong("none", signals_unaligned, &anywhere);
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

static PROCESS_ID_TYPE create(const char *name, SYSTEM_ADDRESS_TYPE entry_point, PRIORITY_TYPE priority)
{
    RETURN_CODE_TYPE code;
    PROCESS_ID_TYPE process = 0;
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic(name, entry_point, priority);
    CREATE_PROCESS(&attributes, &process, &code);
    return process;
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PROCESS_ID_TYPE tester = create("tester", test, 10);
    victim = create("victim", do_it, 20);
    helper = create("helper", help, 5);
    SEEN(CREATE_BUFFER, "letters", 16, 2, FIFO, &letters);
    SEEN(CREATE_BLACKBOARD, "board", 16, &board);
    SEEN(CREATE_SEMAPHORE, "gate", 0, 4, FIFO, &gate);
    SEEN(CREATE_EVENT, "flag", &flag);
    SEEN(CREATE_MUTEX, "lock", 30, FIFO, &lock);
    SEEN(CREATE_ERROR_HANDLER, handler, 4096);
    START(helper, &code);
    START(tester, &code);
    SET_PARTITION_MODE(NORMAL, &code);
    return 0;
}
