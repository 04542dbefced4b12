/* What came of a step, for the judge of a run: a mark whose identifier is made of the step's name, as partitions in Rust make it. */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include "cofferdam.h"

/* FNV-1a of the format's version, the length, and the name. */
static inline unsigned long long evidence_byte(unsigned long long hash, unsigned char byte)
{
    return (hash ^ byte) * 0x100000001b3ULL;
}

static inline unsigned long long evidence_number(unsigned long long hash, unsigned long long number)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        hash = evidence_byte(hash, (unsigned char)(number >> shift));
    return hash;
}

static inline void seen(const char *step, unsigned value)
{
    unsigned length = 0;
    while (step[length] != 0)
        length += 1;
    unsigned long long hash = evidence_number(0xcbf29ce484222325ULL, 1);
    hash = evidence_number(hash, length);
    for (unsigned index = 0; index < length; index += 1)
        hash = evidence_byte(hash, (unsigned char)step[index]);
    cofferdam_mark((unsigned)hash, value);
}

#endif
