// SPDX-License-Identifier: MIT
// The parts of the standard library and of Boost that many files of the kernel use. Each file includes what it uses itself;
// this one is parsed once for all of them (Makefile, "precompile"), which halves the time that building takes.
#include <algorithm>
#include <array>
#include <bit>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <concepts>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>
