/*
 * What root can try from inside of the guest against everybody else on the machine. `attack NAME` tries one, `attack all` those that leave
 * the guest alive, and without a name it lists them. What it saw it leaves as marks in the record, by a register of the board: the
 * names and numbers are those of `partitions/rogue-attacks/src/guests.rs`.
 *
 * That others noticed nothing, their accounts say and not this program. It says what it alone can: that it read something
 * which was not its own.
 */
#include "call.h"

enum call {
	EXIT = 1, FORK = 2, WRITE = 4, OPEN = 5, CLOSE = 6, GETPID = 20, KILL = 37, REBOOT = 88, MUNMAP = 91,
	SETITIMER = 104, WAIT4 = 114, SIGACTION = 173, PREAD = 179, MMAP2 = 192, TIMER_CREATE = 240, TIMER_SETTIME = 409,
};
enum { OUTPUT = 1, WRITE_ONLY = 1, READ_WRITE = 2, SYNC = 04010000 };
enum { SIGUSR1 = 10, SIGALRM = 14, WNOHANG = 1 };

#define PAGE 0x1000u
#define MIB 0x100000u
/* What the system's file gives the guest, and all that the board has. */
#define OWN_BYTES (64 * MIB)
#define RAM_BYTES (192 * MIB)
/* The board that the guest sees, where in it marks are left, and its bus (`personalities/guest/src/board.rs`). */
#define BOARD 0xe0000000u
#define BUS_MEMORY 0xc0000000u
#define BUS_PORTS 0xe1000000u
#define MARKS (BOARD + 0xd0000u)
/* The words of the partition `sentinel`. */
#define SENTINEL 0x5ec20000u
#define SENTINEL_MASK 0xffffc000u
#define POISON 0xdeadbeefu
/* An attack that has no end of its own goes on for so long: 60 ms of a timebase of 400 MHz. */
#define LONG_ENOUGH (60 * 400000ull)

typedef unsigned int word;
typedef unsigned long long wide;

void *memset(void *to, int value, unsigned long bytes)
{
	char *at = to;

	while (bytes--)
		*at++ = value;
	return to;
}

static unsigned long length(const char *text)
{
	unsigned long bytes = 0;

	while (text[bytes])
		bytes++;
	return bytes;
}

static int same(const char *one, const char *other)
{
	while (*one && *one == *other) {
		one++;
		other++;
	}
	return *one == *other;
}

static void say(const char *text)
{
	CALL3(WRITE, OUTPUT, text, length(text));
}

static void say_number(word value)
{
	char text[11];
	char *at = text + sizeof(text);

	*--at = 0;
	do {
		*--at = '0' + value % 10;
		value /= 10;
	} while (value);
	say(at);
}

static wide timebase(void)
{
	word upper, lower, again;

	do {
		__asm__ volatile("mftbu %0; mftb %1; mftbu %2" : "=r"(upper), "=r"(lower), "=r"(again));
	} while (upper != again);
	return (wide)upper << 32 | lower;
}

static wide until;

static int go_on(void)
{
	return timebase() < until;
}

/* What this process saw. */
static word attempts, breaches;

static int memory = -1;

/* Maps physical memory: `page` is a number of pages of 4 KiB. */
static volatile word *map(word page, word bytes)
{
	enum { READ_AND_WRITE = 3, SHARED = 1 };
	long at = call(MMAP2, 0, bytes, READ_AND_WRITE, SHARED, memory, page);

	return at < 0 && at > -4096 ? 0 : (volatile word *)at;
}

static void unmap(volatile word *at, word bytes)
{
	CALL3(MUNMAP, at, bytes, 0);
}

static volatile word *anonymous(word bytes)
{
	enum { READ_AND_WRITE = 3, PRIVATE_ANONYMOUS = 0x22 };
	long at = call(MMAP2, 0, bytes, READ_AND_WRITE, PRIVATE_ANONYMOUS, -1, 0);

	return at < 0 && at > -4096 ? 0 : (volatile word *)at;
}

static void write_file(const char *path, const char *text)
{
	long file = CALL3(OPEN, path, WRITE_ONLY, 0);

	CALL3(WRITE, file, text, length(text));
	CALL3(CLOSE, file, 0, 0);
}

/* --- memory --- */

/* Reads a word that is not the guest's: there is nothing, hence 0; on the empty PCI bus, hence all ones. */
static void read_foreign(volatile word *at)
{
	word there = *at;

	attempts++;
	if (there != 0 && there != 0xffffffffu)
		breaches++;
}

static void write_foreign(volatile word *at)
{
	attempts++;
	*at = POISON;
}

enum { CHUNK = 0x10000 };

/* A part of its own memory, as /dev/mem gives it: without a translation for each page. */
static const word *own_chunk(word at)
{
	static word chunk[CHUNK / 4];

	memset(chunk, 0, PAGE);
	call(PREAD, memory, (long)chunk, CHUNK, 0, 0, at);
	return chunk;
}

/* Whether a page is the board's that the guest sees: its registers, and a bus whose memory and ports read ones. */
static int is_board(word page)
{
	return page >> 8 == BOARD >> 20 || page >> 8 == BUS_MEMORY >> 20 || page >> 8 == BUS_PORTS >> 20;
}

/* In its own memory nobody else's words stand. */
static void read_own(void)
{
	word at, offset;

	for (at = 0; at < OWN_BYTES; at += CHUNK) {
		const word *chunk = own_chunk(at);

		for (offset = 0; offset < CHUNK / 4; offset += PAGE / 4) {
			word first = chunk[offset];

			attempts++;
			if ((first & SENTINEL_MASK) == SENTINEL && chunk[offset + 1] == first + 1)
				breaches++;
		}
	}
}

/* All of the board's RAM, each 32 KiB; each 16 MiB below 4 GiB; each 256 MiB of 64 GiB; and the board's real devices. */
static void everywhere(void (*visit)(volatile word *))
{
	enum { STEP = 8 * PAGE };
	static const word devices[] = { 0xfe0004, 0xfe0040, 0xfe0041, 0xfe0060, 0xfe00e0 };
	word at, page, offset, index;

	for (at = OWN_BYTES; at < RAM_BYTES; at += MIB) {
		volatile word *part = map(at / PAGE, MIB);

		for (offset = 0; part && offset < MIB / 4; offset += STEP / 4)
			visit(part + offset + (at / MIB * 68 + offset / PAGE) % (STEP / 4));
		unmap(part, MIB);
	}
	for (page = RAM_BYTES / PAGE; page < 0x1000000; page += page < 0x100000 ? 16 * MIB / PAGE : 256 * MIB / PAGE) {
		volatile word *part = is_board(page) ? 0 : map(page, PAGE);

		if (part)
			visit(part);
		unmap(part, PAGE);
	}
	for (index = 0; index < sizeof(devices) / sizeof(devices[0]); index++) {
		volatile word *part = map(devices[index], PAGE);

		/* The word of a reset request is among them. */
		for (offset = 0; part && offset < PAGE / 4; offset += 4)
			visit(part + offset);
		unmap(part, PAGE);
	}
}

static void memory_read(void)
{
	read_own();
	everywhere(read_foreign);
}

static void memory_write(void)
{
	everywhere(write_foreign);
}

/* Where in physical memory the page is that begins with these three words: a number of pages, or 0. */
static word find_page(word first, word second, word third)
{
	word at, offset, found = 0;

	for (at = 0; at < OWN_BYTES && !found; at += CHUNK) {
		const word *part = own_chunk(at);

		for (offset = 0; offset < CHUNK / 4 && !found; offset += PAGE / 4)
			if (part[offset] == first && part[offset + 1] == second && part[offset + 2] == third)
				found = (at + offset * 4) / PAGE;
	}
	return found;
}

/* The page table whose entry of this number is that of a page: it ends in a page number and rights. */
static word find_table(word entry, word page)
{
	word at, offset, found = 0;

	for (at = 0; at < OWN_BYTES && !found; at += CHUNK) {
		const word *part = own_chunk(at);

		for (offset = 0; offset < CHUNK / 4 && !found; offset += PAGE / 4) {
			word upper = part[offset + entry * 2], lower = part[offset + entry * 2 + 1];

			if ((upper << 8 | lower >> 24) == page && (lower & 0xffffff) && !part[offset + entry * 2 + 2])
				found = (at + offset * 4) / PAGE;
		}
	}
	return found;
}

static word target_of(word number)
{
	/* Half of them others' RAM, from where the guest's own ends in size, if not in place; and all over 36 bits. */
	if (number < 256)
		return OWN_BYTES / PAGE + number * ((RAM_BYTES - OWN_BYTES) / PAGE / 256);
	if (number < 264)
		return 0xfe0000 + (number - 256) * 0x20;
	return (number - 264) * 0x10842 & 0xffffff;
}

/* Puts entries of its own into its page table, behind the kernel's back, and goes through them. */
static void page_tables(void)
{
	enum { ENTRIES = 512, ALL_RIGHTS = 0xfc };
	const word bytes = ENTRIES * PAGE;
	word first = (word)timebase(), number, table, page, flags;
	volatile word *region = anonymous(2 * bytes), *entries;

	if (!region)
		return;
	region = (volatile word *)(((word)region + bytes - 1) / bytes * bytes);
	region[0] = first;
	region[1] = ~first;
	region[2] = first * 5 + 1;
	page = find_page(first, ~first, first * 5 + 1);
	table = page ? find_table(0, page) : 0;
	entries = table ? map(table, PAGE) : 0;
	if (!entries) {
		say("its page table was not found\n");
		return;
	}
	flags = entries[1] & 0xffffff;
	for (number = 1; number < ENTRIES; number++) {
		entries[number * 2] = target_of(number) >> 8;
		entries[number * 2 + 1] = target_of(number) << 24 | flags | ALL_RIGHTS;
	}
	for (number = 1; number < ENTRIES; number++) {
		volatile word *at = region + number * (PAGE / 4);
		/* What is the guest's own, or its board's, is no breach. */
		int foreign = target_of(number) >= OWN_BYTES / PAGE && !is_board(target_of(number));

		if (!foreign)
			continue;
		read_foreign(at);
		write_foreign(at + 1);
		read_foreign(at + 1);
	}
	for (number = 1; number < ENTRIES; number++)
		entries[number * 2] = entries[number * 2 + 1] = 0;
	unmap(entries, PAGE);
}

/* --- floods --- */

static void fork_bomb(void)
{
	long child;

	/* Whatever the guest kills for want of memory, it is not the one that reports. */
	write_file("/proc/self/oom_score_adj", "-1000");
	child = CALL3(FORK, 0, 0, 0);
	if (child == 0) {
		write_file("/proc/self/oom_score_adj", "1000");
		while (go_on())
			CALL3(FORK, 0, 0, 0);
		CALL3(EXIT, 0, 0, 0);
	}
	attempts = child > 0;
	while (CALL3(WAIT4, -1, 0, 0) > 0)
		;
}

static void count(int signal)
{
	(void)signal;
	attempts++;
}

static void handle(int signal, void (*handler)(int))
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void *restorer;
		word mask[2];
	} action = { handler, 0, 0, { 0, 0 } };

	call(SIGACTION, signal, (long)&action, 0, 8, 0, 0);
}

enum { TIMERS = 32 };
static int timer_names[TIMERS];

/* Sets all timers to fire after so many nanoseconds, and every so many; 0: never. */
static void set_timers(long nanoseconds)
{
	long microseconds = nanoseconds ? 1 : 0;
	long interval[4] = { 0, microseconds, 0, microseconds };
	long long fast[4] = { 0, nanoseconds, 0, nanoseconds };
	int number;

	for (number = 0; number < TIMERS; number++)
		call(TIMER_SETTIME, timer_names[number], 0, (long)fast, 0, 0, 0);
	CALL3(SETITIMER, 0, interval, 0);
}

/* Where signals come as fast as they are handled, nothing else runs any more: so the end is here. */
static void expired(int signal)
{
	count(signal);
	if (!go_on())
		set_timers(0);
}

static void timers(void)
{
	enum { MONOTONIC = 1 };
	int number;

	handle(SIGALRM, expired);
	for (number = 0; number < TIMERS; number++) {
		timer_names[number] = -1;
		CALL3(TIMER_CREATE, MONOTONIC, 0, &timer_names[number]);
	}
	set_timers(1);
	while (go_on())
		;
	set_timers(0);
}

static void signals(void)
{
	long self = CALL3(GETPID, 0, 0, 0);

	handle(SIGUSR1, count);
	while (go_on())
		CALL3(KILL, self, SIGUSR1, 0);
}

static void page_faults(void)
{
	word offset;

	while (go_on()) {
		volatile word *part = anonymous(MIB);

		for (offset = 0; part && offset < MIB / 4; offset += PAGE / 4) {
			part[offset] = offset;
			attempts++;
		}
		unmap(part, MIB);
	}
}

static void exits(void)
{
	volatile word *board = map((BOARD + 0x40000) / PAGE, PAGE);

	while (board && go_on()) {
		(void)*board;
		attempts++;
	}
}

static void console(void)
{
	static char line[256];
	long file = CALL3(OPEN, "/dev/console", WRITE_ONLY, 0);

	memset(line, '#', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	while (go_on())
		if (CALL3(WRITE, file, line, sizeof(line)) > 0)
			attempts++;
}

static void spin(void)
{
	attempts = 1;
	while (go_on())
		;
}

/* --- ends --- */

static void crash(void)
{
	write_file("/proc/sysrq-trigger", "c");
}

static void ask_to_end(word how)
{
	call(REBOOT, 0xfee1dead, 672274793, how, 0, 0, 0);
}

static void halt(void)
{
	ask_to_end(0xcdef0123);
}

static void power_off(void)
{
	ask_to_end(0x4321fedc);
}

static void reboot(void)
{
	ask_to_end(0x01234567);
}

/* --- all of them --- */

enum { LEAVES_IT_ALIVE, ENDS_IT };

static const struct attack {
	const char *name;
	word number;
	int ends;
	void (*attack)(void);
} table[] = {
	{ "linux.memory_read", 200, LEAVES_IT_ALIVE, memory_read },
	{ "linux.memory_write", 201, LEAVES_IT_ALIVE, memory_write },
	{ "linux.page_tables", 202, LEAVES_IT_ALIVE, page_tables },
	{ "linux.fork_bomb", 203, LEAVES_IT_ALIVE, fork_bomb },
	{ "linux.timers", 204, LEAVES_IT_ALIVE, timers },
	{ "linux.signals", 205, LEAVES_IT_ALIVE, signals },
	{ "linux.page_faults", 206, LEAVES_IT_ALIVE, page_faults },
	{ "linux.exits", 207, LEAVES_IT_ALIVE, exits },
	{ "linux.console", 208, LEAVES_IT_ALIVE, console },
	{ "linux.spin", 209, LEAVES_IT_ALIVE, spin },
	{ "linux.crash", 220, ENDS_IT, crash },
	{ "linux.halt", 221, ENDS_IT, halt },
	{ "linux.power_off", 222, ENDS_IT, power_off },
	{ "linux.reboot", 223, ENDS_IT, reboot },
};

enum { COUNT = sizeof(table) / sizeof(table[0]) };

/* Leaves a mark: `partitions/rogue-attacks/src/evidence.rs`. */
static void mark(const struct attack *one, word value)
{
	volatile word *marks = map(MARKS / PAGE, PAGE);

	if (!marks) {
		say("no marks can be left\n");
		return;
	}
	marks[0] = 0x41540000 | one->number;
	marks[1] = value;
	unmap(marks, PAGE);
}

static void carry_out(const struct attack *one)
{
	enum { END = 0x8, BREACHED = 0x2 };

	say("attack: ");
	say(one->name);
	say("\n");
	attempts = breaches = 0;
	mark(one, 0);
	until = timebase() + LONG_ENOUGH;
	one->attack();
	mark(one, (word)(END | (breaches ? BREACHED : 0)) << 28 | (attempts & 0xfffffff));
	say_number(attempts);
	say(breaches ? " times, and it WORKED\n" : " times, and nothing came of it\n");
}

static void begin(int arguments, char **words)
{
	int number, wanted;

	memory = CALL3(OPEN, "/dev/mem", READ_WRITE | SYNC, 0);
	for (number = 0; number < COUNT; number++) {
		const struct attack *one = &table[number];

		if (arguments < 2) {
			say(one->name);
			say("\n");
			continue;
		}
		wanted = same(words[1], "all") ? one->ends == LEAVES_IT_ALIVE : same(words[1], one->name);
		if (wanted)
			carry_out(one);
	}
	CALL3(EXIT, 0, 0, 0);
}

/* A program begins with its arguments on the stack, behind their number. */
void begin_at(long *stack)
{
	begin(stack[0], (char **)(stack + 1));
}

__asm__(".globl _start\n_start:\n\tmr 3,1\n\tli 0,0\n\tstwu 0,-16(1)\n\tbl begin_at\n");
