// SPDX-License-Identifier: Apache-2.0
//
// A web server with one page: /aio takes its time, from one to thirty seconds, and says how long, as in
// {"delay": 7}. It is what the tutorial's clients try themselves on.
//
//   Listener listener = co_await Listen("127.0.0.1", 3000);
//   co_await ServeHttp(std::move(listener), absl::Seconds(1));      // until it is cancelled
#ifndef DETENT_EXAMPLES_HTTP_SERVER_H_
#define DETENT_EXAMPLES_HTTP_SERVER_H_

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/net.h"

namespace detent_examples {

// `second` is how long the page's second lasts.
detent::Coro<> ServeHttp(detent::Listener listener, absl::Duration second);

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_HTTP_SERVER_H_
