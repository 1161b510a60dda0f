// SPDX-License-Identifier: MIT
// One open /dev/xen/xenbus: messages of the wire protocol go in by write(2) and come out by read(2), as over a socket to the
// daemon. Linux's behaviour: partial messages are put together; XS_WATCH and XS_UNWATCH are answered here, because all programs
// share the kernel's connection; transactions and watches end with the file.
#pragma once
#include <boost/intrusive/list.hpp>
#include <drivers/xendev/xendev.hpp>
#include <kernel/process/wait.hpp>
#include <pvlib/device/store.hpp>

namespace xendev {
class XenbusFile final : public File {
public:
    explicit XenbusFile(unsigned open_flags) : File{open_flags} {}
    ~XenbusFile() override;
    Result<std::size_t> read(kernel::IoBuffer &, std::uint64_t &) override;
    Result<std::size_t> write(kernel::IoBuffer &, std::uint64_t &) override;
    unsigned poll(kernel::PollTable *) override;

private:
    static constexpr unsigned most_queued = 4096, most_watches = 1024, most_transactions = 64;
    struct Chunk : boost::intrusive::list_base_hook<> {
        xenbus::Text bytes;
        std::uint32_t taken = 0;
    };
    struct UserWatch : boost::intrusive::list_base_hook<> {
        explicit UserWatch(XenbusFile &f) : file{f} {}
        XenbusFile &file;
        xenbus::Text token;
        xenbus::Watch watch{XenbusFile::fired, this};
    };
    struct Transaction {
        std::uint32_t id, generation;
    };
    static void fired(void *watch, std::string_view path);
    Result<> take_some(kernel::IoBuffer &);
    Result<> act();
    Result<> forward();
    Result<> watch(std::string_view path, std::string_view token);
    Result<> watch_call();
    void unwatch(std::string_view path, std::string_view token);
    bool owns(std::uint32_t transaction) const;
    void note_transaction(xenbus::Message const &reply);
    Result<> answer(xsd_sockmsg, std::string_view payload);
    Result<> queue(xsd_sockmsg const &, std::string_view a, std::string_view b = {});

    std::unique_ptr<char[]> request_;  // header and payload so far
    std::uint32_t got_ = 0;
    boost::intrusive::list<Chunk> replies_;
    boost::intrusive::list<UserWatch> watches_;
    Transaction transactions_[most_transactions];
    unsigned transaction_count_ = 0;
    kernel::Mutex writing_, reading_;
    kernel::WaitQueue readable_;
};
}  // namespace xendev
