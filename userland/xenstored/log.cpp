// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <userland/xenstored/log.hpp>

namespace xenstore {
namespace {
// Clients' bytes, fit for a terminal: NUL as '|'.
std::string printable(std::string_view bytes)
{
    std::string text{bytes.substr(0, 200)};
    std::replace(text.begin(), text.end(), '\0', '|');
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
    return text;
}
}  // namespace

Log::~Log()
{
    if (file_)
        std::fclose(file_);
}

Result<> Log::open(std::string const &path)
{
    auto file = std::fopen(path.c_str(), "ae");
    if (!file)
        return static_cast<Error>(errno);
    std::setvbuf(file, nullptr, _IOLBF, 0);
    if (file_)
        std::fclose(file_);
    file_ = file;
    return {};
}

void Log::line(char const *format, ...)
{
    std::va_list arguments;
    va_start(arguments, format);
    std::fputs("xenstored: ", file());
    std::vfprintf(file(), format, arguments);
    std::fputc('\n', file());
    va_end(arguments);
}

void Log::request(Identity who, Request const &request, Error error)
{
    if (tracing_)
        line("domain %u: %s tx %u \"%s\": %s", who.domain, request_name(request.header.type), request.header.tx_id,
             printable(request.payload).c_str(), error == Error::none ? "OK" : error_name(error));
}
}  // namespace xenstore
