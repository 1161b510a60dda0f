// SPDX-License-Identifier: MIT
// execve(2), in the order of its files:
//
//   exec.cpp          find the file, follow #! lines, new credentials, the point of no return
//   exec_script.cpp   #! lines
//   elf.cpp           what the headers say
//   exec_load.cpp     program and interpreter into a new address space
//   exec_strings.cpp  arguments and environment
//   exec_stack.cpp    auxiliary vector, argc, argv, envp
//
// Everything that can fail happens in an address space nobody runs in yet; the old program goes only when the new one is complete.
#pragma once
#include <kernel/fs/file.hpp>
#include <kernel/process/elf.hpp>
#include <kernel/process/exec_strings.hpp>
#include <kernel/process/process.hpp>

namespace kernel {
inline constexpr std::uint32_t script_line_bytes = 256;  // how much of a file decides what it is

// A regular file that the running thread may execute; nobody has it open for writing (Error::txtbsy).
Result<Ref<File>> open_executable(int dirfd, std::string_view path, unsigned lookup);
Result<std::size_t> read_at(File &, std::uint64_t position, void *, std::size_t n);

// The interpreter of a script and its optional argument, NUL-terminated inside `line`.
struct ScriptLine {
    char const *interpreter, *argument;  // argument: nullptr if there is none
};
// `line` holds the first bytes of the file, n of them, and has room for one more. Error::noexec: not a script line.
Result<ScriptLine> parse_script_line(char *line, std::size_t n);

struct LoadedProgram {
    Ref<AddressSpace> space;
    ElfImage image;  // with its load bias added
    std::uint32_t header_count = 0;
    Vaddr interpreter_base{};
    Vaddr start{};  // where the first instruction is: the interpreter's entry, or the program's
};
// Maps the program in `file` (whose first bytes are given) and its interpreter.
Result<LoadedProgram> load_program(File &file, std::span<std::byte const> first_bytes);

// Adds the vectors below the strings, makes the stack region and hands the frames over. Returns the stack pointer.
Result<Vaddr> make_stack(LoadedProgram &, ExecStrings &, Vaddr path, Credentials const &, bool secure);
}  // namespace kernel
