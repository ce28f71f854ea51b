/* The CRC-32 of IEEE 802.3, bit by bit. A plain function that knows of no chain: crc32_contract.c
 * makes a contract of it. */
#include <stddef.h>
#include <stdint.h>

uint32_t crc32(const uint8_t *data, size_t length)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < length; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}
