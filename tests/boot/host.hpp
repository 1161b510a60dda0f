// SPDX-License-Identifier: MIT
// This machine as the guest's peer: ports of its loopback, a server, a client.
#pragma once
#include <atomic>
#include <string>
#include <thread>

// A port of 127.0.0.1 that nobody uses now.
std::string free_port();

// Serves 127.0.0.1 until it is destroyed: each connection in turn gets the answer to what it sent.
class Server {
public:
    using Answer = std::string (*)(std::string const &request);
    // `end_of_request`: what ends a request; empty: the peer's end of file.
    Server(Answer, std::string end_of_request);
    ~Server();
    Server(Server const &) = delete;
    Server &operator=(Server const &) = delete;
    std::string const &port() const { return port_; }
    unsigned served() const { return served_; }

private:
    void run();
    void serve(int fd);
    Answer answer_;
    std::string end_, port_;
    int listener_ = -1;
    std::atomic<bool> over_ = false;
    std::atomic<unsigned> served_ = 0;
    std::thread thread_;
};

// Connects to 127.0.0.1, sends, says that this was all, and returns what came until the other end's end of file.
std::string converse(std::string const &port, std::string const &text, double seconds = 60);
