// SPDX-License-Identifier: Apache-2.0
//
// libuv: callbacks, so that only timers and the echo server compare. `uv ROW` prints nanoseconds of CPU time an
// operation, `uv echo` and `uv echo-udp` are servers for bench/harness/echo.h.
#include <netinet/in.h>
#include <time.h>
#include <uv.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

double CpuNanoseconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

uint64_t Random(uint64_t& state) {
  state = state * 6364136223846793005 + 1442695040888963407;
  return state >> 33;
}

uint64_t fired = 0;
char buffer[64 * 1024];

void OnRead(uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
  if (size < 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(stream),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); });
    return;
  }
  // What is in flight fits into the socket's buffer.
  uv_buf_t answer = uv_buf_init(buffer, static_cast<unsigned>(size));
  if (uv_try_write(stream, &answer, 1) != size) std::abort();
}

void OnConnection(uv_stream_t* listener, int) {
  uv_tcp_t* const client = new uv_tcp_t;
  uv_tcp_init(listener->loop, client);
  uv_stream_t* const stream = reinterpret_cast<uv_stream_t*>(client);
  if (uv_accept(listener, stream) != 0) std::abort();
  uv_tcp_nodelay(client, 1);
  uv_read_start(
      stream, [](uv_handle_t*, size_t, uv_buf_t* buf) { *buf = uv_buf_init(buffer, sizeof(buffer)); }, OnRead);
}

void Serve(uv_loop_t* loop) {
  uv_tcp_t listener;
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_init(loop, &listener);
  uv_tcp_bind(&listener, reinterpret_cast<sockaddr*>(&address), 0);
  if (uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 128, OnConnection) != 0) std::abort();
  int size = sizeof(address);
  uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
}

void OnDatagram(uv_udp_t* server, ssize_t size, const uv_buf_t*, const sockaddr* from, unsigned) {
  if (size <= 0) return;
  uv_buf_t answer = uv_buf_init(buffer, static_cast<unsigned>(size));
  if (uv_udp_try_send(server, &answer, 1, from) != size) std::abort();
}

void ServeDatagrams(uv_loop_t* loop) {
  uv_udp_t server;
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_udp_init(loop, &server);
  uv_udp_bind(&server, reinterpret_cast<sockaddr*>(&address), 0);
  int size = sizeof(address);
  uv_udp_getsockname(&server, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  uv_udp_recv_start(
      &server, [](uv_handle_t*, size_t, uv_buf_t* buf) { *buf = uv_buf_init(buffer, sizeof(buffer)); }, OnDatagram);
  uv_run(loop, UV_RUN_DEFAULT);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view row = argc == 2 ? argv[1] : "";
  uv_loop_t* const loop = uv_default_loop();
  constexpr uint64_t kOps = 100'000;
  std::vector<uv_timer_t> timers(kOps);
  uint64_t random = 1;
  const double start = CpuNanoseconds();
  if (row == "W6t") {
    for (uv_timer_t& timer : timers) {
      uv_timer_init(loop, &timer);
      uv_timer_start(&timer, [](uv_timer_t*) { ++fired; }, 3'600'000 + Random(random) % 3'600'000, 0);
    }
    for (uv_timer_t& timer : timers) uv_timer_stop(&timer);
    if (fired != 0) std::abort();
  } else if (row == "W6r") {
    for (uv_timer_t& timer : timers) {
      uv_timer_init(loop, &timer);
      uv_timer_start(&timer, [](uv_timer_t*) { ++fired; }, Random(random) % 500, 0);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    if (fired != kOps) std::abort();
  } else if (row == "echo") {
    Serve(loop);
  } else if (row == "echo-udp") {
    ServeDatagrams(loop);
  } else {
    std::fprintf(stderr, "usage: uv W6t|W6r|echo|echo-udp\n");
    return 2;
  }
  std::printf("%f\n", (CpuNanoseconds() - start) / static_cast<double>(kOps));
}
