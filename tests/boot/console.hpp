// SPDX-License-Identifier: MIT
// A person at a terminal: starts a command on a pseudo-terminal, waits for text, types.
#pragma once
#include <string>
#include <sys/types.h>
#include <vector>

class Console {
public:
    explicit Console(std::vector<std::string> command);
    ~Console();  // kills what still runs, with its children
    Console(Console const &) = delete;
    Console &operator=(Console const &) = delete;

    // Waits until `text` has been printed after what earlier waits took; true if it came in time.
    bool wait_for(std::string const &text, double seconds = 60);
    // What was printed between the last two waits.
    std::string const &before() const { return before_; }
    void type(std::string const &keys);
    void enter(std::string const &line) { type(line + "\r"); }
    // Types a command and returns what it printed, without the echo and the prompt; the shell's prompt is set by use_shell().
    std::string command(std::string const &line, double seconds = 60);
    bool use_shell();                       // waits for ash's prompt and gives it one that cannot be mistaken
    int wait_for_end(double seconds = 60);  // exit status; -1: it did not end
    std::string const &transcript() const { return transcript_; }

private:
    bool read_more(double seconds);
    int terminal_ = -1;
    pid_t child_ = -1;
    std::string transcript_, before_;
    std::size_t taken_ = 0;
    unsigned commands_ = 0;
};

struct Outcome {
    int status = -1;  // as a shell has it; -1: killed at the time-out
    std::string output, error_output;
};
// Runs a command with pipes: `input` on its standard input, then end of file.
Outcome run_command(std::vector<std::string> const &command, std::string const &input = {}, double seconds = 120);
