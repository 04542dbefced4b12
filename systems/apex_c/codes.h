/* A call of a service, and its return code as a step that is called after the service. */
#ifndef CODES_H
#define CODES_H

#include "apex.h"
#include "evidence.h"

#define MILLISECOND 1000000LL
#define LONGER_THAN_TIME 0x7fffffffffffffffLL
#define NOBODY 99

#define SEEN(service, ...) \
    do { \
        RETURN_CODE_TYPE code = 99; \
        service(__VA_ARGS__, &code); \
        seen(#service, code); \
    } while (0)

#define SEEN_ALONE(service) \
    do { \
        RETURN_CODE_TYPE code = 99; \
        service(&code); \
        seen(#service, code); \
    } while (0)

static inline PROCESS_ATTRIBUTE_TYPE aperiodic(const char *name, SYSTEM_ADDRESS_TYPE entry_point, PRIORITY_TYPE priority)
{
    PROCESS_ATTRIBUTE_TYPE attributes = {
        .PERIOD = INFINITE_TIME_VALUE,
        .TIME_CAPACITY = INFINITE_TIME_VALUE,
        .ENTRY_POINT = entry_point,
        .STACK_SIZE = 4096,
        .BASE_PRIORITY = priority,
        .DEADLINE = SOFT,
    };
    for (unsigned place = 0; name[place] != 0; place += 1)
        attributes.NAME[place] = name[place];
    return attributes;
}

/* Creates an aperiodic process: its identifier, or NULL_PROCESS_ID if that is refused. */
static inline PROCESS_ID_TYPE create(const char *name, SYSTEM_ADDRESS_TYPE entry_point, PRIORITY_TYPE priority)
{
    RETURN_CODE_TYPE code;
    PROCESS_ID_TYPE process = NULL_PROCESS_ID;
    PROCESS_ATTRIBUTE_TYPE attributes = aperiodic(name, entry_point, priority);
    CREATE_PROCESS(&attributes, &process, &code);
    return process;
}

/* Starts a process of these attributes: its identifier. */
static inline PROCESS_ID_TYPE start(PROCESS_ATTRIBUTE_TYPE attributes)
{
    RETURN_CODE_TYPE code;
    PROCESS_ID_TYPE process = NULL_PROCESS_ID;
    CREATE_PROCESS(&attributes, &process, &code);
    START(process, &code);
    return process;
}

/* The end of an initialisation. */
static inline int normal(void)
{
    RETURN_CODE_TYPE code;
    SET_PARTITION_MODE(NORMAL, &code);
    return 0;
}

/* How the partition has begun, and how often since a cold start: what `lives` counts, which a warm start keeps. */
static inline void see_start(unsigned *lives)
{
    RETURN_CODE_TYPE code;
    PARTITION_STATUS_TYPE status;
    GET_PARTITION_STATUS(&status, &code);
    *lives += 1;
    seen("identifier", status.IDENTIFIER);
    seen("mode", status.OPERATING_MODE);
    seen("condition", status.START_CONDITION);
    seen("lives", *lives);
}

/* What an error handler asks for: whether there is one more error. */
static inline int is_error(ERROR_STATUS_TYPE *status)
{
    RETURN_CODE_TYPE code;
    GET_ERROR_STATUS(status, &code);
    return code == NO_ERROR;
}

/* Takes more of the stack than there is. */
static inline unsigned deeper(volatile unsigned *above)
{
    volatile unsigned room[64];
    room[0] = *above + 1;
    return room[0] == 0 ? 0 : deeper(room) + room[0];
}

static inline void overflow_stack(void)
{
    volatile unsigned start = 0;
    seen("never", deeper(&start));
}

/* Sets the module's schedule by its name. */
static inline void set_schedule(const char *name)
{
    RETURN_CODE_TYPE code;
    SCHEDULE_ID_TYPE schedule;
    GET_MODULE_SCHEDULE_ID(name, &schedule, &code);
    SEEN(SET_MODULE_SCHEDULE, schedule);
}

#endif
