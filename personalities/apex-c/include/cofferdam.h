/* What a partition in C has besides the services of ARINC 653. */
#ifndef COFFERDAM_H
#define COFFERDAM_H

/* Leaves a mark in the record of the run: any two numbers. */
void cofferdam_mark(unsigned identifier, unsigned value);

#endif
