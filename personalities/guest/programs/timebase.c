/*
 * Prints the timebase, in decimal digits. A user program reads it without the kernel's help, so that under an instruction clock
 * this is the exact count of what ran until now, which the kernel's own clock, started on the way, does not give.
 */

static long system_call(long number, long first, long second, long third)
{
	register long r0 __asm__("r0") = number;
	register long r3 __asm__("r3") = first;
	register long r4 __asm__("r4") = second;
	register long r5 __asm__("r5") = third;

	__asm__ volatile("sc"
			 : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5)
			 :
			 : "r6", "r7", "r8", "r9", "r10", "r11", "r12", "ctr", "xer", "cr0", "memory");
	return r3;
}

/* Both halves, read again if the upper one moved meanwhile. */
static unsigned long long timebase(void)
{
	unsigned long upper, lower, again;

	do {
		__asm__ volatile("mftbu %0; mftb %1; mftbu %2" : "=r"(upper), "=r"(lower), "=r"(again));
	} while (upper != again);
	return (unsigned long long)upper << 32 | lower;
}

/* Digit by digit with 32-bit divisions: those of 64 bits are functions of a library, and there is none here. */
static unsigned int digit(unsigned long long *value)
{
	unsigned long rest = 0;
	int bit;

	for (bit = 63; bit >= 0; bit--) {
		rest = rest << 1 | (*value >> 63);
		*value <<= 1;
		if (rest >= 10) {
			rest -= 10;
			*value |= 1;
		}
	}
	return rest;
}

void _start(void)
{
	enum { EXIT = 1, WRITE = 4, OUTPUT = 1 };
	unsigned long long value = timebase();
	char text[21];
	char *at = text + sizeof(text);

	*--at = '\n';
	do {
		*--at = '0' + digit(&value);
	} while (value);
	system_call(WRITE, OUTPUT, (long)at, text + sizeof(text) - at);
	system_call(EXIT, 0, 0, 0);
}
