/*
 * What operations of Linux cost, in ticks of the timebase. docs/linux-performance.md says what for, and how the figures are read.
 *
 * Each operation runs in batches that are short beside the time between two interrupts. Some batches are still hit: by the
 * tick of this kernel, and in a partition by the windows of others. So of each operation's batches the dearest quarter is left
 * out; what is printed is the sum of the rest. Whoever hits every batch is in the sum. The tick has a figure of its own: the gaps
 * in what a loop sees of the timebase.
 *
 * Nothing is printed before everything is measured. With an argument only the operation of that name is; the argument `exit`
 * ends at once.
 */
#include "call.h"

typedef unsigned int word;

enum {
	EXIT = 1, FORK = 2, READ = 3, WRITE = 4, OPEN = 5, CLOSE = 6, EXECVE = 11, GETPID = 20, KILL = 37, PIPE = 42,
	GETPPID = 64, MMAP = 90, MUNMAP = 91, WAIT4 = 114, SIGACTION = 173
};

enum {
	BATCHES = 16,
	BATCHES_KEPT = 12,
	PAGE_BYTES = 4096,
	WALK_PAGES = 2048,
	COPY_BYTES = 65536,
	FAULT_PAGES = 128,
	/* 100 ms of this machine: ten ticks of a kernel with a hundred a second. */
	SPIN_TICKS = 40000000,
	/* A gap that is no larger is the loop itself. */
	LOOP_TICKS = 40,
	GAPS = 256
};

/* A difference of two is right whatever the upper half does in between. */
static inline word ticks(void)
{
	word lower;

	__asm__ volatile("mftb %0" : "=r"(lower) : : "memory");
	return lower;
}

/* --- what is printed ----------------------------------------------------------------------------------------- */

static word lines_printed;

static char *put(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
	return at;
}

static char *put_number(char *at, word value)
{
	char digits[10];
	int count = 0;

	do {
		digits[count++] = '0' + value % 10;
	} while (value /= 10);
	while (count)
		*at++ = digits[--count];
	return at;
}

/* `bench: ` KIND NAME FIRST SECOND, of which all but the kind may be left out. */
static void print(const char *kind, const char *name, int numbers, word first, word second)
{
	char line[96];
	char *at = put(put(line, "bench: "), kind);
	const char *from = line;

	if (name)
		at = put(put(at, " "), name);
	if (numbers > 0)
		at = put_number(put(at, " "), first);
	if (numbers > 1)
		at = put_number(put(at, " "), second);
	*at++ = '\n';
	while (from < at) {
		long written = CALL3(WRITE, 1, from, at - from);

		if (written <= 0)
			CALL1(EXIT, 2);
		from += written;
	}
	lines_printed++;
}

/* Without the last line nobody takes the others for a measurement. */
static void fail(const char *what)
{
	print("failed", what, 0, 0, 0);
	CALL1(EXIT, 1);
}

static long sure(long result, const char *what)
{
	if (result < 0)
		fail(what);
	return result;
}

/* --- operations: each does `count` of them, and returns how many ticks they took ----------------------------- */

/* One instruction each. */
static word cpu_loop(word count)
{
	word start = ticks();

	__asm__ volatile("mtctr %0; 1: bdnz 1b" : : "r"(count) : "ctr");
	return ticks() - start;
}

extern char null_system_call[];

/* The only place of this instruction, so that what the processor does from here to the next one can be counted. */
static __attribute__((noinline, noclone)) word null_syscall(word count)
{
	word start = ticks();

#pragma GCC unroll 1
	for (; count; count--) {
		register long r0 __asm__("r0") = GETPPID;

		__asm__ volatile("null_system_call: sc"
				 : "+r"(r0)
				 :
				 : "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "ctr", "xer", "cr0", "memory");
	}
	return ticks() - start;
}

static int null_device;

static word write_devnull(word count)
{
	char byte = 0;
	word start = ticks();

	for (; count; count--)
		CALL3(WRITE, null_device, &byte, 1);
	return ticks() - start;
}

static void handler(int signal)
{
	(void)signal;
}

static long process;

static word signal_self(word count)
{
	enum { SIGUSR1 = 10 };
	/* The handler, flags, none to return by, and no other signals held back. */
	struct { void (*handler)(int); word none[4]; } action = { handler, { 0 } };
	word start;

	sure(CALL4(SIGACTION, SIGUSR1, &action, 0, 8), "sigaction");
	start = ticks();
	for (; count; count--)
		CALL2(KILL, process, SIGUSR1);
	return ticks() - start;
}

static int there[2], back[2];

/* A byte to another process, and one back. */
static word pipe_roundtrip(word count)
{
	char byte = 0;
	word start, end;
	long child;

	sure(CALL1(PIPE, there), "pipe");
	sure(CALL1(PIPE, back), "pipe");
	child = sure(CALL1(FORK, 0), "fork");
	if (!child) {
		CALL1(CLOSE, there[1]);
		while (CALL3(READ, there[0], &byte, 1) == 1)
			CALL3(WRITE, back[1], &byte, 1);
		CALL1(EXIT, 0);
	}
	/* The first one lets the child come so far. */
	CALL3(WRITE, there[1], &byte, 1);
	CALL3(READ, back[0], &byte, 1);
	start = ticks();
	for (; count; count--) {
		CALL3(WRITE, there[1], &byte, 1);
		CALL3(READ, back[0], &byte, 1);
	}
	end = ticks();
	CALL1(CLOSE, there[1]);
	sure(CALL4(WAIT4, child, 0, 0, 0), "wait4");
	CALL1(CLOSE, there[0]);
	CALL1(CLOSE, back[0]);
	CALL1(CLOSE, back[1]);
	return end - start;
}

/* The same two bytes without the other process. */
static word pipe_same_process(word count)
{
	char byte = 0;
	word start, end;

	sure(CALL1(PIPE, there), "pipe");
	start = ticks();
	for (; count; count--) {
		CALL3(WRITE, there[1], &byte, 1);
		CALL3(READ, there[0], &byte, 1);
		CALL3(WRITE, there[1], &byte, 1);
		CALL3(READ, there[0], &byte, 1);
	}
	end = ticks();
	CALL1(CLOSE, there[0]);
	CALL1(CLOSE, there[1]);
	return end - start;
}

static word fork_exit(word count)
{
	word start = ticks();

	for (; count; count--) {
		long child = sure(CALL1(FORK, 0), "fork");

		if (!child)
			CALL1(EXIT, 0);
		CALL4(WAIT4, child, 0, 0, 0);
	}
	return ticks() - start;
}

static word fork_exec_exit(word count)
{
	static const char path[] = "/bin/benchmark";
	static const char *const arguments[] = { path, "exit", 0 };
	static const char *const environment[] = { 0 };
	word start = ticks();

	for (; count; count--) {
		long child = sure(CALL1(FORK, 0), "fork");
		word status = 0;

		if (!child) {
			CALL3(EXECVE, path, arguments, environment);
			CALL1(EXIT, 1);
		}
		CALL4(WAIT4, child, &status, 0, 0);
		if (status)
			fail("execve");
	}
	return ticks() - start;
}

static char *map(word bytes)
{
	enum { READ_WRITE = 3, PRIVATE_ANONYMOUS = 0x22 };
	long at = call(MMAP, 0, bytes, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);

	/* An address may be larger than a positive number; an error's number is a small one. */
	if (at < 0 && at > -PAGE_BYTES)
		fail("mmap");
	return (char *)at;
}

static void touch(char *at, word pages)
{
	for (; pages; pages--, at += PAGE_BYTES)
		*(volatile char *)at = 1;
}

/* First touches of FAULT_PAGES pages, again and again. */
static word page_fault(word count)
{
	word sum = 0;

	for (; count; count -= FAULT_PAGES) {
		char *at = map(FAULT_PAGES * PAGE_BYTES);
		word start = ticks();

		touch(at, FAULT_PAGES);
		sum += ticks() - start;
		sure(CALL2(MUNMAP, at, FAULT_PAGES * PAGE_BYTES), "munmap");
	}
	return sum;
}

static word map_unmap(word count)
{
	word start = ticks();

	for (; count; count--)
		CALL2(MUNMAP, map(PAGE_BYTES), PAGE_BYTES);
	return ticks() - start;
}

static word map_touch_unmap(word count)
{
	word start = ticks();

	for (; count; count--) {
		char *at = map(PAGE_BYTES);

		touch(at, 1);
		CALL2(MUNMAP, at, PAGE_BYTES);
	}
	return ticks() - start;
}

static char *walked;

/* Reads of a word of each page, in another line of the cache on each of 64 pages. */
static __attribute__((noinline)) word walk(word pages, word count)
{
	const char *first = walked;
	word start = ticks();
	word page;

	for (; count; count -= pages)
#pragma GCC unroll 1
		for (page = 0; page < pages; page++)
			(void)*(volatile word *)(first + page * PAGE_BYTES + page % 64 * 64);
	return ticks() - start;
}

static word walk_2048(word count)
{
	if (!walked) {
		/* Not before a fork has to copy it. */
		walked = map(WALK_PAGES * PAGE_BYTES);
		touch(walked, WALK_PAGES);
	}
	return walk(WALK_PAGES, count);
}

static word walk_64(word count)
{
	walk_2048(0);
	return walk(64, count);
}

/*
 * The TLB has room for them: 128 sets of four ways. But the way that a miss writes goes round with the misses, not with those of the
 * set, so that a page and the one that shares its set, 128 misses later, would get the same way again and again. A miss more
 * between the two halves ends that, in the TLB of whoever has one.
 */
static word walk_256(word count)
{
	walk_2048(0);
	walk(128, 128);
	(void)*(volatile word *)(walked + (WALK_PAGES - 1) * PAGE_BYTES);
	walk(256, 512);
	return walk(256, count);
}

static char source[COPY_BYTES] __attribute__((aligned(4096)));
static char destination[COPY_BYTES] __attribute__((aligned(4096)));

/* Eight words at a time. */
static word copy(word count)
{
	word start = ticks();

	for (; count; count--) {
		char *from = source, *to = destination;

		__asm__ volatile("mtctr %2; 1:"
				 "lwz 0, 0(%0); stw 0, 0(%1); lwz 0, 4(%0); stw 0, 4(%1);"
				 "lwz 0, 8(%0); stw 0, 8(%1); lwz 0, 12(%0); stw 0, 12(%1);"
				 "lwz 0, 16(%0); stw 0, 16(%1); lwz 0, 20(%0); stw 0, 20(%1);"
				 "lwz 0, 24(%0); stw 0, 24(%1); lwz 0, 28(%0); stw 0, 28(%1);"
				 "addi %0, %0, 32; addi %1, %1, 32; bdnz 1b"
				 : "+b"(from), "+b"(to)
				 : "r"(COPY_BYTES / 32)
				 : "r0", "ctr", "memory");
	}
	return ticks() - start;
}

/* How many are in a batch: about 0.3 ms of each, so that a tick or another's window hits few batches, and 1 % is many ticks. */
static const struct operation {
	const char *name;
	word (*run)(word count);
	word count;
} operations[] = {
	{ "null_syscall", null_syscall, 1000 },
	{ "cpuloop_bdnz", cpu_loop, 100000 },
	{ "write_devnull", write_devnull, 500 },
	{ "signal_self", signal_self, 100 },
	{ "pipe_roundtrip_2ctxsw", pipe_roundtrip, 40 },
	{ "pipe_same_process_x2", pipe_same_process, 80 },
	{ "fork_exit", fork_exit, 8 },
	{ "fork_exec_exit", fork_exec_exit, 4 },
	{ "page_fault_anon", page_fault, FAULT_PAGES },
	{ "mmap_munmap", map_unmap, 40 },
	{ "mmap_touch_munmap", map_touch_unmap, 30 },
	{ "tlbmiss_walk_2048p", walk_2048, WALK_PAGES },
	{ "tlbhit_walk_64p", walk_64, 32768 },
	{ "tlb_walk_256p", walk_256, 32768 },
	{ "memcpy_64k", copy, 8 },
};

enum { OPERATIONS = sizeof(operations) / sizeof(*operations) };

/* --- measuring ----------------------------------------------------------------------------------------------- */

/* The sum of the batches that are kept. Before them one warms up. */
static word measure(const struct operation *operation)
{
	word batch[BATCHES];
	word sum = 0;
	int index, place;

	operation->run(operation->count);
	for (index = 0; index < BATCHES; index++) {
		word value = operation->run(operation->count);

		for (place = index; place && batch[place - 1] > value; place--)
			batch[place] = batch[place - 1];
		batch[place] = value;
	}
	for (index = 0; index < BATCHES_KEPT; index++)
		sum += batch[index];
	return sum;
}

static struct { volatile word offset, length; } gaps[GAPS];
static word gap_count;

/* Looks at the timebase for so long, and writes down when it jumped. */
static void spin(void)
{
	word index, start, last, now;

	/* The list is in memory before it is needed. */
	for (index = 0; index < GAPS; index++)
		gaps[index].offset = 0;
	start = last = ticks();
	do {
		now = ticks();
		if (now - last > LOOP_TICKS && gap_count < GAPS) {
			gaps[gap_count].offset = last - start;
			gaps[gap_count++].length = now - last;
		}
		last = now;
	} while (now - start < SPIN_TICKS);
}

static int equal(const char *one, const char *other)
{
	while (*one && *one == *other)
		one++, other++;
	return *one == *other;
}

void begin(long *stack)
{
	const char *only = stack[0] > 1 ? (const char *)stack[2] : 0;
	word sums[OPERATIONS];
	word index, upper, lower;

	if (only && equal(only, "exit"))
		CALL1(EXIT, 0);
	process = CALL1(GETPID, 0);
	null_device = sure(CALL2(OPEN, "/dev/null", 1), "/dev/null");
	for (index = 0; index < OPERATIONS; index++)
		if (!only || equal(only, operations[index].name))
			sums[index] = measure(&operations[index]);
	__asm__ volatile("mftbu %0; mftb %1" : "=r"(upper), "=r"(lower));
	if (!only)
		spin();

	print("begin", 0, 0, 0, 0);
	print("at", "null_system_call", 1, (word)null_system_call, 0);
	for (index = 0; index < OPERATIONS; index++)
		if (!only || equal(only, operations[index].name))
			print("op", operations[index].name, 2, sums[index], operations[index].count * BATCHES_KEPT);
	if (!only)
		print("spin", 0, 2, upper, lower);
	for (index = 0; index < gap_count; index++)
		print("gap", 0, 2, gaps[index].offset, gaps[index].length);
	print("end", 0, 1, lines_printed, 0);
	CALL1(EXIT, 0);
}

/* The stack that the kernel hands over begins with the arguments: their count, and where each is. */
__asm__(".globl _start; _start: mr 3, 1; li 0, 0; stwu 1, -16(1); stw 0, 0(1); bl begin");
