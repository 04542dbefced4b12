/* Each pointer of each service (`places.h`) as each address that is none. A process gives it, and it is that process' MEMORY_VIOLATION, at that address; what the partition,
 * its processes, objects and ports are like then is compared with what it was just before the call. At last the same pointer leads to a good place, at which no word begins.
 *
 * That a service has done nothing cannot be seen of thirteen that could do something. The eleven of the initialisation are refused in NORMAL; in the initialisation itself
 * the error is the partition's, whose restart leaves nothing to look at. So it does where GET_ERROR_STATUS does anything, in the error handler (`handlers.c`). PERIODIC_WAIT
 * is refused to a process without a period, and no try waits for the next release of one with a period. Of these it is seen that they are caught, and where. One macro
 * makes them all, and has each look at its places first (`personalities/apex-c/src/main.rs`). */

#include "codes.h"

#define REFRESH (1000 * MILLISECOND)
/* Pointers of a service at most, RETURN_CODE among them. */
#define POINTERS 4

struct parameter {
    const char *name;
    unsigned bytes;
    /* What is read there; 0 if it is written. */
    const void *good;
    /* It is a text, which goes on up to a zero byte. */
    int is_name;
    /* Where a name that is created has a digit, 0 if there is none: each try of the service puts another one there, so that it creates an object of its own. */
    unsigned digit;
};

struct service {
    const char *name;
    void (*call)(void **p);
    /* What its caller does first. */
    void (*before)(void);
    /* It succeeds in the initialisation alone. */
    int initialises;
    /* What it returns if nothing is wrong. */
    RETURN_CODE_TYPE good;
    struct parameter parameters[POINTERS - 1];
};

/* Addresses that are none, whether something is read or written there: the lowest; the kernel's text; partitions' memory as the kernel sees it; where others have devices;
 * and between two stacks, far from every stack pointer. */
static void *const NONE[] = {0, (void *)0x00100000, (void *)0x44000000, (void *)0xa0060000, (void *)0x50000100};
#define NONES (sizeof NONE / sizeof NONE[0])
/* The bits of a step: each is set if what had to come of such a place came of it. */
#define END (1u << NONES)
#define ODD (END << 1)
#define TEXT (ODD << 1)
#define CONSTANT (TEXT << 1)

static const unsigned char constants[256];
/* What is not written keeps it. */
#define UNTOUCHED 0xee

/* The try has good places alone. Some rows then ask for what lets the tries go on, and else for what would be seen if it were done. */
static int is_good;
static PROCESS_ID_TYPE victim, helper, sleeper, dormant, holder;
static SAMPLING_PORT_ID_TYPE sampling_in, written, unwritten;
static QUEUING_PORT_ID_TYPE queuing_in, queuing_out, reports, done;
static BUFFER_ID_TYPE letters;
static BLACKBOARD_ID_TYPE empty, full;
static SEMAPHORE_ID_TYPE gate;
static EVENT_ID_TYPE up, down;
static MUTEX_ID_TYPE lock, kept;
static SCHEDULE_ID_TYPE cruise, landing;
static PROCESS_ATTRIBUTE_TYPE late;

static unsigned char text[32] = "letters";

static void handler(void);

static void locks(void)
{
    LOCK_LEVEL_TYPE level;
    RETURN_CODE_TYPE code;
    LOCK_PREEMPTION(&level, &code);
}

static void acquires(void)
{
    RETURN_CODE_TYPE code;
    ACQUIRE_MUTEX(lock, 0, &code);
}

/* The table, as functions and as rows. */
#define SERVICE(NAME, ARGUMENTS, ...) \
    static void call_##NAME(void **p) \
    { \
        NAME ARGUMENTS; \
    }
#include "places.h"
#undef SERVICE

#define SERVICE(NAME, ARGUMENTS, ...) {.name = #NAME, .call = call_##NAME, __VA_ARGS__},
#define INITIALISES .initialises = 1
#define WRITTEN(NAME, TYPE) {.name = #NAME, .bytes = sizeof(TYPE)}
#define ROOM(NAME) {.name = #NAME, .bytes = 8}
#define MESSAGE(NAME) {.name = #NAME, .bytes = 8, .good = "message"}
#define NAMED(NAME, WORD) {.name = #NAME, .bytes = MAX_NAME_LENGTH, .good = (NAME_TYPE){WORD}, .is_name = 1}
#define NUMBERED(NAME, WORD) \
    {.name = #NAME, .bytes = MAX_NAME_LENGTH, .good = (NAME_TYPE){WORD}, .is_name = 1, .digit = sizeof WORD - 1}
#define NUMBERED_ATTRIBUTES(PARAMETER, PLACE) \
    {.name = #PARAMETER, .bytes = sizeof PLACE, .good = &PLACE, .digit = __builtin_offsetof(PROCESS_ATTRIBUTE_TYPE, NAME)}
static const struct service SERVICES[] = {
#include "places.h"
};
#define COUNT (sizeof SERVICES / sizeof SERVICES[0])
static const struct parameter RETURN_CODE = WRITTEN(RETURN_CODE, RETURN_CODE_TYPE);

static void *at(const volatile void *address)
{
    return (void *)address;
}

static unsigned pointers(const struct service *service)
{
    unsigned count = 0;
    while (count < POINTERS - 1 && service->parameters[count].name != 0)
        count += 1;
    return count + 1;
}

static const struct parameter *parameter(const struct service *service, unsigned which)
{
    return which + 1 == pointers(service) ? &RETURN_CODE : &service->parameters[which];
}

/* What can be seen of the partition. */
struct state {
    int values[23];
};

static void look(struct state *state)
{
    RETURN_CODE_TYPE code;
    PARTITION_STATUS_TYPE partition;
    PROCESS_STATUS_TYPE process;
    SAMPLING_PORT_CURRENT_STATUS_TYPE sample;
    QUEUING_PORT_STATUS_TYPE queue;
    BUFFER_STATUS_TYPE buffer;
    BLACKBOARD_STATUS_TYPE board;
    SEMAPHORE_STATUS_TYPE semaphore;
    EVENT_STATUS_TYPE event;
    MUTEX_STATUS_TYPE mutex;
    SCHEDULE_STATUS_TYPE schedule;
    int *value = state->values;
    const PROCESS_ID_TYPE processes[] = {helper, sleeper, dormant};
    const QUEUING_PORT_ID_TYPE queues[] = {queuing_in, queuing_out, reports};
    GET_PARTITION_STATUS(&partition, &code);
    *value++ = partition.LOCK_LEVEL;
    *value++ = partition.OPERATING_MODE;
    for (unsigned place = 0; place < 3; place += 1) {
        GET_PROCESS_STATUS(processes[place], &process, &code);
        *value++ = process.PROCESS_STATE;
        *value++ = process.CURRENT_PRIORITY;
        GET_QUEUING_PORT_STATUS(queues[place], &queue, &code);
        *value++ = queue.NB_MESSAGE;
    }
    /* Its lower half tells one deadline from another. */
    GET_PROCESS_STATUS(victim, &process, &code);
    *value++ = (int)process.DEADLINE_TIME;
    GET_SAMPLING_PORT_CURRENT_STATUS(sampling_in, &sample, &code);
    *value++ = sample.UPDATED;
    GET_BUFFER_STATUS(letters, &buffer, &code);
    *value++ = buffer.NB_MESSAGE;
    GET_BLACKBOARD_STATUS(empty, &board, &code);
    *value++ = board.EMPTY_INDICATOR;
    GET_BLACKBOARD_STATUS(full, &board, &code);
    *value++ = board.EMPTY_INDICATOR;
    GET_SEMAPHORE_STATUS(gate, &semaphore, &code);
    *value++ = semaphore.CURRENT_VALUE;
    GET_EVENT_STATUS(up, &event, &code);
    *value++ = event.EVENT_STATE;
    GET_EVENT_STATUS(down, &event, &code);
    *value++ = event.EVENT_STATE;
    GET_MUTEX_STATUS(lock, &mutex, &code);
    *value++ = mutex.MUTEX_STATE;
    *value++ = mutex.LOCK_COUNT;
    GET_MUTEX_STATUS(kept, &mutex, &code);
    *value++ = mutex.MUTEX_STATE;
    GET_MODULE_SCHEDULE_STATUS(&schedule, &code);
    *value++ = schedule.NEXT_SCHEDULE;
}

/* A try: by whom, and what came of it. */
static const struct service *tried;
static void *places[POINTERS];
static unsigned char rooms[POINTERS][256] __attribute__((aligned(8)));
static struct state before, after;
static unsigned errors, told, returned;
static ERROR_STATUS_TYPE last;

static void do_it(void)
{
    if (tried->before != 0)
        tried->before();
    look(&before);
    tried->call(places);
    returned += 1;
    STOP_SELF();
}

/* What is said, and not caught, does not stop who said it. Its own answers begin at an odd byte. */
static void handler(void)
{
    static unsigned char room[sizeof last + 1];
    RETURN_CODE_TYPE code;
    for (;;) {
        GET_ERROR_STATUS((ERROR_STATUS_TYPE *)at(room + 1), &code);
        if (code != NO_ERROR)
            break;
        __builtin_memcpy(&last, room + 1, sizeof last);
        if (last.ERROR_CODE == APPLICATION_ERROR || last.ERROR_CODE == HARDWARE_FAULT) {
            told += 1;
        } else {
            errors += 1;
            look(&after);
            STOP(last.FAILED_PROCESS_ID, &code);
        }
    }
    STOP_SELF();
}

static int is_same(const struct state *one, const struct state *other)
{
    for (unsigned place = 0; place < sizeof one->values / sizeof one->values[0]; place += 1) {
        if (one->values[place] != other->values[place])
            return 0;
    }
    return 1;
}

/* Puts what is read there, or what tells what is written. */
static void fill(const struct parameter *parameter, unsigned digit, unsigned char *into, unsigned bytes)
{
    const unsigned char *good = parameter->good;
    for (unsigned byte = 0; byte < bytes; byte += 1)
        into[byte] = good == 0 ? UNTOUCHED : good[byte];
    if (parameter->digit != 0 && parameter->digit < bytes)
        into[parameter->digit] = (unsigned char)('0' + digit);
}

/* All pointers lead to good places, but this one there. */
static void set_out(const struct service *service, unsigned which, void *there)
{
    tried = service;
    errors = told = returned = 0;
    for (unsigned place = 0; place < pointers(service); place += 1) {
        fill(parameter(service, place), which, rooms[place], parameter(service, place)->bytes);
        places[place] = place == which ? there : rooms[place];
    }
}

/* Everything is as it was before the first try. */
static void restore(void)
{
    RETURN_CODE_TYPE code;
    MESSAGE_SIZE_TYPE length;
    MUTEX_STATUS_TYPE status;
    unsigned char message[8];
    /* If it was not caught, it may be waiting. */
    STOP(victim, &code);
    RESET_MUTEX(lock, victim, &code);
    START(helper, &code);
    RESUME(helper, &code);
    SET_PRIORITY(helper, 5, &code);
    SUSPEND(sleeper, &code);
    STOP(dormant, &code);
    GET_MUTEX_STATUS(kept, &status, &code);
    if (status.MUTEX_STATE == AVAILABLE)
        START(holder, &code);
    do
        RECEIVE_BUFFER(letters, 0, message, &length, &code);
    while (code == NO_ERROR);
    SEND_BUFFER(letters, text, 8, 0, &code);
    CLEAR_BLACKBOARD(empty, &code);
    DISPLAY_BLACKBOARD(full, text, 8, &code);
    do
        WAIT_SEMAPHORE(gate, 0, &code);
    while (code == NO_ERROR);
    SIGNAL_SEMAPHORE(gate, &code);
    SET_EVENT(up, &code);
    RESET_EVENT(down, &code);
}

/* The process is caught there, is stopped, and has changed nothing. */
static int is_caught(const struct service *service, unsigned which, void *there)
{
    RETURN_CODE_TYPE code;
    restore();
    set_out(service, which, there);
    START(victim, &code);
    unsigned beyond = (unsigned)last.FAILED_ADDRESS - (unsigned)there;
    return errors == 1 && returned == 0 && told == 0 && last.ERROR_CODE == MEMORY_VIOLATION
        && beyond < parameter(service, which)->bytes && is_same(&before, &after);
}

/* The last byte has no place: what is behind a stack. A name has no end before that. */
static int is_caught_at_end(const struct service *service, unsigned which)
{
    static const NAME_TYPE endless = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    const struct parameter *parameter_ = parameter(service, which);
    unsigned char *there = (unsigned char *)(((unsigned)__builtin_frame_address(0) + 4095) & -4096u) - parameter_->bytes + 1;
    struct parameter filled = *parameter_;
    if (filled.is_name)
        filled = (struct parameter){.good = endless};
    fill(&filled, which, there, parameter_->bytes - 1);
    return is_caught(service, which, there);
}

/* A place that no word begins at: the service does what it does, and writes there and not beside it. */
static int is_done(const struct service *service, unsigned which)
{
    RETURN_CODE_TYPE code;
    const struct parameter *odd = parameter(service, which);
    unsigned char *there = rooms[which] + 3;
    set_out(service, which, there);
    for (unsigned byte = 0; byte < sizeof rooms[which]; byte += 1)
        rooms[which][byte] = UNTOUCHED;
    fill(odd, which, there, odd->bytes);
    is_good = 1;
    if (service->initialises) {
        service->call(places);
        returned += 1;
    } else {
        restore();
        START(victim, &code);
    }
    is_good = 0;
    __builtin_memcpy(&code, places[pointers(service) - 1], sizeof code);
    int is_written = 0;
    for (unsigned byte = 0; byte < odd->bytes; byte += 1)
        is_written |= there[byte] != UNTOUCHED;
    int answers = odd == &RETURN_CODE || code == NO_ERROR;
    return errors == 0 && returned == 1 && code == service->good && (odd->good != 0 || is_written == answers)
        && there[-1] == UNTOUCHED && there[odd->bytes] == UNTOUCHED;
}

static void leave(const struct service *service, unsigned which, unsigned bits)
{
    char step[64];
    unsigned length = 0;
    for (const char *from = service->name; *from != 0; from += 1)
        step[length++] = *from;
    step[length++] = '.';
    for (const char *from = parameter(service, which)->name; *from != 0; from += 1)
        step[length++] = *from;
    step[length] = 0;
    seen(step, bits);
}

/* What the services that initialise do with a good place, found in the initialisation. */
static unsigned char initialised[COUNT][POINTERS];

static void initialise(void)
{
    for (unsigned number = 0; number < COUNT; number += 1) {
        const struct service *service = &SERVICES[number];
        for (unsigned which = 0; service->initialises && which < pointers(service); which += 1)
            initialised[number][which] = is_done(service, which);
    }
}

static void try_all(void)
{
    for (unsigned number = 0; number < COUNT; number += 1) {
        const struct service *service = &SERVICES[number];
        for (unsigned which = 0; which < pointers(service); which += 1) {
            unsigned bits = 0;
            for (unsigned none = 0; none < NONES; none += 1)
                bits |= is_caught(service, which, NONE[none]) ? 1u << none : 0;
            bits |= is_caught_at_end(service, which) ? END : 0;
            if (parameter(service, which)->good == 0) {
                bits |= is_caught(service, which, at(do_it)) ? TEXT : 0;
                bits |= is_caught(service, which, at(constants)) ? CONSTANT : 0;
            }
            int is_odd_done = service->initialises ? initialised[number][which] : is_done(service, which);
            leave(service, which, bits | (is_odd_done ? ODD : 0));
        }
    }
}

/* An entry point is no address that a service goes to: who begins there is caught there. */
static void begin_nowhere(void)
{
    RETURN_CODE_TYPE code;
    PROCESS_ID_TYPE astray;
    GET_PROCESS_ID("astray", &astray, &code);
    errors = 0;
    START(astray, &code);
    seen("ENTRY_POINT", 100 * errors + last.ERROR_CODE);
    seen("ENTRY_POINT.there", (unsigned)last.FAILED_ADDRESS);
}

/* The tries have left two reports in the queue. One without a byte is none. */
static void report(void)
{
    RETURN_CODE_TYPE code;
    QUEUING_PORT_STATUS_TYPE status;
    unsigned char message[32] = "0f which there is room for eight";
    SEEN(REPORT_APPLICATION_MESSAGE, message, 0);
    for (unsigned count = 0; count < 4; count += 1) {
        message[0] = (unsigned char)('0' + count);
        SEEN(REPORT_APPLICATION_MESSAGE, message, sizeof message);
    }
    GET_QUEUING_PORT_STATUS(reports, &status, &code);
    seen("log", status.NB_MESSAGE);
}

static void test(void)
{
    RETURN_CODE_TYPE code;
    try_all();
    begin_nowhere();
    report();
    seen("tested", 1);
    SEND_QUEUING_MESSAGE(done, text, 4, 0, &code);
    STOP_SELF();
}

/* Less urgent than the tester, which never waits: it runs when all is tried. */
static void help(void)
{
    RETURN_CODE_TYPE code;
    for (;;)
        SUSPEND_SELF(INFINITE_TIME_VALUE, &code);
}

/* It stops without releasing the mutex, which RESET_MUTEX does then. */
static void hold(void)
{
    RETURN_CODE_TYPE code;
    ACQUIRE_MUTEX(kept, 0, &code);
    STOP_SELF();
}

static void create_all(void)
{
    RETURN_CODE_TYPE code;
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic("victim", do_it, 20);
    /* A digit comes into the place of the mark: `digit`. */
    late = aperiodic("?late", help, 1);
    /* It has a deadline, far away, for REPLENISH. */
    attributes.TIME_CAPACITY = 1000 * MILLISECOND;
    CREATE_PROCESS(&attributes, &victim, &code);
    helper = create("helper", help, 5);
    sleeper = create("sleeper", help, 4);
    dormant = create("dormant", help, 3);
    holder = create("holder", hold, 30);
    create("astray", (SYSTEM_ADDRESS_TYPE)0x1000, 20);
    CREATE_SAMPLING_PORT("sampling_in", 8, DESTINATION, REFRESH, &sampling_in, &code);
    CREATE_SAMPLING_PORT("written", 8, SOURCE, REFRESH, &written, &code);
    CREATE_SAMPLING_PORT("unwritten", 8, SOURCE, REFRESH, &unwritten, &code);
    CREATE_QUEUING_PORT("queuing_in", 8, 4, DESTINATION, FIFO, &queuing_in, &code);
    CREATE_QUEUING_PORT("queuing_out", 8, 4, SOURCE, FIFO, &queuing_out, &code);
    CREATE_QUEUING_PORT("log", 8, 4, SOURCE, FIFO, &reports, &code);
    CREATE_QUEUING_PORT("done", 8, 1, SOURCE, FIFO, &done, &code);
    CREATE_BUFFER("letters", 8, 2, FIFO, &letters, &code);
    CREATE_BLACKBOARD("empty", 8, &empty, &code);
    CREATE_BLACKBOARD("full", 8, &full, &code);
    CREATE_SEMAPHORE("gate", 0, 2, FIFO, &gate, &code);
    CREATE_EVENT("up", &up, &code);
    CREATE_EVENT("down", &down, &code);
    CREATE_MUTEX("lock", 50, FIFO, &lock, &code);
    CREATE_MUTEX("kept", 50, FIFO, &kept, &code);
    GET_MODULE_SCHEDULE_ID("cruise", &cruise, &code);
    GET_MODULE_SCHEDULE_ID("landing", &landing, &code);
    seen("created", code);
}

int main(void)
{
    RETURN_CODE_TYPE code;
    PROCESS_ID_TYPE tester = create("tester", test, 10);
    create_all();
    initialise();
    START(helper, &code);
    START(sleeper, &code);
    START(tester, &code);
    SET_PARTITION_MODE(NORMAL, &code);
    return 0;
}
