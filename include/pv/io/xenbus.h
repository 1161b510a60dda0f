// SPDX-License-Identifier: MIT
// The states through which a front end and a back end bring each other up, each writing its own
// `state` node and watching the other's:
//
//     front:  1 Initialising ------> 3 Initialised ------> 4 Connected ... 5 Closing -> 6 Closed
//     back:   1 Initialising -> 2 InitWait ----------> 4 Connected ... 5 Closing -> 6 Closed
#ifndef PV_IO_XENBUS_H
#define PV_IO_XENBUS_H

#define XenbusStateUnknown       0
#define XenbusStateInitialising  1
#define XenbusStateInitWait      2
#define XenbusStateInitialised   3
#define XenbusStateConnected     4
#define XenbusStateClosing       5
#define XenbusStateClosed        6
#define XenbusStateReconfiguring 7
#define XenbusStateReconfigured  8

#endif  // PV_IO_XENBUS_H
