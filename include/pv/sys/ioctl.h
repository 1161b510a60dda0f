// SPDX-License-Identifier: MIT
// How the /dev/xen devices number their ioctls: direction "none" (whichever way data goes), the
// argument's size in bytes, the device's letter, the command.
#ifndef PV_SYS_IOCTL_H
#define PV_SYS_IOCTL_H

#define PV_IOCTL(letter, command, bytes) (((bytes) << 16) | ((letter) << 8) | (command))

#endif  // PV_SYS_IOCTL_H
