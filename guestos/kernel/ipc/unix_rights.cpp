// SPDX-License-Identifier: MIT
// SCM_RIGHTS and SCM_CREDENTIALS; and sockets that have become unreachable because they are only in flight.
#include <asm/socket.h>
#include <kernel/fs/fd_table.hpp>
#include <kernel/ipc/unix_socket.hpp>

namespace kernel {
namespace {
constexpr unsigned cap_setgid = 6, cap_setuid = 7, cap_sys_admin = 21;
constinit unsigned in_flight_total = 0;
constinit bool collecting = false;

UnixSocket *as_unix(File &f)
{
    auto s = f.as_socket();
    return s && s->family == abi_af_unix ? static_cast<UnixSocket *>(s) : nullptr;
}

Result<> check_credentials(abi_ucred const &c)
{
    auto const &me = current().credentials;
    if (c.pid != current_process().pid && !me.has_cap(cap_sys_admin))
        return Error::perm;
    if (c.uid != me.uid && c.uid != me.euid && c.uid != me.suid && !me.has_cap(cap_setuid))
        return Error::perm;
    if (c.gid != me.gid && c.gid != me.egid && c.gid != me.sgid && !me.has_cap(cap_setgid))
        return Error::perm;
    if (!find_process(c.pid))
        return Error::srch;
    return {};
}
}  // namespace

UnixRights::~UnixRights() { count_in_flight(-1); }

void UnixRights::count_in_flight(int step)
{
    for (unsigned i = 0; i < count_; ++i) {
        auto socket = as_unix(*files_[i]);
        if (!socket)
            continue;
        socket->in_flight += static_cast<unsigned>(step);
        in_flight_total += static_cast<unsigned>(step);
    }
}

Result<> UnixRights::load(std::int32_t const *descriptors, unsigned count)
{
    if (count_ + count > unix_descriptors_most)
        return Error::inval;
    if (count_)
        return Error::inval;  // one list in one message
    files_.reset(new (std::nothrow) Ref<File>[count]);
    if (!files_)
        return Error::nomem;
    for (unsigned i = 0; i < count; ++i)
        files_[i] = TRY(current().files->get(descriptors[i]));
    count_ = count;
    count_in_flight(1);
    return {};
}

Result<> UnixRights::copy(UnixRights const &other)
{
    files_.reset(new (std::nothrow) Ref<File>[other.count_]);
    if (!files_)
        return Error::nomem;
    for (unsigned i = 0; i < other.count_; ++i)
        files_[i] = other.files_[i];
    count_ = other.count_;
    count_in_flight(1);
    return {};
}

Result<> UnixAncillary::load(std::span<char const> control)
{
    for (std::size_t at = 0; control.size() >= sizeof(abi_cmsghdr) && at <= control.size() - sizeof(abi_cmsghdr);) {
        abi_cmsghdr h;
        std::memcpy(&h, control.data() + at, sizeof h);
        if (h.bytes < sizeof h || h.bytes > control.size() - at)
            return Error::inval;
        auto data = control.subspan(at + sizeof h, h.bytes - sizeof h);
        at += (h.bytes + 3) & ~std::size_t{3};
        if (h.level != SOL_SOCKET)
            continue;
        if (h.type == abi_scm_rights) {
            std::int32_t fds[unix_descriptors_most];
            auto count = data.size() / sizeof fds[0];
            if (count > unix_descriptors_most)
                return Error::inval;
            std::memcpy(fds, data.data(), count * sizeof fds[0]);
            if (count)
                TRY(rights.load(fds, static_cast<unsigned>(count)));
        } else if (h.type == abi_scm_credentials) {
            if (data.size() != sizeof credentials)
                return Error::inval;
            std::memcpy(&credentials, data.data(), sizeof credentials);
            TRY(check_credentials(credentials));
            has_credentials = true;
        } else {
            return Error::inval;
        }
    }
    return {};
}

// Descriptors that find no place, in the control buffer or in the table, are lost, and MSG_CTRUNC says so.
static void deliver_rights(ReceiveRequest &r, UnixRights &rights)
{
    std::int32_t fds[unix_descriptors_most];
    unsigned room = r.control ? r.control->data_room() / static_cast<unsigned>(sizeof fds[0]) : 0, done = 0;
    bool cloexec = (r.flags & abi_msg_cmsg_cloexec) != 0;
    for (; done < rights.count() && done < room; ++done) {
        auto fd = current().files->install(rights.file(done), cloexec);
        if (!fd.ok())
            break;
        fds[done] = fd.value();
    }
    if (done)
        r.control->put(SOL_SOCKET, abi_scm_rights, fds, done * static_cast<std::uint32_t>(sizeof fds[0]));
    if (done == rights.count())
        return;
    r.out_flags |= abi_msg_ctrunc;
    if (r.control)
        r.control->truncated = true;
}

void deliver_ancillary(ReceiveRequest &r, UnixEndpoint &e, UnixMessage &m, bool peek)
{
    if (e.wants_credentials) {
        if (r.control)
            (void)r.control->put(SOL_SOCKET, abi_scm_credentials, &m.sender, sizeof m.sender);
        else
            r.out_flags |= abi_msg_ctrunc;
    }
    if (!m.rights.count())
        return;
    if (peek) {
        UnixRights copy;
        if (copy.copy(m.rights).ok())
            deliver_rights(r, copy);
        return;
    }
    UnixRights taken = std::move(m.rights);
    deliver_rights(r, taken);
}

namespace {
// Everything that can be got at from this endpoint's queue, and from the connections that wait at it.
void mark_from(UnixEndpoint &e, bool &progress)
{
    for (auto m = e.first(); m; m = e.next(*m))
        for (unsigned i = 0; i < m->rights.count(); ++i) {
            auto socket = as_unix(*m->rights.file(i));
            if (!socket || socket->reachable)
                continue;
            socket->reachable = progress = true;
        }
}
}  // namespace

// A socket all of whose references are in flight is reachable only through a queue that is. What nothing reachable leads to is
// emptied, which closes the sockets.
void collect_unix_garbage()
{
    if (!in_flight_total || collecting)
        return;
    collecting = true;
    for (auto &e : unix_endpoints())
        if (e.socket)
            e.socket->reachable = e.socket->use_count() > e.socket->in_flight || e.socket->in_flight == 0;
    for (bool progress = true; progress;) {
        progress = false;
        for (auto &e : unix_endpoints())
            if (!e.socket || e.socket->reachable)
                mark_from(e, progress);
    }
    for (bool found = true; found;) {
        found = false;
        for (auto &e : unix_endpoints()) {
            if (!e.socket || e.socket->reachable || !e.has_input())
                continue;
            Ref<UnixEndpoint> keep{&e};
            e.discard_input();
            found = true;
            break;  // the list has changed
        }
    }
    collecting = false;
}
}  // namespace kernel
