/* What the writer and the reader of a transfer have in common: the layout of the shared memory
 * object, and the checksum by which both tell that the same bytes went in and came out. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "../course.h"

#include <semaphore.h>
#include <stdint.h>

enum { BLOCK = 1024 };

/* The two semaphores take turns: the writer may fill the block, then the reader may empty it. */
struct transfer {
	sem_t writer, reader;
	long count; /* bytes in the block; 0 is the end */
	char block[BLOCK];
};

/* The checksum of the cksum command (POSIX), so that a file can be checked by hand. */
struct checksum {
	uint32_t crc;
	long bytes;
};

HELPER void checksum_byte(struct checksum *sum, unsigned byte)
{
	static uint32_t table[256];
	if (table[1] == 0) {
		for (uint32_t i = 0; i < 256; i++) {
			table[i] = i << 24;
			for (int bit = 0; bit < 8; bit++)
				table[i] = table[i] << 1 ^ (table[i] >> 31 ? 0x04c11db7 : 0);
		}
	}
	sum->crc = sum->crc << 8 ^ table[(sum->crc >> 24 ^ byte) & 0xff];
}

HELPER void checksum_add(struct checksum *sum, const char *bytes, long count)
{
	for (long i = 0; i < count; i++)
		checksum_byte(sum, (unsigned char)bytes[i]);
	sum->bytes += count;
}

/* The number of bytes belongs to the sum too, lowest byte first. */
HELPER uint32_t checksum_end(struct checksum sum)
{
	for (long rest = sum.bytes; rest > 0; rest >>= 8)
		checksum_byte(&sum, rest & 0xff);
	return ~sum.crc;
}

#endif
