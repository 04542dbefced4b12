/* Each service with all the pointers that it takes: a row for each, in the order of `apex.h`, with what makes it succeed. No row names the last
 * parameter, RETURN_CODE, which each service has. The table is read twice, by `places.c`; that no service and no parameter is missing,
 * `personalities/apex-conformity/tests/places.rs` says. */

SERVICE(GET_PARTITION_STATUS, (p[0], p[1]), .parameters = {WRITTEN(PARTITION_STATUS, PARTITION_STATUS_TYPE)})
SERVICE(GET_MY_PARTITION_ID, (p[0], p[1]), .parameters = {WRITTEN(PARTITION_ID, PARTITION_ID_TYPE)})
SERVICE(SET_PARTITION_MODE, (is_good ? NORMAL : IDLE, p[0]), .good = NO_ACTION)

SERVICE(CREATE_PROCESS, (p[0], p[1], p[2]), INITIALISES,
        .parameters = {NUMBERED_ATTRIBUTES(ATTRIBUTES, late), WRITTEN(PROCESS_ID, PROCESS_ID_TYPE)})
SERVICE(SET_PRIORITY, (helper, 3, p[0]), .good = NO_ERROR)
/* Who is not caught before it waits is caught too late: its caller goes on when it waits. So with TIMED_WAIT. */
SERVICE(SUSPEND_SELF, (is_good ? 0 : MILLISECOND, p[0]), .good = NO_ERROR)
SERVICE(SUSPEND, (helper, p[0]), .good = NO_ERROR)
SERVICE(RESUME, (sleeper, p[0]), .good = NO_ERROR)
SERVICE(STOP, (helper, p[0]), .good = NO_ERROR)
SERVICE(START, (dormant, p[0]), .good = NO_ERROR)
SERVICE(DELAYED_START, (dormant, 1000 * MILLISECOND, p[0]), .good = NO_ERROR)
SERVICE(LOCK_PREEMPTION, (p[0], p[1]), .parameters = {WRITTEN(LOCK_LEVEL, LOCK_LEVEL_TYPE)})
SERVICE(UNLOCK_PREEMPTION, (p[0], p[1]), .before = locks, .parameters = {WRITTEN(LOCK_LEVEL, LOCK_LEVEL_TYPE)})
SERVICE(GET_MY_ID, (p[0], p[1]), .parameters = {WRITTEN(PROCESS_ID, PROCESS_ID_TYPE)})
SERVICE(GET_MY_INDEX, (p[0], p[1]), .parameters = {WRITTEN(PROCESS_INDEX, PROCESS_INDEX_TYPE)})
SERVICE(GET_PROCESS_ID, (p[0], p[1], p[2]),
        .parameters = {NAMED(PROCESS_NAME, "helper"), WRITTEN(PROCESS_ID, PROCESS_ID_TYPE)})
SERVICE(GET_PROCESS_STATUS, (helper, p[0], p[1]), .parameters = {WRITTEN(PROCESS_STATUS, PROCESS_STATUS_TYPE)})
SERVICE(INITIALIZE_PROCESS_CORE_AFFINITY, (helper, 0, p[0]), INITIALISES)
SERVICE(GET_MY_PROCESSOR_CORE_ID, (p[0], p[1]), .parameters = {WRITTEN(PROCESSOR_CORE_ID, PROCESSOR_CORE_ID_TYPE)})

SERVICE(TIMED_WAIT, (is_good ? 0 : MILLISECOND, p[0]), .good = NO_ERROR)
/* It is not periodic. */
SERVICE(PERIODIC_WAIT, (p[0]), .good = INVALID_MODE)
SERVICE(GET_TIME, (p[0], p[1]), .parameters = {WRITTEN(SYSTEM_TIME, SYSTEM_TIME_TYPE)})
SERVICE(REPLENISH, (500 * MILLISECOND, p[0]), .good = NO_ERROR)

SERVICE(CREATE_SAMPLING_PORT, (p[0], 8, SOURCE, REFRESH, p[1], p[2]), INITIALISES,
        .parameters = {NUMBERED(SAMPLING_PORT_NAME, "sampling_"), WRITTEN(SAMPLING_PORT_ID, SAMPLING_PORT_ID_TYPE)})
/* The other end looks in the end whether the one that is only written wrongly is empty. */
SERVICE(WRITE_SAMPLING_MESSAGE, (is_good ? written : unwritten, p[0], 8, p[1]),
        .parameters = {MESSAGE(MESSAGE_ADDR)})
SERVICE(READ_SAMPLING_MESSAGE, (sampling_in, p[0], p[1], p[2], p[3]),
        .parameters = {ROOM(MESSAGE_ADDR), WRITTEN(LENGTH, MESSAGE_SIZE_TYPE), WRITTEN(VALIDITY, VALIDITY_TYPE)})
SERVICE(GET_SAMPLING_PORT_ID, (p[0], p[1], p[2]),
        .parameters = {NAMED(SAMPLING_PORT_NAME, "sampling_in"), WRITTEN(SAMPLING_PORT_ID, SAMPLING_PORT_ID_TYPE)})
SERVICE(GET_SAMPLING_PORT_STATUS, (sampling_in, p[0], p[1]),
        .parameters = {WRITTEN(SAMPLING_PORT_STATUS, SAMPLING_PORT_STATUS_TYPE)})
SERVICE(READ_UPDATED_SAMPLING_MESSAGE, (sampling_in, p[0], p[1], p[2], p[3]),
        .parameters = {ROOM(MESSAGE_ADDR), WRITTEN(LENGTH, MESSAGE_SIZE_TYPE), WRITTEN(UPDATED, UPDATED_TYPE)})
SERVICE(GET_SAMPLING_PORT_CURRENT_STATUS, (sampling_in, p[0], p[1]),
        .parameters = {WRITTEN(SAMPLING_PORT_CURRENT_STATUS, SAMPLING_PORT_CURRENT_STATUS_TYPE)})
SERVICE(READ_SAMPLING_MESSAGE_CONDITIONAL, (sampling_in, 0, p[0], p[1], p[2], p[3]),
        .parameters = {ROOM(MESSAGE_ADDR), WRITTEN(LENGTH, MESSAGE_SIZE_TYPE), WRITTEN(TIME_STAMP, SYSTEM_TIME_TYPE)})

SERVICE(CREATE_QUEUING_PORT, (p[0], 8, 4, SOURCE, FIFO, p[1], p[2]), INITIALISES,
        .parameters = {NUMBERED(QUEUING_PORT_NAME, "queuing_"), WRITTEN(QUEUING_PORT_ID, QUEUING_PORT_ID_TYPE)})
SERVICE(SEND_QUEUING_MESSAGE, (queuing_out, p[0], 8, 0, p[1]), .parameters = {MESSAGE(MESSAGE_ADDR)})
SERVICE(RECEIVE_QUEUING_MESSAGE, (queuing_in, 0, p[0], p[1], p[2]),
        .parameters = {ROOM(MESSAGE_ADDR), WRITTEN(LENGTH, MESSAGE_SIZE_TYPE)})
SERVICE(GET_QUEUING_PORT_ID, (p[0], p[1], p[2]),
        .parameters = {NAMED(QUEUING_PORT_NAME, "queuing_in"), WRITTEN(QUEUING_PORT_ID, QUEUING_PORT_ID_TYPE)})
SERVICE(GET_QUEUING_PORT_STATUS, (queuing_in, p[0], p[1]),
        .parameters = {WRITTEN(QUEUING_PORT_STATUS, QUEUING_PORT_STATUS_TYPE)})
SERVICE(CLEAR_QUEUING_PORT, (queuing_in, p[0]), .good = NO_ERROR)

SERVICE(CREATE_BUFFER, (p[0], 8, 1, FIFO, p[1], p[2]), INITIALISES,
        .parameters = {NUMBERED(BUFFER_NAME, "buffer_"), WRITTEN(BUFFER_ID, BUFFER_ID_TYPE)})
SERVICE(SEND_BUFFER, (letters, p[0], 8, 0, p[1]), .parameters = {MESSAGE(MESSAGE_ADDR)})
SERVICE(RECEIVE_BUFFER, (letters, 0, p[0], p[1], p[2]),
        .parameters = {ROOM(MESSAGE_ADDR), WRITTEN(LENGTH, MESSAGE_SIZE_TYPE)})
SERVICE(GET_BUFFER_ID, (p[0], p[1], p[2]),
        .parameters = {NAMED(BUFFER_NAME, "letters"), WRITTEN(BUFFER_ID, BUFFER_ID_TYPE)})
SERVICE(GET_BUFFER_STATUS, (letters, p[0], p[1]), .parameters = {WRITTEN(BUFFER_STATUS, BUFFER_STATUS_TYPE)})

SERVICE(CREATE_BLACKBOARD, (p[0], 8, p[1], p[2]), INITIALISES,
        .parameters = {NUMBERED(BLACKBOARD_NAME, "board_"), WRITTEN(BLACKBOARD_ID, BLACKBOARD_ID_TYPE)})
SERVICE(DISPLAY_BLACKBOARD, (empty, p[0], 8, p[1]), .parameters = {MESSAGE(MESSAGE_ADDR)})
SERVICE(READ_BLACKBOARD, (full, 0, p[0], p[1], p[2]),
        .parameters = {ROOM(MESSAGE_ADDR), WRITTEN(LENGTH, MESSAGE_SIZE_TYPE)})
SERVICE(CLEAR_BLACKBOARD, (full, p[0]), .good = NO_ERROR)
SERVICE(GET_BLACKBOARD_ID, (p[0], p[1], p[2]),
        .parameters = {NAMED(BLACKBOARD_NAME, "full"), WRITTEN(BLACKBOARD_ID, BLACKBOARD_ID_TYPE)})
SERVICE(GET_BLACKBOARD_STATUS, (full, p[0], p[1]), .parameters = {WRITTEN(BLACKBOARD_STATUS, BLACKBOARD_STATUS_TYPE)})

SERVICE(CREATE_SEMAPHORE, (p[0], 0, 1, FIFO, p[1], p[2]), INITIALISES,
        .parameters = {NUMBERED(SEMAPHORE_NAME, "semaphore_"), WRITTEN(SEMAPHORE_ID, SEMAPHORE_ID_TYPE)})
SERVICE(WAIT_SEMAPHORE, (gate, 0, p[0]), .good = NO_ERROR)
SERVICE(SIGNAL_SEMAPHORE, (gate, p[0]), .good = NO_ERROR)
SERVICE(GET_SEMAPHORE_ID, (p[0], p[1], p[2]),
        .parameters = {NAMED(SEMAPHORE_NAME, "gate"), WRITTEN(SEMAPHORE_ID, SEMAPHORE_ID_TYPE)})
SERVICE(GET_SEMAPHORE_STATUS, (gate, p[0], p[1]), .parameters = {WRITTEN(SEMAPHORE_STATUS, SEMAPHORE_STATUS_TYPE)})

SERVICE(CREATE_EVENT, (p[0], p[1], p[2]), INITIALISES,
        .parameters = {NUMBERED(EVENT_NAME, "event_"), WRITTEN(EVENT_ID, EVENT_ID_TYPE)})
SERVICE(SET_EVENT, (down, p[0]), .good = NO_ERROR)
SERVICE(RESET_EVENT, (up, p[0]), .good = NO_ERROR)
SERVICE(WAIT_EVENT, (up, 0, p[0]), .good = NO_ERROR)
SERVICE(GET_EVENT_ID, (p[0], p[1], p[2]), .parameters = {NAMED(EVENT_NAME, "up"), WRITTEN(EVENT_ID, EVENT_ID_TYPE)})
SERVICE(GET_EVENT_STATUS, (up, p[0], p[1]), .parameters = {WRITTEN(EVENT_STATUS, EVENT_STATUS_TYPE)})

SERVICE(CREATE_MUTEX, (p[0], 50, FIFO, p[1], p[2]), INITIALISES,
        .parameters = {NUMBERED(MUTEX_NAME, "mutex_"), WRITTEN(MUTEX_ID, MUTEX_ID_TYPE)})
SERVICE(ACQUIRE_MUTEX, (lock, 0, p[0]), .good = NO_ERROR)
SERVICE(RELEASE_MUTEX, (lock, p[0]), .before = acquires)
SERVICE(RESET_MUTEX, (kept, holder, p[0]), .good = NO_ERROR)
SERVICE(GET_MUTEX_ID, (p[0], p[1], p[2]), .parameters = {NAMED(MUTEX_NAME, "lock"), WRITTEN(MUTEX_ID, MUTEX_ID_TYPE)})
SERVICE(GET_MUTEX_STATUS, (lock, p[0], p[1]), .parameters = {WRITTEN(MUTEX_STATUS, MUTEX_STATUS_TYPE)})
SERVICE(GET_PROCESS_MUTEX_STATE, (holder, p[0], p[1]), .parameters = {WRITTEN(MUTEX_ID, MUTEX_ID_TYPE)})

SERVICE(REPORT_APPLICATION_MESSAGE, (p[0], 8, p[1]), .parameters = {MESSAGE(MESSAGE_ADDR)})
SERVICE(CREATE_ERROR_HANDLER, (handler, 4096, p[0]), INITIALISES)
/* Who runs is no error handler; that one has its answers at an odd byte (`handler`). */
SERVICE(GET_ERROR_STATUS, (p[0], p[1]), .good = INVALID_CONFIG, .parameters = {WRITTEN(ERROR_STATUS, ERROR_STATUS_TYPE)})
SERVICE(RAISE_APPLICATION_ERROR, (APPLICATION_ERROR, p[0], 8, p[1]), .parameters = {MESSAGE(MESSAGE_ADDR)})
SERVICE(CONFIGURE_ERROR_HANDLER, (PROCESSES_PAUSE, 0, p[0]), INITIALISES)
SERVICE(COFFERDAM_REPORT_FAULT, (HARDWARE_FAULT, 0, p[0]), .good = NO_ERROR)

SERVICE(SET_MODULE_SCHEDULE, (is_good ? cruise : landing, p[0]), .good = NO_ACTION)
SERVICE(GET_MODULE_SCHEDULE_STATUS, (p[0], p[1]), .parameters = {WRITTEN(SCHEDULE_STATUS, SCHEDULE_STATUS_TYPE)})
SERVICE(GET_MODULE_SCHEDULE_ID, (p[0], p[1], p[2]),
        .parameters = {NAMED(SCHEDULE_NAME, "landing"), WRITTEN(SCHEDULE_ID, SCHEDULE_ID_TYPE)})
SERVICE(GET_MEMORY_BLOCK_STATUS, (p[0], p[1], p[2]),
        .parameters = {NAMED(MEMORY_BLOCK_NAME, "block"), WRITTEN(MEMORY_BLOCK_STATUS, MEMORY_BLOCK_STATUS_TYPE)})
