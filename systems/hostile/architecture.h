/*
 * The processor that the guest sees: what the architecture says of exceptions, translations and its own idling, in the corners where no system
 * comes that means well. What deviates counts as a breach. Besides, the guest changes its process behind the kernel's back: by the word of
 * its register page and not by the instruction. The kernel then does not know what the guest executes, and the guest stands still, but for its interrupts.
 */

enum { DEAR = 61, ESR = 62, PVR = 287, TLBRE = 0x7c000764, TLBSX = 0x7c003724, TLBIVAX = 0x7c003624, LOAD_INDEXED = 0x7c80302e, STORE_INDEXED = 0x7c80312e,
       LOAD_RESERVE = 0x7c803028, FOR_EVER = 0x48000000 };
enum { ILLEGAL = 0x08000000, TRAPPED = 0x02000000, ALIGNMENT = 5, DECREMENTER = 10, DATA_MISS = 13, FETCH_MISS = 14 };
enum { SPACE_1 = 0x1000, STATE_SPACE_1 = 0x30, ALL_RIGHTS = 0x3f, PROCESSOR = 0x80210030 };
/* Addresses this far apart have the same places of the first array. */
#define SAME_SET 0x80000u

static void expect(int holds)
{
	breaches += !holds;
}

/* An instruction where the slot's page is a second time, in any state; a second one behind it. */
static int there(word page, word state, word instruction, word second, word r4, word r6)
{
	*page_word(SRR0) = page | ((word)(slot + 1) & 0xfff);
	*page_word(SRR1) = state;
	return try3(traps ? RETURN_THAT_TRAPS : RETURN, instruction, second, r4, r6);
}

static word slots_page(void)
{
	return (word)slot & ~0xfffu;
}

static void execute(volatile word *place, word instruction)
{
	*place = instruction;
	__asm__ volatile("dcbst 0,%0; sync; icbi 0,%0; isync" : : "r"(place) : "memory");
}

/* Only array 0 and 1 are there, and array 1 has pages of 4 KiB and more. */
static void odd_entries(void)
{
	static const word odd[][2] = { { 0x20000000, VALID | 0x100 }, { 0x30000000, VALID | 0x100 }, { 0x100f0000, VALID },
				       { 0x100f0000, VALID | 0xc00 }, { 0x100f0000, VALID | 0xf00 } };
	word index;

	for (index = 0; index < sizeof(odd) / sizeof(odd[0]); index++) {
		SET(MAS0, odd[index][0]);
		SET(MAS1, odd[index][1]);
		SET(MAS2, ELSEWHERE);
		expect(try(TLBWE, 0, 0) == PROGRAM && *page_word(ESR) == ILLEGAL);
	}
	SET(MAS0, 0x100f0000);
	SET(MAS1, 0);
	expect(try(TLBWE, 0, 0) == PROGRAM && *page_word(ESR) == TRAPPED);
}

/* Four pages that share a set of array 0, a fifth that is not there, and one of another process. */
static void one_set(void)
{
	word way;

	for (way = 0; way < 4; way++) {
		OWN_PAGE[way * 0x400] = POISON + way;
		translate(0, way, VALID, ELSEWHERE + way * SAME_SET, 0, ((word)OWN_PAGE + way * 0x1000) | ALL_RIGHTS);
	}
	for (way = 0; way < 4; way++) {
		expect(try(LOAD, 0, ELSEWHERE + way * SAME_SET) == PROGRAM && saw == POISON + way);
		expect(try(LOAD, 0, ELSEWHERE + 4 * SAME_SET) == DATA_MISS);
		try(TLBIVAX, 0, ELSEWHERE + 4 * SAME_SET);
		SET(MAS0, way << 16);
		SET(MAS2, ELSEWHERE + way * SAME_SET);
		try(TLBRE, 0, 0);
		expect(*page_word(MAS3) == (((word)OWN_PAGE + way * 0x1000) | ALL_RIGHTS) && *page_word(MAS1) == (VALID | 0x100));
		translate(0, way, VALID | 9 << 16, ELSEWHERE + way * SAME_SET, 0, (word)OWN_PAGE | ALL_RIGHTS);
		expect(try(LOAD, 0, ELSEWHERE + way * SAME_SET) == DATA_MISS);
		try(TLBIVAX, 0, ELSEWHERE + way * SAME_SET);
		try(TLBRE, 0, 0);
		expect(*page_word(MAS1) == 0);
	}
}

/* Calls and processes in address space 1, where there are no short ways. */
static void space_1(void)
{
	enum { NO_SUCH_CALL = 0x002a0001 };

	translate(0, 0, VALID | SPACE_1, OF_PROCESS, 0, slots_page() | ALL_RIGHTS);
	given[8] = NO_SUCH_CALL;
	expect(there(OF_PROCESS, STATE_SPACE_1, SC, TRAP, 0, 0) == PROGRAM);
	given[8] = 0;
	expect(there(OF_PROCESS, STATE_SPACE_1, MFSPR(PVR), TRAP, 0, 0) == PROGRAM && saw == PROCESSOR);
	expect(there(OF_PROCESS, STATE_SPACE_1 | PROCESS_LEVEL, SC, TRAP, 0, 0) == SYSTEM_CALL);
	expect(there(OF_PROCESS, STATE_SPACE_1 | PROCESS_LEVEL, MFSPR(PVR), TRAP, 0, 0) == PROGRAM && saw != PROCESSOR);
	flush();
}

/* What a process may not touch of its kernel, memory and a device; and an access that is not aligned. */
static void of_process(void)
{
	map_slot();
	if (!traps) {
		lower(1, (word)OWN_PAGE >> 12, KERNELS_DATA);
		expect(in_process(LOAD, 0, 0, OF_KERNEL + 0x1000) == DATA_MISS);
		lower(1, DEVICE >> 12, KERNELS_DATA);
		expect(in_process(LOAD_REVERSED, 0, 0, OF_KERNEL + 0x1000) == DATA_MISS);
		/* Its kernel's instructions in a page that was walked. */
		lower(2, slots_page() >> 12, KERNELS);
		expect(there(OF_KERNEL + 0x2000, 0, MFSPR(PVR), TRAP, 0, 0) == PROGRAM && saw == PROCESSOR);
	}
	expect(try(LOAD_RESERVE, 0, (word)OWN_PAGE + 2) == ALIGNMENT && *page_word(DEAR) == (word)OWN_PAGE + 2);
	flush();
}

/* Where stubs are, a process's traps and its interrupts are its own. */
static void process_in_stubs(void)
{
	/* In a stub behind what finds out about interrupts. */
	static const word behind[] = { 16, 20, 24, 28 };
	word at = linear(STUBS), index;

	translate(0, 0, VALID, at, 0, slots_page() | ALL_RIGHTS);
	expect(there(at, PROCESS_LEVEL, TRAP, TRAP, 0, 0) == PROGRAM);
	SET(TCR, 0x04000000);
	SET(DEC, 40000);
	expect(there(at, PROCESS_LEVEL | INTERRUPTS_ON, FOR_EVER, TRAP, 0, 0) == DECREMENTER);
	if (traps)
		return;
	/* The last ones lie behind its memory: whatever the kernel makes of them, an interrupt comes through. */
	translate(0, 0, VALID, LINEAR + OWN_BYTES, 0, (word)OWN_PAGE | ALL_RIGHTS);
	for (index = 0; index < 2 * sizeof(behind) / sizeof(behind[0]); index++) {
		word offset = behind[index / 2];

		execute(OWN_PAGE + offset / 4, index & 1 ? TRAP : FOR_EVER);
		SET(TCR, 0x04000000);
		SET(DEC, 40000);
		/* A trap where a stub has none is its own affair. */
		expect(go(LINEAR + OWN_BYTES + offset, INTERRUPTS_ON) == (index & 1 && offset != 20 ? PROGRAM : DECREMENTER));
	}
	flush();
}

/* The process is another one by the word alone, at an instruction that traps. */
static void lost(word page, word state, word process, word other)
{
	SET(PID, process);
	SET(TCR, 0x04000000);
	SET(DEC, 40000);
	expect(there(page, state | INTERRUPTS_ON, STORE, MFSPR(PVR), other, REGISTER_PAGE + 4 * PID) == DECREMENTER);
}

static void lost_processes(void)
{
	word space;

	for (space = 0; space < 2; space++) {
		word entry = VALID | (space ? SPACE_1 : 0), state = space ? STATE_SPACE_1 : 0;

		/* Of the other process the arrays have nothing; a page behind its memory; one behind all addresses. */
		flush();
		translate(0, 0, entry | 5 << 16, OF_PROCESS, 0, slots_page() | ALL_RIGHTS);
		lost(OF_PROCESS, state, 5, 6);
		translate(0, 1, entry | 6 << 16, OF_PROCESS, 0, 0x04000000 | ALL_RIGHTS);
		lost(OF_PROCESS, state, 5, 6);
		translate(0, 1, entry | 6 << 16, OF_PROCESS, 0xf, 0xffff0000 | ALL_RIGHTS);
		lost(OF_PROCESS, state, 5, 6);
		translate(0, 1, 0, OF_PROCESS, 0, 0);
		translate(0, 0, 0, OF_PROCESS, 0, 0);
	}
	if (traps)
		return;
	/* The same in a page that was walked: the other process is not known, is one that has a tag, or is in the place of none. */
	map_slot();
	lost(OF_PROCESS, 0, 5, 6);
	map_slot();
	SET(PID, 6);
	lost(OF_PROCESS, 0, 5, 6);
	map_slot();
	SET(PID, 5);
	flush();
	lost(OF_PROCESS, 0, 5, 0);
	flush();
}

/* A page of a process that is one by the word alone becomes real with a tag that nothing matches: until tags run out, and again. */
static void lost_pages(void)
{
	word process;

	for (process = 1; process < 256; process++) {
		translate(0, 0, VALID | process << 16, ELSEWHERE, 0, (word)OWN_PAGE | ALL_RIGHTS);
		*page_word(PID) = process;
		SET(TCR, 0x04000000);
		SET(DEC, 4000);
		expect(there(slots_page(), INTERRUPTS_ON, LOAD, TRAP, 0, ELSEWHERE) == DECREMENTER);
	}
	flush();
}

/* What it executes is another instruction when its process is another one: of its kernel's, or one that only its monitor could know. */
static void other_words(void)
{
	static const word words[] = { 0x38600000, 0x7c0007a6, 0x4c00004c };
	word index;

	for (index = 0; index < sizeof(words) / sizeof(words[0]); index++) {
		execute(OWN_PAGE + ((word)(slot + 2) & 0xfff) / 4, words[index]);
		translate(0, 0, VALID | 5 << 16, OF_PROCESS, 0, slots_page() | ALL_RIGHTS);
		translate(0, 1, VALID | 6 << 16, OF_PROCESS, 0, (word)OWN_PAGE | ALL_RIGHTS);
		SET(MCSRR0, (word)(slot + 3));
		SET(MCSRR1, 0);
		SET(PID, 5);
		expect(there(OF_PROCESS, 0, STORE, MFSPR(PVR), 6, REGISTER_PAGE + 4 * PID) == PROGRAM);
	}
	flush();
}

/* Pages of its kernel among those of processes, of a process among those of its kernel, and one that a process has and may not use. */
static void odd_pages(void)
{
	enum { KERNELS_RIGHTS = 0x15 };

	OWN_PAGE[0] = POISON;
	flush();
	translate(0, 0, VALID, ELSEWHERE, 0, (word)OWN_PAGE | KERNELS_RIGHTS);
	expect(try(LOAD, 0, ELSEWHERE) == PROGRAM && saw == POISON);
	translate(0, 1, VALID, ELSEWHERE + SAME_SET, 0, (word)OWN_PAGE | KERNELS_RIGHTS);
	expect(try(LOAD, 0, ELSEWHERE + SAME_SET) == PROGRAM && saw == POISON);
	translate(0, 2, VALID | 5 << 16, OF_KERNEL + 0x3000, 0, (word)OWN_PAGE | ALL_RIGHTS);
	expect(try(LOAD, 0, OF_KERNEL + 0x3000) == DATA_MISS);
	SET(PID, 5);
	expect(try(LOAD, 0, OF_KERNEL + 0x3000) == PROGRAM && saw == POISON);
	translate(0, 3, VALID | 5 << 16, ELSEWHERE + 2 * SAME_SET, 0, (word)OWN_PAGE | KERNELS_RIGHTS);
	expect(try(LOAD, 0, ELSEWHERE + 2 * SAME_SET) == DATA_MISS);
	SET(PID, 5);
	expect(try(LOAD, 0, ELSEWHERE + 2 * SAME_SET) == PROGRAM && saw == POISON);
	/* A search for a process that has no tag. */
	flush();
	SET(PID, 5);
	flush();
	SET(MAS6, 0);
	try(TLBSX, 0, OF_PROCESS);
	expect(!(*page_word(MAS1) & VALID));
}

/* A page whose rights the hardware does not know, and one that is cut from a large entry. */
static void special_page(void)
{
	translate(0, 0, VALID, ELSEWHERE, 0, (word)OWN_PAGE | 0x2a);
	try(LOAD, 0, ELSEWHERE);
}

static void fragment(void)
{
	translate(1, 6, VALID | 2 << 8, ELSEWHERE + SAME_SET, 0, (word)OWN_PAGE | ALL_RIGHTS);
	try(LOAD, 0, ELSEWHERE + SAME_SET);
}

/* Tags run out at each of what takes new ones. */
static void tags(void)
{
	enum { OF_ARRAY_1 = 8, ALL = 4, ROUNDS = 250 };
	word round, what, other;

	for (what = 0; what < 4; what++)
		for (round = 0; round < ROUNDS; round++) {
			/* Always another number of them is left. */
			for (other = round % 4; other; other--)
				SET(PID, other);
			switch (what) {
			case 0:
				try(TLBIVAX, 0, ALL);
				break;
			case 1:
				special_page();
				SET(PID, (round & 1));
				break;
			case 2:
				fragment();
				translate(1, 7, 0, 0, 0, 0);
				break;
			default:
				fragment();
				try(TLBIVAX, 0, OF_ARRAY_1 | ALL);
			}
		}
	OWN_PAGE[0] = POISON;
	fragment();
	expect(saw == POISON);
	translate(1, 6, 0, 0, 0, 0);
	flush();
}

/* What its monitor has foreseen of a device, at each place: loads, and the store that comes next. By an entry of the arrays, hence by the long way, and by the short one. */
static void foreseen_places(void)
{
	static const word loads[][2] = { { LOAD, 0x12345678 }, { LOAD_INDEXED, 0x12345678 }, { LOAD_REVERSED, 0x78563412 } };
	static const word stores[][2] = { { STORE, 1 }, { STORE_INDEXED, 1 }, { STORE_REVERSED, 0x01000000 } };
	word place, index, at = DEVICE + 0x60;

	translate(1, 2, VALID | PROTECT | ALIAS_SIZE << 8, LINEAR, 0, 0x15);
	tables();
	lower(0, DEVICE >> 12, KERNELS_DATA);
	flush();
	for (place = 0; place < FORESEEN_PLACES; place++)
		foresee(place, 0, 0);
	for (place = 0; place < FORESEEN_PLACES; place++) {
		for (index = 0; index < 3; index++) {
			foresee(place, at | FORESEEN_LOAD, 0x12345678);
			expect(try(loads[index][0], 0, at) == PROGRAM && saw == loads[index][1]);
			expect(try(loads[index][0], 0, at + 0x10) == PROGRAM && saw != loads[index][1]);
			foresee(place, at | FORESEEN_STORE, 1);
			/* Another value is the monitor's, and so is everything while an interrupt is asserted. */
			try(stores[index][0], 2, at);
			expect(*page_word(FORESEEN_WORD + 2 * place) == (at | FORESEEN_STORE));
			*page_word(EXTERNAL_WORD) = 1;
			try(stores[index][0], stores[index][1], at);
			*page_word(EXTERNAL_WORD) = 0;
			expect(*page_word(FORESEEN_WORD + 2 * place) == (at | FORESEEN_STORE));
			/* And a load before the store has come. */
			expect(try(loads[index][0], 0, at) == PROGRAM && saw != loads[index][1]);
			try(stores[index][0], stores[index][1], at);
			expect(*page_word(FORESEEN_WORD + 2 * place) == 0);
		}
		/* And the same by the short ways. */
		foresee(place, (DEVICE + 0x60) | FORESEEN_LOAD, 0x12345678);
		expect(traps || (in_linear(LOAD_REVERSED, 0, OF_KERNEL + 0x60) == PROGRAM && saw == 0x78563412));
		foresee(place, (DEVICE + 0x60) | FORESEEN_STORE, 0x01000000);
		expect(traps || (in_linear(STORE_REVERSED, 1, OF_KERNEL + 0x60) == PROGRAM && *page_word(FORESEEN_WORD + 2 * place) == 0));
		foresee(place, 0, 0);
	}
	translate(1, 2, 0, 0, 0, 0);
	flush();
}

/* Idling while an interrupt is pending is over at once. */
static void idling(void)
{
	given[8] = 0x00010010;
	*page_word(EXTERNAL_WORD) = 1;
	expect(try(SC, 0, 0) == PROGRAM);
	*page_word(EXTERNAL_WORD) = 0;
	SET(TCR, 0x04000000);
	SET(DEC, 1);
	while (!(READ(TSR) & 0x08000000))
		;
	expect(try(SC, 0, 0) == PROGRAM);
	given[8] = 0;
}

static void architecture(void)
{
	odd_entries();
	one_set();
	space_1();
	of_process();
	process_in_stubs();
	lost_processes();
	lost_pages();
	other_words();
	odd_pages();
	tags();
	foreseen_places();
	idling();
}

/* It idles when its decrementer has fired and fires again, but may not interrupt. */
static void idle(void)
{
	SET(DEC, 1);
	while (!(READ(TSR) & 0x08000000))
		;
	SET(DEC, 4000);
	given[8] = 0x00010010;
	try(SC, 0, 0);
}
