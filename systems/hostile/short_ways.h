/*
 * Attacks on the short ways: what the kernel's entry code does of a guest's without leaving assembly. Those are calls of its processes, returns by an
 * instruction of the SPE, and misses, for which it walks the guest's own page tables; beside them the stubs that stand in for instructions.
 *
 * Where all of that is, the symbols below say, as those of any kernel that was written for a partition. With `traps` among the boot arguments the
 * kernel knows nothing of it (`rewrite = false`), and the same attempts take the long ways.
 */

__asm__(".globl cofferdam_stubs, cofferdam_enabling_stubs, cofferdam_stubs_end, cofferdam_linear, cofferdam_kernel_table, cofferdam_process_table\n"
	".set cofferdam_linear, 0xc0000000\n"
	".set cofferdam_kernel_table, 0xc0900000\n"
	".set cofferdam_stubs, 0xc0a00000\n"
	".set cofferdam_enabling_stubs, 0xc0a00800\n"
	".set cofferdam_stubs_end, 0xc1001000\n"
	".set cofferdam_process_table, 0x40\n");

/* The same in its own memory: the upper levels of its kernel and of a process, a lower level, what SPRG3 points to, and stubs. */
#define LINEAR 0xc0000000u
#define KERNEL_TABLE ((word *)0x900000)
#define PROCESS_TABLE ((word *)0x910000)
#define LOWER ((word *)0x920000)
#define PROCESS ((word *)0x930000)
#define OWN_PAGE ((volatile word *)0x940000)
#define STUBS ((word *)0xa00000)
#define STUB_WORDS 0x400
#define PROCESS_TABLE_AT (0x40 / 4)
/* Addresses that the tables translate: one of a process, one of its kernel. */
#define OF_PROCESS 0x30000000u
#define OF_KERNEL 0xd0000000u

enum { SPRG3 = 275, RETURN = 0x10000200, RETURN_THAT_TRAPS = 0x4c000064, PROCESS_LEVEL = 0x4000, INTERRUPTS_ON = 0x8000, SYSTEM_CALL = 8, FLUSH_SMALL = 4 };
/* What an entry of the lower level says: there, used, changed, and the rights of its kernel or of both. */
enum { PRESENT = 0x41001, KERNELS = PRESENT | 0x54, EVERYBODYS = PRESENT | 0xfc, KERNELS_DATA = PRESENT | 0x14, EVERYBODYS_DATA = PRESENT | 0x3c };
/* The words of the register page that are no register: interrupts are pending, the monitor's, and a stub's. */
enum { STATE_WORD = 0, EXTERNAL_WORD = 2, SCRATCH_WORD = 3, ASKS_WORD = 4, FORESEEN_WORD = 10, FORESEEN_PLACES = 4 };
/* Kinds of foreseen accesses; `lwbrx r4,0,r6` and `stwbrx r4,0,r6`; where the registers of a device are. */
enum { FORESEEN_LOAD = 1, FORESEEN_STORE = 2, LOAD_REVERSED = 0x7c80342c, STORE_REVERSED = 0x7c80352c };
#define DEVICE (BOARD + 0xd2000)
/* The size of a second look at its own memory: 4 MiB. */
enum { ALIAS_SIZE = 6 };

static int traps;

static volatile word *page_word(word number)
{
	return (volatile word *)REGISTER_PAGE + number;
}

static word linear(const volatile void *place)
{
	return (word)place + LINEAR;
}

static void flush(void)
{
	SET(MMUCSR0, FLUSH_SMALL);
}

/* An entry of the lower level: for the page with this number, up to 24 bits of it. */
static void lower(word number, word page, word flags)
{
	LOWER[2 * number] = page >> 8;
	LOWER[2 * number + 1] = page << 24 | flags;
}

/* An address's entry of the upper level. */
static void upper(word *table, word effective, word pointer)
{
	table[effective >> 21 << 1 | 1] = pointer;
}

/* A misunderstanding would look like safety: what has to work, works, or this attack never comes to its end. */
static void require(int works)
{
	while (!works && !traps)
		;
}

/* Tables that translate two addresses to a page of its own; and they do. */
static void tables(void)
{
	PROCESS[PROCESS_TABLE_AT] = linear(PROCESS_TABLE);
	*page_word(SPRG3) = linear(PROCESS);
	upper(PROCESS_TABLE, OF_PROCESS, linear(LOWER));
	upper(KERNEL_TABLE, OF_KERNEL, linear(LOWER));
	*OWN_PAGE = POISON;
	lower(0, (word)OWN_PAGE >> 12, EVERYBODYS_DATA);
	flush();
	require(try(LOAD, 0, OF_PROCESS) == PROGRAM && saw == POISON);
	lower(0, (word)OWN_PAGE >> 12, KERNELS_DATA);
	flush();
	require(try(LOAD, 0, OF_KERNEL) == PROGRAM && saw == POISON);
}

/* Reading, writing and executing by an entry for this page, at both addresses. Nothing may be found. */
static void no_page(word page)
{
	word of_kernel;

	for (of_kernel = 0; of_kernel < 2; of_kernel++) {
		word at = of_kernel ? OF_KERNEL : OF_PROCESS;

		lower(0, page, of_kernel ? KERNELS : EVERYBODYS);
		flush();
		breaches += try(LOAD, 0, at) == PROGRAM;
		breaches += try(STORE, POISON, at) == PROGRAM;
		SET(SRR0, at);
		SET(SRR1, 0);
		breaches += try(RETURN, 0, 0) == PROGRAM;
	}
}

/* Lower levels with entries for everybody's memory and devices. */
static void page_tables(void)
{
	word at;

	tables();
	for (at = OWN_BYTES; at < RAM_BYTES; at += 0x4000)
		no_page(at >> 12);
	for (at = 0; at < 24; at++)
		no_page(1u << at | (at < 12 ? 0x4000 : 0));
	for (at = 0; at < 16; at++)
		no_page(at << 20 | 0xe00e0);
	no_page(0xffffff);
	/* Every combination of flags, of a page of its own and of one that is not. */
	for (at = 0; at < 0x200; at++) {
		word flags = (at & 0xff) | (at & 0x100 ? 0x41000 : 0x40000);

		lower(0, (word)OWN_PAGE >> 12, flags);
		flush();
		try(LOAD, 0, OF_PROCESS);
		try(LOAD, 0, OF_KERNEL);
		lower(0, 0x4000, flags);
		flush();
		breaches += try(LOAD, 0, OF_PROCESS) == PROGRAM;
		breaches += try(LOAD, 0, OF_KERNEL) == PROGRAM;
	}
	flush();
}

/* Pointers to a level: nowhere, to the edges of its memory and of everybody's, unaligned. */
static const word pointers[] = { 0, 1, ~0u, LINEAR - 4, LINEAR + OWN_BYTES - 4, LINEAR + OWN_BYTES, LINEAR + OWN_BYTES - 0x1000, LINEAR + RAM_BYTES - 4,
				 0x80000000, 0x7fffffff, 0x40000000, 0x00100000, REGISTER_PAGE, BOARD, 0x5a5a5a5a, LINEAR + 0x920003, LINEAR + 0x920ffd };
enum { POINTERS = sizeof(pointers) / sizeof(pointers[0]) };

static void both(void)
{
	flush();
	try(LOAD, 0, OF_PROCESS);
	try(STORE, POISON, OF_PROCESS + 0x1ffffc);
	try(LOAD, 0, OF_KERNEL);
	try(STORE, POISON, OF_KERNEL + 0x1ffffc);
	try(LOAD, 0, 0xfffffffc - 0x2000);
}

/* Upper levels that point anywhere, a process's pointer to its own, and a pointer to that. */
static void page_directories(void)
{
	word index;

	tables();
	for (index = 0; index < POINTERS; index++) {
		upper(PROCESS_TABLE, OF_PROCESS, pointers[index]);
		upper(KERNEL_TABLE, OF_KERNEL, pointers[index]);
		both();
		upper(PROCESS_TABLE, OF_PROCESS, linear(LOWER));
		upper(KERNEL_TABLE, OF_KERNEL, linear(LOWER));
		PROCESS[PROCESS_TABLE_AT] = pointers[index];
		both();
		PROCESS[PROCESS_TABLE_AT] = linear(PROCESS_TABLE);
		*page_word(SPRG3) = pointers[index];
		both();
		*page_word(SPRG3) = pointers[index] - 0x40;
		both();
		*page_word(SPRG3) = linear(PROCESS);
	}
	tables();
	flush();
}

/* A return by the instruction of the SPE. */
static int go(word where, word state)
{
	*page_word(SRR0) = where;
	*page_word(SRR1) = state;
	return try(RETURN, POISON, (word)OWN_PAGE);
}

/* Returns to anywhere, in any state, with and without an interrupt that is pending. */
static void short_returns(void)
{
	word index, bit, pending;

	for (pending = 0; pending < 2; pending++)
		for (index = 4; index < HOSTILE; index++)
			for (bit = 1; bit != 0; bit <<= 1) {
				if (hostile[index] - BOARD < MIB)
					continue;
				*page_word(ASKS_WORD) = pending ? hostile[index] : 0;
				if (pending) {
					SET(DEC, 1);
					SET(TCR, 0x04000000);
				}
				go(hostile[index], bit);
				go(hostile[index], ~bit);
				go(hostile[index], bit | PROCESS_LEVEL | INTERRUPTS_ON);
			}
	*page_word(ASKS_WORD) = 0;
}

/* A process of its own: the slot's page, seen from below. Its second instruction is there, whatever it is. */
static int in_process(word instruction, word state, word r4, word r6)
{
	word at = OF_PROCESS | ((word)slot & 0xfff);

	*page_word(SRR0) = at + 4;
	*page_word(SRR1) = state | PROCESS_LEVEL;
	return try3(traps ? RETURN_THAT_TRAPS : RETURN, instruction, TRAP, r4, r6);
}

static void map_slot(void)
{
	if (traps)
		translate(0, 0, VALID, OF_PROCESS, 0, ((word)slot & ~0xfffu) | 0x3f);
	else {
		tables();
		lower(0, (word)slot >> 12, EVERYBODYS);
		flush();
	}
	require(in_process(SC, 0, 0, 0) == SYSTEM_CALL);
}

/* Calls of a process, with hostile words where the kernel looks: none of them is a hypercall, and each comes to its own kernel. */
static void process_calls(void)
{
	static const word words[] = { STATE_WORD, EXTERNAL_WORD, SCRATCH_WORD, ASKS_WORD, SPRG3, 272, 273, PID, MAS0, MAS1, MAS2, MAS3, MAS4, MAS6 };
	word index, which, bit, before;

	map_slot();
	for (which = 0; which < sizeof(words) / sizeof(words[0]); which++)
		for (index = 0; index < HOSTILE; index++) {
			before = *page_word(words[which]);
			*page_word(words[which]) = hostile[index];
			in_process(SC, 0, 0, 0);
			*page_word(words[which]) = before;
			map_slot();
		}
	for (bit = 1; bit != 0; bit <<= 1) {
		in_process(SC, bit, 0, 0);
		in_process(SC, ~bit, 0, 0);
	}
	/* The vector: its offset with bits that do not count, and its prefix. */
	before = *page_word(IVOR0 + SYSTEM_CALL);
	for (index = 0; index < HOSTILE; index++) {
		*page_word(IVOR0 + SYSTEM_CALL) = before | (hostile[index] & 0xffff000f);
		breaches += in_process(SC, 0, 0, 0) != SYSTEM_CALL;
	}
	*page_word(IVOR0 + SYSTEM_CALL) = before;
	for (index = 1; index < 4; index++) {
		*page_word(IVPR) = index;
		breaches += in_process(SC, 0, 0, 0) != SYSTEM_CALL;
	}
	*page_word(IVPR) = 0;
	/* A process's hypercalls are calls of its own kernel. */
	for (index = 0; index < 64; index++) {
		given[8] = 0x43460000 | index;
		breaches += in_process(SC, 0, hostile[index % HOSTILE], hostile[index / 4 % HOSTILE]) != SYSTEM_CALL;
	}
	given[8] = 0;
	/* It has no privileged instruction, and a return of its is none. */
	breaches += in_process(RETURN, 0, 0, 0) == SYSTEM_CALL;
	flush();
}

/* What a stub may be made of: what is taken for a register's number, for a place to go on, for an access. All of it ends in an exception. */
static const word stub_words[] = { TRAP, 0, ~0u, 0x5a5a5a5a, LOAD, STORE, SC, 0x48000008, 0x4bffff00, 0x50a60420, 0x7fe00008, 0x0fe00000 };

/* Being in a stub of nonsense, with an interrupt that becomes pending in it, or that is. */
static void stubs(void)
{
	enum { WORDS = sizeof(stub_words) / sizeof(stub_words[0]) };
	word round, at, index;

	/* The stubs are looked for where all of its memory is a second time: the first 4 MiB of it, and those of the stubs. */
	translate(1, 2, VALID | PROTECT | ALIAS_SIZE << 8, LINEAR, 0, 0x15);
	translate(1, 3, VALID | PROTECT | ALIAS_SIZE << 8, LINEAR + 8 * MIB, 0, (8 * MIB) | 0x15);
	for (round = 0; round < 4 * WORDS; round++) {
		for (index = 0; index < STUB_WORDS; index++)
			STUBS[index] = stub_words[(index * (round / WORDS * 2 + 1) + round) % WORDS];
		for (index = 0; index < STUB_WORDS; index += 8)
			__asm__ volatile("dcbst 0,%0; sync; icbi 0,%0; isync" : : "r"(STUBS + index) : "memory");
		for (at = 0; at < STUB_WORDS; at += 1 + (round & 1) * 6) {
			*page_word(ASKS_WORD) = at & 1;
			SET(DEC, (at & 31));
			SET(TCR, 0x04000000);
			go(linear(STUBS + at), at & 2 ? INTERRUPTS_ON : 0);
		}
	}
	*page_word(ASKS_WORD) = 0;
	translate(1, 2, 0, 0, 0, 0);
	translate(1, 3, 0, 0, 0, 0);
}

static void foresee(word place, word access, word value)
{
	*page_word(FORESEEN_WORD + 2 * place) = access;
	*page_word(FORESEEN_WORD + 2 * place + 1) = value;
}

/* An instruction where all of its memory is a second time: nowhere else is it looked at. */
static int in_linear(word instruction, word r4, word r6)
{
	*page_word(SRR0) = linear(slot + 1);
	*page_word(SRR1) = 0;
	return try3(traps ? RETURN_THAT_TRAPS : RETURN, instruction, TRAP, r4, r6);
}

/* The four instructions that a foreseen access may be, by a register. */
static void touch(word register_number, word value, word at)
{
	static const word instructions[] = { LOAD, STORE, LOAD_REVERSED, STORE_REVERSED };
	word index;

	for (index = 0; index < 4; index++)
		in_linear((instructions[index] & ~(31u << 21)) | register_number << 21, value, at);
}

/* Accesses that the guest has foreseen for itself: of its devices, of everybody's memory as if that were a device, in any register, with nonsense
 * wherever the kernel looks. */
static void foreseen(void)
{
	word index, place, at, bit;

	translate(1, 2, VALID | PROTECT | ALIAS_SIZE << 8, LINEAR, 0, 0x15);
	tables();
	for (place = 0; place < FORESEEN_PLACES; place++)
		foresee(place, 0, 0);
	lower(0, DEVICE >> 12, KERNELS_DATA);
	flush();
	foresee(0, (DEVICE + 0x60) | FORESEEN_LOAD, 0x12345678);
	foresee(1, (DEVICE + 0x64) | FORESEEN_STORE, 0x01000000);
	require(in_linear(LOAD_REVERSED, 0, OF_KERNEL + 0x60) == PROGRAM && saw == 0x78563412);
	require(in_linear(STORE_REVERSED, 1, OF_KERNEL + 0x64) == PROGRAM && *page_word(FORESEEN_WORD + 2) == 0 && *page_word(FORESEEN_WORD) == 0);
	/* Nobody's memory is what is read, whatever is said to be a device. */
	for (at = OWN_BYTES; at < RAM_BYTES; at += 0x10000) {
		lower(0, at >> 12, KERNELS_DATA);
		flush();
		foresee(0, at | FORESEEN_LOAD, 0x0badcafe);
		foresee(1, (at + 4) | FORESEEN_STORE, POISON);
		breaches += in_linear(LOAD_REVERSED, 0, OF_KERNEL) == PROGRAM && saw != 0xfecaad0b;
		in_linear(STORE, POISON, OF_KERNEL + 4);
	}
	lower(0, DEVICE >> 12, KERNELS_DATA);
	flush();
	for (index = 0; index < HOSTILE; index++)
		for (place = 0; place < FORESEEN_PLACES; place++) {
			foresee(place, (DEVICE + 4 * place) | (1 + (index & 1)), hostile[index]);
			touch(index * 2 + 1, hostile[index], OF_KERNEL + 4 * place);
			foresee(place, hostile[index] | index % 4, hostile[index]);
			touch(index * 2, hostile[index], OF_KERNEL + 4 * place + index % 4);
			*page_word(EXTERNAL_WORD) = index & 1;
			touch(place * 8 + (index & 7), hostile[index], OF_KERNEL + 4 * place);
			*page_word(EXTERNAL_WORD) = 0;
		}
	/* Every combination of flags of the page; and instructions of all kinds where one was foreseen. */
	for (bit = 0; bit < 0x200; bit++) {
		lower(0, DEVICE >> 12, (bit & 0xff) | (bit & 0x100 ? 0x41000 : 0x40000));
		flush();
		foresee(0, DEVICE | FORESEEN_LOAD, POISON);
		foresee(1, DEVICE | FORESEEN_STORE, POISON);
		touch(4, POISON, OF_KERNEL);
		touch(4, POISON, OF_PROCESS);
	}
	for (index = 0; index < 0x400; index++) {
		foresee(0, DEVICE | FORESEEN_LOAD, POISON);
		foresee(1, DEVICE | FORESEEN_STORE, POISON);
		if (index != 50 && index != 146 && index != 467 && index != 978)
			in_linear(0x7c803000 | index << 1, POISON, OF_KERNEL);
	}
	for (place = 0; place < FORESEEN_PLACES; place++)
		foresee(place, 0, 0);
	translate(1, 2, 0, 0, 0, 0);
	tables();
	flush();
}

/* Everything above, in random order, with random words. Its own program stays out of reach of what it writes. */
static void short_step(void)
{
	word what = random() % 10, place = random() & 0xfff, page;

	switch (what) {
	case 0:
		page = random() & 3 ? random_number() >> 12 : random() & 0xffffff;
		if (page >= HALF >> 12)
			lower(random() & 3, page, random() & 1 ? EVERYBODYS : KERNELS_DATA ^ 1u << (random() & 15));
		break;
	case 1:
		upper(random() & 1 ? PROCESS_TABLE : KERNEL_TABLE, random() & 1 ? OF_PROCESS : OF_KERNEL,
		      random() & 1 ? linear(LOWER) : pointers[place % POINTERS]);
		break;
	case 2:
		PROCESS[PROCESS_TABLE_AT] = random() & 1 ? linear(PROCESS_TABLE) : pointers[place % POINTERS];
		*page_word(SPRG3) = random() & 1 ? linear(PROCESS) : pointers[place % POINTERS];
		break;
	case 3:
		flush();
		break;
	case 4:
		*page_word(ASKS_WORD) = random() & 1;
		go((random() & 1 ? OF_PROCESS : OF_KERNEL) | (place & ~3u), random() & 0xffff);
		break;
	case 5:
		SET(PID, (random() & 0xff));
		break;
	case 6:
		foresee(place % FORESEEN_PLACES, random() & 1 ? (DEVICE + (random() & 0xffc)) | (random() & 3) : random_number(), random() & 3);
		break;
	case 7:
		lower(random() & 3, DEVICE >> 12, random() & 1 ? KERNELS_DATA : EVERYBODYS);
		touch(random() & 31, random() & 3, (random() & 1 ? OF_PROCESS : OF_KERNEL) | (random() & 0x3fff));
		break;
	default:
		try(random() & 1 ? LOAD : STORE, POISON, (random() & 1 ? OF_PROCESS : OF_KERNEL) | (random() & 0x3fff));
	}
}

static void short_random(void)
{
	word step;

	tables();
	for (step = 0; step < 20000; step++)
		short_step();
	*page_word(ASKS_WORD) = 0;
	tables();
	flush();
}

/* A call of a process when its kernel's vectors are nowhere. */
static void wild_vectors(void)
{
	map_slot();
	*page_word(IVPR) = 0x50000000;
	in_process(SC, 0, 0, 0);
}
