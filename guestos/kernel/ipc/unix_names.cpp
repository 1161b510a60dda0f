// SPDX-License-Identifier: MIT
// Names of unix sockets: paths, whose inode's attachment is the endpoint, and abstract ones, which start with a NUL.
#include <cstring>
#include <kernel/fs/names.hpp>
#include <kernel/ipc/unix_socket.hpp>
#include <kernel/procfs/procfs.hpp>
#include <lib/format.hpp>

namespace kernel {
namespace {
constexpr std::uint32_t family_bytes = 2, path_most = 108;

bool is_abstract(SocketAddress const &a) { return a.bytes > family_bytes && a.data[family_bytes] == 0; }

std::string_view path_of(SocketAddress const &a)
{
    std::string_view path{a.data + family_bytes, a.bytes - family_bytes};
    return path.substr(0, path.find('\0'));
}

Ref<UnixEndpoint> find_abstract(SocketAddress const &name)
{
    for (auto &e : unix_endpoints())
        if (is_abstract(e.name) && e.name.bytes == name.bytes && !std::memcmp(e.name.data, name.data, name.bytes))
            return Ref<UnixEndpoint>{&e};
    return {};
}

// bind(2) with the family alone: five hexadecimal digits that nobody has.
Result<> choose_name(SocketAddress &name)
{
    static constinit std::uint32_t last = 0;
    for (unsigned tries = 0; tries < 0x100000; ++tries) {
        char digits[8];
        last = (last + 1) & 0xfffff;
        format(digits, sizeof digits, "%05x", last);
        name.bytes = family_bytes + 6;
        name.data[family_bytes] = 0;
        std::memcpy(name.data + family_bytes + 1, digits, 5);
        if (!find_abstract(name))
            return {};
    }
    return Error::nospc;
}

Result<> check_address(SocketAddress const &a)
{
    if (a.bytes < family_bytes || a.family() != abi_af_unix || a.bytes > family_bytes + path_most)
        return Error::inval;
    return {};
}
}  // namespace

Result<> UnixEndpoint::bind_name(SocketAddress const &wanted)
{
    TRY(check_address(wanted));
    if (name.bytes)
        return Error::inval;
    SocketAddress chosen = wanted;
    if (wanted.bytes == family_bytes) {
        TRY(choose_name(chosen));
    } else if (is_abstract(wanted)) {
        if (find_abstract(wanted))
            return Error::addrinuse;
    } else {
        auto text = path_of(wanted);
        auto made = create_node(at_fdcwd, text, s_ifsock | 0777);
        if (!made.ok())
            return made.error() == Error::exist ? Error::addrinuse : made.error();
        place = made.take();
        place.inode()->attachment = Ref<RefCounted>{this};
        chosen.bytes = family_bytes + static_cast<std::uint32_t>(text.size()) + 1;  // with its NUL
        if (chosen.bytes > sizeof(abi_sockaddr_un) + 1)
            chosen.bytes = sizeof(abi_sockaddr_un) + 1;
        chosen.data[chosen.bytes - 1] = 0;
    }
    name = chosen;
    return {};
}

void UnixEndpoint::unbind()
{
    name.bytes = 0;
    if (place.empty())
        return;
    auto inode = place.inode();
    place = Path{};
    if (inode && inode->attachment.get() == this)
        inode->attachment = nullptr;
}

Result<Ref<UnixEndpoint>> find_unix_endpoint(SocketAddress const &a, int type)
{
    TRY(check_address(a));
    Ref<UnixEndpoint> found;
    if (a.bytes == family_bytes)
        return Error::inval;
    if (is_abstract(a)) {
        found = find_abstract(a);
    } else {
        auto path = TRY(resolve(at_fdcwd, path_of(a), lookup_follow));
        auto inode = path.inode();
        if (!inode)
            return Error::noent;
        TRY(check_access(*inode, 2));
        if (inode->type() != s_ifsock)
            return Error::connrefused;
        found = Ref<UnixEndpoint>{static_cast<UnixEndpoint *>(inode->attachment.get())};
    }
    if (!found || found->state == UnixEndpoint::State::closed)
        return Error::connrefused;
    if (found->type != type)
        return Error::prototype;
    return found;
}

// /proc/net/unix, as netstat(8) and lsof(8) read it.
Result<> show_unix_sockets(Text &out, ProcTarget const &)
{
    constexpr std::uint32_t accepts = 0x10000;  // __SO_ACCEPTCON
    out.append("Num       RefCount Protocol Flags    Type St Inode Path\n");
    for (auto &e : unix_endpoints()) {
        bool listening = e.state == UnixEndpoint::State::listening;
        out.print("%08x: %08x %08x %08x %04x %02x %5llu", 0u, e.use_count(), 0u, listening ? accepts : 0u,
                  static_cast<unsigned>(e.type), e.peer ? 3u : 1u,
                  static_cast<unsigned long long>(e.socket ? e.socket->ino() : 0));
        if (e.name.bytes > family_bytes) {
            std::string_view text{e.name.data + family_bytes, e.name.bytes - family_bytes};
            out.append(" ");
            if (!is_abstract(e.name)) {
                out.append(path_of(e.name));
            } else {
                for (char c : text)
                    out.print("%c", c ? c : '@');
            }
        }
        out.append("\n");
    }
    return {};
}
}  // namespace kernel
