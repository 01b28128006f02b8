// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/files.h"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The errno and the text with which `awaitable` fails.
template <typename A>
Coro<std::pair<int, std::string>> ErrorOf(A awaitable) {
  try {
    (void)co_await std::move(awaitable);
  } catch (const std::system_error& e) {
    co_return std::pair<int, std::string>(e.code().value(), e.what());
  }
  co_return std::pair<int, std::string>(0, "no error");
}

LOOP_TEST(FilesTest, NamesComeAndGo) {
  const std::string directory = detent_testing::TestDirectory();
  EXPECT_THAT(co_await ListDirectory(directory), IsEmpty());
  co_await MakeDirectory(directory + "/data");
  co_await WriteFile(directory + "/b", "bytes");
  co_await WriteFile(directory + "/a", "");
  EXPECT_THAT(co_await ListDirectory(directory), ElementsAre("a", "b", "data"));
  co_await RenameFile(directory + "/b", directory + "/data/c");
  co_await RenameFile(directory + "/data", directory + "/moved");
  EXPECT_THAT(co_await ListDirectory(directory), ElementsAre("a", "moved"));
  EXPECT_EQ(co_await ReadFile(directory + "/moved/c"), "bytes");
  co_await SyncDirectory(directory + "/moved");
  co_await RemoveFile(directory + "/moved/c");
  co_await RemoveFile(directory + "/moved");
  co_await RemoveFile(directory + "/a");
  EXPECT_THAT(co_await ListDirectory(directory), IsEmpty());
}

LOOP_TEST(FilesTest, StatTellsSizeModeAndKind) {
  const std::string directory = detent_testing::TestDirectory();
  const absl::Time before = EventLoop::Current().WallTime() - absl::Seconds(5);  // A file system's clock is coarse.
  {
    File file = co_await OpenFile(directory + "/a", {.write = true, .create = true, .mode = 0640});
    co_await file.Append("12345");
  }
  const FileInfo info = co_await StatFile(directory + "/a");
  EXPECT_EQ(info.size, 5);
  EXPECT_FALSE(info.is_directory);
  EXPECT_EQ(info.mode, 0640);
  EXPECT_GE(info.modified, before);
  EXPECT_TRUE((co_await StatFile(directory)).is_directory);
  co_await MakeDirectory(directory + "/private", 0700);
  EXPECT_EQ((co_await StatFile(directory + "/private")).mode, 0700);
}

LOOP_TEST(FilesTest, WriteFileWritesAllOfIt) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  co_await WriteFile(path, std::string(200'000, 'o'));
  const std::string zero("new\0new", 7);
  co_await WriteFile(path, zero);
  EXPECT_EQ(co_await ReadFile(path), zero);
}

LOOP_TEST(FilesTest, ReplaceFileLeavesNothingBesideIt) {
  const std::string directory = detent_testing::TestDirectory();
  co_await ReplaceFile(directory + "/a", "first");
  EXPECT_EQ(co_await ReadFile(directory + "/a"), "first");
  File old = co_await OpenFile(directory + "/a");
  co_await ReplaceFile(directory + "/a", "second");
  EXPECT_EQ(co_await ReadFile(directory + "/a"), "second");
  EXPECT_EQ(co_await old.ReadAt(0, 100), "first");
  EXPECT_THAT(co_await ListDirectory(directory), ElementsAre("a"));
}

LOOP_TEST(FilesTest, OfSeveralReplacementsAtOnceOneIsLeftWhole) {
  const std::string directory = detent_testing::TestDirectory();
  const std::string path = directory + "/a";
  co_await Gather(ReplaceFile(path, std::string(9000, 'x')), ReplaceFile(path, std::string(5000, 'y')));
  const std::string bytes = co_await ReadFile(path);
  EXPECT_TRUE(bytes == std::string(9000, 'x') || bytes == std::string(5000, 'y')) << bytes.size();
  EXPECT_THAT(co_await ListDirectory(directory), ElementsAre("a"));
}

LOOP_TEST(FilesTest, AReplacementThatFailsLeavesNothing) {
  const std::string directory = detent_testing::TestDirectory();
  co_await MakeDirectory(directory + "/a");
  EXPECT_EQ((co_await ErrorOf(ReplaceFile(directory + "/a", "x"))).first, EISDIR);
  co_await Sleep(absl::Milliseconds(20));  // Nobody waits for the temporary file to go.
  while ((co_await ListDirectory(directory)).size() > 1) co_await Sleep(absl::Milliseconds(1));
}

LOOP_TEST(FilesTest, WhatIsNotThereIsNamed) {
  const std::string directory = detent_testing::TestDirectory();
  const std::string none = directory + "/none";
  const std::string end = ": No such file or directory";
  using Error = std::pair<int, std::string>;
  EXPECT_EQ(co_await ErrorOf(OpenFile(none)), Error(ENOENT, "open " + none + end));
  EXPECT_EQ(co_await ErrorOf(ReadFile(none)), Error(ENOENT, "open " + none + end));
  EXPECT_EQ(co_await ErrorOf(StatFile(none)), Error(ENOENT, "look at " + none + end));
  EXPECT_EQ(co_await ErrorOf(ListDirectory(none)), Error(ENOENT, "list " + none + end));
  EXPECT_EQ(co_await ErrorOf(RemoveFile(none)), Error(ENOENT, "remove " + none + end));
  EXPECT_EQ(co_await ErrorOf(RenameFile(none, none + "2")),
            Error(ENOENT, "rename " + none + " to " + none + "2" + end));
  EXPECT_EQ(co_await ErrorOf(SyncDirectory(none)), Error(ENOENT, "sync the directory " + none + end));
  EXPECT_EQ(co_await ErrorOf(MakeDirectory(none + "/a")), Error(ENOENT, "make the directory " + none + "/a" + end));
  EXPECT_EQ(co_await ErrorOf(WriteFile(none + "/a", "")), Error(ENOENT, "open " + none + "/a" + end));
}

LOOP_TEST(FilesTest, FilesAndDirectoriesAreToldApart) {
  const std::string directory = detent_testing::TestDirectory();
  const std::string file = directory + "/file";
  co_await WriteFile(file, "x");
  co_await MakeDirectory(directory + "/full");
  co_await WriteFile(directory + "/full/x", "x");
  EXPECT_EQ(co_await ErrorOf(OpenFile(directory)),
            (std::pair<int, std::string>(EISDIR, "open " + directory + ": Is a directory")));
  EXPECT_EQ((co_await ErrorOf(OpenFile(directory, {.write = true}))).first, EISDIR);
  EXPECT_EQ((co_await ErrorOf(OpenFile(file + "/a"))).first, ENOTDIR);
  EXPECT_EQ((co_await ErrorOf(OpenFile(file + "/"))).first, ENOTDIR);
  EXPECT_EQ((co_await ErrorOf(ListDirectory(file))).first, ENOTDIR);
  EXPECT_EQ((co_await ErrorOf(SyncDirectory(file))).first, ENOTDIR);
  EXPECT_EQ((co_await ErrorOf(MakeDirectory(file))).first, EEXIST);
  EXPECT_EQ((co_await ErrorOf(MakeDirectory(directory + "/full"))).first, EEXIST);
  EXPECT_EQ((co_await ErrorOf(RemoveFile(directory + "/full"))).first, ENOTEMPTY);
  EXPECT_EQ((co_await ErrorOf(RenameFile(file, directory + "/full"))).first, EISDIR);
  EXPECT_EQ((co_await ErrorOf(RenameFile(directory + "/full", file))).first, ENOTDIR);
  EXPECT_EQ((co_await ErrorOf(RenameFile(directory + "/full", directory + "/full/in/itself"))).first, ENOENT);
  EXPECT_EQ((co_await ErrorOf(RenameFile(directory + "/full", directory + "/full/itself"))).first, EINVAL);
  EXPECT_EQ((co_await ErrorOf(WriteFile(directory + "/" + std::string(256, 'n'), ""))).first, ENAMETOOLONG);
  co_await MakeDirectory(directory + "/empty");
  EXPECT_EQ((co_await ErrorOf(RenameFile(directory + "/empty", directory + "/full"))).first, ENOTEMPTY);
  co_await RenameFile(directory + "/full", directory + "/empty");
  EXPECT_EQ(co_await ReadFile(directory + "/empty/x"), "x");
}

LOOP_TEST(FilesTest, WaysThroughADirectoryAreFollowed) {
  const std::string directory = detent_testing::TestDirectory();
  co_await MakeDirectory(directory + "/d");
  co_await WriteFile(directory + "//d/./../d/a", "x");
  EXPECT_EQ(co_await ReadFile(directory + "/d/a"), "x");
  EXPECT_TRUE((co_await StatFile(directory + "/d/..")).is_directory);
  EXPECT_EQ((co_await ErrorOf(StatFile(directory + "/d/a/.."))).first, ENOTDIR);
  co_await RenameFile(directory + "/d/a", directory + "/d/a");
  EXPECT_EQ(co_await ReadFile(directory + "/d/a"), "x");
}

// What has lost its name lives as long as somebody has it open.
LOOP_TEST(FilesTest, ARemovedFileIsThereForWhoHasItOpen) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  co_await WriteFile(path, "old");
  File file = co_await OpenFile(path, {.write = true});
  co_await RemoveFile(path);
  co_await WriteFile(path, "another");
  co_await file.Append("!");
  EXPECT_EQ(co_await file.ReadAt(0, 100), "old!");
  EXPECT_EQ(co_await ReadFile(path), "another");
}

}  // namespace
}  // namespace detent
