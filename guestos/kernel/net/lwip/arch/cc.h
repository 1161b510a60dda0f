// SPDX-License-Identifier: MIT
// What lwIP asks of its platform (lwip/arch.h): types come from <stdint.h>; this names the rest.
#ifndef LODGER_LWIP_CC_H
#define LODGER_LWIP_CC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
__attribute__((noreturn)) void lwip_port_panic(char const *what, char const *file, int line);
void lwip_port_check_lock(void);
uint16_t lwip_port_checksum(void const *data, int bytes);
uint32_t lwip_port_random(void);
#ifdef __cplusplus
}
#endif

#define LWIP_PLATFORM_DIAG(message)   ((void)0)
#define LWIP_PLATFORM_ASSERT(message) lwip_port_panic(message, __FILE__, __LINE__)
#define LWIP_ASSERT_CORE_LOCKED()     lwip_port_check_lock()
#define LWIP_RAND()                   lwip_port_random()
#define LWIP_CHKSUM                   lwip_port_checksum
#define LWIP_NO_CTYPE_H               1

// x86 reads and writes words wherever they are.
#define PACK_STRUCT_STRUCT __attribute__((packed))

#endif
