/*
 * What requests to a disk and frames on a network cost. docs/driver-performance.md says what for, and how the figures are read.
 *
 * This program counts nothing: it goes through marks, instructions at known addresses, and whoever runs the machine counts what is
 * executed from one to the other, by all programs that there are. So time in which the processor waits for a device is in no
 * figure. Each operation has two marks, and goes through both for each sample.
 *
 * The disk is /dev/vda: whole blocks, past the page cache (O_DIRECT). A read of 32 blocks is one call and 32 requests, since the queue is
 * told to make none that is longer than a block; all of them are with the device at once. Of blocks at scattered places it is told by way of
 * the page cache, which is how programs have several of those under way: each is read ahead before the first is waited for, or all are
 * written back together.
 *
 * The network is eth0: frames as they are, past the protocols of this kernel. Behind the interface there has to be the network of QEMU,
 * whose host answers a ping from where it is, without asking anybody.
 */
#include "call.h"

typedef unsigned int word;
typedef unsigned char byte;

enum {
	EXIT = 1, WRITE = 4, OPEN = 5, CLOSE = 6, IOCTL = 54, POLL = 167, PREAD = 179, PWRITE = 180,
	READAHEAD = 191, SYNC_FILE_RANGE = 308, SOCKET = 326, BIND = 327, SENDTO = 335, RECVFROM = 337, SETSOCKOPT = 339
};

enum {
	BLOCK_BYTES = 4096,
	FRAME_BYTES = 1500,
	DEPTH = 32,
	/* Blocks of the disk that are read and written, and how far apart scattered ones are. */
	BLOCKS = 1024,
	STRIDE = 31,
	WARMING = 16,
	/* Of one at a time, and of several at once. Most of the first kind are interrupted by the clock while they wait. */
	SAMPLES = 256,
	SAMPLES_OF_SEVERAL = 64
};

/* --- marks --------------------------------------------------------------------------------------------------- */

/* Two for each operation. The text begins with them, on a page of its own, whatever else there is. */
__asm__(".text; .balign 4096; .globl marks; marks: .rept 20; blr; .endr");
extern const char marks[];

static inline void mark(word number)
{
	((void (*)(void))(marks + 4 * number))();
}

/* --- what is printed ----------------------------------------------------------------------------------------- */

static void copy(void *to, const void *from, word bytes)
{
	byte *target = to;
	const byte *source = from;

	while (bytes--)
		*target++ = *source++;
}

static word length(const char *text)
{
	word bytes = 0;

	while (text[bytes])
		bytes++;
	return bytes;
}

static void print(const char *kind, const char *name)
{
	char line[96];
	word at = 0;
	const char *parts[] = { "drivers: ", kind, name ? " " : "", name ? name : "", "\n" };
	word part;

	for (part = 0; part < sizeof(parts) / sizeof(*parts); part++) {
		copy(line + at, parts[part], length(parts[part]));
		at += length(parts[part]);
	}
	CALL3(WRITE, 1, line, at);
}

static long sure(long result, const char *what)
{
	if (result < 0) {
		print("failed", what);
		CALL1(EXIT, 1);
	}
	return result;
}

static void all(long result, word bytes, const char *what)
{
	sure(result == (long)bytes ? 0 : -1, what);
}

/* --- the disk ------------------------------------------------------------------------------------------------ */

static byte blocks[DEPTH * BLOCK_BYTES] __attribute__((aligned(4096)));
static int disk, cached_disk;
static word next_block;

static void open_disk(void)
{
	static const char limit[] = "/sys/block/vda/queue/max_sectors_kb";
	enum { READ_WRITE = 2, DIRECT = 0x20000 };
	long queue = sure(CALL2(OPEN, limit, 1), limit);

	all(CALL3(WRITE, queue, "4\n", 2), 2, limit);
	CALL1(CLOSE, queue);
	disk = sure(CALL2(OPEN, "/dev/vda", READ_WRITE | DIRECT), "/dev/vda");
	cached_disk = sure(CALL2(OPEN, "/dev/vda", READ_WRITE), "/dev/vda");
}

/* So many blocks, behind those of the last time. */
static void transfer(long number, word count)
{
	word bytes = count * BLOCK_BYTES;

	if (next_block + count > BLOCKS)
		next_block = 0;
	all(call(number, disk, (long)blocks, bytes, 0, 0, next_block * BLOCK_BYTES), bytes, "a transfer");
	next_block += count;
}

static void read_block(word count)
{
	transfer(PREAD, count);
}

static void write_block(word count)
{
	transfer(PWRITE, count);
}

static void transfer_cached(long number, word index)
{
	long place = index * STRIDE * BLOCK_BYTES;

	all(call(number, cached_disk, (long)blocks, BLOCK_BYTES, 0, 0, place), BLOCK_BYTES, "a cached block");
}

/* Nothing of the disk is in memory any more. */
static void empty_cache(word count)
{
	enum { FLUSH = 0x20001261 };

	(void)count;
	sure(CALL2(IOCTL, cached_disk, FLUSH), "BLKFLSBUF");
}

static void change_scattered(word count)
{
	word index;

	for (index = 0; index < count; index++)
		transfer_cached(PWRITE, index);
}

static void read_scattered(word count)
{
	word index;

	for (index = 0; index < count; index++)
		sure(call(READAHEAD, cached_disk, 0, 0, index * STRIDE * BLOCK_BYTES, BLOCK_BYTES, 0), "readahead");
	for (index = 0; index < count; index++)
		transfer_cached(PREAD, index);
}

static void write_scattered(word count)
{
	enum { WAIT_BEFORE = 1, WRITE_OUT = 2, WAIT_AFTER = 4 };

	sure(call(SYNC_FILE_RANGE, cached_disk, WAIT_BEFORE | WRITE_OUT | WAIT_AFTER, 0, 0, 0, count * STRIDE * BLOCK_BYTES),
	     "sync_file_range");
}

/* --- the network --------------------------------------------------------------------------------------------- */

enum {
	ETHERNET_BYTES = 14, ADDRESS_BYTES = 6,
	AF_PACKET = 17, SOCK_RAW = 3, SOL_SOCKET = 1, SO_SNDBUF = 7,
	GET_FLAGS = 0x8913, SET_FLAGS = 0x8914, GET_ADDRESS = 0x8927, GET_INDEX = 0x8933,
	INTERFACE_UP = 1,
	POLL_OUT = 4, FOREVER = -1
};

/* Frames that nobody knows the protocol of, of IP, and of ARP. */
enum { UNKNOWN = 0x88b5, IP = 0x0800, ARP = 0x0806 };

/* The host on QEMU's network, and this machine. */
static const byte host_address[ADDRESS_BYTES] = { 0x52, 0x55, 10, 0, 2, 2 };
static const byte host_ip[4] = { 10, 0, 2, 2 };
static const byte own_ip[4] = { 10, 0, 2, 15 };

static int network;
static byte frame[FRAME_BYTES], ping[FRAME_BYTES], answer[2048];

struct request {
	char name[16];
	union { word index; short flags; byte address[16]; } of;
};

static void begin_frame(byte *at, const byte *own_address, word protocol)
{
	copy(at, host_address, ADDRESS_BYTES);
	copy(at + ADDRESS_BYTES, own_address, ADDRESS_BYTES);
	at[12] = protocol >> 8;
	at[13] = (byte)protocol;
}

/* The Internet's checksum (RFC 1071), of a part whose own sum is 0. */
static void sum(byte *at, word bytes, byte *where)
{
	word total = 0, index;

	for (index = 0; index < bytes; index += 2)
		total += at[index] << 8 | at[index + 1];
	total = (total & 0xffff) + (total >> 16);
	total = ~(total + (total >> 16));
	where[0] = total >> 8;
	where[1] = total;
}

/* A request for an echo (RFC 792), in one packet. */
static void make_ping(const byte *own_address)
{
	enum { PACKET_BYTES = FRAME_BYTES - ETHERNET_BYTES, IP_BYTES = 20 };
	static const byte start[IP_BYTES] = { 0x45, 0, PACKET_BYTES >> 8, PACKET_BYTES & 0xff, 0, 1, 0, 0, 64, 1 };
	byte *packet = ping + ETHERNET_BYTES, *echo = packet + IP_BYTES;

	begin_frame(ping, own_address, IP);
	copy(packet, start, IP_BYTES);
	copy(packet + 12, own_ip, 4);
	copy(packet + 16, host_ip, 4);
	sum(packet, IP_BYTES, packet + 10);
	echo[0] = 8;
	sum(echo, PACKET_BYTES - IP_BYTES, echo + 2);
}

static void send_frame(const byte *from)
{
	all(call(SENDTO, network, (long)from, FRAME_BYTES, 0, 0, 0), FRAME_BYTES, "a frame out");
}

static void receive_frame(word bytes)
{
	sure(call(RECVFROM, network, (long)answer, sizeof(answer), 0, 0, 0) >= (long)bytes ? 0 : -1, "a frame in");
}

/* Who asks for the host's address is known to it by his own (RFC 826). */
static void ask_for_host(const byte *own_address)
{
	static const byte question[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	static byte asking[60];

	begin_frame(asking, own_address, ARP);
	copy(asking + 14, question, 8);
	copy(asking + 22, own_address, ADDRESS_BYTES);
	copy(asking + 28, own_ip, 4);
	copy(asking + 38, host_ip, 4);
	all(call(SENDTO, network, (long)asking, sizeof(asking), 0, 0, 0), sizeof(asking), "a question");
	/* Its answer is of another protocol than what this socket receives. */
}

/* Room for so many bytes; twice that, by the kernel's account, and never less than two frames. */
static void set_room(word bytes)
{
	sure(call(SETSOCKOPT, network, SOL_SOCKET, SO_SNDBUF, (long)&bytes, sizeof(bytes), 0), "SO_SNDBUF");
}

static void wait_until_sent(void)
{
	struct { int file; short events, happened; } one = { network, POLL_OUT, 0 };

	sure(CALL3(POLL, &one, 1, FOREVER), "poll");
}

static void open_network(void)
{
	static struct request request = { "eth0", { 0 } };
	static struct { unsigned short family, protocol; word index; byte rest[12]; } place = { AF_PACKET, IP, 0, { 0 } };

	network = sure(CALL3(SOCKET, AF_PACKET, SOCK_RAW, IP), "socket");
	sure(CALL3(IOCTL, network, GET_INDEX, &request), "eth0");
	place.index = request.of.index;
	sure(CALL3(IOCTL, network, GET_FLAGS, &request), "its flags");
	request.of.flags |= INTERFACE_UP;
	sure(CALL3(IOCTL, network, SET_FLAGS, &request), "eth0 up");
	/* Not before: bound to one that is down, a socket has an error. */
	sure(CALL3(BIND, network, &place, sizeof(place)), "bind");
	sure(CALL3(IOCTL, network, GET_ADDRESS, &request), "its address");
	begin_frame(frame, request.of.address + 2, UNKNOWN);
	make_ping(request.of.address + 2);
	ask_for_host(request.of.address + 2);
}

/* The room is for one alone: it is sent when there is room again. Of several only the last is waited for. */
static void frames_out(word count)
{
	word sent;

	if (count > 1)
		set_room(DEPTH * BLOCK_BYTES);
	for (sent = 0; sent < count; sent++)
		send_frame(frame);
	if (count > 1)
		set_room(0);
	wait_until_sent();
}

static void frames_out_and_in(word count)
{
	word done;

	if (count > 1)
		set_room(DEPTH * BLOCK_BYTES);
	for (done = 0; done < count; done++)
		send_frame(ping);
	for (done = 0; done < count; done++)
		receive_frame(FRAME_BYTES);
	if (count > 1)
		set_room(0);
}

/* --- all of them --------------------------------------------------------------------------------------------- */

static const struct operation {
	const char *name;
	void (*run)(word count);
	word count;
	/* What has to be done before it, and is not counted. */
	void (*prepare)(word count);
} operations[] = {
	{ "read_4k", read_block, 1 },
	{ "write_4k", write_block, 1 },
	{ "read_4k_depth_32", read_block, DEPTH },
	{ "write_4k_depth_32", write_block, DEPTH },
	{ "read_4k_scattered_32", read_scattered, DEPTH, empty_cache },
	{ "write_4k_scattered_32", write_scattered, DEPTH, change_scattered },
	{ "frame_out", frames_out, 1 },
	{ "frame_out_and_in", frames_out_and_in, 1 },
	{ "frame_out_depth_32", frames_out, DEPTH },
	{ "frame_out_and_in_depth_32", frames_out_and_in, DEPTH },
};

enum { OPERATIONS = sizeof(operations) / sizeof(*operations) };

static void prepare(const struct operation *operation)
{
	if (operation->prepare)
		operation->prepare(operation->count);
}

void begin(void)
{
	word index, sample, samples;

	open_disk();
	open_network();
	set_room(0);
	for (index = 0; index < OPERATIONS; index++) {
		for (sample = 0; sample < WARMING; sample++) {
			prepare(&operations[index]);
			operations[index].run(operations[index].count);
		}
		samples = operations[index].count == 1 ? SAMPLES : SAMPLES_OF_SEVERAL;
		for (sample = 0; sample < samples; sample++) {
			prepare(&operations[index]);
			mark(2 * index);
			operations[index].run(operations[index].count);
			mark(2 * index + 1);
		}
		print("did", operations[index].name);
	}
	print("end", 0);
	CALL1(EXIT, 0);
}

__asm__(".globl _start; _start: li 0, 0; stwu 1, -16(1); stw 0, 0(1); bl begin");
