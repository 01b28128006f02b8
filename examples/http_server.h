// SPDX-License-Identifier: Apache-2.0
//
// A web server with one page: /aio takes its time, from one to thirty seconds, and says how long, as in
// {"delay": 7}. It is what the tutorial's clients try themselves on.
//
//   Server server = co_await StartHttp("127.0.0.1", 3000, absl::Seconds(1));
//   co_await server.ServeForever();
#ifndef DETENT_EXAMPLES_HTTP_SERVER_H_
#define DETENT_EXAMPLES_HTTP_SERVER_H_

#include <string_view>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/server.h"

namespace detent_examples {

// `second` is how long the page's second lasts.
detent::Coro<detent::Server> StartHttp(std::string_view host, int port, absl::Duration second);

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_HTTP_SERVER_H_
