/*
 * A guest's kernel that attacks everybody else on the machine. It executes every privileged instruction and every hypercall with hostile
 * arguments, and writes translations of everybody's memory and devices, then reads and writes through them.
 *
 * An attempt is a few instructions in a slot of their own, behind which there is a trap: whatever they do ends in an exception, whose
 * vector goes back to whoever made the attempt, with a sane state. So the kernel survives what it does, as long as it leaves the
 * translation of its own first mebibytes and its vectors alone.
 *
 * What it saw it leaves as marks in the record: the names and numbers are those of `partitions/rogue-attacks/src/guests.rs`. That others
 * noticed nothing, their accounts say and not this program.
 */

typedef unsigned int word;

#define MIB 0x100000u
/* What the system's file gives the guest; below half of it are this program and its stack. */
#define OWN_BYTES (16 * MIB)
#define HALF (OWN_BYTES / 2)
#define RAM_BYTES (128 * MIB)
/* The board that the guest sees, and where in it marks are left and a reset is asked for. */
#define BOARD 0xe0000000u
#define MARKS (BOARD + 0xd0000u)
#define RESET (BOARD + 0xe00b0u)
#define REGISTER_PAGE 0xfffff000u
/* Where it maps what is not its own. */
#define ELSEWHERE 0x40000000u
/* The words of the partition `sentinel`, and the first of the kernel's record. */
#define SENTINEL 0x5ec20000u
#define SENTINEL_MASK 0xffffc000u
#define RECORD_MAGIC 0x4346444du
#define POISON 0xdeadbeefu

enum { DEC = 22, SRR0 = 26, SRR1 = 27, PID = 48, CSRR0 = 58, CSRR1 = 59, IVPR = 63, TSR = 336, TCR = 340, IVOR0 = 400,
       IVOR32 = 528, MCSRR0 = 570, MCSRR1 = 571, MAS0 = 624, MAS1, MAS2, MAS3, MAS4, MAS6 = 630, MAS7 = 944, MMUCSR0 = 1012 };
enum { PROGRAM = 6, VECTORS = 19 };

/* Instructions, on r4 and with the address in r6. */
#define LOAD 0x80860000u
#define STORE 0x90860000u
#define TRAP 0x7fe00008u
#define SC 0x44000002u
#define TLBWE 0x7c0007a4u
#define MTMSR 0x7c800124u
#define FIELD(number) (((number) & 31) << 16 | ((number) >> 5) << 11)
#define MFSPR(number) (0x7c8002a6u | FIELD(number))
#define MTSPR(number) (0x7c8003a6u | FIELD(number))
#define MTSPR_R6(number) (0x7cc003a6u | FIELD(number))

/*
 * The entry, the vectors, and the slot. `attempt` keeps what a function has to keep, takes r3 to r11 from `given` and goes to the slot;
 * `caught` gives back what was kept, with the number of the vector in r3, and leaves r4 as it was in `saw`.
 */
__asm__(
	".section .entry,\"ax\"\n"
	".globl _start\n"
	"_start:	lis 1,0x20\n"
	"	li 0,0\n"
	"	stwu 0,-16(1)\n"
	"	bl begin\n"
	"1:	b 1b\n"
	"	.balign 16\n"
	"vectors:\n"
	"	.irp number,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18\n"
	"	.balign 16\n"
	"	mtspr 272,3\n"
	"	li 3,\\number\n"
	"	b caught\n"
	"	.endr\n"
	"caught:	lis 5,kept@ha\n"
	"	la 5,kept@l(5)\n"
	"	lis 6,saw@ha\n"
	"	stw 4,saw@l(6)\n"
	"	lwz 1,0(5)\n"
	"	lwz 2,4(5)\n"
	"	lmw 13,8(5)\n"
	"	lwz 0,84(5)\n"
	"	mtlr 0\n"
	"	lwz 0,88(5)\n"
	"	mtcr 0\n"
	"	blr\n"
	"attempt:	lis 5,kept@ha\n"
	"	la 5,kept@l(5)\n"
	"	stw 1,0(5)\n"
	"	stw 2,4(5)\n"
	"	stmw 13,8(5)\n"
	"	mflr 0\n"
	"	stw 0,84(5)\n"
	"	mfcr 0\n"
	"	stw 0,88(5)\n"
	"	lis 12,given@ha\n"
	"	la 12,given@l(12)\n"
	"	lwz 3,0(12)\n"
	"	lwz 4,4(12)\n"
	"	lwz 5,8(12)\n"
	"	lwz 6,12(12)\n"
	"	lwz 7,16(12)\n"
	"	lwz 8,20(12)\n"
	"	lwz 9,24(12)\n"
	"	lwz 10,28(12)\n"
	"	lwz 11,32(12)\n"
	"	b slot\n"
	"	.balign 32\n"
	"slot:	.space 32\n"
	/* The vector of a decrementer that is never acknowledged: it comes again at once, until it has come often enough. */
	"	.balign 16\n"
	"storm:	lis 5,fired@ha\n"
	"	lwz 6,fired@l(5)\n"
	"	addi 6,6,1\n"
	"	stw 6,fired@l(5)\n"
	"	cmpwi 6,20000\n"
	"	bge 1f\n"
	"	rfi\n"
	"1:	li 3,10\n"
	"	b caught\n"
	"	.previous\n");

extern char vectors[], storm[];
extern word slot[8];
extern int attempt(void);

word kept[23], saw, given[9], fired;
static word attempts, breaches;

#define READ(number) ({ word value_; __asm__ volatile("mfspr %0,%1" : "=r"(value_) : "i"(number)); value_; })
#define SET(number, value) __asm__ volatile("mtspr %0,%1" : : "i"(number), "r"(value) : "memory")

static word vector_of(word number)
{
	return (word)vectors + 16 * number;
}

/* What the processor's state is outside of attempts. Where an instruction of the SPE is a return, it returns to a trap. */
static void settle(void)
{
	((volatile word *)REGISTER_PAGE)[SRR0] = (word)(slot + 3);
	((volatile word *)REGISTER_PAGE)[SRR1] = 0;
	__asm__ volatile("mtmsr %0" : : "r"(0) : "memory");
	SET(PID, 0);
	SET(TCR, 0);
	SET(TSR, ~0u);
}

static void be_wary(void)
{
	if ((saw & SENTINEL_MASK) == SENTINEL || saw == RECORD_MAGIC)
		breaches++;
}

/* Up to three instructions, with r4 and r6 given. The vector that they end in: that of programs, if nothing was in their way. */
static int try3(word first, word second, word third, word r4, word r6)
{
	int line, vector;

	slot[0] = first;
	slot[1] = second;
	slot[2] = third;
	slot[3] = TRAP;
	for (line = 0; line < 32; line += 4)
		__asm__ volatile("dcbst 0,%0; sync; icbi 0,%0" : : "r"((char *)slot + line) : "memory");
	__asm__ volatile("isync");
	given[1] = r4;
	given[3] = r6;
	vector = attempt();
	settle();
	attempts++;
	be_wary();
	return vector;
}

static int try(word instruction, word r4, word r6)
{
	return try3(instruction, TRAP, TRAP, r4, r6);
}

/* An entry of the first array (1) or of the second one; with its rights, but never that of executing. */
static void translate(word array, word entry, word mas1, word effective, word upper, word lower)
{
	SET(MAS0, (array << 28 | entry << 16));
	SET(MAS1, mas1);
	SET(MAS2, effective);
	SET(MAS3, lower);
	SET(MAS7, upper);
	try(TLBWE, 0, 0);
}

enum { VALID = 0x80000000, PROTECT = 0x40000000, SUPERVISOR_EXECUTES = 0x10, ALL_BUT_EXECUTE = 0xf };

static const word hostile[] = { 0, ~0u, 0x00100000, 0x00240000, 0x04000000, 0x07fff000, 0x10000000, 0x30000000, 0x40000000,
				0x44000000, 0xb0000000, 0xe0000000, 0xffffe000, 0xfffff000, 0x5a5a5a5a };
enum { HOSTILE = sizeof(hostile) / sizeof(hostile[0]) };

/* --- the attacks --- */

/* Nothing is mapped but its own memory, its board and its register page. */
static void effective(void)
{
	word at;

	for (at = OWN_BYTES; at != 0; at += at < 0xfff00000 ? MIB / 4 : 0x1000)
		if (at - BOARD >= MIB && at != REGISTER_PAGE)
			breaches += try(LOAD, 0, at) == PROGRAM;
}

/* Through a translation of what is not its own there is nothing, hence 0. */
static void read_and_write(word effective)
{
	if (try(LOAD, 0, effective) == PROGRAM && saw != 0)
		breaches++;
	try(STORE, POISON, effective);
}

/* And so with everything else that accesses memory. */
static void through(word effective)
{
	static const word others[] = { 0xb8860000u, 0xbb860000u, 0x7c803028u, 0x7c80312du, 0x7c0037ecu, 0x7c8034aau, 0x10803301u, 0x7c803214u,
				       0xa8860000u, 0x8c860001u };
	word index;

	read_and_write(effective);
	for (index = 0; index < sizeof(others) / sizeof(others[0]); index++)
		try(others[index], 0, effective);
}

static void translations(void)
{
	word at, size;

	/* Partitions lie behind one another: steps that none of them is smaller than. */
	for (at = OWN_BYTES; at < RAM_BYTES; at += 0x4000) {
		translate(0, at / 0x4000 & 3, VALID, ELSEWHERE, 0, at | ALL_BUT_EXECUTE);
		read_and_write(ELSEWHERE);
	}
	for (at = OWN_BYTES; at < RAM_BYTES; at += MIB) {
		translate(0, at / MIB & 3, VALID, ELSEWHERE, 0, at | ALL_BUT_EXECUTE);
		through(ELSEWHERE + 4 * (at / MIB & 7));
	}
	for (at = 0; at < 16; at++) {
		/* The board's real devices among them. */
		translate(0, 0, VALID, ELSEWHERE + 0x1000, at, 0xe00e0000 | ALL_BUT_EXECUTE);
		if (at != 0)
			through(ELSEWHERE + 0x10b0);
	}
	for (size = 1; size < 12; size++) {
		word bytes = size < 11 ? 0x400u << 2 * size : 0;

		for (at = OWN_BYTES; at < RAM_BYTES; at += 16 * MIB) {
			word entry = 2 + at / (16 * MIB);
			/* A large page may begin in its own memory and go on behind it. */
			word beyond = bytes > OWN_BYTES || !bytes ? OWN_BYTES : 0;

			translate(1, entry, VALID | PROTECT | size << 8, ELSEWHERE, 0, at | ALL_BUT_EXECUTE);
			through((bytes ? ELSEWHERE : 0) + beyond + (bytes ? 0 : ELSEWHERE - OWN_BYTES));
			if (bytes > 0x10000)
				read_and_write(ELSEWHERE + beyond + 0x8000);
			translate(1, entry, 0, 0, 0, 0);
		}
	}
}

static int is_vector(word number)
{
	return number == IVPR || number - IVOR0 < 16 || number - IVOR32 < 7;
}

static word vector_register(word number)
{
	if (number == IVPR)
		return 0;
	return vector_of(number < IVOR32 ? number - IVOR0 : 16 + (number - IVOR32 < 3 ? number - IVOR32 : 0));
}

static void registers(void)
{
	word number, index;

	for (number = 0; number < 1024; number++) {
		try(MFSPR(number), 0, 0);
		for (index = 0; index < 5; index++)
			if (is_vector(number))
				try3(MTSPR(number), MTSPR_R6(number), TRAP, hostile[index], vector_register(number));
			else
				try(MTSPR(number), hostile[index], 0);
	}
}

static void machine_state(void)
{
	word bit, index;

	for (bit = 1; bit != 0; bit <<= 1) {
		try(MTMSR, bit, 0);
		try(MTMSR, ~bit, 0);
		try(0x7c800106, bit, 0);
	}
	for (index = 0; index < HOSTILE; index++)
		try3(MTMSR, 0x7c008146, 0x7c000146, hostile[index], 0);
}

static void instructions(void)
{
	/* With r6 as address where they have one; of processors to come, of older ones, and of none. */
	static const word list[] = {
		0x7c000764, 0x7c003724, 0x7c003624, 0x7c00046c, 0x7c000024, 0x7c003024, 0x7c603024, 0x7c0033ac, 0x7c0030ac, 0x7c00306c,
		0x7c0037ac, 0x7c0035ec, 0x7c00314c, 0x7c00310c, 0x7c00330c, 0x7c0033cc, 0x7c0031cc, 0x7c0006ac, 0x7c0004ac, 0x4c00012c,
		0x7c00007c, 0x7c00021c, 0x7c00219c, 0x7c0021dc, 0x7c800286, 0x7c800386, 0x7c80029c, 0x7c80039c, 0x7c80303e, 0x7c80313e,
		0x4c00018c, 0x00000200, 0x44000022, 0x7c0002e4, 0x7c003264, 0x7c8004a6, 0x7c8001a4, 0x4c000224, 0x10803301, 0x10803321,
		0xfc00002a, 0x7c8000a6, 0x7c800146, 0x7c8001e4, 0x7c0003e4, 0x7c8034aa, 0x7c80352a, 0x7c80326c, 0x7c80336c, 0x4c000124,
	};
	word which, index;

	for (which = 0; which < sizeof(list) / sizeof(list[0]); which++)
		for (index = 4; index < HOSTILE; index++) {
			SET(MAS0, 0x10020000);
			SET(MAS1, hostile[index] & 0x40ff1f00);
			SET(MAS6, hostile[index]);
			try(list[which], hostile[index], hostile[index]);
		}
}

static void returns(void)
{
	word index, bit;

	for (index = 4; index < HOSTILE; index++)
		for (bit = 1; bit != 0; bit <<= 1) {
			if (hostile[index] - BOARD < MIB)
				continue;
			SET(SRR0, hostile[index]);
			SET(SRR1, bit);
			SET(CSRR0, hostile[index]);
			SET(CSRR1, ~bit);
			SET(MCSRR0, hostile[index]);
			SET(MCSRR1, bit | bit << 1);
			try(0x4c000064, 0, 0);
			try(0x4c000066, 0, 0);
			try(0x4c00004c, 0, 0);
			try(0x4c00004e, 0, 0);
		}
}

static void register_page(void)
{
	word offset, index;

	for (offset = 0; offset < 0x1000; offset += 4) {
		volatile word *at = (volatile word *)(REGISTER_PAGE + offset);
		word before = *at;

		if (is_vector(offset / 4))
			continue;
		for (index = 0; index < 5; index++)
			try3(STORE, SC, TRAP, hostile[index], REGISTER_PAGE + offset);
		*at = before;
		settle();
	}
}

static void hypercalls(void)
{
	/* Of ePAPR, of Freescale, of KVM, and of cofferdam's own partitions. */
	static const word vendors[] = { 0x00010000, 0x00020000, 0x002a0000, 0x43460000, 0xffff0000, 0 };
	enum { IDLE = 0x00010010, SEND = 0x00010001, DECREMENTER_INTERRUPTS = 0x04000000 };
	word vendor, number, index, place;

	for (vendor = 0; vendor < sizeof(vendors) / sizeof(vendors[0]); vendor++)
		for (number = 0; number < 64; number++)
			for (index = 0; index < 6; index++) {
				for (place = 0; place < 8; place++)
					given[place] = hostile[(index + place * (index & 1)) % HOSTILE];
				given[8] = vendors[vendor] | number;
				/* Its own console has seen enough. */
				if (given[8] == SEND)
					given[0] |= 1;
				if (given[8] == IDLE) {
					SET(DEC, 1000);
					SET(TCR, DECREMENTER_INTERRUPTS);
				}
				try(SC, given[1], given[3]);
			}
	given[8] = 0;
}

static word seed = 0x2545f491;

static word random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* One of the hostile numbers, any, or a page of the board's RAM. */
static word random_number(void)
{
	word kind = random();

	return kind & 1 ? hostile[kind / 2 % HOSTILE] : kind & 2 ? random() : random() & 0x07fff000;
}

/* Any translation, but never one over its own program, nor one that would let a store reach it, nor one to execute. */
static void random_translation(void)
{
	word size = 1 + random() % 10, array = random() & 1, bytes = array ? 0x400u << 2 * size : 0x1000;
	word lower = random_number() & 0xfffff3ff & ~0x30u, upper = random() & 3 ? 0 : random() & 15;
	word at = random_number() | ELSEWHERE;

	if (!upper && (lower & -bytes) < HALF)
		return;
	at &= -bytes;
	if (at < ELSEWHERE || at + (bytes - 1) >= BOARD)
		return;
	translate(array, 2 + random() % 14, (random() & 0xc0ff1000) | size << 8, at, upper, lower);
}

static void random_step(void)
{
	static const word memory[] = { LOAD, STORE, 0xb8860000u, 0x7c803028u, 0x7c80312du, 0x7c0037ecu, 0x7c003724, 0x7c003624 };
	word what = random() % 8, number = random() & 1023, at = random_number() | ELSEWHERE;

	switch (what) {
	case 0:
	case 1:
		random_translation();
		break;
	case 2:
		if (!is_vector(number))
			try3(MTSPR(number), MFSPR(number), TRAP, random_number(), 0);
		break;
	case 3:
		try(MTMSR, random_number(), 0);
		break;
	case 4:
		SET(SRR0, at);
		SET(SRR1, random_number());
		if (at - BOARD >= MIB)
			try(0x4c000064, 0, 0);
		break;
	case 5:
		given[0] = random_number() | 1;
		given[8] = random_number();
		try(SC, random_number(), random_number());
		given[8] = 0;
		break;
	default:
		SET(PID, (random() & 0xff));
		if (at - BOARD >= MIB && at < REGISTER_PAGE)
			try(memory[random() % 8], POISON, at);
	}
}

static void random_sequences(void)
{
	word step;

	for (step = 0; step < 20000; step++)
		random_step();
}

/* The decrementer fires without end: its handler neither clears it nor waits. If it did not fire, this would never be over. */
static void timer_storm(void)
{
	enum { DECREMENTER = 10, INTERRUPTS = 0x04000000, ENABLED = 0x8000, HERE = 0x48000000 };
	volatile word *vector = (volatile word *)REGISTER_PAGE + IVOR0 + DECREMENTER;
	word before = *vector;

	fired = 0;
	*vector = (word)storm;
	SET(TCR, INTERRUPTS);
	SET(DEC, 1);
	while (try3(MTMSR, HERE, TRAP, ENABLED, 0) != DECREMENTER)
		;
	*vector = before;
	attempts += fired;
}

/* Hypercalls as fast as it can: to the kernel, and to its monitor. */
static void call_flood(void)
{
	enum { POLL = 0x00010003, NONE = 0x002a0001 };
	word number;

	for (number = 0; number < 10000; number++) {
		given[8] = number & 1 ? POLL : NONE;
		try3(SC, SC, SC, 0, 0);
	}
	given[8] = 0;
}

#include "short_ways.h"
#include "architecture.h"

static void spin(void)
{
	for (;;)
		;
}

/* The vector of misses is where nothing is. */
static void misses(void)
{
	SET(IVPR, 0x50000000);
	try(LOAD, 0, ELSEWHERE);
}

static void fetch(void)
{
	translate(0, 0, VALID, ELSEWHERE, 0, 0x04000000 | ALL_BUT_EXECUTE | SUPERVISOR_EXECUTES);
	((void (*)(void))ELSEWHERE)();
}

static void reset(void)
{
	*(volatile word *)RESET = 2;
}

/* --- all of them --- */

enum { LEAVES_IT_ALIVE, ENDS_IT };

static const struct attack {
	const char *name;
	word number;
	int ends;
	void (*attack)(void);
} table[] = {
	{ "kernel.effective", 240, LEAVES_IT_ALIVE, effective },
	{ "kernel.translations", 241, LEAVES_IT_ALIVE, translations },
	{ "kernel.registers", 242, LEAVES_IT_ALIVE, registers },
	{ "kernel.machine_state", 243, LEAVES_IT_ALIVE, machine_state },
	{ "kernel.instructions", 244, LEAVES_IT_ALIVE, instructions },
	{ "kernel.returns", 245, LEAVES_IT_ALIVE, returns },
	{ "kernel.register_page", 246, LEAVES_IT_ALIVE, register_page },
	{ "kernel.hypercalls", 247, LEAVES_IT_ALIVE, hypercalls },
	{ "kernel.random", 248, LEAVES_IT_ALIVE, random_sequences },
	{ "kernel.timer_storm", 249, LEAVES_IT_ALIVE, timer_storm },
	{ "kernel.call_flood", 250, LEAVES_IT_ALIVE, call_flood },
	{ "kernel.page_tables", 251, LEAVES_IT_ALIVE, page_tables },
	{ "kernel.page_directories", 252, LEAVES_IT_ALIVE, page_directories },
	{ "kernel.short_returns", 253, LEAVES_IT_ALIVE, short_returns },
	{ "kernel.process_calls", 254, LEAVES_IT_ALIVE, process_calls },
	{ "kernel.stubs", 255, LEAVES_IT_ALIVE, stubs },
	{ "kernel.short_random", 256, LEAVES_IT_ALIVE, short_random },
	{ "kernel.foreseen", 257, LEAVES_IT_ALIVE, foreseen },
	{ "kernel.architecture", 258, LEAVES_IT_ALIVE, architecture },
	{ "kernel.spin", 260, ENDS_IT, spin },
	{ "kernel.misses", 261, ENDS_IT, misses },
	{ "kernel.fetch", 262, ENDS_IT, fetch },
	{ "kernel.reset", 263, ENDS_IT, reset },
	{ "kernel.wild_vectors", 264, ENDS_IT, wild_vectors },
	{ "kernel.idle", 265, ENDS_IT, idle },
};

enum { COUNT = sizeof(table) / sizeof(table[0]) };

static void say(const char *text)
{
	char bytes[16] __attribute__((aligned(4)));
	word *words = (word *)bytes, count;

	while (*text) {
		for (count = 0; count < 16 && text[count]; count++)
			bytes[count] = text[count];
		text += count;
		register word r11 __asm__("r11") = 0x00010001;
		register word r3 __asm__("r3") = 0;
		register word r4 __asm__("r4") = count;
		register word r5 __asm__("r5") = words[0];
		register word r6 __asm__("r6") = words[1];
		register word r7 __asm__("r7") = words[2];
		register word r8 __asm__("r8") = words[3];
		__asm__ volatile("sc" : "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7), "+r"(r8), "+r"(r11) : : "r9", "r10", "r12", "memory");
	}
}

static void mark(const struct attack *one, word value)
{
	volatile word *marks = (volatile word *)MARKS;

	marks[0] = 0x41540000 | one->number;
	marks[1] = value;
}

static void carry_out(const struct attack *one)
{
	enum { END = 0x8, BREACHED = 0x2 };

	say(one->name);
	say("\n");
	attempts = breaches = 0;
	mark(one, 0);
	one->attack();
	mark(one, (word)(END | (breaches ? BREACHED : 0)) << 28 | (attempts & 0xfffffff));
	say(breaches ? "IT WORKED\n" : "nothing came of it\n");
}

/* Whether the boot arguments, somewhere in the device tree, have it behind this. */
static int has(const char *tree, const char *argument, const char *name)
{
	word bytes = ((const word *)tree)[1], at, same;

	for (at = 0; at < bytes; at++) {
		for (same = 0; argument[same] && tree[at + same] == argument[same]; same++)
			;
		if (!argument[same]) {
			const char *rest = tree + at + same;

			for (same = 0; name[same] && rest[same] == name[same]; same++)
				;
			if (!name[same] && (rest[same] == 0 || rest[same] == ' '))
				return 1;
		}
	}
	return 0;
}

static int asked(const char *tree, const char *name)
{
	return has(tree, "attack=", name);
}

void begin(const char *tree)
{
	int number;

	SET(IVPR, 0);
	/* A register's number is part of the instruction: hence by the register page, whose words they are. */
	for (number = 0; number < VECTORS; number++)
		((volatile word *)REGISTER_PAGE)[number < 16 ? IVOR0 + number : IVOR32 + number - 16] = vector_of(number);
	traps = has(tree, " ", "traps");
	translate(1, 1, VALID | PROTECT | 5 << 8, BOARD | 0xa, 0, BOARD | 5);
	for (number = 0; number < COUNT; number++)
		if (asked(tree, table[number].name) || (asked(tree, "all") && table[number].ends == LEAVES_IT_ALIVE))
			carry_out(&table[number]);
	say("it has nothing left to try\n");
}
