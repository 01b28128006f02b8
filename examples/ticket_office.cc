// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/ticket_office.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "detent/runtime/choice.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/sleep.h"
#include "detent/runtime/wait_for.h"

namespace detent_examples {
namespace {

using detent::Choose;
using detent::Connection;
using detent::Coro;
using detent::Fault;
using detent::Held;
using detent::Lock;
using detent::Server;
using detent::Sleep;

constexpr size_t kLineMax = 1000;
constexpr absl::Duration kIdleMax = absl::Minutes(5);

// Stands in for the company that issued the card. On the real loop it answers after 20 microseconds and
// always agrees; a simulated schedule may choose that it is up to 128 times as slow, or that it refuses.
Coro<bool> ChargeCard(const std::string& /*customer*/) {
  co_await Sleep(absl::Microseconds(20) * (1 << Choose(8)));
  co_return !Fault("card refused", 0.02);
}

}  // namespace

Coro<Server> TicketOffice::Open(std::string_view host, int port) {
  return detent::StartServer([this](Connection client) { return ServeClient(std::move(client)); }, host, port);
}

// A client that leaves, in the middle of a line or not, or sends lines without end, makes a read or a write throw: that
// ends its connection.
Coro<> TicketOffice::ServeClient(Connection client) {
  try {
    while (true) {
      std::string line = co_await detent::WaitFor(client.ReadUntil("\n", kLineMax), kIdleMax);
      line.pop_back();
      const std::string answer = co_await Answer(std::move(line));
      co_await client.Write(answer + "\n");
    }
  } catch (const detent::TimeoutError&) {
    // It has been silent for too long.
  }
}

Coro<std::string> TicketOffice::Answer(std::string request) {
  const std::vector<std::string> words = absl::StrSplit(request, ' ');
  if (words[0] == "LEFT" && words.size() == 1) co_return absl::StrCat("LEFT ", left_);
  if (words[0] != "BUY") co_return "ERROR say LEFT, or BUY and your name and how many";
  int tickets = 0;
  if (words.size() != 3 || !absl::SimpleAtoi(words[2], &tickets) || tickets < 1 || tickets > 100) {
    co_return "ERROR say BUY and your name and how many, from 1 to 100";
  }
  co_return co_await Buy(words[1], tickets);
}

Coro<std::string> TicketOffice::Buy(std::string customer, int tickets) {
  Held<Lock> held;
  if (selling_ == Selling::kOneAtATime) held = co_await selling_lock_.Hold();

  if (tickets > left_) co_return absl::StrCat("SORRY ", left_);
  const bool charged = co_await ChargeCard(customer);  // Without the lock another sale may begin here.
  if (!charged) co_return "NO CARD";
  left_ -= tickets;
  sold_ += tickets;
  co_return absl::StrCat("SOLD ", tickets);
}

}  // namespace detent_examples
