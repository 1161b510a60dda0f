// SPDX-License-Identifier: MIT
// What xenstore's messages are made of, and putting them together from a ring's bytes. Everything that comes from the other end is
// checked here. include/pv/io/xs_wire.h.
#pragma once
#include <cstdint>
#include <lib/result.hpp>
#include <memory>
#include <pv/io/xs_wire.h>
#include <pvlib/store_ring.hpp>
#include <string_view>

namespace xenbus {
// A value or a list of names, on the heap; ends with a NUL that does not count.
class Text {
public:
    Text() = default;
    // An empty string, not null: no memory.
    static Result<Text> make(std::uint32_t size);
    static Result<Text> copy(std::string_view a, std::string_view b = {});
    // "folder/name"; just one of them if the other is empty. Error::nametoolong: beyond what the protocol allows.
    static Result<Text> join(std::string_view folder, std::string_view name);

    std::string_view view() const { return {c_str(), size_}; }
    char const *c_str() const { return bytes_ ? bytes_.get() : ""; }
    char *data() { return bytes_.get(); }
    std::uint32_t size() const { return size_; }
    // A list: the name at *at, which moves behind it; empty: no more.
    //   for (std::uint32_t at = 0; auto name = list.next(at), !name.empty();)
    std::string_view next(std::uint32_t &at) const;

private:
    std::unique_ptr<char[]> bytes_;
    std::uint32_t size_ = 0;
};

struct Message {
    xsd_sockmsg header{};
    Text payload;
    bool lost = false;  // there was no memory for the payload
};

class MessageReader {
public:
    // True: `out` is the next message. False: the rest of it has not come. Error::proto: what came cannot be a message; nothing
    // after it can be understood.
    Result<bool> next(StoreRing &, Message &out);
    void reset() { *this = {}; }

private:
    Result<> begin_payload();
    Result<> fill(StoreRing &);
    Message message_;
    std::uint32_t got_ = 0;  // bytes of header and payload together
};

// The error that an XS_ERROR names; Error::io for one we do not know.
Error error_of_reply(Text const &payload);
char const *name_of_error(Error);  // "EIO" for one that the protocol does not have
struct WatchEvent {
    std::string_view path, token;
};
// "path|token|", as events and the requests for them have it. Error::proto: not two strings.
Result<WatchEvent> parse_watch_event(std::string_view payload);
// Digits only. Error::range: anything else, or more than 32 bits.
Result<std::uint32_t> parse_number(std::string_view, unsigned base = 10);
}  // namespace xenbus
