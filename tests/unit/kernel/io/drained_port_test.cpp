// SPDX-License-Identifier: MIT
// A port whose other end takes bytes while we look: each look at its room may find more than the last one did, as with a console's ring that
// another domain empties.
#include <catch2/catch.hpp>
#include <kernel/tty/line_discipline.hpp>
#include <random>
#include <string>
#include <vector>

namespace t = kernel::termios;

namespace {
class Drained final : public kernel::TerminalPort {
public:
    explicit Drained(unsigned seed) : random_{seed} {}
    std::size_t room() const override
    {
        room_ += random_() % 3 ? 0 : random_() % 300;
        return room_;
    }
    void send(char const *bytes, std::size_t n) override
    {
        REQUIRE(n <= room_);
        room_ -= n;
        seen.append(bytes, n);  // the sanitizer sees it read beyond what it was given
    }
    void raise(int) override {}
    void input_arrived() override {}
    void output_discarded() override {}
    void flow_changed(bool) override {}
    std::string seen;

private:
    mutable std::mt19937 random_;
    mutable std::size_t room_ = 0;
};
}  // namespace

TEST_CASE("room that grows between two looks at it is no leave to send more than there is", "[line]")
{
    bool const cooked = GENERATE(false, true);
    for (unsigned seed = 1; seed <= 50; ++seed) {
        Drained port{seed};
        kernel::LineDiscipline line{port};
        auto settings = line.settings();
        settings.oflag = cooked ? settings.oflag | t::opost : settings.oflag & ~t::opost;
        settings.lflag |= t::echo | t::icanon;
        line.set(settings);
        std::mt19937 random{seed};
        std::string given;
        for (unsigned i = 0; i < 300; ++i) {
            std::vector<char> bytes(1 + random() % 512, static_cast<char>('a' + i % 26));
            std::size_t done = 0;
            while (done < bytes.size()) {
                std::vector<char> rest(bytes.begin() + static_cast<std::ptrdiff_t>(done), bytes.end());
                auto taken = line.write(rest.data(), rest.size());
                REQUIRE(taken <= rest.size());
                done += taken;
                line.room_again();
            }
            given.append(bytes.begin(), bytes.end());
            if (random() % 8 == 0) {  // echo that has to wait
                line.receive("XYZ", 3);
                given += "XYZ";
                for (unsigned looks = 0; looks < 100; ++looks)
                    line.room_again();
            }
        }
        CHECK(port.seen == given);
    }
}
