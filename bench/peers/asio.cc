// SPDX-License-Identifier: Apache-2.0
//
// Boost.Asio 1.81 with C++20 coroutines, on one thread. `asio ROW` prints nanoseconds of CPU time an operation, `asio
// echo` and `asio echo-udp` are servers for bench/harness/echo.h.
#include <time.h>

#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using asio::ip::udp;

namespace {

constexpr uint64_t kSeed = 1;

double CpuNanoseconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

void Require(bool condition) {
  if (condition) return;
  std::fprintf(stderr, "asio: wrong result\n");
  std::exit(1);
}

awaitable<void> YieldOften(uint64_t times, uint64_t& done) {
  const auto executor = co_await asio::this_coro::executor;
  for (uint64_t i = 0; i < times; ++i) {
    co_await asio::post(executor, use_awaitable);
    ++done;
  }
}
[[gnu::noinline]] awaitable<uint64_t> Give(uint64_t value) { co_return value; }
awaitable<void> SpawnMain(uint64_t ops, uint64_t& sum) {
  const auto executor = co_await asio::this_coro::executor;
  for (uint64_t i = 0; i < ops; ++i) sum += co_await asio::co_spawn(executor, Give(i), use_awaitable);
}
awaitable<void> AwaitMain(uint64_t ops, uint64_t& sum) {
  for (uint64_t i = 0; i < ops; ++i) sum += co_await Give(i);
}
using Channel = asio::experimental::channel<void(boost::system::error_code, uint64_t)>;
awaitable<void> Produce(Channel& channel, uint64_t items) {
  for (uint64_t i = 0; i < items; ++i) co_await channel.async_send(boost::system::error_code(), i, use_awaitable);
}
awaitable<void> Consume(Channel& channel, uint64_t items, uint64_t& sum) {
  for (uint64_t i = 0; i < items; ++i) sum += co_await channel.async_receive(use_awaitable);
}
awaitable<void> SleepOnce(uint64_t microseconds, uint64_t& done) {
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::microseconds(microseconds));
  co_await timer.async_wait(use_awaitable);
  ++done;
}

awaitable<void> Echo(tcp::socket socket) {
  char data[64 * 1024];
  try {
    while (true) {
      const size_t size = co_await socket.async_read_some(asio::buffer(data), use_awaitable);
      co_await asio::async_write(socket, asio::buffer(data, size), use_awaitable);
    }
  } catch (const std::exception&) {
  }
}
awaitable<void> Serve() {
  const auto executor = co_await asio::this_coro::executor;
  tcp::acceptor acceptor(executor, {asio::ip::address_v4::loopback(), 0});
  std::printf("port %d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  while (true) {
    tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(executor, Echo(std::move(socket)), asio::detached);
  }
}

awaitable<void> ServeDatagrams() {
  udp::socket socket(co_await asio::this_coro::executor, {asio::ip::address_v4::loopback(), 0});
  std::printf("port %d\n", socket.local_endpoint().port());
  std::fflush(stdout);
  char data[64 * 1024];
  udp::endpoint from;
  while (true) {
    const size_t size = co_await socket.async_receive_from(asio::buffer(data), from, use_awaitable);
    co_await socket.async_send_to(asio::buffer(data, size), from, use_awaitable);
  }
}

uint64_t Random(uint64_t& state) {
  state = state * 6364136223846793005 + 1442695040888963407;
  return state >> 33;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view row = argc == 2 ? argv[1] : "";
  asio::io_context context(1);
  const auto spawn = [&](awaitable<void> task) { asio::co_spawn(context, std::move(task), asio::detached); };
  uint64_t ops = 300'000, result = 0;
  const double start = CpuNanoseconds();
  if (row == "W1") {
    spawn(YieldOften(ops / 2, result));
    spawn(YieldOften(ops / 2, result));
    context.run();
    Require(result == ops);
  } else if (row == "W2" || row == "W3") {
    spawn(row == "W2" ? SpawnMain(ops, result) : AwaitMain(ops, result));
    context.run();
    Require(result == ops * (ops - 1) / 2);
  } else if (row == "W5.64" || row == "W5.1") {
    Channel channel(context, row == "W5.1" ? 1 : 64);
    spawn(Produce(channel, ops));
    spawn(Consume(channel, ops, result));
    context.run();
    Require(result == ops * (ops - 1) / 2);
  } else if (row == "W6t") {
    ops = 100'000;
    uint64_t random = kSeed;
    std::vector<std::unique_ptr<asio::steady_timer>> timers;
    for (uint64_t i = 0; i < ops; ++i) {
      timers.push_back(
          std::make_unique<asio::steady_timer>(context, std::chrono::seconds(3600 + Random(random) % 3600)));
      timers.back()->async_wait([&](const boost::system::error_code&) { ++result; });
    }
    for (auto& timer : timers) timer->cancel();
    context.run();
    Require(result == ops);
  } else if (row == "W6r") {
    ops = 100'000;
    uint64_t random = kSeed;
    for (uint64_t i = 0; i < ops; ++i) spawn(SleepOnce(Random(random) % 500'000, result));
    context.run();
    Require(result == ops);
  } else if (row == "echo" || row == "echo-udp") {
    spawn(row == "echo" ? Serve() : ServeDatagrams());
    context.run();
  } else {
    std::fprintf(stderr, "usage: asio W1|W2|W3|W5.64|W5.1|W6t|W6r|echo|echo-udp\n");
    return 2;
  }
  std::printf("%f\n", (CpuNanoseconds() - start) / static_cast<double>(ops));
}
