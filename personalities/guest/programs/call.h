/*
 * System calls of 32-bit Linux on PowerPC, for programs without a library. The result, or an error's number, negative: a failure is said by a bit of
 * the condition register.
 */
static long call(long number, long first, long second, long third, long fourth, long fifth, long sixth)
{
	register long r0 __asm__("r0") = number;
	register long r3 __asm__("r3") = first;
	register long r4 __asm__("r4") = second;
	register long r5 __asm__("r5") = third;
	register long r6 __asm__("r6") = fourth;
	register long r7 __asm__("r7") = fifth;
	register long r8 __asm__("r8") = sixth;

	__asm__ volatile("sc; bns+ 1f; neg 3, 3; 1:"
			 : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7), "+r"(r8)
			 :
			 : "r9", "r10", "r11", "r12", "ctr", "xer", "cr0", "memory");
	return r3;
}

#define CALL1(number, first) call(number, (long)(first), 0, 0, 0, 0, 0)
#define CALL2(number, first, second) call(number, (long)(first), (long)(second), 0, 0, 0, 0)
#define CALL3(number, first, second, third) call(number, (long)(first), (long)(second), (long)(third), 0, 0, 0)
#define CALL4(number, first, second, third, fourth) \
	call(number, (long)(first), (long)(second), (long)(third), (long)(fourth), 0, 0)
