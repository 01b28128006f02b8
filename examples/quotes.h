// SPDX-License-Identifier: Apache-2.0
//
// Quotes: asks a price server on behalf of many, over a few connections that are used again.
//
//   Quotes quotes("prices.example", 7070, /*connections=*/2);
//   int price = co_await quotes.Price("tin");        // throws TimeoutError, std::system_error, IncompleteReadError
//
// A request is a line with a name, the answer a line with a number. Who is cancelled or runs into an error in the
// middle of a request leaves a connection on which an answer is still to come: it is closed, and not used again.
#ifndef DETENT_EXAMPLES_QUOTES_H_
#define DETENT_EXAMPLES_QUOTES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/net.h"
#include "detent/runtime/semaphore.h"

namespace detent_examples {

class Quotes {
 public:
  Quotes(std::string host, int port, int connections) : host_(std::move(host)), port_(port), permits_(connections) {}

  detent::Coro<int> Price(std::string name);

  // How many requests are under way.
  int busy() const { return busy_; }

 private:
  detent::Coro<detent::Connection> TakeConnection();
  detent::Coro<int> Ask(std::string name);

  static constexpr absl::Duration kPatience = absl::Seconds(2);

  const std::string host_;
  const int port_;
  detent::Semaphore permits_;
  std::vector<detent::Connection> idle_;
  int busy_ = 0;
};

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_QUOTES_H_
