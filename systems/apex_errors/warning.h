/* What the supply warns of: the error's code, in a message of 4 bytes. */
#ifndef WARNING_H
#define WARNING_H

#include "../apex_c/codes.h"

/* Where it was, as the error says. */
#define PLACE 0x1234

#endif
