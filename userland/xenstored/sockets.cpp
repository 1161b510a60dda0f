// SPDX-License-Identifier: MIT
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <userland/common/system_error.hpp>
#include <userland/xenstored/log.hpp>
#include <userland/xenstored/sockets.hpp>

namespace xenstore {
namespace {
constexpr std::size_t max_clients = 512;

// Bytes that a call moved; 0 if it would have had to wait.
Result<std::size_t> moved(ssize_t n)
{
    if (n >= 0)
        return static_cast<std::size_t>(n);
    if (errno == EAGAIN || errno == EINTR)
        return std::size_t{0};
    return last_error();
}
}  // namespace

Result<Fd> Sockets::listen_at(std::string const &path, unsigned mode)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return Error::nametoolong;
    path.copy(address.sun_path, path.size());
    Fd file{socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!file)
        return last_error();
    unlink(path.c_str());
    if (bind(file.get(), reinterpret_cast<sockaddr const *>(&address), sizeof address) != 0
        || chmod(path.c_str(), mode) != 0 || ::listen(file.get(), 16) != 0)
        return last_error();
    return file;
}

Result<> Sockets::listen(std::string const &folder, std::string &where)
{
    where = folder;
    if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
        return last_error();
    where = folder + "/socket";
    all_ = TRY(listen_at(where, 0600));
    where = folder + "/socket_ro";
    read_only_ = TRY(listen_at(where, 0660));
    return {};
}

Result<std::size_t> Sockets::Client::receive(std::span<char> to)
{
    auto n = recv(file.get(), to.data(), to.size(), 0);
    return n == 0 ? Error::connreset : moved(n);
}

Result<std::size_t> Sockets::Client::send(std::span<char const> from)
{
    return moved(::send(file.get(), from.data(), from.size(), MSG_NOSIGNAL));
}

void Sockets::prepare(std::vector<pollfd> &fds)
{
    short accepting = clients_.size() < max_clients ? POLLIN : 0;
    fds.push_back({all_.get(), accepting, 0});
    fds.push_back({read_only_.get(), accepting, 0});
    for (auto &client : clients_)
        fds.push_back({client.file.get(), static_cast<short>(client.connection.has_output() ? POLLOUT : POLLIN), 0});
}

void Sockets::take(std::span<pollfd const> fds)
{
    auto at = fds.begin() + 2;
    for (auto &client : clients_) {
        bool woken = (at++)->revents != 0;
        client.ready = client.ready || woken;
    }
    if (fds[0].revents)
        accept_all(all_, Connection::Rights::all);
    if (fds[1].revents)
        accept_all(read_only_, Connection::Rights::read_only);
}

void Sockets::accept_all(Fd const &listener, Connection::Rights rights)
{
    while (clients_.size() < max_clients) {
        Fd file{accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (!file)
            return;
        clients_.emplace_back(services_, std::move(file), rights);
    }
}

bool Sockets::serve()
{
    bool more = false;
    for (auto client = clients_.begin(); client != clients_.end();) {
        if (!client->ready && !client->connection.has_output()) {
            ++client;
            continue;
        }
        auto result = client->connection.step();
        if (!result.ok()) {
            if (result.error() == Error::msgsize)
                services_.log.line("a program announced too long a message: its connection ends");
            client = clients_.erase(client);
            continue;
        }
        client->ready = result.value();
        more = more || client->ready;
        ++client;
    }
    return more;
}
}  // namespace xenstore
