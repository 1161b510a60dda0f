// SPDX-License-Identifier: MIT
// xenstore's messages: a header, then at most XENSTORE_PAYLOAD_MAX bytes (include/pv/io/xs_wire.h).
#pragma once
#include <lib/result.hpp>
#include <optional>
#include <pv/io/xs_wire.h>
#include <string>
#include <string_view>
#include <vector>

namespace xenstore {
struct Request {
    xsd_sockmsg header;
    std::string_view payload;
};

std::string encode_message(xsd_sockmsg header, std::string_view payload);  // header.len is set here
// "EACCES" and so on; what the protocol has no word for is EINVAL.
char const *error_name(Error);
char const *request_name(std::uint32_t type);  // for the log

// The strings of a payload: each ended by NUL. None if the last is not.
std::optional<std::vector<std::string_view>> strings_of(std::string_view payload);
// The first string, and the bytes behind its NUL. None if there is no NUL.
std::optional<std::pair<std::string_view, std::string_view>> split_first(std::string_view payload);

// A decimal number of at most `max`; nothing else may stand there.
Result<std::uint32_t> number_of(std::string_view text, std::uint32_t max);
}  // namespace xenstore
