// SPDX-License-Identifier: MIT
// A domain's shared page as a transport. The domain may write anything into the page at any time: its indices are read once and
// checked, ours are kept here, so that what stands in the page in their place is never believed.
#pragma once
#include <userland/xenstored/connection.hpp>

namespace xenstore {
class Ring final : public Transport {
public:
    // Takes over where the page says that the last server stopped.
    explicit Ring(xenstore_domain_interface *page);

    // Error::proto: the domain's indices make no sense.
    Result<std::size_t> receive(std::span<char>) override;
    Result<std::size_t> send(std::span<char const>) override;

    // Something was moved since the last call: the domain has to be told.
    bool take_moved() { return std::exchange(moved_, false); }
    bool wants_reconnection() const;
    void reconnect();                     // both ways empty, no error
    void set_error(std::uint32_t error);  // XENSTORE_ERROR_*

private:
    xenstore_domain_interface *page_;
    XENSTORE_RING_IDX taken_, given_;  // req_cons, rsp_prod
    bool moved_ = false;
};
}  // namespace xenstore
