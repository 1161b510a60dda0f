// SPDX-License-Identifier: MIT
// Requests: each is one exchange over the connection.
#include <lib/format.hpp>
#include <pvlib/device/store_connection.hpp>

namespace xenbus {
namespace {
constexpr std::string_view nul{"", 1};

// The reply's payload, or the error that it names.
Result<Text> ask(std::uint32_t type, Tx tx, std::span<std::string_view const> pieces)
{
    auto reply = TRY(connection().exchange({type, 0, tx.id, 0}, pieces));
    if (reply.header.type == XS_ERROR)
        return error_of_reply(reply.payload);
    return std::move(reply.payload);
}

// `path|` and then more.
template <class... Pieces>
Result<Text> ask_about(std::uint32_t type, Node node, Tx tx, Pieces... more)
{
    auto path = TRY(Text::join(node.folder, node.name));
    std::string_view pieces[] = {path.view(), nul, more...};
    return ask(type, tx, pieces);
}

template <class... Pieces>
Result<> tell(std::uint32_t type, Node node, Tx tx, Pieces... more)
{
    TRY(ask_about(type, node, tx, more...));
    return {};
}

struct Decimal {
    char text[12];
    explicit Decimal(std::uint32_t n) { format(text, sizeof text, "%u", n); }
};
}  // namespace

bool store_ready() { return connection().ready(); }

Result<> wait_for_store(std::uint64_t deadline_ns)
{
    return connection().wait_until_ready(kernel::Sleep::killable, deadline_ns);
}

std::uint32_t store_generation() { return connection().generation(); }

Result<Text> read(Node node, Tx tx) { return ask_about(XS_READ, node, tx); }

Result<std::uint32_t> read_number(Node node, Tx tx) { return parse_number(TRY(read(node, tx)).view()); }

Result<> write(Node node, std::string_view value, Tx tx) { return tell(XS_WRITE, node, tx, value); }

Result<> write_number(Node node, std::uint32_t value, Tx tx) { return write(node, Decimal{value}.text, tx); }

Result<Text> list(Node node, Tx tx) { return ask_about(XS_DIRECTORY, node, tx); }

bool exists(Node node, Tx tx) { return read(node, tx).ok(); }

Result<> make_folder(Node node, Tx tx) { return tell(XS_MKDIR, node, tx); }

Result<> remove(Node node, Tx tx)
{
    auto gone = tell(XS_RM, node, tx);
    return !gone.ok() && gone.error() == Error::noent ? Result<>{} : gone;
}

Result<> set_permissions(Node node, std::string_view first, std::string_view second, Tx tx)
{
    if (second.empty())
        return tell(XS_SET_PERMS, node, tx, first, nul);
    return tell(XS_SET_PERMS, node, tx, first, nul, second, nul);
}

Result<std::uint32_t> own_domain() { return read_number({"domid"}); }

Result<Tx> begin()
{
    std::string_view pieces[] = {nul};
    auto id = TRY(ask(XS_TRANSACTION_START, {}, pieces));
    return Tx{TRY(parse_number(std::string_view{id.c_str()}))};
}

Result<> end(Tx tx, bool commit)
{
    std::string_view pieces[] = {{commit ? "T" : "F", 2}};  // with its NUL
    TRY(ask(XS_TRANSACTION_END, tx, pieces));
    return {};
}

Result<Message> request(xsd_sockmsg const &header, void const *payload)
{
    std::string_view pieces[] = {{static_cast<char const *>(payload), header.len}};
    return connection().exchange(header, pieces);
}

DaemonSide daemon_side() { return connection().daemon_side(); }

void daemon_gone() { connection().daemon_gone(); }
}  // namespace xenbus
