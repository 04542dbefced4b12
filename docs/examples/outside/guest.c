/*
 * A guest of this unit's own: it says one line on its console, and idles.
 *
 * It is entered as ePAPR 1.1 says, section 5.4.1: address space 0, all of its memory mapped where it is. Its hypercalls are those of section 7.5:
 * the number in r11, what it is about from r3 on.
 */

typedef unsigned int word;

enum { BYTE_CHANNEL_SEND = 0x00010001, IDLE = 0x00010010, CONSOLE = 0 };

__asm__(
	".section .entry,\"ax\"\n"
	".globl _start\n"
	"_start:	lis 1,0x8\n"
	"	li 0,0\n"
	"	stwu 0,-16(1)\n"
	"	b begin\n"
	".text\n");

/* Sends up to 16 bytes. */
static void send(const char *text, word length)
{
	word packed[4] = { 0, 0, 0, 0 };
	for (word at = 0; at < length; at++)
		packed[at / 4] |= (word)(unsigned char)text[at] << (24 - 8 * (at % 4));
	register word r11 __asm__("r11") = BYTE_CHANNEL_SEND;
	register word r3 __asm__("r3") = CONSOLE;
	register word r4 __asm__("r4") = length;
	register word r5 __asm__("r5") = packed[0];
	register word r6 __asm__("r6") = packed[1];
	register word r7 __asm__("r7") = packed[2];
	register word r8 __asm__("r8") = packed[3];
	__asm__ volatile("sc"
			 : "+r"(r11), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7), "+r"(r8)
			 :
			 : "r0", "r9", "r10", "r12", "cr0", "ctr", "xer", "lr", "memory");
}

void begin(void)
{
	send("a guest of my ", 14);
	send("own is here\n", 12);
	for (;;) {
		register word r11 __asm__("r11") = IDLE;
		__asm__ volatile("sc"
				 : "+r"(r11)
				 :
				 : "r0", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r12", "cr0", "ctr",
				   "xer", "lr", "memory");
	}
}
