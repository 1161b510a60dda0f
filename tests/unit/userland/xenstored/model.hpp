// SPDX-License-Identifier: MIT
// xenstore's rules once more, in the most naive way: a map from paths to nodes, copied for each question.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

struct Model {
    struct Node {
        std::string value;
        std::vector<std::pair<char, unsigned>> permissions;
    };
    struct Touched {
        std::string path;
        bool below_removed;
    };
    struct Outcome {
        std::string text;  // as Answer::text()
        std::vector<Touched> touched;
    };
    enum class Ask { read, write, mkdir, rm, directory, get_permissions, set_permissions };

    Model() { nodes["/"] = {"", {{'n', 0}}}; }
    Outcome perform(Ask, unsigned domain, std::string const &path, std::string const &argument);
    bool may(unsigned domain, std::string const &path, char what) const;  // what: 'r', 'w'
    static std::string parent(std::string const &path);
    static bool below(std::string const &path, std::string const &ancestor);

    std::map<std::string, Node> nodes;

private:
    std::string absent(unsigned domain, std::string path) const;
    Outcome create(unsigned domain, std::string const &path, std::string const &value);
    Outcome rm(unsigned domain, std::string const &path);
    Outcome set_permissions(unsigned domain, std::string const &path, std::string const &text);
};
