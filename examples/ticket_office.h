// SPDX-License-Identifier: Apache-2.0
//
// TicketOffice: sells tickets over TCP. A client sends a line, the office answers with one.
//
//   LEFT            LEFT 3
//   BUY alice 2     SOLD 2, or SORRY 1 (left), or NO CARD (nothing was sold)
//   anything else   ERROR and what is wrong
//
//   TicketOffice office(/*tickets=*/50, Selling::kOneAtATime);
//   co_await office.Serve(co_await Listen("127.0.0.1", 8080));      // until it is cancelled
//
// The racy office looks how many tickets are left, charges the customer's card, which takes a while, and then
// takes the tickets away, whoever else bought some meanwhile. The fixed office does the same while it holds a
// lock.
#ifndef DETENT_EXAMPLES_TICKET_OFFICE_H_
#define DETENT_EXAMPLES_TICKET_OFFICE_H_

#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/lock.h"
#include "detent/runtime/net.h"

namespace detent_examples {

enum class Selling : bool { kRacy, kOneAtATime };

class TicketOffice {
 public:
  TicketOffice(int tickets, Selling selling) : selling_(selling), left_(tickets) {}

  // Serves the clients of `listener`.
  detent::Coro<> Serve(detent::Listener listener);

  int left() const { return left_; }
  int sold() const { return sold_; }

 private:
  detent::Coro<> ServeClient(detent::Connection connection);
  detent::Coro<std::string> Answer(std::string request);
  detent::Coro<std::string> Buy(std::string customer, int tickets);

  const Selling selling_;
  detent::Lock selling_lock_{"selling"};
  int left_;
  int sold_ = 0;
};

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_TICKET_OFFICE_H_
