// SPDX-License-Identifier: MIT
// /dev/xen/xenbus_backend: what a xenstore daemon in domain 0 needs of its kernel's connection. The store page is the
// device's page 0 for mmap; both ioctls give a port number. The kernel takes the first event on it as "ready".
#ifndef PV_SYS_XENBUS_DEV_H
#define PV_SYS_XENBUS_DEV_H

#include "ioctl.h"

#define IOCTL_XENBUS_BACKEND_EVTCHN PV_IOCTL('B', 0, 0)  // the port to bind to, in this domain
#define IOCTL_XENBUS_BACKEND_SETUP  PV_IOCTL('B', 1, 0)  // domain id: the daemon runs there; page by grant 1

#endif  // PV_SYS_XENBUS_DEV_H
