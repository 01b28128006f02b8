// SPDX-License-Identifier: Apache-2.0
//
// TicketOffice: sells tickets over TCP. A client sends a line, the office answers with one.
//
//   LEFT            LEFT 3
//   BUY alice 2     SOLD 2, or SORRY 1 (left), or NO CARD (nothing was sold)
//   anything else   ERROR and what is wrong
//
//   TicketOffice office(/*tickets=*/50, Selling::kOneAtATime);
//   Server server = co_await office.Open("127.0.0.1", 8080);
//   co_await server.ServeForever();
//
// The racy office looks how many tickets are left, charges the customer's card, which takes a while, and then
// takes the tickets away, whoever else bought some meanwhile. The fixed office does the same while it holds a
// lock.
#ifndef DETENT_EXAMPLES_TICKET_OFFICE_H_
#define DETENT_EXAMPLES_TICKET_OFFICE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/runtime/io/server.h"
#include "detent/runtime/lock.h"

namespace detent_examples {

enum class Selling : bool { kRacy, kOneAtATime };

class TicketOffice {
 public:
  TicketOffice(int tickets, Selling selling) : selling_(selling), left_(tickets) {}

  // Serves the clients that come there. The office must outlive the server.
  detent::Coro<detent::Server> Open(std::string_view host, int port);

  int left() const { return left_; }
  int sold() const { return sold_; }

 private:
  detent::Coro<> ServeClient(detent::Connection client);
  detent::Coro<std::string> Answer(std::string request);
  detent::Coro<std::string> Buy(std::string customer, int tickets);

  const Selling selling_;
  detent::Lock selling_lock_{"selling"};
  int left_;
  int sold_ = 0;
};

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_TICKET_OFFICE_H_
