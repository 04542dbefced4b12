/*
 * A guest's kernel that does what its monitor tells it: each task begins at a branch of its own, behind the entry, and ends in a call.
 * What it was told stands in its registers. The tasks are those of `partitions/overseer/src/lib.rs`.
 */

typedef unsigned int word;

#define REGISTER_PAGE 0xfffff000u
/* What no memory is behind: the monitor carries out what is done there. */
#define DEVICE 0xe0000000u
#define TURNS 0x300000u
/* Where its memory is a second time, for itself and for everybody. */
#define ELSEWHERE 0x50000000u
#define EVERYBODYS 0x40000000u
#define LINEAR 0xc0000000u
#define MEMORY 0x01000000u

enum { PID = 48, TSR = 336, TCR = 340, MAS0 = 624, MAS1, MAS2, MAS3, MAS7 = 944, IVPR = 63, IVOR6 = 406, IVOR13 = 413 };
enum { VALID = 0x80000000, PROTECT = 0x40000000, KERNELS = 0x15, ALL_RIGHTS = 0x3f, ALL_OF_MEMORY = 7 << 8, ONE_MIB = 5 << 8 };
/* Several times as many as there are tags: each round takes some. */
enum { ROUNDS = 700 };

/*
 * Its kernel was written for a partition, it says. Its stubs are where no memory is, but for the end of the first part.
 */
__asm__(".globl cofferdam_stubs, cofferdam_enabling_stubs, cofferdam_stubs_end, cofferdam_linear, cofferdam_kernel_table, cofferdam_process_table\n"
	".set cofferdam_linear, 0xc0000000\n"
	".set cofferdam_kernel_table, 0\n"
	".set cofferdam_process_table, 0\n"
	".set cofferdam_stubs, 0xbf800000\n"
	".set cofferdam_enabling_stubs, 0xc1800000\n"
	".set cofferdam_stubs_end, 0xc1a00000\n");

__asm__(".section .entry,\"ax\"\n"
	".globl _start\n"
	"_start:	b prepared\n"
	"	b spin\n"
	"	b call\n"
	"	b access\n"
	"	b idle\n"
	"	b of_process\n"
	"	b written\n"
	"	b invalidated\n"
	"	b lost\n"
	"spin:	lis 3,0x30\n"
	"1:	lwz 4,0(3)\n"
	"	addi 4,4,1\n"
	"	stw 4,0(3)\n"
	"	b 1b\n"
	"call:	sc\n"
	"	mfcr 3\n"
	"	mfxer 4\n"
	"	mfctr 5\n"
	"	mflr 6\n"
	"	sc\n"
	"access:	lwz 5,0(4)\n"
	"	sc\n"
	"	sc\n"
	/* With r3 for TCR, r4 for the decrementer, and r5 for what is cleared of TSR. */
	"idle:	mtspr 336,5\n"
	"	mtspr 340,3\n"
	"	mtspr 22,4\n"
	"	lis 11,1\n"
	"	ori 11,11,0x10\n"
	"	sc\n"
	"	li 11,0\n"
	"	sc\n"
	"prepared:	lis 1,0x20\n"
	"	bl prepare\n"
	"	sc\n"
	"of_process:	lis 1,0x20\n"
	"	bl processes\n"
	"	sc\n"
	"written:	lis 1,0x20\n"
	"	bl entries\n"
	"	sc\n"
	"invalidated:	lis 1,0x20\n"
	"	bl invalidations\n"
	"	sc\n"
	/* Nothing is translated but this page, by the first array, when it loads. */
	"lost:	lis 1,0x20\n"
	"	bl one_page\n"
	"	li 6,5\n"
	"	li 7,0\n"
	"1:	oris 8,7,0x1000\n"
	"	rlwimi 8,6,16,12,15\n"
	"	mtspr 624,8\n"
	"	mtspr 625,7\n"
	"	.long 0x7c0007a4\n"
	"	isync\n"
	"	addic. 6,6,-1\n"
	"	bge 1b\n"
	"	lwz 5,0(4)\n"
	"	.balign 16\n"
	"trapped:	sc\n"
	"	.previous\n");

extern char trapped[];

#define SET(number, value) __asm__ volatile("mtspr %0,%1" : : "i"(number), "r"(value) : "memory")

/* An entry of the first array (1) or of the second one. */
static void translate(word array, word entry, word mas1, word effective, word lower)
{
	SET(MAS0, (array << 28 | entry << 16));
	SET(MAS1, mas1);
	SET(MAS2, effective);
	SET(MAS3, lower);
	SET(MAS7, 0);
	__asm__ volatile(".long 0x7c0007a4; isync" : : : "memory");
}

void prepare(void)
{
	SET(IVPR, 0);
	SET(IVOR6, (word)trapped);
	SET(IVOR13, (word)trapped);
	translate(1, 1, VALID | PROTECT | ONE_MIB, DEVICE, DEVICE | KERNELS);
	translate(1, 2, VALID | PROTECT | ALL_OF_MEMORY, LINEAR - MEMORY, KERNELS);
	translate(1, 3, VALID | PROTECT | ALL_OF_MEMORY, LINEAR, KERNELS);
	translate(1, 4, VALID | PROTECT | ALL_OF_MEMORY, LINEAR + MEMORY, KERNELS);
	translate(1, 5, VALID | PROTECT | ALL_OF_MEMORY, EVERYBODYS, ALL_RIGHTS);
	translate(0, 0, VALID, ELSEWHERE, TURNS | ALL_RIGHTS);
}

/* The page of the entry, in which its vectors are too. */
void one_page(void)
{
	translate(0, 0, VALID, (word)trapped & ~0xfffu, ((word)trapped & ~0xfffu) | KERNELS);
}

/* How often what it reads there is not what it has just written. */
static word differs(word there, word number)
{
	*(volatile word *)TURNS = number;
	return *(volatile word *)there != number;
}

/* Some rounds take more than others, so that the last tags are taken by each of those that take any. */
static void take_more(word round)
{
	if (round % 7 == 0) {
		SET(PID, 2);
		SET(PID, 0);
	}
}

/* A page of everybody's, in one process and in another. */
word processes(void)
{
	word round, wrong = 0;

	for (round = 0; round < ROUNDS; round++) {
		wrong += differs(ELSEWHERE, round);
		SET(PID, (round & 1));
		take_more(round);
	}
	SET(PID, 0);
	return wrong;
}

/* A page of everybody's that is cut from a large one, which is written anew. */
word entries(void)
{
	word round, wrong = 0;

	for (round = 0; round < ROUNDS; round++) {
		wrong += differs(EVERYBODYS + TURNS, round);
		translate(1, 5, VALID | PROTECT | ALL_OF_MEMORY, EVERYBODYS, ALL_RIGHTS);
		take_more(round);
	}
	return wrong;
}

/* The same, while entries are invalidated; this one is protected. */
word invalidations(void)
{
	word round, wrong = 0;

	for (round = 0; round < ROUNDS; round++) {
		wrong += differs(EVERYBODYS + TURNS, round);
		__asm__ volatile("mr 6,%0; .long 0x7c003624; isync" : : "r"(0x6000000cu) : "r6", "memory");
		take_more(round);
	}
	return wrong;
}
