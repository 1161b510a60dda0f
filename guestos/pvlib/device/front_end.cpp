// SPDX-License-Identifier: MIT
// A front end's part of the negotiation. include/pv/io/xenbus.h has the states, xenbus.hpp the questions to a driver.
#include <pvlib/device/xenbus.hpp>

namespace xenbus {
void FrontEnd::begin() { switch_to(State::initialising); }

void FrontEnd::come_up(State other)
{
    if (failed_)
        return;
    if (!offered_) {
        offered_ = true;
        auto next = offer();
        if (!next.ok())
            return fail(next.error(), "cannot set up its side");
        switch_to(next.value());
    }
    if (other != State::connected || connected_)
        return;
    connected_ = true;
    auto connected = connect();
    if (!connected.ok())
        return fail(connected.error(), "cannot use what the other end offers");
    switch_to(State::connected);
}

void FrontEnd::go_down()
{
    if (offered_)
        disconnect();
    offered_ = connected_ = false;
}

void FrontEnd::other_end_changed(State other)
{
    switch (other) {
    case State::initialising:  // the back end begins anew
        go_down();
        failed_ = false;
        switch_to(State::initialising);
        break;
    case State::init_wait:
    case State::initialised:
        if (connected_)
            go_down();
        if (state() == State::closed)
            switch_to(State::initialising);
        come_up(other);
        break;
    case State::connected: come_up(other); break;
    case State::closing:
    case State::closed:
    case State::unknown:
        go_down();
        failed_ = false;
        switch_to(State::closed);
        break;
    case State::reconfiguring:
    case State::reconfigured: break;
    }
}

void FrontEnd::give_up()
{
    go_down();
    switch_to(State::closing);
}

void FrontEnd::removed() { go_down(); }
}  // namespace xenbus
