// SPDX-License-Identifier: Apache-2.0
//
// What cannot be asked of files, and what is said about it.
#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/io/files.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// With what `call` throws, before anything is awaited.
template <typename Error, typename F>
std::string Refusal(F call) {
  try {
    (void)call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

// With what `awaitable` fails.
template <typename A>
Coro<std::string> FailureOf(A awaitable) {
  try {
    (void)co_await std::move(awaitable);
  } catch (const std::exception& e) {
    co_return e.what();
  }
  co_return "no error";
}

TEST(FileMisuseTest, APathIsANameWithoutAZeroByte) {
  EXPECT_EQ(Refusal<std::invalid_argument>([] { return OpenFile(""); }),
            "OpenFile(): the path is empty; give the name of a file");
  const std::string_view zero("a\0b", 3);
  EXPECT_EQ(Refusal<std::invalid_argument>([&] { return OpenFile(zero); }),
            "OpenFile(): the path contains a zero byte after \"a\"");
  EXPECT_THAT(Refusal<std::invalid_argument>([] { return ReadFile(""); }), StartsWith("ReadFile(): the path is empty"));
  EXPECT_THAT(Refusal<std::invalid_argument>([] { return WriteFile("", ""); }), StartsWith("WriteFile(): the path"));
  EXPECT_THAT(Refusal<std::invalid_argument>([] { return ReplaceFile("", ""); }),
              StartsWith("ReplaceFile(): the path"));
  EXPECT_THAT(Refusal<std::invalid_argument>([] { return MakeDirectory(""); }),
              StartsWith("MakeDirectory(): the path"));
  EXPECT_THAT(Refusal<std::invalid_argument>([] { return RenameFile("a", ""); }), StartsWith("RenameFile(): the path"));
  EXPECT_THAT(Refusal<std::invalid_argument>([] { return RenameFile("", "a"); }), StartsWith("RenameFile(): the path"));
  EXPECT_THAT(Refusal<std::invalid_argument>([] { return RemoveFile(""); }), StartsWith("RemoveFile(): the path"));
  EXPECT_THAT(Refusal<std::invalid_argument>([] { return ListDirectory(""); }),
              StartsWith("ListDirectory(): the path"));
  EXPECT_THAT(Refusal<std::invalid_argument>([] { return StatFile(""); }), StartsWith("StatFile(): the path is empty"));
  EXPECT_THAT(Refusal<std::invalid_argument>([] { return SyncDirectory(""); }),
              StartsWith("SyncDirectory(): the path"));
}

TEST(FileMisuseTest, OptionsThatContradictEachOtherAreRefused) {
  const auto refusal = [](OpenOptions options) {
    return Refusal<std::invalid_argument>([&] { return OpenFile("/a", options); });
  };
  EXPECT_EQ(refusal({.read = false}),
            "OpenFile() on /a: the options ask neither to read nor to write; ask for one of them");
  EXPECT_EQ(refusal({.create = true}), "OpenFile() on /a: the option create needs write");
  EXPECT_EQ(refusal({.truncate = true}), "OpenFile() on /a: the option truncate needs write");
  EXPECT_EQ(refusal({.write = true, .exclusive = true}), "OpenFile() on /a: the option exclusive needs create");
  EXPECT_EQ(refusal({.write = true, .mode = -1}),
            "OpenFile() on /a: the mode is -1; it must be between 0 and 07777 (octal)");
  EXPECT_THAT(refusal({.mode = 010000}), HasSubstr("the mode is 4096"));
  EXPECT_EQ(Refusal<std::invalid_argument>([] { return MakeDirectory("/a", 010000); }),
            "MakeDirectory() on /a: the mode is 4096; it must be between 0 and 07777 (octal)");
}

LOOP_TEST(FileMisuseTest, OffsetsAndSizesAreNotNegative) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  File file = co_await OpenFile(path, {.write = true, .create = true});
  EXPECT_EQ(Refusal<std::invalid_argument>([&] { return file.ReadAt(-1, 1); }),
            "File::ReadAt() on " + path + ": the offset is -1; it must be 0 or more");
  EXPECT_EQ(Refusal<std::invalid_argument>([&] { return file.ReadAt(0, -2); }),
            "File::ReadAt() on " + path + ": the size is -2; it must be 0 or more");
  EXPECT_EQ(Refusal<std::invalid_argument>([&] { return file.WriteAt(-3, "x"); }),
            "File::WriteAt() on " + path + ": the offset is -3; it must be 0 or more");
  EXPECT_EQ(Refusal<std::invalid_argument>([&] { return file.Truncate(-4); }),
            "File::Truncate() on " + path + ": the size is -4; it must be 0 or more");
}

LOOP_TEST(FileMisuseTest, AFileIsUsedAsItWasOpened) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  File writer = co_await OpenFile(path, {.read = false, .write = true, .create = true});
  File reader = co_await OpenFile(path);
  EXPECT_EQ(Refusal<InvalidStateError>([&] { return writer.ReadAt(0, 1); }),
            "File::ReadAt() on " + path + ": it was opened to be written only; open it with {.read = true}");
  const std::string only = path + ": it was opened to be read only; open it with {.write = true}";
  EXPECT_EQ(Refusal<InvalidStateError>([&] { return reader.WriteAt(0, "x"); }), "File::WriteAt() on " + only);
  EXPECT_EQ(Refusal<InvalidStateError>([&] { return reader.Append("x"); }), "File::Append() on " + only);
  EXPECT_EQ(Refusal<InvalidStateError>([&] { return reader.Truncate(0); }), "File::Truncate() on " + only);
  co_await reader.Sync();  // Of what another wrote.
}

LOOP_TEST(FileMisuseTest, EverythingAfterCloseFails) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  File file = co_await OpenFile(path, {.write = true, .create = true});
  co_await file.Close();
  const std::string closed = "() on " + path + ": it was closed before this call";
  EXPECT_EQ(co_await FailureOf(file.ReadAt(0, 1)), "File::ReadAt" + closed);
  EXPECT_EQ(co_await FailureOf(file.WriteAt(0, "x")), "File::WriteAt" + closed);
  EXPECT_EQ(co_await FailureOf(file.Append("x")), "File::Append" + closed);
  EXPECT_EQ(co_await FailureOf(file.Sync()), "File::Sync" + closed);
  EXPECT_EQ(co_await FailureOf(file.SyncData()), "File::SyncData" + closed);
  EXPECT_EQ(co_await FailureOf(file.Truncate(0)), "File::Truncate" + closed);
  EXPECT_EQ(co_await FailureOf(file.Size()), "File::Size" + closed);
  EXPECT_EQ(co_await FailureOf(file.Close()), "File::Close" + closed);
  EXPECT_EQ(file.Path(), path);
}

TEST(FileMisuseTest, AnEmptyFileSaysSo) {
  File file;
  EXPECT_EQ(Refusal<InvalidStateError>([&] { return file.Size(); }),
            "this File is empty (default-constructed or moved from); use one from OpenFile()");
}

TEST(FileMisuseTest, AFileBelongsToItsLoop) {
  EpollLoop first;
  File file;
  first.Run([&]() -> Coro<> { file = co_await OpenFile("/dev/null"); });
  sim::SimLoop second;
  const std::string error = second.Run([&]() -> Coro<std::string> { co_return co_await FailureOf(file.Size()); });
  EXPECT_EQ(error,
            "File::Size() on /dev/null: it belongs to another event loop; use it in the loop in which it was opened");
  file = File();
}

}  // namespace
}  // namespace detent
