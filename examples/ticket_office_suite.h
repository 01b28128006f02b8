// SPDX-License-Identifier: Apache-2.0
//
// The tests of a TicketOffice, as coroutines that throw when something is wrong: ticket_office_test.cc runs
// them as LOOP_TESTs, the demo through Explore(). The customers Print() what they say and hear, and when.
#ifndef DETENT_EXAMPLES_TICKET_OFFICE_SUITE_H_
#define DETENT_EXAMPLES_TICKET_OFFICE_SUITE_H_

#include <string>
#include <utility>

#include "detent/examples/ticket_office.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/net.h"

namespace detent_examples {

// Somebody who stands at the office's window.
class Customer {
 public:
  static detent::Coro<Customer> Visit(int port, std::string name);

  // Sends one line and gives the answer, both without the line break.
  detent::Coro<std::string> Ask(std::string line);

 private:
  Customer(detent::Connection connection, std::string name)
      : connection_(std::move(connection)), name_(std::move(name)) {}

  detent::Connection connection_;
  std::string name_;
};

// Throws std::runtime_error with `what` if it is not so.
void Require(bool condition, const std::string& what);

class OfficeTest {
 public:
  const char* name;
  detent::Coro<> (*body)(Selling);
};

// Alice buys the last ticket. Bob looks whether there is one, and then tries to buy it.
detent::Coro<> TheLastTicketIsSoldOnce(Selling selling);
// Six customers, who come one after the other, want two of seven tickets each.
detent::Coro<> ACrowdGetsNoMoreThanThereIs(Selling selling);
// One customer, who also makes mistakes.
detent::Coro<> EveryRequestHasItsAnswer(Selling selling);

inline constexpr OfficeTest kOfficeTests[] = {
    {"EveryRequestHasItsAnswer", EveryRequestHasItsAnswer},
    {"TheLastTicketIsSoldOnce", TheLastTicketIsSoldOnce},
    {"ACrowdGetsNoMoreThanThereIs", ACrowdGetsNoMoreThanThereIs},
};

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_TICKET_OFFICE_SUITE_H_
