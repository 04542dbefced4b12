/* What is done wrong, each by a process that is started for it and stopped by the error handler. */
#ifndef WRONG_H
#define WRONG_H

#include "codes.h"

/* Has the process `victim` do `what`. When this comes back the error handler has stopped it, or it has ended by itself. Leaves the error's code, and whether it was
 * at the address that is expected; `anywhere` for one that is not looked at. */
void wrong(const char *step, void (*what)(void), const volatile void *where);

extern const char anywhere;

/* Numbers and instructions: `numbers.c`. */
void wrong_numbers(void);

#endif
