// SPDX-License-Identifier: MIT
// From page number to frame: a radix tree of 64-way nodes, as high as the largest number in it needs.
//
//     number  | 2 bits | 6 bits | 6 bits | 6 bits | 6 bits | 6 bits |      height 1: numbers below 64, height 2: below 4096, ...
//
// Each page may bear tags. A node has one bit for each of its slots and each tag: set in an inner node if anything below has
// it, so that the next page with a tag is found without looking at the others.
#pragma once
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace kernel {
class PageTree {
public:
    enum Tag : unsigned { dirty, writing, touched, stored, tags };
    PageTree() = default;
    PageTree(PageTree const &) = delete;
    PageTree &operator=(PageTree const &) = delete;
    ~PageTree();

    Pfn find(std::uint32_t index) const;                                  // no_pfn: not there
    void find_run(std::uint32_t index, unsigned n, Pfn *out) const;       // the same for n numbers, which do not wrap
    void find_run(std::uint32_t index, unsigned n, Tag, Pfn *out) const;  // only pages with that tag
    Result<> insert(std::uint32_t index, Pfn);                            // precondition: not there. Error::nomem
    Pfn erase(std::uint32_t index);  // what was there, or no_pfn; frees nodes that become empty
    // The first page at or after `index`: its number in `index`; no_pfn: none.
    Pfn next(std::uint32_t &index) const;
    Pfn next_tagged(std::uint32_t &index, Tag) const;
    void set_tag(std::uint32_t index, Tag);  // precondition: the page is there
    bool any_tagged(Tag) const;
    void clear_tag(std::uint32_t index, Tag);

private:
    struct Node;
    Node const *leaf_of(std::uint32_t index) const;  // nullptr: there is none
    static constexpr unsigned bits = 6, ways = 1u << bits;
    static bool covers(unsigned height, std::uint32_t index);
    static void free_node(Node *, unsigned height);
    static Pfn erase_below(Node *, unsigned height, std::uint32_t index);
    template <class Wanted>
    static Pfn next_below(Node const *, unsigned height, std::uint32_t &index, Wanted);
    static bool clear_below(Node *, unsigned height, std::uint32_t index, Tag);
    Node *root_ = nullptr;
    unsigned height_ = 0;
};
}  // namespace kernel
