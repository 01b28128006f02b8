// SPDX-License-Identifier: Apache-2.0
//
// A library with sockets of its own on our loop: libcurl's multi interface, driven by AddReader(), AddWriter() and
// CallLater(). It downloads from a server of ours in the same program, many pages at once. docs/foreign-loops.md
// explains the class. There is no simulated twin: what the kernel does with a descriptor cannot be replayed.
#include <curl/curl.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/examples/http_server.h"
#include "detent/runtime/runtime.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_examples {
namespace {

using detent::CallbackHandle;
using detent::Coro;
using detent::EventLoop;
using detent::Future;
using detent::Server;
using detent::Task;

// Downloads for the tasks of one loop.
class Curl {
 public:
  explicit Curl(EventLoop& loop) : loop_(loop), multi_(curl_multi_init()) {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &OnSocket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &OnTimer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;
  // REQUIRES: no Get() is left.
  ~Curl() {
    curl_multi_cleanup(multi_);
    timer_.Cancel();
  }

  // The body of the page at `url`. A cancelled one is taken back from libcurl.
  Coro<std::string> Get(std::string url) {
    Transfer transfer(*this, url);
    const CURLcode result = co_await transfer.done;
    if (result != CURLE_OK) throw std::runtime_error(absl::StrCat(url, ": ", curl_easy_strerror(result)));
    co_return std::move(transfer.body);
  }

 private:
  // One download, in the frame of who waits for it.
  class Transfer {
   public:
    Transfer(Curl& curl, const std::string& url) : done(detent::MakeFuture<CURLcode>()), curl_(curl) {
      curl_easy_setopt(easy_, CURLOPT_URL, url.c_str());
      curl_easy_setopt(easy_, CURLOPT_NOPROXY, "*");
      curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
      curl_easy_setopt(easy_, CURLOPT_FAILONERROR, 1L);
      curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
      curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &OnBytes);
      curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
      curl_multi_add_handle(curl_.multi_, easy_);
    }
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer() {
      curl_multi_remove_handle(curl_.multi_, easy_);
      curl_easy_cleanup(easy_);
    }

    Future<CURLcode> done;
    std::string body;

   private:
    static size_t OnBytes(const char* bytes, size_t, size_t size, void* self) {
      static_cast<Transfer*>(self)->body.append(bytes, size);
      return size;
    }

    Curl& curl_;
    CURL* const easy_ = curl_easy_init();
  };

  // libcurl says what it waits for at a descriptor. It may close one before it says that it does not wait any more:
  // RemoveReader() of a number that is not watched does nothing.
  static int OnSocket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    Curl* const curl = static_cast<Curl*>(self);
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) {
      curl->loop_.AddReader(fd, [curl, fd] { curl->Act(fd, CURL_CSELECT_IN); });
    } else {
      curl->loop_.RemoveReader(fd);
    }
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) {
      curl->loop_.AddWriter(fd, [curl, fd] { curl->Act(fd, CURL_CSELECT_OUT); });
    } else {
      curl->loop_.RemoveWriter(fd);
    }
    return 0;
  }

  // libcurl has one timer. It must not be called back from here, also if the time is 0.
  static int OnTimer(CURLM*, long milliseconds, void* self) {
    Curl* const curl = static_cast<Curl*>(self);
    curl->timer_.Cancel();
    if (milliseconds < 0) return 0;
    curl->timer_ =
        curl->loop_.CallLater(std::chrono::milliseconds(milliseconds), [curl] { curl->Act(CURL_SOCKET_TIMEOUT, 0); });
    return 0;
  }

  void Act(curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(multi_, fd, events, &running);
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      // Only makes its task ready: the handle goes in that task's own step, not under libcurl's feet.
      if (!transfer->done.Done()) transfer->done.SetResult(message->data.result);
    }
  }

  EventLoop& loop_;
  CURLM* const multi_;
  CallbackHandle timer_;
};

std::string UrlOf(const Server& server, std::string_view page) {
  return absl::StrCat("http://", server.Address(), std::string(page));
}

TEST(CurlTest, DownloadsManyPagesAtOnceFromAServerInTheSameLoop) {
  detent::Run([]() -> Coro<> {
    Server server = co_await StartHttp("127.0.0.1", 0, absl::Milliseconds(1));
    Curl curl(EventLoop::Current());
    std::vector<Task<std::string>> downloads;
    for (int i = 0; i < 50; ++i) downloads.push_back(detent::Spawn(curl.Get(UrlOf(server, "/aio"))));
    for (Task<std::string>& each : downloads) {
      EXPECT_THAT(co_await each, ::testing::MatchesRegex("\\{\"delay\": [0-9]+\\}"));
    }
    // Idle connections stay in libcurl's pool, and are used again.
    EXPECT_THAT(co_await curl.Get(UrlOf(server, "/aio")), ::testing::StartsWith("{\"delay\": "));
  });
}

TEST(CurlTest, WhatLibcurlCannotDoIsAnExceptionOfTheTask) {
  detent::Run([]() -> Coro<> {
    Server server = co_await StartHttp("127.0.0.1", 0, absl::Milliseconds(1));
    Curl curl(EventLoop::Current());
    const auto end_of = [&](std::string url) -> Coro<std::string> {
      try {
        co_return co_await curl.Get(url);
      } catch (const std::runtime_error& e) {
        co_return e.what();
      }
    };
    const std::string nothing = UrlOf(server, "/nothing");
    EXPECT_EQ(co_await end_of(nothing), absl::StrCat(nothing, ": ", curl_easy_strerror(CURLE_HTTP_RETURNED_ERROR)));
    const std::string page = UrlOf(server, "/aio");
    server.Close();
    EXPECT_EQ(co_await end_of(page), absl::StrCat(page, ": ", curl_easy_strerror(CURLE_COULDNT_CONNECT)));
  });
}

TEST(CurlTest, ACancelledDownloadIsTakenBack) {
  detent::Run([]() -> Coro<> {
    Server slow = co_await StartHttp("127.0.0.1", 0, absl::Hours(1));
    Server quick = co_await StartHttp("127.0.0.1", 0, absl::Milliseconds(1));
    Curl curl(EventLoop::Current());
    for (const detent::Unwind unwind : {detent::Unwind::kThrow, detent::Unwind::kDestroy}) {
      Task<std::string> download = detent::Spawn(curl.Get(UrlOf(slow, "/aio")), {.unwind = unwind});
      while (slow.ClientCount() == 0) co_await detent::Yield();
      download.Cancel();
      EXPECT_TRUE((co_await detent::Settle(download)).cancelled());
      while (slow.ClientCount() > 0) {  // Its connection is closed, and the server sees that when it answers.
        slow.AbortClients();
        co_await detent::Yield();
      }
    }
    EXPECT_THAT(co_await curl.Get(UrlOf(quick, "/aio")), ::testing::StartsWith("{\"delay\": "));
  });
}

}  // namespace
}  // namespace detent_examples
