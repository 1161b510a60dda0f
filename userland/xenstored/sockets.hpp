// SPDX-License-Identifier: MIT
// The control domain's own programs, over unix sockets: "socket" for all requests, "socket_ro" for those that change nothing.
#pragma once
#include <list>
#include <poll.h>
#include <userland/common/fd.hpp>
#include <userland/xenstored/connection.hpp>

namespace xenstore {
class Sockets {
public:
    explicit Sockets(Services services) : services_{services} {}
    // Listens in a folder, which is made if it is missing. On an error `where` is the path that it was about.
    Result<> listen(std::string const &folder, std::string &where);

    // What to wait for, and what came of it: `fds` must still be in the order of the last prepare().
    void prepare(std::vector<pollfd> &fds);
    void take(std::span<pollfd const> fds);
    // Serves each connection that may have something to say, one request each. True: there may be more at once.
    bool serve();
    std::size_t size() const { return clients_.size(); }

private:
    struct Client final : Transport {
        Client(Services s, Fd f, Connection::Rights r)
            : file{std::move(f)}, connection{s, *this, Identity{control_domain}, r}
        {
        }
        Result<std::size_t> receive(std::span<char>) override;
        Result<std::size_t> send(std::span<char const>) override;
        Fd file;
        Connection connection;
        bool ready = true;
    };
    static Result<Fd> listen_at(std::string const &path, unsigned mode);
    void accept_all(Fd const &listener, Connection::Rights);

    Services services_;
    Fd all_, read_only_;
    std::list<Client> clients_;
};
}  // namespace xenstore
