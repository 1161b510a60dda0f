// SPDX-License-Identifier: MIT
#include "store_fake.hpp"
#include <algorithm>
#include <deque>
#include <kernel/command_line.hpp>
#include <kernel/interrupts.hpp>
#include <lib/panic.hpp>
#include <pvlib/device/store_connection.hpp>
#include <set>

world::Store world::store;

namespace {
std::string path_of(std::string const &given)  // absolute
{
    if (given.starts_with("/"))
        return given;
    return (given.starts_with("backend") ? "/local/domain/0/" : "/local/domain/1/") + given;
}
std::string path_of(xenbus::Node n)
{
    std::string folder{n.folder}, name{n.name};
    return path_of(folder.empty() ? name : name.empty() ? folder : folder + "/" + name);
}
bool is_in(std::string const &path, std::string const &folder)
{
    return path == folder || path.starts_with(folder + "/");
}
}  // namespace

namespace xenbus {
struct WatchList {
    boost::intrusive::list<Watch, boost::intrusive::constant_time_size<false>> all;
    std::deque<std::pair<std::uint32_t, std::string>> due;
    std::deque<WatchThreadWork *> work;
    std::uint32_t last = 0;

    void add(Watch &w, std::string const &path)
    {
        w.path_ = Text::copy(path).take();
        w.number_ = ++last;
        all.push_back(w);
        due.push_back({w.number_, path});
    }
    // path: absolute; below: what is below it has changed, too.
    void fire(std::string const &path, bool below)
    {
        for (auto &w : all) {
            std::string const own{w.path()}, whole = path_of(own);
            if (!is_in(path, whole) && !(below && is_in(whole, path)))
                continue;
            auto told = is_in(path, whole) ? own + path.substr(whole.size()) : own;
            if (std::find(due.begin(), due.end(), std::pair{w.number_, told}) == due.end())
                due.push_back({w.number_, told});
        }
    }
    bool call_next()
    {
        if (!work.empty()) {
            auto w = work.front();
            work.pop_front();
            w->queued = false;
            w->run(w->context);
            return true;
        }
        if (due.empty())
            return false;
        auto [number, path] = due.front();
        due.pop_front();
        for (auto &w : all)
            if (w.number_ == number) {
                w.callback_(w.context_, path);
                break;
            }
        return true;
    }
};
}  // namespace xenbus

namespace {
xenbus::WatchList &watches()
{
    static xenbus::WatchList list;
    return list;
}
}  // namespace

void world::Store::set(std::string const &path, std::string const &value)
{
    nodes[path_of(path)] = value;
    watches().fire(path_of(path), false);
}

void world::Store::remove(std::string const &path)
{
    auto whole = path_of(path);
    std::erase_if(nodes, [&](auto const &n) { return is_in(n.first, whole); });
    watches().fire(whole, true);
}

bool world::Store::tell_next() { return watches().call_next(); }

namespace xenbus {
Result<> Watch::start(Node n)
{
    watches().add(*this, n.name.empty() ? std::string{n.folder} : std::string{n.folder} + "/" + std::string{n.name});
    return {};
}
Result<> Watch::start_soon(Node n) { return start(n); }
void Watch::stop() { unlink(); }
void on_watch_thread(WatchThreadWork &w)
{
    if (!std::exchange(w.queued, true))
        watches().work.push_back(&w);
}

Result<Text> read(Node n, Tx)
{
    auto path = path_of(n);
    auto at = world::store.nodes.lower_bound(path);
    if (at == world::store.nodes.end() || !is_in(at->first, path))
        return Error::noent;
    return Text::copy(at->first == path ? at->second : "");
}
Result<std::uint32_t> read_number(Node n, Tx tx) { return parse_number(TRY(read(n, tx)).view()); }
Result<> write(Node n, std::string_view value, Tx)
{
    world::store.set(path_of(n), std::string{value});
    return {};
}
Result<> write_number(Node n, std::uint32_t value, Tx tx) { return write(n, std::to_string(value), tx); }
bool exists(Node n, Tx tx) { return read(n, tx).ok(); }
Result<Text> list(Node n, Tx)
{
    auto folder = path_of(n) + "/";
    std::set<std::string> names;
    for (auto const &[path, value] : world::store.nodes)
        if (path.starts_with(folder))
            names.insert(path.substr(folder.size(), path.find('/', folder.size()) - folder.size()));
    std::string all;
    for (auto const &name : names)
        all += name + '\0';
    return names.empty() ? Result<Text>{Error::noent} : Text::copy(all);
}
Result<Tx> begin() { return Tx{1}; }
Result<> end(Tx, bool) { return {}; }

// Of the real connection there is none.
Connection &connection() { panic("a connection to a daemon"); }
Result<> Connection::start() { return Error::nodev; }
Result<> start_watch_thread() { return Error::nodev; }
}  // namespace xenbus

namespace kernel {
std::uint32_t number_option(std::string_view key) { return key == "xen_netfront.max_queues=" ? 3 : 0; }
Result<> attach_interrupt(arch::Line, void (*)(void *), void *, char const *) { return {}; }
}  // namespace kernel
