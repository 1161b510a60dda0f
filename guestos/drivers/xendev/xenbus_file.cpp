// SPDX-License-Identifier: MIT
#include <cstring>
#include <drivers/xendev/xenbus_file.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <linux/poll.h>

namespace xendev {
namespace {
constexpr std::uint32_t header_bytes = sizeof(xsd_sockmsg);

std::string_view with_nul(xenbus::Text const &t) { return {t.c_str(), t.size() + 1}; }
}  // namespace

Result<Ref<File>> open_xenbus(unsigned flags) { return Ref<File>{TRY(kernel::make_ref<XenbusFile>(flags))}; }

XenbusFile::~XenbusFile()
{
    while (!watches_.empty()) {
        auto &w = watches_.front();
        watches_.pop_front();
        delete &w;
    }
    for (unsigned i = 0; i < transaction_count_; ++i)
        if (transactions_[i].generation == xenbus::store_generation() && xenbus::store_ready())
            (void)xenbus::end(xenbus::Tx{transactions_[i].id}, false);
    replies_.clear_and_dispose([](Chunk *c) { delete c; });
}

// --- out ---
Result<std::size_t> XenbusFile::read(kernel::IoBuffer &to, std::uint64_t &)
{
    if (!to.left())
        return std::size_t{0};
    if (replies_.empty() && nonblocking())
        return Error::again;
    kernel::MutexGuard guard{reading_};
    TRY(kernel::wait_until(readable_, [this] { return !replies_.empty(); }));
    std::size_t done = 0;
    while (to.left() && !replies_.empty()) {
        auto &c = replies_.front();
        auto rest = c.bytes.view().substr(c.taken);
        auto n = to.put(rest.data(), rest.size());
        if (!n.ok())
            return done ? Result<std::size_t>{done} : n;
        c.taken += static_cast<std::uint32_t>(n.value());
        done += n.value();
        if (c.taken != c.bytes.size())
            break;
        replies_.pop_front();
        delete &c;
    }
    return done;
}

unsigned XenbusFile::poll(kernel::PollTable *table)
{
    if (table)
        table->add(readable_);
    return (replies_.empty() ? 0 : POLLIN | POLLRDNORM) | POLLOUT | POLLWRNORM;
}

Result<> XenbusFile::queue(xsd_sockmsg const &header, std::string_view a, std::string_view b)
{
    if (replies_.size() >= most_queued)
        return Error::nobufs;
    auto chunk = std::unique_ptr<Chunk>{new (std::nothrow) Chunk};
    if (!chunk)
        return Error::nomem;
    chunk->bytes = TRY(xenbus::Text::make(static_cast<std::uint32_t>(header_bytes + a.size() + b.size())));
    auto out = chunk->bytes.data();
    std::memcpy(out, &header, header_bytes);
    std::memcpy(out + header_bytes, a.data(), a.size());
    if (!b.empty())
        std::memcpy(out + header_bytes + a.size(), b.data(), b.size());
    replies_.push_back(*chunk.release());
    readable_.wake_all();
    return {};
}

Result<> XenbusFile::answer(xsd_sockmsg header, std::string_view payload)
{
    header.len = static_cast<std::uint32_t>(payload.size());
    return queue(header, payload);
}

// On the watch thread. A program that does not read loses changes rather than fill the kernel's memory.
void XenbusFile::fired(void *context, std::string_view path)
{
    auto &w = *static_cast<UserWatch *>(context);
    auto length = static_cast<std::uint32_t>(path.size() + 1 + w.token.size() + 1);
    auto copy = xenbus::Text::copy(path);
    auto queued = copy.ok() ? w.file.queue({XS_WATCH_EVENT, 0, 0, length}, with_nul(copy.value()), with_nul(w.token))
                            : Result<>{copy.error()};
    if (!queued.ok())
        kernel::log_once(0x5708'0003u, "<4>/dev/xen/xenbus: a program does not read its watch events: some are lost");
}

// --- in ---
Result<std::size_t> XenbusFile::write(kernel::IoBuffer &from, std::uint64_t &)
{
    kernel::MutexGuard guard{writing_};
    auto bytes = from.left();
    if (!request_)
        request_.reset(new (std::nothrow) char[header_bytes + XENSTORE_PAYLOAD_MAX]);
    if (!request_)
        return Error::nomem;
    while (from.left()) {
        auto done = take_some(from);
        if (!done.ok()) {
            got_ = 0;
            return done.error();
        }
    }
    return bytes;
}

Result<> XenbusFile::take_some(kernel::IoBuffer &from)
{
    auto whole = header_bytes;
    if (got_ >= header_bytes)
        whole += reinterpret_cast<xsd_sockmsg const *>(request_.get())->len;
    auto n = from.left() < whole - got_ ? from.left() : whole - got_;
    got_ += TRY(from.get(request_.get() + got_, n));
    if (got_ < header_bytes)
        return {};
    auto payload = reinterpret_cast<xsd_sockmsg const *>(request_.get())->len;
    if (payload > XENSTORE_PAYLOAD_MAX)
        return Error::too_big;
    if (got_ < header_bytes + payload)
        return {};
    auto done = act();
    got_ = 0;
    return done;
}

Result<> XenbusFile::act()
{
    auto type = reinterpret_cast<xsd_sockmsg const *>(request_.get())->type;
    return type == XS_WATCH || type == XS_UNWATCH ? watch_call() : forward();
}

bool XenbusFile::owns(std::uint32_t id) const
{
    for (unsigned i = 0; i < transaction_count_; ++i)
        if (transactions_[i].id == id && transactions_[i].generation == xenbus::store_generation())
            return true;
    return false;
}

// Also ends those of a daemon that is gone: their numbers mean nothing any more.
void XenbusFile::note_transaction(xenbus::Message const &reply)
{
    auto generation = xenbus::store_generation();
    if (reply.header.type == XS_TRANSACTION_START) {
        auto id = xenbus::parse_number(std::string_view{reply.payload.c_str()});
        if (id.ok() && transaction_count_ < most_transactions)
            transactions_[transaction_count_++] = {id.value(), generation};
        return;
    }
    for (unsigned i = 0; i < transaction_count_;) {
        if (transactions_[i].id == reply.header.tx_id || transactions_[i].generation != generation)
            transactions_[i] = transactions_[--transaction_count_];
        else
            ++i;
    }
}

Result<> XenbusFile::forward()
{
    xsd_sockmsg header;
    std::memcpy(&header, request_.get(), sizeof header);
    if (header.tx_id && header.type != XS_TRANSACTION_START && !owns(header.tx_id))
        return answer({XS_ERROR, header.req_id, header.tx_id, 0}, {"ENOENT", 7});
    if (header.type == XS_TRANSACTION_START && transaction_count_ == most_transactions)
        return answer({XS_ERROR, header.req_id, 0, 0}, {"ENOSPC", 7});
    auto reply = TRY(xenbus::request(header, request_.get() + header_bytes));
    reply.header.tx_id = header.tx_id;
    // An end that failed has ended it too.
    if (header.type == XS_TRANSACTION_END || (header.type == XS_TRANSACTION_START && reply.header.type != XS_ERROR))
        note_transaction(reply);
    return answer(reply.header, reply.payload.view());
}

Result<> XenbusFile::watch(std::string_view path, std::string_view token)
{
    for (auto const &w : watches_)
        if (w.watch.path() == path && w.token.view() == token)
            return Error::exist;
    if (watches_.size() >= most_watches)
        return Error::nospc;
    auto made = std::unique_ptr<UserWatch>{new (std::nothrow) UserWatch{*this}};
    if (!made)
        return Error::nomem;
    made->token = TRY(xenbus::Text::copy(token));
    TRY(made->watch.start({path}));
    watches_.push_back(*made.release());
    return {};
}

void XenbusFile::unwatch(std::string_view path, std::string_view token)
{
    for (auto &w : watches_) {
        if (w.watch.path() != path || w.token.view() != token)
            continue;
        watches_.erase(watches_.iterator_to(w));
        delete &w;
        return;
    }
}

Result<> XenbusFile::watch_call()
{
    xsd_sockmsg header;
    std::memcpy(&header, request_.get(), sizeof header);
    auto strings = xenbus::parse_watch_event({request_.get() + header_bytes, header.len});  // the same two strings
    if (!strings.ok())
        return Error::ilseq;
    auto const &[path, token] = strings.value();
    Result<> done{};
    if (header.type == XS_WATCH)
        done = watch(path, token);
    else
        unwatch(path, token);
    if (!done.ok()) {
        auto name = xenbus::name_of_error(done.error());
        header.type = XS_ERROR;
        return answer(header, {name, std::strlen(name) + 1});
    }
    return answer(header, {"OK", 3});
}
}  // namespace xendev
