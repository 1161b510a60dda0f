// SPDX-License-Identifier: MIT
// From page number to frame: a radix tree of 64-way nodes, as high as the largest number in it needs.
//
//     number  | 2 bits | 6 bits | 6 bits | 6 bits | 6 bits | 6 bits |      height 1: numbers below 64, height 2: below 4096, ...
#pragma once
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace kernel {
class PageTree {
public:
    PageTree() = default;
    PageTree(PageTree const &) = delete;
    PageTree &operator=(PageTree const &) = delete;
    ~PageTree();

    Pfn find(std::uint32_t index) const;                             // no_pfn: not there
    void find_run(std::uint32_t index, unsigned n, Pfn *out) const;  // the same for n numbers, which do not wrap
    Result<> insert(std::uint32_t index, Pfn);                       // precondition: not there. Error::nomem
    Pfn erase(std::uint32_t index);  // what was there, or no_pfn; frees nodes that become empty
    // The first page at or after `index`: its number in `index`; no_pfn: none.
    Pfn next(std::uint32_t &index) const;

private:
    struct Node;
    Node const *leaf_of(std::uint32_t index) const;  // nullptr: there is none
    static constexpr unsigned bits = 6, ways = 1u << bits;
    static bool covers(unsigned height, std::uint32_t index);
    static void free_node(Node *, unsigned height);
    static Pfn erase_below(Node *, unsigned height, std::uint32_t index);
    static Pfn next_below(Node const *, unsigned height, std::uint32_t &index);
    Node *root_ = nullptr;
    unsigned height_ = 0;
};
}  // namespace kernel
