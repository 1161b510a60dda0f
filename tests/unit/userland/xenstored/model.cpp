// SPDX-License-Identifier: MIT
#include "model.hpp"
#include <sstream>

std::string Model::parent(std::string const &path)
{
    auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

bool Model::below(std::string const &path, std::string const &ancestor)
{
    return path != ancestor && (ancestor == "/" || path.rfind(ancestor + "/", 0) == 0);
}

bool Model::may(unsigned domain, std::string const &path, char what) const
{
    auto const &p = nodes.at(path).permissions;
    if (domain == 0 || p[0].second == domain)
        return true;
    char has = p[0].first;
    for (std::size_t i = p.size(); i-- > 1;)
        if (p[i].second == domain)
            has = p[i].first;
    return has == 'b' || has == what;
}

std::string Model::absent(unsigned domain, std::string path) const
{
    while (!nodes.count(path))
        path = parent(path);
    return may(domain, path, 'r') ? "ENOENT" : "EACCES";
}

Model::Outcome Model::create(unsigned domain, std::string const &path, std::string const &value)
{
    std::vector<std::string> missing;
    auto up = path;
    for (; !nodes.count(up); up = parent(up))
        missing.insert(missing.begin(), up);
    if (!may(domain, up, 'w'))
        return {"EACCES", {}};
    auto permissions = nodes[up].permissions;
    if (domain != 0)
        permissions[0].second = domain;
    for (auto const &each : missing)
        nodes[each] = {"", permissions};
    nodes[path].value = value;
    return {"OK|", {{path, false}}};
}

Model::Outcome Model::rm(unsigned domain, std::string const &path)
{
    if (path == "/")
        return {"EINVAL", {}};
    if (!nodes.count(path))
        return nodes.count(parent(path)) && may(domain, parent(path), 'r') ? Outcome{"OK|", {}}
                                                                           : Outcome{absent(domain, path), {}};
    if (!may(domain, path, 'w'))
        return {"EACCES", {}};
    Outcome outcome{"OK|", {}};
    for (auto at = nodes.begin(); at != nodes.end();) {
        bool is_below = below(at->first, path);
        if (is_below || at->first == path) {
            outcome.touched.push_back({at->first, is_below});
            at = nodes.erase(at);
        } else {
            ++at;
        }
    }
    return outcome;
}

Model::Outcome Model::set_permissions(unsigned domain, std::string const &path, std::string const &text)
{
    if (!nodes.count(path))
        return {absent(domain, path), {}};
    std::vector<std::pair<char, unsigned>> list;
    std::istringstream words{text};
    for (std::string word; std::getline(words, word, '|');)
        list.emplace_back(word[0], static_cast<unsigned>(std::stoul(word.substr(1))));
    auto &now = nodes[path].permissions;
    if (domain != 0 && now[0].second != domain)
        return {"EACCES", {}};
    if (domain != 0 && list[0].second != domain)
        return {"EPERM", {}};
    now = list;
    return {"OK|", {{path, false}}};
}

Model::Outcome Model::perform(Ask ask, unsigned domain, std::string const &path, std::string const &argument)
{
    bool is_there = nodes.count(path) != 0;
    switch (ask) {
    case Ask::rm: return rm(domain, path);
    case Ask::set_permissions: return set_permissions(domain, path, argument);
    case Ask::write:
    case Ask::mkdir:
        if (!is_there)
            return create(domain, path, ask == Ask::write ? argument : "");
        if (!may(domain, path, 'w'))
            return {"EACCES", {}};
        if (ask == Ask::mkdir)
            return {"OK|", {}};
        nodes[path].value = argument;
        return {"OK|", {{path, false}}};
    default: break;
    }
    if (!is_there)
        return {absent(domain, path), {}};
    if (!may(domain, path, 'r'))
        return {"EACCES", {}};
    if (ask == Ask::read)
        return {nodes[path].value, {}};
    std::string text;
    if (ask == Ask::get_permissions)
        for (auto [letter, who] : nodes[path].permissions)
            text += letter + std::to_string(who) + "|";
    else
        for (auto const &[other, node] : nodes)
            if (other != "/" && parent(other) == path)
                text += other.substr(other.rfind('/') + 1) + "|";
    return {text, {}};
}
