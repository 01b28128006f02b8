// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/name_faults.h"

#include <optional>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/io/internal/arguments.h"
#include "detent/runtime/io/internal/names.h"
#include "detent/runtime/io/internal/outside.h"

namespace detent::sim {
namespace {

// Null on a real loop.
NameTable* CurrentTable(const char* what) {
  return dynamic_cast<NameTable*>(&internal::RequireCore(what).owner().outside().names());
}

}  // namespace

void SetNameFaults(NameFaults faults) {
  for (const double probability : {faults.slow, faults.timed_out, faults.not_found, faults.temporary}) {
    if (!(probability >= 0 && probability <= 1)) {
      throw std::invalid_argument("SetNameFaults(): a probability must be between 0 and 1");
    }
  }
  if (NameTable* const table = CurrentTable("SetNameFaults()")) table->SetFaults(faults);
}

void SetAddresses(std::string_view name, const std::vector<std::string>& addresses) {
  const std::string checked = internal::CheckedHost("SetAddresses()", name);
  if (checked.empty() || Address::FromHost(checked, 0).has_value()) {
    throw std::invalid_argument(absl::StrCat("SetAddresses(): \"", checked, "\" is no name"));
  }
  if (addresses.empty()) {
    throw std::invalid_argument("SetAddresses(): there are no addresses; to make look-ups fail use SetNameFaults()");
  }
  std::vector<Address> parsed;
  for (const std::string& text : addresses) {
    std::optional<Address> address = Address::FromHost(text, 0);
    if (!address) throw std::invalid_argument(absl::StrCat("SetAddresses(): \"", text, "\" is no numeric address"));
    parsed.push_back(*std::move(address));
  }
  NameTable* const table = CurrentTable("SetAddresses()");
  if (table == nullptr)
    throw InvalidStateError("SetAddresses(): names of a real loop are the system's; only a simulated loop has a table");
  table->SetAddresses(name, std::move(parsed));
}

}  // namespace detent::sim
