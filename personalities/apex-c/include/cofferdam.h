/* What a partition in C has besides the services of ARINC 653. */
#ifndef COFFERDAM_H
#define COFFERDAM_H

#include "apex.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Leaves a mark in the record of the run: any two numbers. */
void cofferdam_mark(unsigned identifier, unsigned value);

/* The number of the partition's life, from 1: each restart begins another one, and so does a reset of the machine. */
unsigned cofferdam_life(void);

/* HARDWARE_FAULT or POWER_FAIL, said by an application that knows of it, from a device or from whoever drives one. It is an error of the calling process, and goes to
 * the error handler, or to the partition's level, as the configuration says. ADDRESS is what FAILED_ADDRESS shows: where it failed, or 0.
 * INVALID_PARAM: it is neither of the two. */
void COFFERDAM_REPORT_FAULT(ERROR_CODE_TYPE ERROR_CODE, SYSTEM_ADDRESS_TYPE ADDRESS, RETURN_CODE_TYPE *RETURN_CODE);

#ifdef __cplusplus
}
#endif

#endif
