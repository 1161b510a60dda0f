// SPDX-License-Identifier: MIT
// All domains, by id: a sorted list for walking, and a hash for finding.
#include <hv/domain_list.hpp>

namespace hv {
namespace {

constexpr unsigned buckets = 64;
Domain *hash[buckets];

}  // namespace

Domain *domain_list;

Domain *find_domain(DomainId id)
{
    Domain *d = hash[id % buckets];
    while (d && d->id != id)
        d = d->next_in_hash;
    return d;
}

void link_domain(Domain &d)
{
    Domain **at = &domain_list;
    while (*at && (*at)->id < d.id)
        at = &(*at)->next;
    d.next = *at;
    *at = &d;
    d.next_in_hash = hash[d.id % buckets];
    hash[d.id % buckets] = &d;
}

void unlink_domain(Domain &d)
{
    for (Domain **at = &domain_list; *at; at = &(*at)->next)
        if (*at == &d) {
            *at = d.next;
            break;
        }
    for (Domain **at = &hash[d.id % buckets]; *at; at = &(*at)->next_in_hash)
        if (*at == &d) {
            *at = d.next_in_hash;
            break;
        }
}

}  // namespace hv
