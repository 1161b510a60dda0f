// SPDX-License-Identifier: MIT
// A back end's part of the negotiation. include/pv/io/xenbus.h has the states, xenbus.hpp the questions to a driver.
#include <pvlib/device/xenbus.hpp>

namespace xenbus {
void BackEnd::begin()
{
    auto watched = own_watch_.start({folder()});
    if (!watched.ok())
        return fail(watched.error(), "cannot watch its own folder");
    (void)get_ready();
}

bool BackEnd::get_ready()
{
    if (prepared_)
        return true;
    auto done = prepare();
    if (!done.ok()) {
        if (done.error() != Error::again)
            fail(done.error(), "cannot prepare");
        return false;
    }
    prepared_ = true;
    switch_to(State::init_wait);
    return true;
}

// hotplug-status and the like. Our own writes come here too.
void BackEnd::own_changed(void *context, std::string_view)
{
    kernel::Ref<BackEnd> self{static_cast<BackEnd *>(context)};
    if (!self->prepared_ && !self->failed_ && self->get_ready())
        self->other_end_changed(self->other_state());
}

void BackEnd::serve()
{
    if (failed_ || connected_ || !get_ready())
        return;
    connected_ = true;
    auto connected = connect();
    if (!connected.ok())
        return fail(connected.error(), "cannot connect to its front end");
    switch_to(State::connected);
}

void BackEnd::go_down()
{
    if (connected_)
        disconnect();
    connected_ = false;
}

void BackEnd::other_end_changed(State front)
{
    // A front end that was closed before we came has closed another connection; it waits for us.
    if (front == State::closed && !met_)
        return;
    met_ |= front != State::unknown;
    switch (front) {
    case State::initialising:
        go_down();
        failed_ = false;
        if (get_ready())
            switch_to(State::init_wait);
        break;
    case State::initialised:
    case State::connected: serve(); break;
    case State::closing:
        go_down();
        switch_to(State::closing);
        break;
    case State::closed:
        go_down();
        failed_ = false;
        switch_to(State::closed);
        break;
    case State::unknown:  // gone; or not made yet
        go_down();
        if (state() != State::initialising && state() != State::init_wait)
            switch_to(State::closed);
        break;
    default: break;
    }
}

void BackEnd::give_up()
{
    go_down();
    switch_to(State::closing);
}

void BackEnd::removed()
{
    own_watch_.stop();
    go_down();
    if (prepared_)
        retire();
    prepared_ = false;
}
}  // namespace xenbus
