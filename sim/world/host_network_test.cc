// SPDX-License-Identifier: Apache-2.0
//
// What hosts see of one another, and of one that is gone.
#include <string>
#include <system_error>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::HasSubstr;

constexpr int kPort = 7000;

Coro<> Echo(Connection client) {
  while (true) {
    const std::string line = co_await client.ReadUntil("\n");
    co_await client.Write(line);
  }
}

Coro<> Serve() {
  Server server = co_await StartServer(Echo, "", kPort);
  co_await server.ServeForever();
}

// How a coroutine ends: its value, or the errno.
Coro<std::string> Ask(std::string host) {
  try {
    Connection server = co_await Connect(host, kPort);
    co_await server.Write("hello\n");
    co_return co_await server.ReadUntil("\n");
  } catch (const std::system_error& e) {
    co_return e.what();
  }
}

// A connection to `host` that stands.
Coro<Connection> Stand(std::string host) {
  Connection server = co_await Connect(host, kPort);
  co_await server.Write("hello\n");
  (void)co_await server.ReadUntil("\n");
  co_return std::move(server);
}

Coro<> UntilItServes(std::string host) {
  while (true) {
    try {
      (void)co_await Connect(host, kPort);
      co_return;
    } catch (const std::system_error&) {
    }
    co_await Sleep(absl::Milliseconds(10));
  }
}

SIM_TEST(HostNetworkTest, TwoHostsMayListenAtOnePort) {
  sim::World world;
  std::string local;
  for (const char* name : {"a", "b"}) world.AddHost(name, Serve);
  co_await UntilItServes("a");
  co_await UntilItServes("b");
  Connection a = co_await Stand("a");
  Connection b = co_await Stand("b");
  EXPECT_NE(a.PeerAddress(), b.PeerAddress());
  EXPECT_EQ(co_await Ask("b"), "hello\n");
  EXPECT_THAT(co_await Ask("test"), HasSubstr("Connection refused"));
  EXPECT_THAT(co_await Ask("localhost"), HasSubstr("Connection refused")) << "that is the test itself";
  EXPECT_EQ(co_await world.host("a").Spawn(Ask("localhost")), "hello\n");
  EXPECT_EQ(co_await world.host("a").Spawn(Ask("b")), "hello\n");
}

SIM_TEST(HostNetworkTest, NamesAreThoseOfTheHosts) {
  sim::World world;
  world.AddHost("a", Serve);
  EXPECT_THAT(co_await Ask("b"), HasSubstr("Name or service not known"));
  EXPECT_THAT(co_await Ask("10.9.9.9"), HasSubstr("Network is unreachable"));
  const std::vector<Address> addresses = co_await Resolve("a", kPort);
  EXPECT_EQ(addresses.at(0).ToString(), "10.0.0.2:7000");
}

SIM_TEST(HostNetworkTest, LocalSocketsAndFilesAreTheHostsOwn) {
  sim::World world;
  const auto program = [&]() -> Coro<> {
    Listener listener = co_await ListenUnix("/run/kv.sock");
    co_await MakeDirectory("/data");
    co_await WriteFile("/data/name", EventLoop::Current().Random().Next() != 0 ? "written" : "");
    co_await Sleep(absl::Hours(1));
  };
  for (const char* name : {"a", "b"}) world.AddHost(name, program);
  co_await Sleep(absl::Seconds(1));
  EXPECT_EQ(world.host("a").disk().Read("/data/name"), "written");
  EXPECT_EQ(world.host("b").disk().Read("/data/name"), "written");
  EXPECT_THROW((void)sim::Disk::Current().Read("/data/name"), std::system_error);
}

// What a host has written survives it, and so does what the test puts there.
SIM_TEST(HostNetworkTest, TheDiskSurvivesAKill) {
  sim::World world;
  int boots = 0;
  sim::Host& a = world.AddHost("a", [&]() -> Coro<> {
    File file = co_await OpenFile("/log", {.read = true, .write = true, .create = true});
    boots = static_cast<int>(co_await file.Size()) + 1;
    co_await file.Append("x");
    co_await Sleep(absl::Hours(1));
  });
  for (int boot = 1; boot <= 3; ++boot) {
    co_await Sleep(absl::Seconds(1));
    EXPECT_EQ(boots, boot);
    a.Kill();
    EXPECT_EQ(a.disk().OpenFiles(), 0u);
    a.Boot();
  }
}

SIM_TEST(HostNetworkTest, PeersOfAKilledHostSeeTheEndOfTheStream) {
  sim::World world;
  sim::Host& a = world.AddHost("a", Serve);
  co_await UntilItServes("a");
  Connection peer = co_await Stand("a");
  a.Kill();
  EXPECT_EQ(co_await peer.Read(10), "");
  EXPECT_THAT(co_await Ask("a"), HasSubstr("Connection refused"));
  a.Boot();
  co_await UntilItServes("a");
  EXPECT_EQ(co_await Ask("a"), "hello\n");
}

SIM_TEST(HostNetworkTest, PeersOfAKilledHostAreResetIfBytesWereUnread) {
  sim::World world;
  sim::Host& a = world.AddHost("a", []() -> Coro<> {
    Listener listener = co_await Listen("", kPort);
    Connection client = co_await listener.Accept();
    co_await Sleep(absl::Hours(1));
  });
  co_await Sleep(absl::Seconds(1));
  Connection peer = co_await Connect("a", kPort);
  co_await peer.Write("unread\n");
  co_await Sleep(absl::Seconds(1));
  a.Kill();
  try {
    (void)co_await peer.Read(10);
    ADD_FAILURE() << "it was reset";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code().value(), ECONNRESET);
  }
}

// Nobody answers: who has sent something gives up in the end, who only reads hears nothing.
SIM_TEST(HostNetworkTest, PeersOfAHostWithoutPowerHearNothing, {.schedules = 20}) {
  sim::World world;
  sim::Host& a = world.AddHost("a", Serve);
  co_await UntilItServes("a");
  Connection writer = co_await Stand("a");
  Connection reader = co_await Stand("a");
  a.PowerOff();
  EXPECT_FALSE(a.IsUp());
  Task<std::string> read = Spawn(reader.Read(10));
  const LoopTime start = EventLoop::Current().Time();
  co_await writer.Write("?");
  try {
    (void)co_await writer.Read(10);
    ADD_FAILURE() << "nobody answers";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code().value(), ETIMEDOUT);
  }
  const absl::Duration waited = EventLoop::Current().Time() - start;
  EXPECT_GE(waited, absl::Minutes(15));
  EXPECT_LT(waited, absl::Minutes(16));
  EXPECT_THAT(co_await Ask("a"), HasSubstr("Connection timed out")) << "to connect, two minutes";
  EXPECT_FALSE(read.Done());
  read.Cancel();
}

SIM_TEST(HostNetworkTest, AHostThatHasPowerAgainResetsWhatItDoesNotKnow) {
  sim::World world;
  sim::Host& a = world.AddHost("a", Serve);
  co_await UntilItServes("a");
  Connection early = co_await Stand("a");
  Connection late = co_await Stand("a");
  a.PowerOff();
  co_await early.Write("?");
  Task<std::string> connects = Spawn(Ask("a"));
  co_await Sleep(absl::Seconds(30));
  EXPECT_FALSE(connects.Done());
  a.Boot();
  co_await UntilItServes("a");
  co_await late.Write("?");
  for (Connection* const each : {&early, &late}) {
    try {
      (void)co_await each->Read(10);
      ADD_FAILURE() << "it was reset";
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code().value(), ECONNRESET);
    }
  }
  // It asked while nobody was there, and again.
  const std::string end = co_await connects;
  EXPECT_TRUE(end == "hello\n" || end.find("refused") != std::string::npos) << end;
}

SIM_TEST(HostNetworkTest, APausedHostTakesNoStepsAndThenGoesOn) {
  sim::World world;
  sim::Host& a = world.AddHost("a", Serve);
  co_await UntilItServes("a");
  Connection peer = co_await Stand("a");
  a.Pause();
  co_await peer.Write("first\n");
  co_await peer.Write("second\n");
  Task<std::string> answer = Spawn(peer.ReadUntil("\n"));
  co_await Sleep(absl::Seconds(10));
  EXPECT_FALSE(answer.Done());
  EXPECT_TRUE(a.IsUp());
  a.Resume();
  EXPECT_EQ(co_await answer, "first\n");
  EXPECT_EQ(co_await peer.ReadUntil("\n"), "second\n");
  a.Pause();
  a.Kill();
  a.Boot();
  co_await UntilItServes("a");
}

SIM_TEST(HostNetworkTest, APowerFailureKeepsWhatWasSyncedAndAWipeNothing) {
  sim::World world;
  sim::Host& a = world.AddHost("a", []() -> Coro<> {
    co_await ReplaceFile("/synced", "kept");
    co_await Sleep(absl::Hours(1));
  });
  co_await Sleep(absl::Seconds(1));
  a.PowerOff();
  a.PowerOff();
  EXPECT_EQ(a.disk().Read("/synced"), "kept");
  a.Wipe();
  EXPECT_TRUE(a.disk().Contents().empty());
}

SIM_TEST(HostNetworkTest, ASignalIsTheHostsOwn) {
  sim::World world;
  std::vector<std::string> log;
  const auto program = [&log](std::string name) -> Coro<> {
    Signals signals(SIGHUP);
    while (true) {
      (void)co_await signals.Next();
      log.push_back(name);
    }
  };
  sim::Host& a = world.AddHost("a", [&] { return program("a"); });
  sim::Host& b = world.AddHost("b", [&] { return program("b"); });
  co_await Sleep(absl::Seconds(1));
  a.Raise(SIGHUP);
  co_await Sleep(absl::Seconds(1));
  EXPECT_EQ(log, std::vector<std::string>{"a"});
  a.Raise(SIGTERM);
  EXPECT_FALSE(a.IsUp());
  EXPECT_TRUE(b.IsUp());
}

// The host's code goes on to where it suspends, and is not heard.
SIM_TEST(HostNetworkTest, WhatTheDeadSendIsNotHeard) {
  sim::World world;
  sim::Host* a = nullptr;
  a = &world.AddHost("a", [&]() -> Coro<> {
    Listener listener = co_await Listen("", kPort);
    Connection client = co_await listener.Accept();
    (void)co_await client.ReadUntil("\n");
    a->Kill();
    const auto outcome = co_await Catch(client.Write("from the dead\n"));
    ADD_FAILURE() << "it goes on to where it suspends, and nothing fails";
  });
  co_await Sleep(absl::Seconds(1));
  Connection peer = co_await Connect("a", kPort);
  co_await peer.Write("hello\n");
  EXPECT_EQ(co_await peer.Read(100), "");
}

// A signal that nobody takes kills a host as it does a process, and no other.
SIM_TEST(HostNetworkTest, ASignalThatNobodyTakesEndsOnlyItsHost) {
  sim::World world;
  sim::Host& a = world.AddHost("a", []() -> Coro<> {
    co_await Sleep(absl::Seconds(1));
    RaiseSignal(SIGTERM);
    co_await Sleep(absl::Hours(1));
  });
  sim::Host& b = world.AddHost("b", Serve);
  co_await Sleep(absl::Seconds(2));
  EXPECT_FALSE(a.IsUp());
  EXPECT_TRUE(b.IsUp());
}

SIM_TEST(HostNetworkTest, LoopsOfAHostsThreadsGoWithIt) {
  sim::World world;
  int ticks = 0;
  sim::Host& a = world.AddHost("a", [&]() -> Coro<> {
    co_await OnThreads(2, [&](int) -> Coro<> {
      while (true) {
        ++ticks;
        co_await Sleep(absl::Seconds(1));
      }
    });
  });
  co_await Sleep(absl::Milliseconds(2500));
  const int ticked = ticks;
  EXPECT_GT(ticked, 3);
  a.Kill();
  co_await Sleep(absl::Seconds(10));
  EXPECT_EQ(ticks, ticked);
}

}  // namespace
}  // namespace detent
