# SPDX-License-Identifier: MIT
# lwIP, from Debian's source package as it is; the files beside this one are our port of it. It knows no architecture: both kernels
# link the same objects.

lwip       := $(BUILD)/lwip
lwip_stamp := $(lwip)/.unpacked
lwip_port  := $(dir $(lastword $(MAKEFILE_LIST)))
# -isystem: the rules for our own sources are not for its headers.
lwip_includes := -isystem $(lwip)/src/include -isystem $(lwip_port)

lwip_sources := $(addprefix core/,def.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c stats.c tcp.c tcp_in.c \
    tcp_out.c udp.c) \
    $(addprefix core/ipv4/,etharp.c icmp.c igmp.c ip4.c ip4_addr.c ip4_frag.c) \
    $(addprefix core/ipv6/,ethip6.c icmp6.c inet6.c ip6.c ip6_addr.c ip6_frag.c mld6.c nd6.c) netif/ethernet.c
lwip_objects := $(patsubst %,$(BUILD)/obj/lwip/%.o,$(lwip_sources))
lwip_flags   := $(filter-out -std=% -fno-rtti -fno-exceptions -fno-threadsafe-statics -fno-use-cxa-atexit $(warnings),$(freestanding) $(kernel_abi)) \
    -std=gnu11 -w $(lwip_includes)

$(lwip_stamp): tools/fetch-source tools/private-apt.sh | $(deps)
	@tools/fetch-source lwip $(lwip)
	@touch $@

$(lwip_objects): $(BUILD)/obj/lwip/%.o: $(lwip_stamp) Makefile $(wildcard $(lwip_port)*.h $(lwip_port)arch/*.h)
	@mkdir -p $(@D)
	@echo '  CC    lwip/$*'
	@$(ccache) $(CXX) -x c $(lwip_flags) -c -o $@ $(lwip)/src/$*
