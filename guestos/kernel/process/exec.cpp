// SPDX-License-Identifier: MIT
#include <algorithm>
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/process/exec.hpp>
#include <kernel/syscall/syscall.hpp>
#include <lib/format.hpp>

namespace kernel {
namespace {
constexpr unsigned max_script_depth = 5;
constexpr unsigned ms_nosuid = 2, ms_noexec = 8;
constexpr std::uint32_t read_implies_exec = 0x40'0000;
constexpr int at_empty_path = 0x1000, at_symlink_nofollow = 0x100;
constexpr std::uint64_t all_capabilities = ~0ull >> 23;

char const *base_name(char const *path)
{
    auto base = path;
    for (auto p = path; *p; ++p)
        if (*p == '/')
            base = p + 1;
    return base;
}

// Who the program will be: set-user-id and set-group-id bits, then capabilities(7), "Transformation of capabilities during
// execve()". Files have no capabilities of their own here.
Credentials new_credentials(File &file, bool &set_id)
{
    auto c = current().credentials;
    auto inode = file.inode();
    auto const &a = inode->attributes;
    bool may_set = !(file.path.mount()->flags & ms_nosuid) && !c.no_new_privs;
    constexpr std::uint32_t group_execute = 010;
    if (may_set && (a.mode & s_isuid))
        c.euid = a.uid;
    if (may_set && (a.mode & s_isgid) && (a.mode & group_execute))
        c.egid = a.gid;
    set_id = c.euid != current().credentials.euid || c.egid != current().credentials.egid;
    c.suid = c.fsuid = c.euid;
    c.sgid = c.fsgid = c.egid;
    constexpr std::uint32_t secbit_noroot = 1;
    bool root = (c.uid == 0 || c.euid == 0) && !(c.securebits & secbit_noroot);
    if (set_id)
        c.cap_ambient = 0;
    c.cap_permitted = root ? (c.cap_bounding | c.cap_inheritable) & all_capabilities : c.cap_ambient;
    c.cap_effective = root && c.euid == 0 ? c.cap_permitted : c.cap_ambient;
    return c;
}

struct ExecState {
    Ref<File> file;
    std::unique_ptr<char[]> line;  // the file's first bytes, then the script line made of them
    std::size_t line_bytes = 0;
    Vaddr path{};  // AT_EXECFN, in the strings

    Result<> read_first_bytes()
    {
        if (!line)
            line.reset(new (std::nothrow) char[script_line_bytes + 1]);
        if (!line)
            return Error::nomem;
        line_bytes = TRY(read_at(*file, 0, line.get(), script_line_bytes));
        return {};
    }
    bool is_script() const { return line_bytes >= 2 && line[0] == '#' && line[1] == '!'; }
};

// argv[0] gives way to interpreter, its argument and the script's path. `path` ends as the interpreter's.
Result<> follow_scripts(ExecState &state, std::unique_ptr<char[]> &path, ExecStrings &strings)
{
    for (unsigned depth = 0; state.is_script(); ++depth) {
        if (depth == max_script_depth)
            return Error::loop;
        auto script = TRY(parse_script_line(state.line.get(), state.line_bytes));
        if (strings.argc != 0) {
            strings.drop_first();
            --strings.argc;
        }
        TRY(strings.push(path.get()));
        if (script.argument)
            TRY(strings.push(script.argument));
        TRY(strings.push(script.interpreter));
        strings.argc += script.argument ? 3 : 2;
        std::strcpy(path.get(), script.interpreter);  // shorter than a line, and there is room for a path
        state.file = TRY(open_executable(at_fdcwd, path.get(), lookup_follow));
        TRY(state.read_first_bytes());
    }
    return {};
}

void set_name(Thread &self, char const *path)
{
    auto name = base_name(path);
    std::memset(self.name, 0, sizeof self.name);
    std::memcpy(self.name, name, std::min(std::strlen(name), sizeof self.name - 1));
}

// Nothing fails from here on: the old program is gone.
void become(LoadedProgram &program, Credentials const &credentials, bool set_id, Vaddr sp)
{
    auto &self = current();
    auto &process = *self.process;
    self.memory = program.space;  // the old one ends, if nobody else has it, and its page tables when others are loaded
    self.memory->activate();
    self.credentials = credentials;
    process.personality &= ~read_implies_exec;
    if (program.image.stack == StackKind::not_said)
        process.personality |= read_implies_exec;
    process.dumpable = !set_id;
    if (set_id)
        process.parent_death_signal = 0;
    if (self.files->use_count() > 1)
        if (auto own = self.files->clone(); own.ok())
            self.files = own.take();
    self.files->close_on_exec();
    exec_done();
    self.user_frame() = TrapFrame::fresh_user(program.start, sp);
}

// `path` is how the program was named; for its comm and for scripts.
Result<> exec_file(Ref<File> file, std::unique_ptr<char[]> path, ExecStrings &strings, Vaddr path_string)
{
    ExecState state{.file = std::move(file), .line = {}, .path = path_string};
    TRY(state.read_first_bytes());
    char name[sizeof Thread{}.name];
    auto base = base_name(path.get());
    std::memcpy(name, base, std::min(std::strlen(base) + 1, sizeof name));
    name[sizeof name - 1] = 0;
    TRY(follow_scripts(state, path, strings));
    bool set_id = false;
    auto credentials = new_credentials(*state.file, set_id);
    bool secure = credentials.uid != credentials.euid || credentials.gid != credentials.egid;
    auto program = TRY(load_program(*state.file, std::as_bytes(std::span{state.line.get(), state.line_bytes})));
    auto sp = TRY(make_stack(program, strings, state.path, credentials, secure));
    TRY(program.space->run(state.file));
    TRY(kill_other_threads());
    become(program, credentials, set_id, sp);
    set_name(current(), name);
    return {};
}
}  // namespace

Result<Ref<File>> open_executable(int dirfd, std::string_view path, unsigned lookup)
{
    auto found = TRY(resolve(dirfd, path, lookup));
    auto inode = found.inode();
    if (!inode)
        return Error::noent;
    if (inode->type() == s_iflnk)
        return Error::loop;
    if (inode->type() != s_ifreg || (found.mount()->flags & ms_noexec))
        return Error::acces;
    TRY(check_access(*inode, 1));
    if (inode->writers > 0)
        return Error::txtbsy;
    auto file = TRY(inode->open(0));
    file->path = std::move(found);
    return file;
}

Result<std::size_t> read_at(File &file, std::uint64_t position, void *to, std::size_t n)
{
    std::size_t done = 0;
    while (done < n) {
        auto buffer = IoBuffer::kernel(static_cast<char *>(to) + done, n - done);
        auto moved = TRY(file.read(buffer, position));
        if (moved == 0)
            break;
        done += moved;
    }
    return done;
}

Result<> exec_program(char const *path, ExecStrings &strings)
{
    std::unique_ptr<char[]> copy{new (std::nothrow) char[path_max]};
    if (!copy)
        return Error::nomem;
    if (std::strlen(path) >= path_max)
        return Error::nametoolong;
    std::strcpy(copy.get(), path);
    auto file = TRY(open_executable(at_fdcwd, path, lookup_follow));
    return exec_file(std::move(file), std::move(copy), strings, strings.path_string);
}

namespace {
// An execveat(2) of a descriptor has a path too, for scripts and AT_EXECFN: /dev/fd/N or /dev/fd/N/name.
Result<> prefix_descriptor(int fd, std::unique_ptr<char[]> &path)
{
    std::unique_ptr<char[]> full{new (std::nothrow) char[path_max]};
    if (!full)
        return Error::nomem;
    auto n = format(full.get(), path_max, path[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", fd, path.get());
    if (n >= static_cast<int>(path_max))
        return Error::nametoolong;
    path = std::move(full);
    return {};
}

Result<std::int32_t> do_exec(int dirfd, UserPtr<char> user_path, Vaddr argv, Vaddr envp, int flags)
{
    if (flags & ~(at_empty_path | at_symlink_nofollow))
        return Error::inval;
    std::unique_ptr<char[]> path{new (std::nothrow) char[path_max]};
    if (!path)
        return Error::nomem;
    TRY(copy_in_string(path.get(), user_path.address(), path_max));
    unsigned lookup = (flags & at_symlink_nofollow ? 0 : std::uint32_t{lookup_follow})
        | (flags & at_empty_path ? std::uint32_t{lookup_empty} : 0);
    auto file = TRY(open_executable(dirfd, path.get(), lookup));
    if (dirfd != at_fdcwd && path[0] != '/') {
        TRY(prefix_descriptor(dirfd, path));
        char first[2];
        bool script = TRY(read_at(*file, 0, first, 2)) == 2 && first[0] == '#' && first[1] == '!';
        if (script && TRY(current().files->cloexec(dirfd)))
            return Error::noent;  // the interpreter could not open it
    }
    auto strings = TRY(ExecStrings::make());
    TRY(strings->push(path.get()));
    strings->path_string = strings->top();
    strings->envc = TRY(strings->push_user_vector(envp));
    strings->argc = TRY(strings->push_user_vector(argv));
    if (strings->argc == 0) {  // programs rely on an argv[0]
        TRY(strings->push(""));
        strings->argc = 1;
    }
    TRY(exec_file(std::move(file), std::move(path), *strings, strings->path_string));
    return 0;
}

Result<std::int32_t> sys_execve(UserPtr<char> path, std::uint32_t argv, std::uint32_t envp)
{
    return patiently([&] { return do_exec(at_fdcwd, path, Vaddr{argv}, Vaddr{envp}, 0); });
}
SYSCALL(execve, 11, sys_execve);

Result<std::int32_t> sys_execveat(int dirfd, UserPtr<char> path, std::uint32_t argv, std::uint32_t envp, int flags)
{
    return patiently([&] { return do_exec(dirfd, path, Vaddr{argv}, Vaddr{envp}, flags); });
}
SYSCALL(execveat, 358, sys_execveat);
}  // namespace
}  // namespace kernel
