/*
 * A file whose content says where in it a word is. `blocks write FILE MIB SEED` writes so many mebibytes, and says after each that it is
 * stored: the kernel has then answered that it is on the disk (fsync). `blocks check FILE MIB SEED` reads them and compares each
 * word. Whoever has the file elsewhere can do the same: `tools/xtask/src/disks.rs`.
 */

enum call { EXIT = 1, READ = 3, WRITE = 4, OPEN = 5, CLOSE = 6, FSYNC = 118 };
enum { OUTPUT = 1, READ_ONLY = 0, WRITE_ONLY = 1, CREATE = 0100, TRUNCATE = 01000, LARGE_FILE = 0200000 };

/* What is written or read at once, and how many words have a beginning of their own. */
#define PIECE_BYTES 0x10000u
#define PIECES_OF_MIB (0x100000u / PIECE_BYTES)
#define BLOCK_WORDS 1024u

typedef unsigned int word;

static word piece[PIECE_BYTES / 4];

static long system_call(long number, long first, long second, long third)
{
	register long r0 __asm__("r0") = number;
	register long r3 __asm__("r3") = first;
	register long r4 __asm__("r4") = second;
	register long r5 __asm__("r5") = third;

	/* A failure is said by a bit of the condition register. */
	__asm__ volatile("sc; bns+ 1f; neg %1,%1; 1:"
			 : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5)
			 :
			 : "r6", "r7", "r8", "r9", "r10", "r11", "r12", "ctr", "xer", "cr0", "memory");
	return r3;
}

#define CALL(number, first, second, third) system_call(number, (long)(first), (long)(second), (long)(third))

static unsigned long length(const char *text)
{
	unsigned long bytes = 0;

	while (text[bytes])
		bytes++;
	return bytes;
}

/* A line is written at once, so that no other comes between its words. */
static char line[256];
static unsigned long line_bytes;

static void say(const char *text)
{
	while (*text && line_bytes < sizeof(line) - 1)
		line[line_bytes++] = *text++;
}

static void say_number(word number)
{
	char digits[11];
	char *at = digits + sizeof(digits) - 1;

	*at = 0;
	do {
		*--at = '0' + number % 10;
		number /= 10;
	} while (number);
	say(at);
}

static void end_line(void)
{
	line[line_bytes++] = '\n';
	CALL(WRITE, OUTPUT, line, line_bytes);
	line_bytes = 0;
}

static void leave(int status)
{
	CALL(EXIT, status, 0, 0);
	for (;;)
		;
}

/* `failed`: what a system call that failed gave. */
static void fail(const char *file, const char *what, long failed)
{
	say("blocks: ");
	say(file);
	say(what);
	say_number(failed < 0 ? -failed : failed);
	end_line();
	leave(1);
}

static word number_of(const char *text)
{
	word number = 0;

	while (*text >= '0' && *text <= '9')
		number = 10 * number + (*text++ - '0');
	return number;
}

/* The generator is that of Numerical Recipes (Press et al.), section 7.1. */
static word first_word(word seed, word block)
{
	return seed ^ block * 0x9e3779b1u;
}

static word next_word(word value)
{
	return value * 1664525u + 1013904223u;
}

static void fill(word seed, word block)
{
	word at, value = 0;

	for (at = 0; at < PIECE_BYTES / 4; at++) {
		value = at % BLOCK_WORDS ? next_word(value) : first_word(seed, block++);
		piece[at] = value;
	}
}

/* How many words are as they should be, from the first on. */
static word right_words(word seed, word block)
{
	word at, value = 0;

	for (at = 0; at < PIECE_BYTES / 4; at++) {
		value = at % BLOCK_WORDS ? next_word(value) : first_word(seed, block++);
		if (piece[at] != value)
			break;
	}
	return at;
}

/* All of a piece, as often as it takes. */
static void transfer(enum call call, int descriptor, const char *file)
{
	unsigned long done = 0;

	while (done < PIECE_BYTES) {
		long moved = CALL(call, descriptor, (char *)piece + done, PIECE_BYTES - done);

		if (moved < 0)
			fail(file, call == READ ? " cannot be read: error " : " cannot be written: error ", moved);
		if (!moved)
			fail(file, " is too short: its last piece has bytes ", done);
		done += moved;
	}
}

/* `arguments`: the program's name, write or check, FILE, MIB, SEED. */
static int run(char **arguments)
{
	const char *file = arguments[2];
	word mebibytes = number_of(arguments[3]), seed = number_of(arguments[4]);
	int writes = arguments[1][0] == 'w';
	int flags = writes ? WRITE_ONLY | CREATE | TRUNCATE | LARGE_FILE : READ_ONLY | LARGE_FILE;
	long descriptor = CALL(OPEN, file, flags, 0644);
	word mebibyte, number, block = 0;

	if (descriptor < 0)
		fail(file, " cannot be opened: error ", descriptor);
	for (mebibyte = 1; mebibyte <= mebibytes; mebibyte++) {
		for (number = 0; number < PIECES_OF_MIB; number++) {
			if (writes) {
				fill(seed, block);
				transfer(WRITE, descriptor, file);
			} else {
				word right;

				transfer(READ, descriptor, file);
				right = right_words(seed, block);
				if (right < PIECE_BYTES / 4)
					fail(file, " is wrong from this word on: ", block * BLOCK_WORDS + right);
			}
			block += PIECE_BYTES / 4 / BLOCK_WORDS;
		}
		if (writes) {
			long stored = CALL(FSYNC, descriptor, 0, 0);

			if (stored < 0)
				fail(file, " cannot be stored: error ", stored);
			say("blocks: MiB of ");
			say(file);
			say(" stored: ");
			say_number(mebibyte);
			end_line();
		}
	}
	CALL(CLOSE, descriptor, 0, 0);
	say("blocks: MiB of ");
	say(file);
	say(writes ? " written: " : " right: ");
	say_number(mebibytes);
	end_line();
	return 0;
}

__attribute__((used)) static void start(unsigned long *stack)
{
	char **arguments = (char **)(stack + 1);

	if (stack[0] != 5 || !length(arguments[3]) || !length(arguments[4])) {
		say("blocks write|check FILE MIB SEED");
		end_line();
		leave(2);
	}
	leave(run(arguments));
}

/* The stack begins with the count of arguments. */
__asm__(".globl _start\n_start:\n\tmr 3,1\n\tli 0,0\n\tstwu 0,-16(1)\n\tb start\n");
