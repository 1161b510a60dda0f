// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdlib>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <userland/common/system_error.hpp>
#include <userland/xen/store.hpp>

namespace xen {
namespace {
std::string socket_path()
{
    if (auto path = std::getenv("XENSTORED_PATH"))
        return path;
    auto folder = std::getenv("XENSTORED_RUNDIR");
    return std::string{folder ? folder : "/run/xenstored"} + "/socket";
}

Error error_of(std::string_view name)
{
    struct Name {
        std::string_view text;
        Error error;
    };
    static constexpr Name names[] = {
        {"EINVAL", Error::inval},       {"EACCES", Error::acces},   {"EEXIST", Error::exist},  {"EISDIR", Error::isdir},
        {"ENOENT", Error::noent},       {"ENOMEM", Error::nomem},   {"ENOSPC", Error::nospc},  {"EIO", Error::io},
        {"ENOTEMPTY", Error::notempty}, {"ENOSYS", Error::nosys},   {"EROFS", Error::rofs},    {"EBUSY", Error::busy},
        {"EAGAIN", Error::again},       {"EISCONN", Error::isconn}, {"E2BIG", Error::too_big}, {"EPERM", Error::perm}};
    auto at = std::find_if(std::begin(names), std::end(names), [&](Name const &n) { return n.text == name; });
    return at == std::end(names) ? Error::proto : at->error;
}
}  // namespace

Result<Store> Store::connect()
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    auto path = socket_path();
    if (path.size() >= sizeof address.sun_path)
        return Error::nametoolong;
    path.copy(address.sun_path, path.size());
    Fd fd{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr const *>(&address), sizeof address) != 0)
        return last_error();
    return Store{std::move(fd)};
}

Result<> Store::send(std::string_view bytes)
{
    while (!bytes.empty()) {
        auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return last_error();
        bytes.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    return {};
}

Result<> Store::receive(void *to, std::size_t bytes)
{
    for (auto at = static_cast<char *>(to); bytes != 0;) {
        auto n = recv(fd_.get(), at, bytes, 0);
        if (n == 0)
            return Error::connreset;
        if (n < 0 && errno != EINTR)
            return last_error();
        at += n > 0 ? n : 0;
        bytes -= n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    return {};
}

Result<xsd_sockmsg> Store::next_message(std::string &payload)
{
    xsd_sockmsg header;
    TRY(receive(&header, sizeof header));
    if (header.len > XENSTORE_PAYLOAD_MAX)
        return Error::proto;
    payload.resize(header.len);
    TRY(receive(payload.data(), payload.size()));
    if (header.type == XS_WATCH_EVENT) {
        auto end = payload.find('\0');
        if (end == payload.npos)
            return Error::proto;
        events_.push_back({payload.substr(0, end), std::string{payload.c_str() + end + 1}});
    }
    return header;
}

Result<std::string> Store::ask(std::uint32_t type, std::string_view payload)
{
    if (payload.size() > XENSTORE_PAYLOAD_MAX)
        return Error::too_big;
    xsd_sockmsg header{type, 0, transaction_, static_cast<std::uint32_t>(payload.size())};
    std::string message{reinterpret_cast<char const *>(&header), sizeof header};
    TRY(send(message.append(payload)));
    for (std::string reply;;) {
        header = TRY(next_message(reply));
        if (header.type == XS_ERROR)
            return error_of(reply.c_str());
        if (header.type != XS_WATCH_EVENT)
            return reply;
    }
}

Result<> Store::tell(std::uint32_t type, std::string_view payload)
{
    TRY(ask(type, payload));
    return {};
}

Result<std::string> Store::read(std::string const &path) { return ask(XS_READ, path + '\0'); }

Result<std::vector<std::string>> Store::directory(std::string const &path)
{
    auto reply = TRY(ask(XS_DIRECTORY, path + '\0'));
    std::vector<std::string> names;
    for (std::size_t at = 0; at < reply.size(); at += names.back().size() + 1)
        names.emplace_back(reply.c_str() + at);
    return names;
}

Result<> Store::write(std::string const &path, std::string_view value)
{
    return tell(XS_WRITE, (path + '\0').append(value));
}

Result<> Store::make_directory(std::string const &path) { return tell(XS_MKDIR, path + '\0'); }
Result<> Store::remove(std::string const &path) { return tell(XS_RM, path + '\0'); }

Result<> Store::set_permissions(std::string const &path, std::string_view permissions)
{
    std::string list{permissions};
    std::replace(list.begin(), list.end(), '|', '\0');
    return tell(XS_SET_PERMS, path + '\0' + list);
}

Result<> Store::watch(std::string const &path, std::string const &token)
{
    return tell(XS_WATCH, path + '\0' + token + '\0');
}

Result<> Store::unwatch(std::string const &path, std::string const &token)
{
    return tell(XS_UNWATCH, path + '\0' + token + '\0');
}

Result<> Store::introduce(domid_t domain, std::uint32_t frame, evtchn_port_t theirs)
{
    return tell(XS_INTRODUCE,
                std::to_string(domain) + '\0' + std::to_string(static_cast<std::int32_t>(frame)) + '\0'
                    + std::to_string(theirs) + '\0');
}

Result<> Store::release(domid_t domain) { return tell(XS_RELEASE, std::to_string(domain) + '\0'); }

Result<> Store::begin()
{
    transaction_ = 0;
    transaction_ = static_cast<std::uint32_t>(std::strtoul(TRY(ask(XS_TRANSACTION_START, {"", 1})).c_str(), nullptr, 10));
    return {};
}

Result<> Store::end(bool commit)
{
    auto result = tell(XS_TRANSACTION_END, {commit ? "T" : "F", 2});
    transaction_ = 0;
    return result;
}

bool Store::wait(int timeout_ms)
{
    pollfd ready{fd_.get(), POLLIN, 0};
    return has_event() || poll(&ready, 1, timeout_ms) > 0;
}

Result<std::optional<Store::Event>> Store::take_event()
{
    pollfd ready{fd_.get(), POLLIN, 0};
    while (events_.empty() && poll(&ready, 1, 0) > 0) {
        std::string payload;
        TRY(next_message(payload));
    }
    if (events_.empty())
        return std::optional<Event>{};
    std::optional<Event> event{std::move(events_.front())};
    events_.pop_front();
    return event;
}
}  // namespace xen
