/* The services through `apex.h`: each is called, with the return codes that a caller in C can bring about. Partition, processes, time, mutexes, errors and
 * Part 2 stand here, the rest in `objects.c` and `lengths.c`. What has to come of it stands in `expected`, by service, in the order of the calls. */

#include "services.h"

/* It has two lives: in the second one it creates too many objects, and no error handler. */
static PROCESS_ID_TYPE tester, helper, owner, failing, beat, longest, early, urgent;

/* Waits for whatever is wanted of it. */
static void help(void)
{
    RETURN_CODE_TYPE code;
    for (;;)
        SUSPEND_SELF(INFINITE_TIME_VALUE, &code);
}

/* Takes the mutex, and keeps it while it waits. */
static void own(void)
{
    LOCK_LEVEL_TYPE level;
    SEEN(ACQUIRE_MUTEX, mutex, 0);
    SEEN(LOCK_PREEMPTION, &level);
    SEEN(TIMED_WAIT, MILLISECOND);
    SEEN(SUSPEND_SELF, MILLISECOND);
    seen("stopped.self", 1);
    STOP_SELF();
    seen("never", 1);
}

/* It has locked preemption when it is caught, and stays so. */
static void fail(void)
{
    LOCK_LEVEL_TYPE level;
    SEEN(LOCK_PREEMPTION, &level);
    __builtin_trap();
}

static void periodic(void)
{
    SEEN(REPLENISH, 20 * MILLISECOND);
    SEEN(REPLENISH, MILLISECOND);
    SEEN(SUSPEND_SELF, MILLISECOND);
    SEEN_ALONE(PERIODIC_WAIT);
    STOP_SELF();
}

/* Its first release has a deadline that can be told, its second one has not. */
static void once(void)
{
    SEEN_ALONE(PERIODIC_WAIT);
    STOP_SELF();
}

/* Where the two wait that tell what its discipline is. */
static SEMAPHORE_ID_TYPE queue;

static void come_early(void)
{
    RETURN_CODE_TYPE code;
    WAIT_SEMAPHORE(queue, INFINITE_TIME_VALUE, &code);
    seen("turn", 1);
    STOP_SELF();
}

static void come_late(void)
{
    RETURN_CODE_TYPE code;
    WAIT_SEMAPHORE(queue, INFINITE_TIME_VALUE, &code);
    seen("turn", 2);
    STOP_SELF();
}

static void handler(void)
{
    ERROR_STATUS_TYPE status;
    LOCK_LEVEL_TYPE level;
    int id;
    SEEN(GET_ERROR_STATUS, &status);
    seen("error", status.ERROR_CODE);
    seen("error.length", status.LENGTH);
    if (status.ERROR_CODE == ILLEGAL_REQUEST)
        STOP_SELF();
    SEEN(GET_ERROR_STATUS, &status);
    SEEN(LOCK_PREEMPTION, &level);
    SEEN(UNLOCK_PREEMPTION, &level);
    SEEN(GET_MY_ID, &id);
    SEEN(GET_MY_INDEX, &id);
    SEEN(REPLENISH, MILLISECOND);
    SEEN(ACQUIRE_MUTEX, mutex, 0);
    would_wait();
    STOP_SELF();
}

static void processes(void)
{
    PROCESS_STATUS_TYPE status;
    PROCESS_ATTRIBUTE_TYPE late = aperiodic("late", help, 5);
    LOCK_LEVEL_TYPE level;
    int id;
    SEEN(SET_PARTITION_MODE, NORMAL);
    SEEN(CREATE_PROCESS, &late, &id);
    SEEN(INITIALIZE_PROCESS_CORE_AFFINITY, tester, 0);
    SEEN(GET_MY_ID, &id);
    seen("me", id == tester);
    SEEN(GET_MY_INDEX, &id);
    SEEN(GET_MY_PROCESSOR_CORE_ID, &id);
    SEEN(GET_PROCESS_ID, "helper", &id);
    SEEN(GET_PROCESS_ID, "nobody", &id);
    SEEN(GET_PROCESS_STATUS, helper, &status);
    seen("state", status.PROCESS_STATE);
    seen("deadline", status.ATTRIBUTES.DEADLINE);
    SEEN(GET_PROCESS_STATUS, beat, &status);
    seen("deadline", status.ATTRIBUTES.DEADLINE);
    SEEN(GET_PROCESS_STATUS, NOBODY, &status);
    SEEN(GET_PROCESS_STATUS, NULL_PROCESS_ID, &status);
    SEEN(GET_PROCESS_STATUS, MAIN_PROCESS_ID, &status);
    SEEN(GET_PROCESS_STATUS, MAX_NUMBER_OF_PROCESSES + 1, &status);
    /* The helper is less urgent: it runs only when the tester waits. */
    SEEN(SUSPEND, NOBODY);
    SEEN(SUSPEND, tester);
    SEEN(SUSPEND, helper);
    SEEN(RESUME, NOBODY);
    SEEN(RESUME, helper);
    SEEN(START, NOBODY);
    SEEN(START, helper);
    SEEN(START, helper);
    SEEN(RESUME, helper);
    SEEN(SUSPEND, helper);
    SEEN(SUSPEND, helper);
    SEEN(RESUME, helper);
    SEEN(SET_PRIORITY, helper, 6);
    SEEN(SET_PRIORITY, helper, 0);
    SEEN(STOP, helper);
    SEEN(STOP, helper);
    SEEN(STOP, NOBODY);
    SEEN(SET_PRIORITY, helper, 6);
    SEEN(DELAYED_START, helper, INFINITE_TIME_VALUE);
    SEEN(DELAYED_START, helper, MILLISECOND);
    SEEN(DELAYED_START, helper, MILLISECOND);
    SEEN(SUSPEND_SELF, -2);
    SEEN(SUSPEND_SELF, 2 * MILLISECOND);
    SEEN(STOP, helper);
    SEEN(UNLOCK_PREEMPTION, &level);
    for (int nesting = 0; nesting < MAX_LOCK_LEVEL + 1; nesting += 1)
        SEEN(LOCK_PREEMPTION, &level);
    would_wait();
    while (level > 0)
        SEEN(UNLOCK_PREEMPTION, &level);
    /* The lock's owner is more urgent, and faulted: so others run although preemption is locked. */
    SEEN(START, failing);
    SEEN(UNLOCK_PREEMPTION, &level);
    SEEN(LOCK_PREEMPTION, &level);
    SEEN(SUSPEND, failing);
    SEEN(STOP, failing);
}

static void time(void)
{
    SYSTEM_TIME_TYPE now;
    SEEN(GET_TIME, &now);
    SEEN(REPLENISH, -2);
    SEEN(REPLENISH, 5 * MILLISECOND);
    SEEN(TIMED_WAIT, INFINITE_TIME_VALUE);
    SEEN(TIMED_WAIT, MILLISECOND);
    SEEN_ALONE(PERIODIC_WAIT);
}

static void mutexes(void)
{
    int id;
    MUTEX_STATUS_TYPE status;
    SEEN(CREATE_MUTEX, "late", 50, FIFO, &id);
    SEEN(ACQUIRE_MUTEX, NOBODY, 0);
    for (int count = 0; count < MAX_LOCK_LEVEL + 1; count += 1)
        SEEN(ACQUIRE_MUTEX, mutex, 0);
    SEEN(GET_MUTEX_STATUS, mutex, &status);
    seen("mutex.count", status.LOCK_COUNT);
    seen("mutex.mine", status.MUTEX_OWNER == tester);
    SEEN(RESET_MUTEX, mutex, tester);
    SEEN(RELEASE_MUTEX, NOBODY);
    SEEN(RELEASE_MUTEX, mutex);
    SEEN(GET_MUTEX_STATUS, mutex, &status);
    seen("mutex.free", status.MUTEX_OWNER == NULL_PROCESS_ID);
    SEEN(GET_MUTEX_STATUS, NOBODY, &status);
    SEEN(GET_MUTEX_STATUS, MAX_NUMBER_OF_MUTEXES + 1, &status);
    SEEN(GET_MUTEX_ID, "mutex", &id);
    SEEN(GET_MUTEX_ID, "nowhere", &id);
    /* The owner is more urgent, and stops with it. */
    RETURN_CODE_TYPE code;
    START(owner, &code);
    SEEN(GET_PROCESS_MUTEX_STATE, owner, &id);
    SEEN(GET_PROCESS_MUTEX_STATE, NOBODY, &id);
    SEEN(ACQUIRE_MUTEX, mutex, 0);
    SEEN(ACQUIRE_MUTEX, mutex, MILLISECOND);
    SEEN(RESET_MUTEX, NOBODY, owner);
    SEEN(RESET_MUTEX, mutex, helper);
    SEEN(RESET_MUTEX, mutex, owner);
    SEEN(ACQUIRE_MUTEX, mutex, 0);
    SEEN(RELEASE_MUTEX, mutex);
}

static void errors(void)
{
    ERROR_STATUS_TYPE status;
    SEEN(REPORT_APPLICATION_MESSAGE, text, 4);
    SEEN(REPORT_APPLICATION_MESSAGE, text, -1);
    SEEN(CONFIGURE_ERROR_HANDLER, PROCESSES_PAUSE, 0);
    SEEN(GET_ERROR_STATUS, &status);
    SEEN(RAISE_APPLICATION_ERROR, NUMERIC_ERROR, text, 4);
    SEEN(RAISE_APPLICATION_ERROR, (ERROR_CODE_TYPE)8, text, 4);
    SEEN(COFFERDAM_REPORT_FAULT, (ERROR_CODE_TYPE)8, 0);
    SEEN(RAISE_APPLICATION_ERROR, APPLICATION_ERROR, text, 4);
}

/* One comes early, the other later and is more urgent: FIFO has the one first, PRIORITY the other. */
static void disciplines(void)
{
    const SEMAPHORE_ID_TYPE queues[] = {semaphore, ranked};
    RETURN_CODE_TYPE code;
    for (unsigned place = 0; place < 2; place += 1) {
        queue = queues[place];
        START(early, &code);
        START(urgent, &code);
        SIGNAL_SEMAPHORE(queue, &code);
        SIGNAL_SEMAPHORE(queue, &code);
    }
}

static void part_2(void)
{
    int id;
    SCHEDULE_STATUS_TYPE schedule;
    MEMORY_BLOCK_STATUS_TYPE block;
    SEEN(GET_MODULE_SCHEDULE_ID, "cruise", &id);
    SEEN(GET_MODULE_SCHEDULE_ID, "nowhere", &id);
    SEEN(GET_MODULE_SCHEDULE_STATUS, &schedule);
    SEEN(SET_MODULE_SCHEDULE, NOBODY);
    /* It has not the authority. */
    SEEN(SET_MODULE_SCHEDULE, schedule.CURRENT_SCHEDULE);
    SEEN(GET_MEMORY_BLOCK_STATUS, "block", &block);
    SEEN(GET_MEMORY_BLOCK_STATUS, "nowhere", &block);
}

static void test(void)
{
    processes();
    time();
    mutexes();
    errors();
    part_2();
    use_objects();
    disciplines();
    give_lengths();
    seen("tested", 1);
    RETURN_CODE_TYPE code;
    SET_PARTITION_MODE(COLD_START, &code);
    seen("never", code);
}

/* In the second life. */
static void handle_late(void)
{
    SEEN(CREATE_ERROR_HANDLER, handler, 4096);
    seen("tested", 2);
    STOP_SELF();
}

static void second_life(void)
{
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic("late", handle_late, 5);
    RETURN_CODE_TYPE code;
    int id;
    create_too_many();
    CREATE_PROCESS(&attributes, &id, &code);
    START(id, &code);
    SET_PARTITION_MODE(NORMAL, &code);
}

static void create_processes(void)
{
    int id;
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic("tester", test, 0);
    SEEN(CREATE_PROCESS, &attributes, &id);
    attributes.BASE_PRIORITY = 10;
    attributes.DEADLINE = (DEADLINE_TYPE)2;
    SEEN(CREATE_PROCESS, &attributes, &id);
    attributes.DEADLINE = SOFT;
    SEEN(CREATE_PROCESS, &attributes, &tester);
    SEEN(CREATE_PROCESS, &attributes, &id);
    attributes = aperiodic("helper", help, 5);
    SEEN(CREATE_PROCESS, &attributes, &helper);
    attributes = aperiodic("owner", own, 20);
    SEEN(CREATE_PROCESS, &attributes, &owner);
    attributes = aperiodic("failing", fail, 20);
    SEEN(CREATE_PROCESS, &attributes, &failing);
    attributes = aperiodic("beat", periodic, 30);
    attributes.PERIOD = 10 * MILLISECOND + 1;
    SEEN(CREATE_PROCESS, &attributes, &id);
    attributes.PERIOD = 10 * MILLISECOND;
    attributes.TIME_CAPACITY = 5 * MILLISECOND;
    attributes.DEADLINE = HARD;
    SEEN(CREATE_PROCESS, &attributes, &beat);
    attributes = aperiodic("longest", once, 29);
    attributes.PERIOD = LONGER_THAN_TIME / (20 * MILLISECOND) * (10 * MILLISECOND) + 10 * MILLISECOND;
    attributes.TIME_CAPACITY = attributes.PERIOD - 10 * MILLISECOND;
    SEEN(CREATE_PROCESS, &attributes, &longest);
    attributes = aperiodic("endless", help, 1);
    attributes.TIME_CAPACITY = LONGER_THAN_TIME;
    SEEN(CREATE_PROCESS, &attributes, &id);
    SEEN(START, id);
    SEEN(DELAYED_START, id, 0);
    early = create("early", come_early, 20);
    urgent = create("urgent", come_late, 21);
    SEEN(INITIALIZE_PROCESS_CORE_AFFINITY, tester, 0);
    SEEN(INITIALIZE_PROCESS_CORE_AFFINITY, NOBODY, 0);
    SEEN(INITIALIZE_PROCESS_CORE_AFFINITY, tester, 7);
}

int main(void)
{
    PARTITION_STATUS_TYPE status;
    ERROR_STATUS_TYPE error;
    LOCK_LEVEL_TYPE level;
    int id;
    SEEN(GET_PARTITION_STATUS, &status);
    SEEN(GET_MY_PARTITION_ID, &id);
    seen("same", id == status.IDENTIFIER);
    seen("condition", status.START_CONDITION);
    if (status.START_CONDITION == PARTITION_RESTART) {
        second_life();
        return 0;
    }
    create_processes();
    create_objects();
    /* Nobody may wait before NORMAL, and nobody is a process. */
    would_wait();
    SEEN(LOCK_PREEMPTION, &level);
    SEEN(UNLOCK_PREEMPTION, &level);
    SEEN(REPLENISH, MILLISECOND);
    SEEN(GET_MY_ID, &id);
    SEEN(GET_MY_INDEX, &id);
    SEEN(GET_ERROR_STATUS, &error);
    SEEN(CONFIGURE_ERROR_HANDLER, PROCESSES_PAUSE, 7);
    SEEN(CREATE_ERROR_HANDLER, handler, 0);
    SEEN(CREATE_ERROR_HANDLER, handler, 4096);
    SEEN(CREATE_ERROR_HANDLER, handler, 4096);
    SEEN(CONFIGURE_ERROR_HANDLER, (ERROR_HANDLER_CONCURRENCY_CONTROL_TYPE)2, 0);
    SEEN(CONFIGURE_ERROR_HANDLER, PROCESSES_SCHEDULED, 0);
    SEEN(CONFIGURE_ERROR_HANDLER, PROCESSES_PAUSE, 0);
    SEEN(SET_PARTITION_MODE, (OPERATING_MODE_TYPE)4);
    SEEN(SET_PARTITION_MODE, (OPERATING_MODE_TYPE)7);
    SEEN(SET_PARTITION_MODE, WARM_START);
    SEEN(START, tester);
    SEEN(START, beat);
    SEEN(START, longest);
    RETURN_CODE_TYPE code;
    SET_PARTITION_MODE(NORMAL, &code);
    return 0;
}
