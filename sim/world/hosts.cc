// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/hosts.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "detent/runtime/io/address.h"
#include "detent/sim/world/names.h"
#include "detent/sim/world/network.h"

namespace detent::sim {
namespace {

constexpr size_t kNameMax = 63;

bool IsNameCharacter(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; }

void CheckName(std::string_view name) {
  const bool is_short = !name.empty() && name.size() <= kNameMax;
  if (!is_short || !std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    throw std::invalid_argument(absl::StrCat("World::AddHost(): \"", std::string(name),
                                             "\" cannot be a host's name; take 1 to ", kNameMax,
                                             " letters, digits, - and _"));
  }
  if (name == "test" || name == "localhost") {
    throw std::invalid_argument(
        absl::StrCat("World::AddHost(): the name ", std::string(name), " is taken; take another"));
  }
}

}  // namespace

Hosts::Hosts(const Ground& ground, SimOutside& outside, uint32_t down_max)
    : state_(ground, outside), blows_(*this, ground, down_max) {
  ground.core().SetHasHomes(true);
  ground.interruptions->LookFromNowOn();
  Register("test", 0);
}

Hosts::~Hosts() = default;

void Hosts::Register(std::string_view name, uint32_t machine) {
  const std::string& address = state_.network().machine(machine).address();
  dynamic_cast<HostNames&>(state_.outside().names()).SetHost(std::string(name), Address::FromHost(address, 0).value());
}

Host& Hosts::Add(std::string_view name, std::shared_ptr<HostProgram> program, const HostOptions& options) {
  CheckName(name);
  if (by_name_.contains(name)) {
    throw std::invalid_argument(
        absl::StrCat("World::AddHost(): there is a host ", std::string(name), " already; take another name"));
  }
  const uint32_t machine = state_.network().AddMachine();
  Register(name, machine);
  all_.push_back(std::unique_ptr<Host>(new Host(state_, std::string(name), machine, std::move(program), options)));
  Host& host = *all_.back();
  by_name_.emplace(host.name(), &host);
  host.Boot();
  return host;
}

Host& Hosts::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) return *found->second;
  std::string known;
  for (const auto& host : all_) absl::StrAppend(&known, known.empty() ? "" : ", ", host->name());
  throw std::invalid_argument(absl::StrCat("World::host(): no host is called \"", std::string(name), "\"; there ",
                                           all_.size() == 1 ? "is " : "are ", known.empty() ? "none" : known));
}

Host* Hosts::Running() const {
  const internal::Home* home = ground().core().home();
  // A host's threads were made there.
  while (home != nullptr && home->name.empty()) home = home->maker;
  if (home == nullptr) return nullptr;
  const auto found = by_name_.find(home->name);
  return found == by_name_.end() ? nullptr : found->second;
}

uint32_t Hosts::CountDown() const {
  return static_cast<uint32_t>(std::count_if(all_.begin(), all_.end(),
                                             [](const auto& host) { return host->IsTakenDown() || host->IsPaused(); }));
}

void Hosts::ReturnAll() {
  for (const auto& host : all_) {
    if (host->IsTakenDown()) host->Boot();
    host->Resume();
    host->Resume();
  }
}

void Hosts::End() {
  if (state_.has_ended()) return;
  state_.End();
  for (auto host = all_.rbegin(); host != all_.rend(); ++host) (*host)->End();
}

}  // namespace detent::sim
