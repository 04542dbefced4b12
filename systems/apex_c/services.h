/* What the files of the partition `services` have of each other. */
#ifndef SERVICES_H
#define SERVICES_H

#include "codes.h"

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
