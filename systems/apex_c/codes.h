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

/* Sets the module's schedule by its name. */
static inline void set_schedule(const char *name)
{
    RETURN_CODE_TYPE code;
    SCHEDULE_ID_TYPE schedule;
    GET_MODULE_SCHEDULE_ID(name, &schedule, &code);
    SEEN(SET_MODULE_SCHEDULE, schedule);
}

#endif
