// SPDX-License-Identifier: Apache-2.0
//
// Asynchronous files: the tutorial's downloader, complete. It reads a list of images, leaves out those that it has,
// fetches the others over TCP, some at once, and saves each in a file. A file is written whole or not at all, so that
// one that is there need not be fetched again, whatever happened to the run before.
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "detent/runtime/core.h"
#include "detent/runtime/io/files.h"
#include "detent/runtime/io/net.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"

namespace {

using detent::Connect;
using detent::Connection;
using detent::Coro;
using detent::File;
using detent::Gather;
using detent::Listen;
using detent::Listener;
using detent::Queue;
using detent::Spawn;
using detent::Task;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// What a server keeps under a name; empty if it has none.
std::string ImageCalled(const std::string& name) {
  return name == "missing.png" ? "" : name + ": " + std::string(20'000, name.front());
}

// Answers one line, the name of an image, with a line that gives its size, and its bytes.
Coro<> SendImage(Connection client) {
  try {
    std::string name = co_await client.ReadLine();
    if (name.empty()) co_return;
    name.pop_back();
    const std::string image = ImageCalled(name);
    co_await client.Write(std::to_string(image.size()) + "\n" + image);
  } catch (const std::system_error&) {  // The client has gone.
  }
}

Coro<> ServeImages(Listener listener) {
  while (true) Spawn(SendImage(co_await listener.Accept()));
}

Coro<std::string> Fetch(int port, std::string name) {
  Connection server = co_await Connect("127.0.0.1", port);
  co_await server.Write(name + "\n");
  size_t size = 0;
  if (!absl::SimpleAtoi(co_await server.ReadLine(), &size) || size == 0) throw std::runtime_error("no " + name);
  co_return co_await server.ReadExactly(size);
}

class Downloader {
 public:
  Downloader(int port, std::string directory) : port_(port), directory_(std::move(directory)) {}

  Coro<> Run() { co_await Gather(Plan(), Download(), Download(), Download()); }

  std::set<std::string> fetched;
  std::set<std::string> failed;

 private:
  // The list may be long: it is read piece by piece, no faster than the workers take from the queue.
  Coro<> Plan() {
    File list = co_await detent::OpenFile(directory_ + "/images.txt");
    std::string line;
    int64_t at = 0;
    while (true) {
      const std::string piece = co_await list.ReadAt(at, 64);
      if (piece.empty()) break;
      at += static_cast<int64_t>(piece.size());
      for (const char c : piece) {
        if (c != '\n') {
          line += c;
        } else {
          co_await PutIfNew(std::exchange(line, ""));
        }
      }
    }
    names_.Shutdown();
  }
  Coro<> PutIfNew(std::string name) {
    const auto found = co_await detent::Settle(detent::StatFile(directory_ + "/" + name));
    if (!found.ok()) co_await names_.Put(name);
  }

  Coro<> Download() {
    while (true) {
      std::string name;
      try {
        name = co_await names_.Get();
      } catch (const detent::QueueShutDown&) {
        co_return;
      }
      const auto image = co_await detent::Settle(Fetch(port_, name));
      if (!image.ok()) {
        failed.insert(name);
        continue;
      }
      fetched.insert(name);
      co_await detent::ReplaceFile(directory_ + "/" + name, image.value());
    }
  }

  const int port_;
  const std::string directory_;
  Queue<std::string> names_{/*maxsize=*/4};
};

Coro<> WriteList(std::string directory) {
  co_await detent::WriteFile(directory + "/images.txt", "a.png\nb.png\nmissing.png\nc.png\nd.png\ne.png\n");
}

LOOP_TEST(DownloaderExample, SavesEachImageOnce) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  const int port = listener.Port();
  Task<> server = Spawn(ServeImages(std::move(listener)));
  const std::string directory = detent_testing::TestDirectory();
  co_await WriteList(directory);
  co_await detent::WriteFile(directory + "/b.png", "is there already");

  Downloader first(port, directory);
  co_await first.Run();
  EXPECT_THAT(first.fetched, UnorderedElementsAre("a.png", "c.png", "d.png", "e.png"));
  EXPECT_THAT(first.failed, UnorderedElementsAre("missing.png"));
  EXPECT_THAT(co_await detent::ListDirectory(directory),
              ElementsAre("a.png", "b.png", "c.png", "d.png", "e.png", "images.txt"));
  EXPECT_EQ(co_await detent::ReadFile(directory + "/c.png"), ImageCalled("c.png"));
  EXPECT_EQ(co_await detent::ReadFile(directory + "/b.png"), "is there already");

  Downloader second(port, directory);
  co_await second.Run();
  EXPECT_TRUE(second.fetched.empty());
  server.Cancel();
}

// Stopped anywhere, it has left no half of an image, and the next run fetches the rest.
LOOP_TEST(DownloaderExample, GoesOnWhereItWasStopped) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  const int port = listener.Port();
  Task<> server = Spawn(ServeImages(std::move(listener)));
  const std::string directory = detent_testing::TestDirectory();
  co_await WriteList(directory);

  Downloader first(port, directory);
  Task<> running = Spawn(first.Run());
  co_await detent::Sleep(absl::Milliseconds(1 + detent::Choose(20)));
  running.Cancel();
  (void)co_await detent::Settle(running);
  for (const std::string& name : co_await detent::ListDirectory(directory)) {
    if (!name.ends_with(".png")) continue;
    EXPECT_EQ(co_await detent::ReadFile(directory + "/" + name), ImageCalled(name));
  }

  Downloader second(port, directory);
  co_await second.Run();
  for (const char* const name : {"a.png", "b.png", "c.png", "d.png", "e.png"}) {
    EXPECT_EQ(co_await detent::ReadFile(directory + "/" + name), ImageCalled(name));
  }
  server.Cancel();
}

}  // namespace
