// SPDX-License-Identifier: MIT
// The devices through which programs reach Xen's interfaces; numbers and structures are Linux's (include/pv/sys).
//
//   /dev/xen/xenbus           the kernel's connection with xenstore, shared       every domain
//   /dev/xen/xenbus_backend   the other end of it, for the daemon                 domain 0
//   /dev/xen/evtchn           event channels of a program                         every domain
//   /dev/xen/gntalloc         frames granted to other domains                     every domain
//   /dev/xen/gntdev           other domains' granted frames                       every domain
//   /dev/xen/privcmd          hypercalls, other domains' frames                   domain 0
//   /dev/xen/hypercall        memory that hypercalls may point to                 domain 0
//
// All nodes are root's alone (0600), and what reaches beyond the domain asks for CAP_SYS_ADMIN besides.
#pragma once
#include <kernel/fs/file.hpp>
#include <kernel/procfs/procfs.hpp>

namespace xendev {
// Constructors of the open files; flags: O_*.
using kernel::File;
using kernel::Ref;
Result<Ref<File>> open_xenbus(unsigned flags);
Result<Ref<File>> open_xenbus_backend(unsigned flags);
Result<Ref<File>> open_evtchn(unsigned flags);
Result<Ref<File>> open_privcmd(unsigned flags);
Result<Ref<File>> open_hypercall(unsigned flags);
Result<Ref<File>> open_gntalloc(unsigned flags);
Result<Ref<File>> open_gntdev(unsigned flags);

bool is_administrator();  // the running thread has CAP_SYS_ADMIN

Result<> show_counters(kernel::Text &, kernel::ProcTarget const &);  // counters.cpp
}  // namespace xendev
