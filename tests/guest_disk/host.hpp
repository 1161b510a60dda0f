// SPDX-License-Identifier: MIT
// What a test of guests' disks needs on this machine: images, and a domain 0 that runs a script of ours.
#pragma once
#include <console.hpp>
#include <string>
#include <vector>

// A disk image and files beside it, which go when the test does.
class Image {
public:
    explicit Image(std::string const &name);
    ~Image();
    Image(Image const &) = delete;
    Image &operator=(Image const &) = delete;
    void copy_of(std::string const &other) const;
    void shell(std::string const &script) const;  // $0: the image
    // A file of the image's file system: written into it, made executable; what it has.
    void add_program(std::string const &inside, std::string const &text) const;
    std::string file(std::string const &inside) const;
    bool is_clean() const;  // e2fsck's opinion
    std::string const path;
};

// The lines of a guest file that all tests have: "g", with Lodger's kernel and initrd.
std::string guest_file(std::string const &command_line, std::string const &disks);

// Boots domain 0 with these disks and files ("HERE:THERE"), makes room for guests, runs the script.
Outcome in_domain_0(std::vector<std::string> const &options, std::string const &script, double seconds = 300);
// Waits in domain 0 until guest "g" has ended.
extern std::string const until_guest_ends;
