/* Ports, buffers, blackboards, semaphores, events and mutexes: each service with the return codes that a caller in C can bring about. */

#include "services.h"

SAMPLING_PORT_ID_TYPE sampling_out, sampling_in, sampling_empty;
QUEUING_PORT_ID_TYPE queuing_out, queuing_in;
BUFFER_ID_TYPE buffer;
BLACKBOARD_ID_TYPE blackboard;
SEMAPHORE_ID_TYPE semaphore, ranked;
EVENT_ID_TYPE event;
MUTEX_ID_TYPE mutex;
unsigned char text[32] = "text";

static MESSAGE_SIZE_TYPE length;

/* A port of either direction is no port of the other one, nor of a third. */
void create_objects(void)
{
    const PORT_DIRECTION_TYPE no_direction = (PORT_DIRECTION_TYPE)2;
    const QUEUING_DISCIPLINE_TYPE no_discipline = (QUEUING_DISCIPLINE_TYPE)2;
    int id;
    SEEN(CREATE_SAMPLING_PORT, "nowhere", 8, SOURCE, 20 * MILLISECOND, &id);
    SEEN(CREATE_SAMPLING_PORT, "sampling_out", 8, DESTINATION, 20 * MILLISECOND, &id);
    SEEN(CREATE_SAMPLING_PORT, "sampling_out", 8, no_direction, 20 * MILLISECOND, &id);
    SEEN(CREATE_SAMPLING_PORT, "sampling_out", 8, SOURCE, 20 * MILLISECOND, &sampling_out);
    SEEN(CREATE_SAMPLING_PORT, "sampling_out", 8, SOURCE, 20 * MILLISECOND, &id);
    SEEN(CREATE_SAMPLING_PORT, "sampling_in", 8, SOURCE, 20 * MILLISECOND, &id);
    SEEN(CREATE_SAMPLING_PORT, "sampling_in", 8, no_direction, 20 * MILLISECOND, &id);
    SEEN(CREATE_SAMPLING_PORT, "sampling_in", 8, DESTINATION, 20 * MILLISECOND, &sampling_in);
    SEEN(CREATE_SAMPLING_PORT, "sampling_empty", 8, DESTINATION, 20 * MILLISECOND, &sampling_empty);
    SEEN(CREATE_QUEUING_PORT, "nowhere", 8, 1, SOURCE, FIFO, &id);
    SEEN(CREATE_QUEUING_PORT, "queuing_out", 8, 1, DESTINATION, FIFO, &id);
    SEEN(CREATE_QUEUING_PORT, "queuing_out", 8, 1, no_direction, FIFO, &id);
    SEEN(CREATE_QUEUING_PORT, "queuing_out", 8, 1, SOURCE, no_discipline, &id);
    SEEN(CREATE_QUEUING_PORT, "queuing_out", 8, 1, SOURCE, FIFO, &queuing_out);
    SEEN(CREATE_QUEUING_PORT, "queuing_out", 8, 1, SOURCE, FIFO, &id);
    SEEN(CREATE_QUEUING_PORT, "queuing_in", 8, 1, SOURCE, PRIORITY, &id);
    SEEN(CREATE_QUEUING_PORT, "queuing_in", 8, 1, no_direction, PRIORITY, &id);
    SEEN(CREATE_QUEUING_PORT, "queuing_in", 8, 1, DESTINATION, PRIORITY, &queuing_in);
    SEEN(CREATE_BUFFER, "buffer", 0, 1, FIFO, &id);
    SEEN(CREATE_BUFFER, "buffer", 8, 1, no_discipline, &id);
    SEEN(CREATE_BUFFER, "buffer", 8, 1, FIFO, &buffer);
    SEEN(CREATE_BUFFER, "buffer", 8, 1, FIFO, &id);
    SEEN(CREATE_BLACKBOARD, "blackboard", 0, &id);
    SEEN(CREATE_BLACKBOARD, "blackboard", 8, &blackboard);
    SEEN(CREATE_BLACKBOARD, "blackboard", 8, &id);
    SEEN(CREATE_SEMAPHORE, "semaphore", 2, 1, FIFO, &id);
    SEEN(CREATE_SEMAPHORE, "semaphore", 0, 1, no_discipline, &id);
    SEEN(CREATE_SEMAPHORE, "semaphore", 0, 1, FIFO, &semaphore);
    SEEN(CREATE_SEMAPHORE, "semaphore", 0, 1, FIFO, &id);
    SEEN(CREATE_SEMAPHORE, "ranked", 0, 1, PRIORITY, &ranked);
    SEEN(CREATE_EVENT, "event", &event);
    SEEN(CREATE_EVENT, "event", &id);
    SEEN(CREATE_MUTEX, "mutex", 0, FIFO, &id);
    SEEN(CREATE_MUTEX, "mutex", 50, no_discipline, &id);
    SEEN(CREATE_MUTEX, "mutex", 50, FIFO, &mutex);
    SEEN(CREATE_MUTEX, "mutex", 50, FIFO, &id);
}

/* There is room for two of each kind, and for three semaphores. */
void create_too_many(void)
{
    static const char *const names[] = {"one", "two", "three"};
    int id;
    SEEN(CREATE_SEMAPHORE, "zero", 0, 1, PRIORITY, &id);
    for (unsigned place = 0; place < 3; place += 1) {
        SEEN(CREATE_BUFFER, names[place], 8, 1, FIFO, &id);
        SEEN(CREATE_BLACKBOARD, names[place], 8, &id);
        SEEN(CREATE_SEMAPHORE, names[place], 0, 1, FIFO, &id);
        SEEN(CREATE_EVENT, names[place], &id);
        SEEN(CREATE_MUTEX, names[place], 50, FIFO, &id);
    }
}

void would_wait(void)
{
    SEEN(SUSPEND_SELF, MILLISECOND);
    SEEN(TIMED_WAIT, MILLISECOND);
    SEEN_ALONE(PERIODIC_WAIT);
    SEEN(RECEIVE_QUEUING_MESSAGE, queuing_in, MILLISECOND, text, &length);
    SEEN(SEND_QUEUING_MESSAGE, queuing_out, text, 8, MILLISECOND);
    SEEN(RECEIVE_BUFFER, buffer, MILLISECOND, text, &length);
    SEEN(READ_BLACKBOARD, blackboard, MILLISECOND, text, &length);
    SEEN(WAIT_SEMAPHORE, semaphore, MILLISECOND);
    SEEN(WAIT_EVENT, event, MILLISECOND);
}

static void sampling(void)
{
    int id;
    VALIDITY_TYPE validity;
    UPDATED_TYPE updated;
    SYSTEM_TIME_TYPE time_stamp;
    SAMPLING_PORT_STATUS_TYPE status;
    SAMPLING_PORT_CURRENT_STATUS_TYPE current;
    SEEN(CREATE_SAMPLING_PORT, "sampling_spare", 8, SOURCE, 20 * MILLISECOND, &id);
    SEEN(WRITE_SAMPLING_MESSAGE, sampling_out, text, 8);
    SEEN(WRITE_SAMPLING_MESSAGE, NOBODY, text, 8);
    SEEN(WRITE_SAMPLING_MESSAGE, sampling_out, text, 9);
    SEEN(WRITE_SAMPLING_MESSAGE, sampling_in, text, 8);
    SEEN(READ_SAMPLING_MESSAGE, sampling_in, text, &length, &validity);
    SEEN(READ_SAMPLING_MESSAGE, NOBODY, text, &length, &validity);
    SEEN(READ_SAMPLING_MESSAGE, sampling_out, text, &length, &validity);
    SEEN(READ_SAMPLING_MESSAGE, sampling_empty, text, &length, &validity);
    SEEN(READ_UPDATED_SAMPLING_MESSAGE, sampling_in, text, &length, &updated);
    SEEN(READ_UPDATED_SAMPLING_MESSAGE, NOBODY, text, &length, &updated);
    SEEN(READ_UPDATED_SAMPLING_MESSAGE, sampling_out, text, &length, &updated);
    SEEN(READ_SAMPLING_MESSAGE_CONDITIONAL, sampling_in, 0, text, &length, &time_stamp);
    SEEN(READ_SAMPLING_MESSAGE_CONDITIONAL, NOBODY, 0, text, &length, &time_stamp);
    SEEN(READ_SAMPLING_MESSAGE_CONDITIONAL, sampling_out, 0, text, &length, &time_stamp);
    SEEN(READ_SAMPLING_MESSAGE_CONDITIONAL, sampling_empty, 0, text, &length, &time_stamp);
    SEEN(GET_SAMPLING_PORT_ID, "sampling_in", &id);
    SEEN(GET_SAMPLING_PORT_ID, "nowhere", &id);
    SEEN(GET_SAMPLING_PORT_STATUS, sampling_in, &status);
    SEEN(GET_SAMPLING_PORT_STATUS, NOBODY, &status);
    SEEN(GET_SAMPLING_PORT_STATUS, MAX_NUMBER_OF_SAMPLING_PORTS + 1, &status);
    SEEN(GET_SAMPLING_PORT_CURRENT_STATUS, sampling_in, &current);
    SEEN(GET_SAMPLING_PORT_CURRENT_STATUS, NOBODY, &current);
}

/* The other end has sent two messages into room for one, and takes none. */
static void queuing(void)
{
    int id;
    QUEUING_PORT_STATUS_TYPE status;
    SEEN(CREATE_QUEUING_PORT, "queuing_spare", 8, 1, SOURCE, FIFO, &id);
    SEEN(SEND_QUEUING_MESSAGE, NOBODY, text, 8, 0);
    SEEN(SEND_QUEUING_MESSAGE, queuing_out, text, 9, 0);
    SEEN(SEND_QUEUING_MESSAGE, queuing_in, text, 8, 0);
    SEEN(SEND_QUEUING_MESSAGE, queuing_out, text, 8, 0);
    SEEN(SEND_QUEUING_MESSAGE, queuing_out, text, 8, 0);
    SEEN(SEND_QUEUING_MESSAGE, queuing_out, text, 8, MILLISECOND);
    SEEN(RECEIVE_QUEUING_MESSAGE, NOBODY, 0, text, &length);
    SEEN(RECEIVE_QUEUING_MESSAGE, queuing_out, 0, text, &length);
    SEEN(RECEIVE_QUEUING_MESSAGE, queuing_in, 0, text, &length);
    SEEN(RECEIVE_QUEUING_MESSAGE, queuing_in, 0, text, &length);
    SEEN(RECEIVE_QUEUING_MESSAGE, queuing_in, MILLISECOND, text, &length);
    SEEN(GET_QUEUING_PORT_ID, "queuing_in", &id);
    SEEN(GET_QUEUING_PORT_ID, "nowhere", &id);
    SEEN(GET_QUEUING_PORT_STATUS, queuing_out, &status);
    seen("queued", status.NB_MESSAGE);
    SEEN(GET_QUEUING_PORT_STATUS, NOBODY, &status);
    SEEN(GET_QUEUING_PORT_STATUS, MAX_NUMBER_OF_QUEUING_PORTS + 1, &status);
    SEEN(CLEAR_QUEUING_PORT, queuing_in);
    SEEN(CLEAR_QUEUING_PORT, NOBODY);
    SEEN(CLEAR_QUEUING_PORT, queuing_out);
}

static void messages(void)
{
    int id;
    BUFFER_STATUS_TYPE of_buffer;
    BLACKBOARD_STATUS_TYPE of_blackboard;
    SEEN(CREATE_BUFFER, "late", 8, 1, FIFO, &id);
    SEEN(SEND_BUFFER, NOBODY, text, 8, 0);
    SEEN(SEND_BUFFER, buffer, text, 8, 0);
    SEEN(SEND_BUFFER, buffer, text, 8, 0);
    SEEN(SEND_BUFFER, buffer, text, 8, MILLISECOND);
    SEEN(GET_BUFFER_STATUS, buffer, &of_buffer);
    SEEN(GET_BUFFER_STATUS, NOBODY, &of_buffer);
    SEEN(GET_BUFFER_STATUS, MAX_NUMBER_OF_BUFFERS + 1, &of_buffer);
    SEEN(GET_BUFFER_ID, "buffer", &id);
    SEEN(GET_BUFFER_ID, "nowhere", &id);
    LOCK_LEVEL_TYPE level;
    SEEN(LOCK_PREEMPTION, &level);
    SEEN(SEND_BUFFER, buffer, text, 8, MILLISECOND);
    SEEN(UNLOCK_PREEMPTION, &level);
    SEEN(RECEIVE_BUFFER, NOBODY, 0, text, &length);
    SEEN(RECEIVE_BUFFER, buffer, 0, text, &length);
    SEEN(RECEIVE_BUFFER, buffer, 0, text, &length);
    SEEN(RECEIVE_BUFFER, buffer, MILLISECOND, text, &length);
    SEEN(CREATE_BLACKBOARD, "late", 8, &id);
    SEEN(READ_BLACKBOARD, NOBODY, 0, text, &length);
    SEEN(READ_BLACKBOARD, blackboard, 0, text, &length);
    SEEN(READ_BLACKBOARD, blackboard, MILLISECOND, text, &length);
    SEEN(DISPLAY_BLACKBOARD, blackboard, text, 8);
    SEEN(DISPLAY_BLACKBOARD, NOBODY, text, 8);
    SEEN(READ_BLACKBOARD, blackboard, 0, text, &length);
    SEEN(GET_BLACKBOARD_STATUS, blackboard, &of_blackboard);
    SEEN(GET_BLACKBOARD_STATUS, NOBODY, &of_blackboard);
    SEEN(GET_BLACKBOARD_STATUS, MAX_NUMBER_OF_BLACKBOARDS + 1, &of_blackboard);
    SEEN(CLEAR_BLACKBOARD, blackboard);
    SEEN(CLEAR_BLACKBOARD, NOBODY);
    SEEN(GET_BLACKBOARD_ID, "blackboard", &id);
    SEEN(GET_BLACKBOARD_ID, "nowhere", &id);
}

static void signals(void)
{
    int id;
    SEMAPHORE_STATUS_TYPE of_semaphore;
    EVENT_STATUS_TYPE of_event;
    SEEN(CREATE_SEMAPHORE, "late", 0, 1, FIFO, &id);
    SEEN(WAIT_SEMAPHORE, NOBODY, 0);
    SEEN(WAIT_SEMAPHORE, semaphore, 0);
    SEEN(WAIT_SEMAPHORE, semaphore, MILLISECOND);
    SEEN(SIGNAL_SEMAPHORE, NOBODY);
    SEEN(SIGNAL_SEMAPHORE, semaphore);
    SEEN(SIGNAL_SEMAPHORE, semaphore);
    SEEN(WAIT_SEMAPHORE, semaphore, INFINITE_TIME_VALUE);
    SEEN(GET_SEMAPHORE_STATUS, semaphore, &of_semaphore);
    SEEN(GET_SEMAPHORE_STATUS, NOBODY, &of_semaphore);
    SEEN(GET_SEMAPHORE_STATUS, MAX_NUMBER_OF_SEMAPHORES + 1, &of_semaphore);
    SEEN(GET_SEMAPHORE_ID, "semaphore", &id);
    SEEN(GET_SEMAPHORE_ID, "nowhere", &id);
    SEEN(CREATE_EVENT, "late", &id);
    SEEN(WAIT_EVENT, NOBODY, 0);
    SEEN(WAIT_EVENT, event, 0);
    SEEN(WAIT_EVENT, event, MILLISECOND);
    SEEN(SET_EVENT, event);
    SEEN(SET_EVENT, NOBODY);
    SEEN(WAIT_EVENT, event, INFINITE_TIME_VALUE);
    SEEN(GET_EVENT_STATUS, event, &of_event);
    SEEN(GET_EVENT_STATUS, NOBODY, &of_event);
    SEEN(GET_EVENT_STATUS, MAX_NUMBER_OF_EVENTS + 1, &of_event);
    SEEN(RESET_EVENT, event);
    SEEN(RESET_EVENT, NOBODY);
    SEEN(GET_EVENT_ID, "event", &id);
    SEEN(GET_EVENT_ID, "nowhere", &id);
}

void use_objects(void)
{
    sampling();
    queuing();
    messages();
    signals();
}
