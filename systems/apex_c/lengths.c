/* Lengths that no message of an object has, of a message that ends where memory does: they are refused for what they are, and nothing behind the message is looked
 * at. Messages of the longest length are in `objects.c`. */

#include "services.h"

#define GIVE(service, length, call) \
    do { \
        RETURN_CODE_TYPE code = 99; \
        MESSAGE_SIZE_TYPE bytes = length; \
        call; \
        seen(#service ".length", code); \
    } while (0)

#define GIVE_NONE(service, longest, call) \
    do { \
        const MESSAGE_SIZE_TYPE none[] = {-1, (longest) + 1, 60000, 0x7fffffff}; \
        for (unsigned place = 0; place < sizeof none / sizeof none[0]; place += 1) \
            GIVE(service, none[place], call); \
    } while (0)

#define GIVE_NONE_AND_ZERO(service, longest, call) \
    do { \
        GIVE_NONE(service, longest, call); \
        GIVE(service, 0, call); \
    } while (0)

void give_lengths(void)
{
    /* Behind the stack there is nothing. */
    unsigned top = ((unsigned)__builtin_frame_address(0) + 4095) & -4096u;
    MESSAGE_ADDR_TYPE end = (MESSAGE_ADDR_TYPE)(top - 2);
    GIVE_NONE_AND_ZERO(WRITE_SAMPLING_MESSAGE, 8, WRITE_SAMPLING_MESSAGE(sampling_out, end, bytes, &code));
    GIVE_NONE_AND_ZERO(SEND_QUEUING_MESSAGE, 8, SEND_QUEUING_MESSAGE(queuing_out, end, bytes, 0, &code));
    GIVE_NONE_AND_ZERO(SEND_BUFFER, 8, SEND_BUFFER(buffer, end, bytes, 0, &code));
    GIVE_NONE_AND_ZERO(DISPLAY_BLACKBOARD, 8, DISPLAY_BLACKBOARD(blackboard, end, bytes, &code));
    GIVE_NONE_AND_ZERO(REPORT_APPLICATION_MESSAGE, MAX_ERROR_MESSAGE_SIZE,
                       REPORT_APPLICATION_MESSAGE(end, bytes, &code));
    /* An error without a message is one: `addresses.c`. */
    GIVE_NONE(RAISE_APPLICATION_ERROR, MAX_ERROR_MESSAGE_SIZE,
              RAISE_APPLICATION_ERROR(APPLICATION_ERROR, end, bytes, &code));
}
