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

/* The objects and ports. */
extern SAMPLING_PORT_ID_TYPE sampling_out, sampling_in, sampling_empty;
extern QUEUING_PORT_ID_TYPE queuing_out, queuing_in;
extern BUFFER_ID_TYPE buffer;
extern BLACKBOARD_ID_TYPE blackboard;
extern SEMAPHORE_ID_TYPE semaphore, ranked;
extern EVENT_ID_TYPE event;
extern MUTEX_ID_TYPE mutex;
extern unsigned char text[32];

/* What may be asked for in the initialisation alone, and what is refused there. */
void create_objects(void);
/* More objects than there is room for. */
void create_too_many(void);
/* What the process that runs asks for. */
void use_objects(void);
/* What would wait, where nobody may: the error handler, or the owner of the preemption lock. */
void would_wait(void);
/* Messages of no length that there is. */
void give_lengths(void);

#endif
