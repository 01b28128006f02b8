// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/ticket_office_suite.h"

#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "detent/examples/transcript.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/finally.h"
#include "detent/runtime/gather.h"
#include "detent/runtime/sleep.h"
#include "detent/runtime/spawn.h"
#include "detent/runtime/wait.h"

namespace detent_examples {
namespace {

using detent::Coro;
using detent::EventLoop;
using detent::Gather;
using detent::Server;
using detent::Sleep;

// Opens an office, lets customers in, closes it, and looks into the books.
template <typename F>
Coro<> WithOffice(int tickets, Selling selling, F customers) {
  TicketOffice office(tickets, selling);
  Server server = co_await office.Open("127.0.0.1", 0);
  co_await detent::Finally([&]() -> Coro<> { co_await customers(server.Port()); },
                           [&]() -> Coro<> {
                             server.Close();
                             server.AbortClients();
                             co_await server.WaitClosed();
                           });

  Require(office.sold() <= tickets, absl::StrCat("sold ", office.sold(), " tickets and had ", tickets));
  Require(office.sold() + office.left() == tickets, "the books do not add up");
}

Coro<> AliceBuys(int port) {
  Customer alice = co_await Customer::Visit(port, "alice");
  co_await alice.Ask("BUY alice 1");
}

Coro<> BobLooksThenBuys(int port) {
  Customer bob = co_await Customer::Visit(port, "bob");
  co_await bob.Ask("LEFT");
  co_await bob.Ask("BUY bob 1");
}

Coro<> ComeLaterAndBuyTwo(int port, int i) {
  co_await Sleep(i * absl::Milliseconds(1));
  const std::string name = absl::StrCat("customer-", i);
  Customer customer = co_await Customer::Visit(port, name);
  const std::string answer = co_await customer.Ask(absl::StrCat("BUY ", name, " 2"));
  Require(answer == "SOLD 2" || answer.starts_with("SORRY ") || answer == "NO CARD", answer);
}

}  // namespace

Coro<Customer> Customer::Visit(int port, std::string name) {
  co_return Customer(co_await detent::Connect("127.0.0.1", port), std::move(name));
}

Coro<std::string> Customer::Ask(std::string line) {
  const EventLoop& loop = EventLoop::Current();
  Print(absl::StrFormat("%8s  %s says   %s", loop.Time().ToString(), name_, line));
  line += '\n';
  co_await connection_.Write(line);
  std::string answer = co_await connection_.ReadUntil("\n");
  answer.pop_back();
  Print(absl::StrFormat("%8s  %s hears  %s", loop.Time().ToString(), name_, answer));
  co_return answer;
}

void Require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

Coro<> TheLastTicketIsSoldOnce(Selling selling) {
  return WithOffice(1, selling, [](int port) -> Coro<> { co_await Gather(AliceBuys(port), BobLooksThenBuys(port)); });
}

Coro<> ACrowdGetsNoMoreThanThereIs(Selling selling) {
  return WithOffice(7, selling, [](int port) -> Coro<> {
    std::vector<Coro<>> crowd;
    for (int i = 0; i < 6; ++i) crowd.push_back(ComeLaterAndBuyTwo(port, i));
    co_await Gather(std::move(crowd));
  });
}

Coro<> EveryRequestHasItsAnswer(Selling selling) {
  return WithOffice(3, selling, [](int port) -> Coro<> {
    Customer customer = co_await Customer::Visit(port, "alice");
    Require(co_await customer.Ask("LEFT") == "LEFT 3", "LEFT");
    const std::string bought = co_await customer.Ask("BUY alice 2");
    const bool has_card = bought != "NO CARD";
    Require(bought == (has_card ? "SOLD 2" : "NO CARD"), bought);
    const std::string sorry = co_await customer.Ask("BUY alice 4");
    Require(sorry == (has_card ? "SORRY 1" : "SORRY 3"), sorry);
    for (const char* mistake : {"", "HELLO", "BUY", "BUY alice", "BUY alice 0", "BUY alice many", "BUY alice 1 2"}) {
      const std::string answer = co_await customer.Ask(mistake);
      Require(answer.starts_with("ERROR "), answer);
    }
    const std::string left = co_await customer.Ask("LEFT");
    Require(left == (has_card ? "LEFT 1" : "LEFT 3"), left);
  });
}

}  // namespace detent_examples
